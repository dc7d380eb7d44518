"""what a stay is like, and the host's words in other languages

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("listing", schema=None) as batch_op:
        batch_op.add_column(sa.Column("beds", sa.String(length=200), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("amenities", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("access_notes", sa.String(length=1000), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("registration", sa.String(length=80), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("translations", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("property", schema=None) as batch_op:
        batch_op.add_column(sa.Column("directions", sa.String(length=2000), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("translations", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    for column in ("translations", "directions"):
        op.drop_column("property", column)
    for column in ("translations", "registration", "access_notes", "amenities", "beds"):
        op.drop_column("listing", column)
