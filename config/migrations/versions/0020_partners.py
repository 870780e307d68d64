"""Partners, what was done with them, and what they say"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('partner',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('place_id', sa.Integer(), nullable=True),
    sa.Column('languages', sa.JSON(), nullable=False),
    sa.Column('notes', sa.String(), nullable=False),
    sa.Column('reach', sa.LargeBinary(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('added_by', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['place_id'], ['place.id'], ),
    sa.ForeignKeyConstraint(['added_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('partner_contact',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('how', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], ),
    sa.ForeignKeyConstraint(['by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_partner_contact_partner_id', 'partner_contact', ['partner_id'])
    op.create_table('partner_comment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('content_hash', sa.String(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_partner_comment_post_id', 'partner_comment', ['post_id'])
    with op.batch_alter_table('heard') as batch:
        batch.alter_column('written_by', existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column('partner_id', sa.Integer(), nullable=True))
        batch.create_foreign_key('fk_heard_partner', 'partner', ['partner_id'], ['id'])
        batch.create_index('ix_heard_partner_id', ['partner_id'])


def downgrade() -> None:
    op.execute("DELETE FROM heard WHERE written_by IS NULL")
    with op.batch_alter_table('heard') as batch:
        batch.drop_index('ix_heard_partner_id')
        batch.drop_constraint('fk_heard_partner', type_='foreignkey')
        batch.drop_column('partner_id')
        batch.alter_column('written_by', existing_type=sa.Integer(), nullable=False)
    op.drop_table('partner_comment')
    op.drop_table('partner_contact')
    op.drop_table('partner')
