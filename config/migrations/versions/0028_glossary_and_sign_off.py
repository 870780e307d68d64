"""A glossary, and translations that are signed off"""

import sqlalchemy as sa
from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('glossary_term',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('term', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('wording', sa.String(), nullable=False),
    sa.Column('changed_by', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('term', 'language')
    )
    op.create_table('sign_off_rule',
    sa.Column('language', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('language')
    )


def downgrade() -> None:
    op.drop_table('sign_off_rule')
    op.drop_table('glossary_term')
