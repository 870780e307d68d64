"""Tags and saved views in the inbox; snippets, translations and asked approvers of posts; kept replies of the API"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mention_tag',
    sa.Column('mention_id', sa.Integer(), nullable=False),
    sa.Column('tag', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['mention_id'], ['mention.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mention_id', 'tag')
    )
    op.create_index('ix_mention_tag_tag', 'mention_tag', ['tag'])
    op.create_table('saved_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('query', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('person_id', 'name')
    )
    op.create_index('ix_saved_view_person_id', 'saved_view', ['person_id'])
    op.create_table('snippet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('category', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('changed_by', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('kept_reply',
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('request_hash', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('key_hash')
    )
    op.create_index('ix_kept_reply_at', 'kept_reply', ['at'])
    with op.batch_alter_table('post', schema=None) as batch_op:
        batch_op.add_column(sa.Column('translation_of', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('asked', sa.JSON(), server_default='[]', nullable=False))
    op.create_index('ix_post_translation_of', 'post', ['translation_of'])


def downgrade() -> None:
    op.drop_index('ix_post_translation_of', 'post')
    with op.batch_alter_table('post', schema=None) as batch_op:
        batch_op.drop_column('asked')
        batch_op.drop_column('translation_of')
    for table in ('kept_reply', 'snippet', 'saved_view', 'mention_tag'):
        op.drop_table(table)
