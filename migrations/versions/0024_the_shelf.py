"""the shelf: a number that is another one after every change to what is on sale

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    shelf = op.create_table(
        "shelf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_shelf_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf")),
    )
    op.bulk_insert(shelf, [{"id": 1, "version": 1}])


def downgrade() -> None:
    op.drop_table("shelf")
