"""Partners that get the week's counts"""

import sqlalchemy as sa
from alembic import op

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('partner') as batch_op:
        batch_op.add_column(sa.Column('digest_since', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('digest_consent', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    with op.batch_alter_table('partner') as batch_op:
        batch_op.drop_column('digest_consent')
        batch_op.drop_column('digest_since')
