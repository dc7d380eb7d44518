"""payments keep whether the bank had the guest confirm them (3-D Secure)

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

VALUES = ("no_card", "none", "challenge", "frictionless", "other")


def upgrade() -> None:
    listed = ", ".join(f"'{value}'" for value in VALUES)
    # Not by the library's own way, which would make the table anew on SQLite.
    op.execute(
        "ALTER TABLE payment ADD COLUMN authentication VARCHAR(32)"
        f" CONSTRAINT ck_payment_authentication CHECK (authentication IN ({listed}))"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE payment DROP COLUMN authentication")
