"""the guest club: plans, where they stand in Stripe's catalogue, accounts and memberships

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = (
    "portal_visit", "membership", "joining", "guest_session", "catalog_errand", "catalog_entry", "guest_link",
    "guest_account", "club_plan",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "club_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lookup_key", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("interval", sa.String(length=32), nullable=False),
        sa.CheckConstraint("interval IN ('month', 'year')", name=op.f("ck_club_plan_interval")),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("off_share", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "currency = lower(currency) AND length(currency) = 3", name=op.f("ck_club_plan_currency_code")
        ),
        sa.CheckConstraint("off_share BETWEEN 1 AND 9999", name=op.f("ck_club_plan_off_share")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_club_plan_price_positive")),
        sa.CheckConstraint("trial_days BETWEEN 0 AND 90", name=op.f("ck_club_plan_trial_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_club_plan")),
        sa.UniqueConstraint("lookup_key", name=op.f("uq_club_plan_lookup_key")),
    )
    op.create_table(
        "guest_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        sa.Column("erase_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_account")),
        sa.UniqueConstraint("email", name=op.f("uq_guest_account_email")),
        sa.UniqueConstraint("stripe_customer_id", name=op.f("uq_guest_account_stripe_customer_id")),
    )
    op.create_table(
        "guest_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_guest_link_token_hash")),
    )
    op.create_index("ix_guest_link_expires_at", "guest_link", ["expires_at"], unique=False)
    op.create_table(
        "catalog_entry",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("product_name", sa.String(length=80), nullable=False),
        sa.Column("is_on_sale", sa.Boolean(), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["club_plan.id"], name=op.f("fk_catalog_entry_plan_id_club_plan")),
        sa.PrimaryKeyConstraint("plan_id", "livemode", name=op.f("pk_catalog_entry")),
        sa.UniqueConstraint("price_id", name=op.f("uq_catalog_entry_price_id")),
        sa.UniqueConstraint("product_id", name=op.f("uq_catalog_entry_product_id")),
    )
    op.create_table(
        "catalog_errand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "act IN ('make_product', 'change_product', 'make_price', 'retire_price')",
            name=op.f("ck_catalog_errand_act"),
        ),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_id", sa.String(length=255), nullable=True),
        sa.Column("refused", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["club_plan.id"], name=op.f("fk_catalog_errand_plan_id_club_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_errand")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_catalog_errand_idempotency_key")),
    )
    op.create_index(op.f("ix_catalog_errand_plan_id"), "catalog_errand", ["plan_id"], unique=False)
    op.create_index(
        "uq_catalog_errand_open",
        "catalog_errand",
        ["plan_id", "livemode", "act", "target"],
        unique=True,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "guest_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["guest_account.id"], name=op.f("fk_guest_session_account_id_guest_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_guest_session_token_hash")),
    )
    op.create_index(op.f("ix_guest_session_account_id"), "guest_session", ["account_id"], unique=False)
    op.create_table(
        "joining",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.CheckConstraint("status IN ('creating', 'open', 'done', 'expired')", name=op.f("ck_joining_status")),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("consent", sa.String(length=1000), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["guest_account.id"], name=op.f("fk_joining_account_id_guest_account")),
        sa.ForeignKeyConstraint(["plan_id"], ["club_plan.id"], name=op.f("fk_joining_plan_id_club_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_joining_idempotency_key")),
        sa.UniqueConstraint("session_id", name=op.f("uq_joining_session_id")),
        sa.UniqueConstraint("token", name=op.f("uq_joining_token")),
    )
    op.create_index(op.f("ix_joining_account_id"), "joining", ["account_id"], unique=False)
    op.create_index(op.f("ix_joining_plan_id"), "joining", ["plan_id"], unique=False)
    op.create_index(
        "uq_joining_account_id_live",
        "joining",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('creating', 'open')"),
        postgresql_where=sa.text("status IN ('creating', 'open')"),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.String(length=255), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status IN ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused')",
            name=op.f("ck_membership_status"),
        ),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("off_share", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancels_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("off_share BETWEEN 1 AND 9999", name=op.f("ck_membership_off_share")),
        sa.CheckConstraint("period_start < period_end", name=op.f("ck_membership_period")),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_membership_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["guest_account.id"], name=op.f("fk_membership_account_id_guest_account")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["club_plan.id"], name=op.f("fk_membership_plan_id_club_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_membership_subscription_id")),
    )
    op.create_index(op.f("ix_membership_account_id"), "membership", ["account_id"], unique=False)
    op.create_index(op.f("ix_membership_plan_id"), "membership", ["plan_id"], unique=False)
    op.create_table(
        "portal_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["guest_account.id"], name=op.f("fk_portal_visit_account_id_guest_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_visit")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_portal_visit_idempotency_key")),
    )
    op.create_index(op.f("ix_portal_visit_account_id"), "portal_visit", ["account_id"], unique=False)
    # Not by the library's own way, which would make the tables anew on SQLite.
    op.execute(
        "ALTER TABLE booking ADD COLUMN membership_id INTEGER"
        " CONSTRAINT fk_booking_membership_id_membership REFERENCES membership (id)"
    )
    op.create_index(op.f("ix_booking_membership_id"), "booking", ["membership_id"])
    op.add_column("booking", sa.Column("member_off", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("property", sa.Column("in_club", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM membership")).scalar():
        raise RuntimeError("memberships cannot be kept in the older schema")
    op.execute("ALTER TABLE property DROP COLUMN in_club")
    op.execute("ALTER TABLE booking DROP COLUMN member_off")
    op.drop_index(op.f("ix_booking_membership_id"), table_name="booking")
    if op.get_bind().dialect.name == "sqlite":
        kept = ", membership_id INTEGER CONSTRAINT fk_booking_membership_id_membership REFERENCES membership (id)"
        _rewrite("booking", kept, ", membership_id INTEGER")
    op.execute("ALTER TABLE booking DROP COLUMN membership_id")
    for table in _TABLES:
        op.drop_table(table)


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
