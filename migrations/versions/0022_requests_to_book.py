"""requests to book: listings that take them, the requests themselves, and sums reserved on cards

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

STATES = (
    "started", "asked", "accepting", "accepted", "declined", "lapsed", "withdrawn", "dates_gone", "card_failed",
)  # fmt: skip
SUM_STATES = ("held", "capturing", "captured", "releasing", "released", "gone")


def upgrade() -> None:
    is_off = sa.Column("takes_requests", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("listing", is_off)
    # Not by the library's own way, which would make the table anew on SQLite.
    op.execute(
        "ALTER TABLE listing ADD COLUMN answer_hours INTEGER DEFAULT 48 NOT NULL"
        " CONSTRAINT ck_listing_answer_hours_positive CHECK (answer_hours > 0)"
    )
    _make_requests()
    _make_authorisations()


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM stay_request")).scalar():
        raise RuntimeError("the rows of stay_request cannot be kept in the older schema")
    op.drop_table("authorisation")
    op.drop_table("stay_request")
    op.execute("ALTER TABLE listing DROP COLUMN answer_hours")
    op.execute("ALTER TABLE listing DROP COLUMN takes_requests")


def _make_requests() -> None:
    op.create_table(
        "stay_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("answer_hours", sa.Integer(), nullable=False),
        sa.Column("consent", sa.JSON(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        *_stamps(),
        sa.CheckConstraint(_one_of("state", STATES), name=op.f("ck_stay_request_state")),
        sa.CheckConstraint("answer_hours > 0", name=op.f("ck_stay_request_hours_positive")),
        sa.CheckConstraint(
            "state <> 'asked' OR answer_by IS NOT NULL", name=op.f("ck_stay_request_asked_has_deadline")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_stay_request_booking_id_booking")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_request")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_stay_request_booking_id")),
    )
    op.create_index("ix_stay_request_state_answer_by", "stay_request", ["state", "answer_by"])


def _make_authorisations() -> None:
    unique = ("attempt_id", "payment_intent_id", "capture_key", "release_key")
    op.create_table(
        "authorisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("payment_intent_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("authorised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("capture_key", sa.String(length=255), nullable=False),
        sa.Column("capture_params", sa.JSON(), nullable=True),
        sa.Column("release_key", sa.String(length=255), nullable=False),
        sa.Column("release_params", sa.JSON(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
        sa.CheckConstraint(_one_of("state", SUM_STATES), name=op.f("ck_authorisation_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_authorisation_amount_positive")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_authorisation_booking_id_booking")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_authorisation_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorisation")),
        *(sa.UniqueConstraint(column, name=op.f(f"uq_authorisation_{column}")) for column in unique),
    )
    op.create_index(op.f("ix_authorisation_booking_id"), "authorisation", ["booking_id"])
    op.create_index("ix_authorisation_state", "authorisation", ["state"])


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _stamps() -> tuple[sa.Column[sa.DateTime], sa.Column[sa.DateTime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
