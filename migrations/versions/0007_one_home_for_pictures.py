"""the pictures of a listing are its photos alone

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew, and cannot drop the old one while units point to it.
    op.drop_column("listing", "image_alt")
    op.drop_column("listing", "image")


def downgrade() -> None:
    # What the columns held is not known any more: nothing, then, which is a listing without a picture.
    for name in ("image", "image_alt"):
        op.add_column("listing", sa.Column(name, sa.String(length=200), nullable=False, server_default=sa.text("''")))
