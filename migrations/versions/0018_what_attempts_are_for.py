"""what attempts are for and where they are paid, what guests still owe, and whom Stripe knows

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = (
    ("booking", "customer_id", "INTEGER CONSTRAINT fk_booking_customer_id_customer REFERENCES customer (id)"),
    (
        "attempt",
        "purpose",
        "VARCHAR(32) DEFAULT 'booking' NOT NULL CONSTRAINT ck_attempt_purpose CHECK (purpose IN"
        " ('booking', 'deposit', 'guarantee', 'request', 'difference', 'balance', 'charge'))",
    ),
    (
        "attempt",
        "channel",
        "VARCHAR(32) DEFAULT 'checkout' NOT NULL CONSTRAINT ck_attempt_channel CHECK (channel IN"
        " ('checkout', 'off_session', 'on_page'))",
    ),
    (
        "attempt",
        "due_id",
        "INTEGER CONSTRAINT fk_attempt_due_id_due REFERENCES due (id)"
        " CONSTRAINT ck_attempt_one_subject CHECK (change_id IS NULL OR due_id IS NULL)",
    ),
)
LIVE = sa.text("status IN ('creating', 'open', 'processing')")
LIVE_FIRST = sa.text("status IN ('creating', 'open', 'processing') AND change_id IS NULL AND due_id IS NULL")


def upgrade() -> None:
    _make_customers()
    _make_dues()
    # Not by the library's own way, which would make these tables anew on SQLite.
    for table, column, definition in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")
    op.create_index(op.f("ix_booking_customer_id"), "booking", ["customer_id"])
    op.create_index(op.f("ix_attempt_due_id"), "attempt", ["due_id"])
    op.execute("UPDATE attempt SET purpose = 'difference' WHERE change_id IS NOT NULL")
    op.drop_index("uq_attempt_booking_id_live", table_name="attempt")
    _index_live("uq_attempt_booking_id_live", "booking_id", LIVE_FIRST)
    _index_live("uq_attempt_change_id_live", "change_id", LIVE)
    _index_live("uq_attempt_due_id_live", "due_id", LIVE)


def downgrade() -> None:
    for table in ("due", "customer"):
        if op.get_bind().execute(sa.text(f"SELECT count(*) FROM {table}")).scalar():
            raise RuntimeError(f"the rows of {table} cannot be kept in the older schema")
    for name in ("uq_attempt_due_id_live", "uq_attempt_change_id_live", "uq_attempt_booking_id_live"):
        op.drop_index(name, table_name="attempt")
    _index_live("uq_attempt_booking_id_live", "booking_id", LIVE)
    op.drop_index(op.f("ix_attempt_due_id"), table_name="attempt")
    op.drop_index(op.f("ix_booking_customer_id"), table_name="booking")
    for table, column, definition in reversed(COLUMNS):
        if "REFERENCES" in definition and op.get_bind().dialect.name == "sqlite":
            _rewrite(table, f", {column} {definition}", f", {column} INTEGER")
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.drop_table("due")
    op.drop_table("customer")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _index_live(name: str, column: str, where: sa.TextClause) -> None:
    op.create_index(name, "attempt", [column], unique=True, sqlite_where=where, postgresql_where=where)


def _make_customers() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        *(
            sa.UniqueConstraint(column, name=op.f(f"uq_customer_{column}"))
            for column in ("email", "token", "idempotency_key", "stripe_customer_id")
        ),
    )


def _make_dues() -> None:
    op.create_table(
        "due",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("requested_by", sa.String(length=254), nullable=False),
        sa.Column("form_token", sa.String(length=64), nullable=True),
        *_stamps(),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_due_amount_positive")),
        sa.CheckConstraint(_one_of("kind", ("balance", "no_show_fee", "damage")), name=op.f("ck_due_kind")),
        sa.CheckConstraint(_one_of("status", ("open", "paid", "waived")), name=op.f("ck_due_status")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_due_booking_id_booking")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due")),
        sa.UniqueConstraint("form_token", name=op.f("uq_due_form_token")),
    )
    op.create_index(op.f("ix_due_booking_id"), "due", ["booking_id"])
    op.create_index("ix_due_status_due_on", "due", ["status", "due_on"])


def _stamps() -> tuple[sa.Column[sa.DateTime], sa.Column[sa.DateTime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )


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
