"""What pages tell from the audit log is found by its subject"""

import sqlalchemy as sa
from alembic import op

revision = '0039'
down_revision = '0038'
branch_labels = None
depends_on = None

TOLD = (
    "action IN ('backup.make', 'post.cancel', 'post.lapse', 'post.schedule', 'post.submit', 'post.unschedule',"
    " 'post.withdraw')"
)


def upgrade() -> None:
    op.create_index(
        'ix_audit_entry_told',
        'audit_entry',
        ['subject', 'at'],
        unique=False,
        sqlite_where=sa.text(TOLD),
        postgresql_where=sa.text(TOLD),
    )


def downgrade() -> None:
    op.drop_index('ix_audit_entry_told', 'audit_entry')
