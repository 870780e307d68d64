"""Posts are found by the concern and by the mention that they answer"""

from alembic import op

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_post_concern', 'post', ['concern', 'id'], unique=False)
    op.create_index('ix_post_reply_to_mention_id', 'post', ['reply_to_mention_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_post_reply_to_mention_id', 'post')
    op.drop_index('ix_post_concern', 'post')
