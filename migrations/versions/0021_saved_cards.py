"""saved cards, what guests agreed to, and what the house asks of them

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = (
    ("property", "keeps_cards", "BOOLEAN DEFAULT false NOT NULL"),
    (
        "property",
        "damage_most_minor",
        "BIGINT DEFAULT 0 NOT NULL CONSTRAINT ck_property_damage_not_negative CHECK (damage_most_minor >= 0)",
    ),
    ("property", "pays_on_page", "BOOLEAN DEFAULT false NOT NULL"),
    ("due", "tries_stopped_at", "TIMESTAMP WITH TIME ZONE"),
)
_OLD = "'mail', 'refund', 'sync_refunds'"
_NEW = f"{_OLD}, 'keep_card', 'detach_card'"
_DEFAULT = sa.text("is_default AND detached_at IS NULL")


def upgrade() -> None:
    _make_consents()
    _make_cards()
    # Not by the library's own way, which would make these tables anew on SQLite.
    for table, column, definition in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {_of_engine(definition)}")
    _set_kinds(_OLD, _NEW)


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM card_consent")).scalar():
        raise RuntimeError("what guests agreed to cannot be kept in the older schema")
    op.execute("DELETE FROM outbox WHERE kind IN ('keep_card', 'detach_card')")
    _set_kinds(_NEW, _OLD)
    for table, column, _ in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.drop_table("saved_card")
    op.drop_table("card_consent")


def _of_engine(definition: str) -> str:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return definition.replace("TIMESTAMP WITH TIME ZONE", "DATETIME").replace("false", "0") if is_sqlite else definition


def _make_consents() -> None:
    op.create_table(
        "card_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("no_show_minor", sa.BigInteger(), nullable=False),
        sa.Column("damage_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        *_stamps(),
        sa.CheckConstraint("no_show_minor >= 0 AND damage_minor >= 0", name=op.f("ck_card_consent_not_negative")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_card_consent_booking_id_booking")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_consent")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_card_consent_booking_id")),
    )


def _make_cards() -> None:
    op.create_table(
        "saved_card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("payment_method_id", sa.String(length=255), nullable=False),
        sa.Column("brand", sa.String(length=30), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("exp_month", sa.Integer(), nullable=False),
        sa.Column("exp_year", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detach_key", sa.String(length=255), nullable=True),
        sa.Column("detached_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_saved_card_booking_id_booking")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_card")),
        sa.UniqueConstraint("payment_method_id", name=op.f("uq_saved_card_payment_method_id")),
        sa.UniqueConstraint("detach_key", name=op.f("uq_saved_card_detach_key")),
    )
    op.create_index("ix_saved_card_booking_id", "saved_card", ["booking_id"])
    op.create_index(
        "uq_saved_card_booking_id_default", "saved_card", ["booking_id"], unique=True,
        sqlite_where=_DEFAULT, postgresql_where=_DEFAULT,
    )  # fmt: skip


def _stamps() -> tuple[sa.Column[sa.DateTime], sa.Column[sa.DateTime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )


def _set_kinds(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite("outbox", f"kind IN ({old})", f"kind IN ({new})")
        return
    op.drop_constraint(op.f("ck_outbox_kind"), "outbox", type_="check")
    op.create_check_constraint(op.f("ck_outbox_kind"), "outbox", f"kind IN ({new})")


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
