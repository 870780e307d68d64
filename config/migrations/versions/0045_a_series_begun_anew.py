"""A pattern whose series was ended can begin another one"""

import sqlalchemy as sa
from alembic import op

revision = '0045'
down_revision = '0044'
branch_labels = None
depends_on = None

NAMES = {'uq': '%(table_name)s_%(column_0_N_name)s_key'}  # as PostgreSQL named what 0003 left unnamed
RUNS = sa.text('ended_at IS NULL')


def upgrade() -> None:
    with op.batch_alter_table('series', naming_convention=NAMES) as batch_op:
        batch_op.drop_constraint('series_post_id_key', type_='unique')
    op.create_index(
        'ix_series_running', 'series', ['post_id'], unique=True, sqlite_where=RUNS, postgresql_where=RUNS
    )


def downgrade() -> None:
    op.execute(
        'DELETE FROM series WHERE ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM series AS later'
        ' WHERE later.post_id = series.post_id AND later.id > series.id)'
    )
    op.drop_index('ix_series_running', table_name='series')
    with op.batch_alter_table('series') as batch_op:
        batch_op.create_unique_constraint('series_post_id_key', ['post_id'])
