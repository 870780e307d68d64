"""What of a series was moved keeps its time when the pattern's words change"""

import sqlalchemy as sa
from alembic import op

revision = '0043'
down_revision = '0042'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('series') as batch_op:
        batch_op.add_column(sa.Column('moved', sa.JSON(), nullable=False, server_default='{}'))


def downgrade() -> None:
    with op.batch_alter_table('series') as batch_op:
        batch_op.drop_column('moved')
