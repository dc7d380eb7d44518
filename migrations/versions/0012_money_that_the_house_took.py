"""money that the house took itself

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LOOSE = {"payment_intent_id": "VARCHAR(255)", "attempt_id": "INTEGER"}


def upgrade() -> None:
    for name, kind in _LOOSE.items():
        _set_nullable(name, kind, nullable=True)
    # The default is for the rows that are there, and for a version from before that may still be running.
    op.execute(
        "ALTER TABLE payment ADD COLUMN method VARCHAR(32) DEFAULT 'stripe' NOT NULL"
        " CONSTRAINT ck_payment_method CHECK (method IN ('stripe', 'cash', 'bank_transfer', 'card_terminal'))"
        " CONSTRAINT ck_payment_stripe_has_intent CHECK ((method = 'stripe') = (payment_intent_id IS NOT NULL))"
    )


def downgrade() -> None:
    # What the house took has no place in the older table, and its bookings must not look unpaid: better to stop.
    if op.get_bind().execute(sa.text("SELECT count(*) FROM payment WHERE method <> 'stripe'")).scalar():
        raise RuntimeError("payments that the house took itself cannot be kept in the older schema")
    if op.get_bind().dialect.name == "sqlite":
        _rewrite(
            ", method VARCHAR(32) DEFAULT 'stripe' NOT NULL"
            " CONSTRAINT ck_payment_method CHECK (method IN ('stripe', 'cash', 'bank_transfer', 'card_terminal'))"
            " CONSTRAINT ck_payment_stripe_has_intent CHECK ((method = 'stripe') = (payment_intent_id IS NOT NULL))",
            ", method VARCHAR(32) DEFAULT 'stripe' NOT NULL",
        )
    op.execute("ALTER TABLE payment DROP COLUMN method")
    for name, kind in _LOOSE.items():
        _set_nullable(name, kind, nullable=False)


def _set_nullable(name: str, kind: str, *, nullable: bool) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE payment ALTER COLUMN {name} {'DROP' if nullable else 'SET'} NOT NULL")
    else:
        strict, loose = f"{name} {kind} NOT NULL", f"{name} {kind}"
        _rewrite(*((strict, loose) if nullable else (loose, strict)))


def _rewrite(old: str, new: str) -> None:
    """Change what SQLite keeps as the definition of the table, which changes nothing that lies on the disk.

    https://www.sqlite.org/lang_altertable.html#otheralter has this way for constraints. The other one, a new table and
    the old one dropped, stumbles over the refunds and disputes that point at it.
    """
    connection = op.get_bind()
    told = connection.execute(sa.text("SELECT sql FROM sqlite_schema WHERE name = 'payment'")).scalar_one()
    if old not in told:
        raise RuntimeError(f"the table of payments is not defined as it should be: {old}")
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    change = sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = 'payment'")
    connection.execute(change, {"sql": told.replace(old, new, 1)})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
