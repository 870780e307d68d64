"""How far hindsight is"""

import sqlalchemy as sa
from alembic import op

revision = '0037'
down_revision = '0036'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('hindsight') as batch_op:
        batch_op.add_column(sa.Column('done', sa.Float(), nullable=False, server_default='0'))


def downgrade() -> None:
    with op.batch_alter_table('hindsight') as batch_op:
        batch_op.drop_column('done')
