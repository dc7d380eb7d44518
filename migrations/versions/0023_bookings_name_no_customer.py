"""bookings name no customer: only accounts do, and cards are kept with a session's own

Revision ID: 0023
Revises: 0022

The column came with 0018 and nothing ever wrote to it. Older versions than that never heard of it and may run beside
this one; those between read it with each booking, and have to end before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMN = "customer_id INTEGER CONSTRAINT fk_booking_customer_id_customer REFERENCES customer (id)"


def upgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM booking WHERE customer_id IS NOT NULL")).scalar():
        raise RuntimeError("bookings name customers, which no version of the shop has written")
    op.drop_index(op.f("ix_booking_customer_id"), table_name="booking")
    # Not by the library's own way, which would make the table anew on SQLite.
    if op.get_bind().dialect.name == "sqlite":
        _rewrite("booking", f", {COLUMN}", ", customer_id INTEGER")
    op.execute("ALTER TABLE booking DROP COLUMN customer_id")


def downgrade() -> None:
    op.execute(f"ALTER TABLE booking ADD COLUMN {COLUMN}")
    op.create_index(op.f("ix_booking_customer_id"), "booking", ["customer_id"])


def _rewrite(table: str, old: str, new: str) -> None:
    """Change what SQLite keeps as the definition of a table, which changes nothing that lies on the disk.

    https://www.sqlite.org/lang_altertable.html#otheralter has this way for constraints.
    """
    connection = op.get_bind()
    wanted = {"table": table}
    told = connection.execute(sa.text("SELECT sql FROM sqlite_schema WHERE name = :table"), wanted).scalar_one()
    if old not in told:
        raise RuntimeError(f"the table {table} is not defined as it should be: {old}")
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    change = sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :table")
    connection.execute(change, {"sql": told.replace(old, new, 1), **wanted})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
