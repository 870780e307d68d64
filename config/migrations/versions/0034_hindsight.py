"""What each sensitivity would have alerted last month; the newest copies are found by their time"""

import sqlalchemy as sa
from alembic import op

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('hindsight',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first', sa.Date(), nullable=True),
    sa.Column('last', sa.Date(), nullable=True),
    sa.Column('raised', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['asked_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(
        'ix_mention_copied',
        'mention',
        ['posted_at'],
        sqlite_where=sa.text('copy_of IS NOT NULL'),
        postgresql_where=sa.text('copy_of IS NOT NULL'),
    )


def downgrade() -> None:
    op.drop_index('ix_mention_copied', 'mention')
    op.drop_table('hindsight')
