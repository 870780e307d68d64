"""SQLite gives the number of the newest mention to no other once that is gone"""

import sqlalchemy as sa
from alembic import op

revision = '0042'
down_revision = '0041'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'mention_number',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('last', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.execute(
        'INSERT INTO mention_number (id, last) SELECT 1, max(number) FROM ('
        'SELECT max(id) AS number FROM mention'
        ' UNION ALL SELECT max(reply_to_mention_id) FROM post'
        ' UNION ALL SELECT max(mention_id) FROM story'
        ') AS known HAVING max(number) IS NOT NULL'
    )


def downgrade() -> None:
    op.drop_table('mention_number')
