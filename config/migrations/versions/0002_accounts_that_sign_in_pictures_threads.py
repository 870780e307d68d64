"""Accounts that sign in, pictures, threads"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pending_sign_in',
    sa.Column('state', sa.LargeBinary(), nullable=False),
    sa.Column('network', sa.String(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('sealed_kept', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('state')
    )
    op.create_table('post_picture',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('alt', sa.String(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('mime', sa.String(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('taken_out', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('post_picture', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_post_picture_post_id'), ['post_id'], unique=False)

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('remote_id', sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('settings', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('sealed_session', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('state_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('last_ok_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('rate_limit', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('rate_remaining', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('rate_resets_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('renewals_failed', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('renewals_failing_since', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('mention', schema=None) as batch_op:
        batch_op.add_column(sa.Column('check_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index('ix_mention_check', ['check_at'], unique=False)

    with op.batch_alter_table('practice_post', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pictures', sa.JSON(), nullable=False, server_default='[]'))

    names = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}  # as PostgreSQL named what 0001 left unnamed
    with op.batch_alter_table('target', schema=None, naming_convention=names) as batch_op:
        batch_op.drop_constraint('target_post_id_account_id_key', type_='unique')
        batch_op.add_column(sa.Column('part', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('options', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('take_down_asked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_unique_constraint('target_post_id_account_id_part_key', ['post_id', 'account_id', 'part'])

    with op.batch_alter_table('variant', schema=None) as batch_op:
        batch_op.add_column(sa.Column('options', sa.JSON(), nullable=False, server_default='{}'))

