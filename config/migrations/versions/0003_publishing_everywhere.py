"""Sign-ins that end, money budgets; categories, slots, blackouts, series; what a look-up found"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('spending',
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('dollars', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.PrimaryKeyConstraint('account_id', 'month', 'what')
    )
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('monthly_budget', sa.Numeric(precision=10, scale=2), nullable=True))

    op.create_table('category',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('late_minutes', sa.Integer(), nullable=True),
    sa.Column('over_blackout', sa.Boolean(), nullable=False),
    sa.Column('steps', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('slot',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('at', sa.Time(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('account_id', 'weekday', 'at', 'time_zone')
    )
    op.create_index('ix_slot_account_id', 'slot', ['account_id'])
    op.create_table('blackout',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('placed_by', sa.Integer(), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['placed_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('series',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('first', sa.DateTime(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['created_by'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('post_id')
    )
    with op.batch_alter_table('post', schema=None) as batch_op:
        batch_op.add_column(sa.Column('series_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('series_time', sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index('ix_post_series_id', ['series_id'])
        batch_op.create_unique_constraint('post_series_id_series_time_key', ['series_id', 'series_time'])
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.add_column(sa.Column('final', sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table('target', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reply_addressed', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('memory', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('found', sa.JSON(), nullable=False, server_default='[]'))
    with op.batch_alter_table('mention', schema=None) as batch_op:
        batch_op.add_column(sa.Column('addressed', sa.Boolean(), nullable=False, server_default=sa.false()))
    asked = sa.text('take_down_asked_at IS NOT NULL')
    op.create_index(
        'ix_target_take_down', 'target', ['state', 'next_try_at'], sqlite_where=asked, postgresql_where=asked
    )
