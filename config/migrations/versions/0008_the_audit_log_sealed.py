"""The audit log is only added to, and sealed"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

KEPT = ('audit_entry', 'audit_seal')


def upgrade() -> None:
    op.create_table('audit_seal',
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('entry_id', sa.Integer(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('mark', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['audit_entry.id'], ),
    sa.PrimaryKeyConstraint('position'),
    sa.UniqueConstraint('entry_id')
    )
    if op.get_bind().dialect.name == 'sqlite':
        for table in KEPT:
            for what in ('UPDATE', 'DELETE'):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION only_added_to()"
        )
