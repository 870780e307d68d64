"""Pictures that are a part of another"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('post_picture') as batch_op:
        batch_op.add_column(sa.Column('cropped_from_id', sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('post_picture') as batch_op:
        batch_op.drop_column('cropped_from_id')
