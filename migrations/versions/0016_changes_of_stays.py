"""changes of dates and guests, and the attempts that their difference is paid in

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OLD = "'dates_unavailable', 'already_cancelled', 'duplicate', 'cancellation', 'goodwill', 'external'"


def upgrade() -> None:
    op.create_table(
        "stay_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("from_arrive", sa.Date(), nullable=False),
        sa.Column("from_leave", sa.Date(), nullable=False),
        sa.Column("from_guests", sa.Integer(), nullable=False),
        sa.Column("from_minor", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("arrive", sa.Date(), nullable=False),
        sa.Column("leave", sa.Date(), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("quote", sa.JSON(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_by", sa.String(length=254), nullable=False),
        sa.Column("form_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("arrive < leave", name=op.f("ck_stay_change_arrive_before_leave")),
        sa.CheckConstraint("guests > 0", name=op.f("ck_stay_change_guests_positive")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_stay_change_amount_positive")),
        sa.CheckConstraint("status IN ('open', 'done', 'lapsed', 'withdrawn')", name=op.f("ck_stay_change_status")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_stay_change_booking_id_booking")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_stay_change_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_change")),
        sa.UniqueConstraint("form_token", name=op.f("uq_stay_change_form_token")),
    )
    op.create_index(op.f("ix_stay_change_booking_id"), "stay_change", ["booking_id"])
    is_open = sa.text("status = 'open'")
    op.create_index(
        "uq_stay_change_booking_id_open", "stay_change", ["booking_id"], unique=True,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    # Not by the library's own way, which would make the table anew on SQLite. Empty: the attempt pays for a booking.
    op.execute(
        "ALTER TABLE attempt ADD COLUMN change_id INTEGER"
        " CONSTRAINT fk_attempt_change_id_stay_change REFERENCES stay_change (id)"
    )
    op.create_index(op.f("ix_attempt_change_id"), "attempt", ["change_id"])
    _set_reasons(_OLD, f"{_OLD}, 'change'")


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM stay_change")).scalar():
        raise RuntimeError("changes of stays cannot be kept in the older schema")
    _set_reasons(f"{_OLD}, 'change'", _OLD)
    op.drop_index(op.f("ix_attempt_change_id"), table_name="attempt")
    if op.get_bind().dialect.name == "sqlite":
        kept = ", change_id INTEGER CONSTRAINT fk_attempt_change_id_stay_change REFERENCES stay_change (id)"
        _rewrite("attempt", kept, ", change_id INTEGER")
    op.execute("ALTER TABLE attempt DROP COLUMN change_id")
    op.drop_table("stay_change")


def _set_reasons(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite("refund", f"reason IN ({old})", f"reason IN ({new})")
        return
    op.drop_constraint(op.f("ck_refund_reason"), "refund", type_="check")
    op.create_check_constraint(op.f("ck_refund_reason"), "refund", f"reason IN ({new})")


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
