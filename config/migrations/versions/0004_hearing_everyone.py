"""Places in places, threads, copies, bots, edits; a source's hours, gaps and position"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('source_hour',
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read', sa.Integer(), nullable=False),
    sa.Column('new', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['source.id'], ),
    sa.PrimaryKeyConstraint('source_id', 'hour')
    )
    op.create_table('source_gap',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('caught_up', sa.Integer(), nullable=False),
    sa.Column('lost', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['source.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_source_gap_source_id', 'source_gap', ['source_id'])
    with op.batch_alter_table('source', schema=None) as batch_op:
        batch_op.add_column(sa.Column('position_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('streamed', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('trouble', sa.String(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('trouble_since', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('place', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.String(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('within_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key('fk_place_within', 'place', ['within_id'], ['id'])
    with op.batch_alter_table('mention', schema=None) as batch_op:
        batch_op.add_column(sa.Column('place_sure', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('thread', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('repost', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('copy_of', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('automatic', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('edited_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key('fk_mention_copy_of', 'mention', ['copy_of'], ['id'], ondelete='SET NULL')
        batch_op.create_index('ix_mention_thread', ['thread'])
        batch_op.create_index('ix_mention_copy_of', ['copy_of'])
    op.create_table('copy_band',
    sa.Column('mention_id', sa.Integer(), nullable=False),
    sa.Column('band', sa.BigInteger(), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['mention_id'], ['mention.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mention_id', 'band')
    )
    op.create_index('ix_copy_band_band', 'copy_band', ['band'])
    op.create_index('ix_copy_band_posted_at', 'copy_band', ['posted_at'])
