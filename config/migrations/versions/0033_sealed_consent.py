"""How a partner agreed to the week's counts is sealed

What was written down in the open before cannot be sealed here, where no key is: it goes, and with it the mail that
it allowed, until the partner is asked again. No released version wrote it so."""

import sqlalchemy as sa
from alembic import op

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("UPDATE partner SET digest_since = NULL"))
    with op.batch_alter_table('partner') as batch_op:
        batch_op.drop_column('digest_consent')
    with op.batch_alter_table('partner') as batch_op:
        batch_op.add_column(sa.Column('digest_consent', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.execute(sa.text("UPDATE partner SET digest_since = NULL"))
    with op.batch_alter_table('partner') as batch_op:
        batch_op.drop_column('digest_consent')
    with op.batch_alter_table('partner') as batch_op:
        batch_op.add_column(sa.Column('digest_consent', sa.String(), nullable=False, server_default=''))
