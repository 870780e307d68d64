"""When a mention that raises a concern was posted, and where concerns were raised, kept"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('mention_concern', schema=None) as batch_op:
        batch_op.add_column(sa.Column('posted_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_index('ix_mention_concern_concern')
    op.execute(
        'UPDATE mention_concern SET posted_at ='
        ' (SELECT posted_at FROM mention WHERE mention.id = mention_concern.mention_id)'
    )
    with op.batch_alter_table('mention_concern', schema=None) as batch_op:
        batch_op.alter_column('posted_at', existing_type=sa.DateTime(timezone=True), nullable=False)
    op.create_index('ix_mention_concern_newest', 'mention_concern', ['concern', 'posted_at'])
    op.create_table('kept_places',
    sa.Column('concern', sa.String(), nullable=False),
    sa.Column('last', sa.Date(), nullable=False),
    sa.Column('first', sa.Date(), nullable=False),
    sa.Column('changes', sa.Integer(), nullable=False),
    sa.Column('authors', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('concern', 'last', 'first')
    )
