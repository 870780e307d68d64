"""What a page of ours shows of a post, and what its kind lets it do, are approved with its words.

Posts that are there stay without either, so that their hashes and approvals hold."""

import sqlalchemy as sa
from alembic import op

revision = '0040'
down_revision = '0039'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('post', sa.Column('shows', sa.JSON(), nullable=True))
    op.add_column('post', sa.Column('leave', sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('post') as batch:
        batch.drop_column('leave')
        batch.drop_column('shows')
