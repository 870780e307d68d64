"""Sensitivity, mutes, what was held back, severity"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('alert_tuning',
    sa.Column('concern', sa.String(), nullable=False),
    sa.Column('sensitivity', sa.String(), nullable=False, server_default=''),
    sa.Column('muted_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('concern')
    )
    op.create_table('held_back',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('concern', sa.String(), nullable=False),
    sa.Column('place_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('authors', sa.Integer(), nullable=False),
    sa.Column('expected', sa.Float(), nullable=False),
    sa.Column('p_value', sa.Float(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['place_id'], ['place.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_held_back_at', 'held_back', ['at'])
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.add_column(sa.Column('severity', sa.String(), server_default='normal', nullable=False))
