"""Sums over author-days that are kept, and how often a day changed"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('day_change',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('changes', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('day')
    )
    op.create_table('kept_sum',
    sa.Column('concern', sa.String(), nullable=False),
    sa.Column('last', sa.Date(), nullable=False),
    sa.Column('first', sa.Date(), nullable=False),
    sa.Column('by_week', sa.Boolean(), nullable=False),
    sa.Column('changes', sa.Integer(), nullable=False),
    sa.Column('authors', sa.Integer(), nullable=False),
    sa.Column('weights', sa.Float(), nullable=False),
    sa.Column('squares', sa.Float(), nullable=False),
    sa.Column('posts', sa.Integer(), nullable=False),
    sa.Column('mistrust', sa.Float(), nullable=False),
    sa.Column('trust', sa.Float(), nullable=False),
    sa.Column('negative', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('concern', 'last', 'first', 'by_week')
    )
