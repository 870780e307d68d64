"""Mentions that are left out whole are found by their time"""

import sqlalchemy as sa
from alembic import op

revision = '0041'
down_revision = '0040'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        'ix_mention_hidden',
        'mention',
        ['posted_at'],
        unique=False,
        sqlite_where=sa.text('shown IS 0'),
        postgresql_where=sa.text('shown IS false'),
    )


def downgrade() -> None:
    op.drop_index('ix_mention_hidden', 'mention')
