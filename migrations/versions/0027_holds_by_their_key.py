"""holds by their key: an index for the question whether a guest has this very stay already

Revision ID: 0027
Revises: 0026

Each hold asks it, and read all confirmed bookings for it.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_booking_hold_key"), "booking", ["hold_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_booking_hold_key"), table_name="booking")
