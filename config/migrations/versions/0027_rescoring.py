"""Mentions read anew by another model"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('rescoring',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('begun_by', sa.Integer(), nullable=True),
    sa.Column('mentions', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['begun_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('rescoring_part',
    sa.Column('rescoring_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('below', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['rescoring_id'], ['rescoring.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('rescoring_id', 'part')
    )


def downgrade() -> None:
    op.drop_table('rescoring_part')
    op.drop_table('rescoring')
