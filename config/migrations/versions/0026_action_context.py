"""Words that led to an action, kept with it"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('action_context',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=False),
    sa.Column('mention_id', sa.Integer(), nullable=True),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['mention_id'], ['mention.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_action_context_action_id', 'action_context', ['action_id'])
    op.create_index('ix_action_context_kept_at', 'action_context', ['kept_at'])
    op.create_index('ix_action_context_mention_id', 'action_context', ['mention_id'])


def downgrade() -> None:
    op.drop_table('action_context')
