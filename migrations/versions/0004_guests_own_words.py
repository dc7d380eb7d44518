"""the language of a booking, what its guest may change, and what is erased

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("booking", schema=None) as batch_op:
        # With defaults: for the rows that are there, and for a version from before that may still be running.
        batch_op.add_column(sa.Column("arrival_time", sa.String(length=5), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("language", sa.String(length=5), nullable=False, server_default="en"))
        batch_op.add_column(sa.Column("calendar_sequence", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("erase_asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE booking SET calendar_sequence = 1 WHERE status = 'cancelled'")
    with op.batch_alter_table("access_link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # One by one: the way by a copied table, which SQLite once needed, stumbles over rows that point at the old one.
    op.drop_column("access_link", "revoked_at")
    for column in ("erased_at", "erase_asked_at", "calendar_sequence", "language", "arrival_time"):
        op.drop_column("booking", column)
