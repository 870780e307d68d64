"""Mentions are found by place, and by their time where they copy nothing; what went out by its time"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None
COPIES = sa.text('copy_of IS NOT NULL')


def upgrade() -> None:
    op.create_index('ix_mention_place', 'mention', ['place_id', 'posted_at'])
    op.create_index('ix_target_published', 'target', ['published_at'])
    op.drop_index('ix_mention_copy_of', 'mention')
    op.create_index('ix_mention_copy_of', 'mention', ['copy_of'], sqlite_where=COPIES, postgresql_where=COPIES)


def downgrade() -> None:
    op.drop_index('ix_mention_copy_of', 'mention')
    op.create_index('ix_mention_copy_of', 'mention', ['copy_of'])
    op.drop_index('ix_target_published', 'target')
    op.drop_index('ix_mention_place', 'mention')
