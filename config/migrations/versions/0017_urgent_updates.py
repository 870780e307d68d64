"""Urgent safety updates, and posts that answer posts of ours"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('post', sa.Column('urgent', sa.String(), nullable=True))
    op.add_column('post', sa.Column('follows_id', sa.Integer(), nullable=True))
    op.create_index('ix_post_follows_id', 'post', ['follows_id'])
    op.add_column('target', sa.Column('follows_id', sa.Integer(), nullable=True))
    op.add_column('target', sa.Column('over_hold_id', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('target', 'over_hold_id')
    op.drop_column('target', 'follows_id')
    op.drop_index('ix_post_follows_id', 'post')
    op.drop_column('post', 'follows_id')
    op.drop_column('post', 'urgent')
