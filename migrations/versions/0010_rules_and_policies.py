"""stay rules for ranges of days, cancellation policies, and guests who did not come

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OF_LISTINGS = ("policy_id", "turnover_days", "avoid_gaps", "leave_on", "arrive_on")


def upgrade() -> None:
    op.create_table(
        "cancellation_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("grace_hours", sa.Integer(), nullable=False),
        sa.Column("grace_least_days", sa.Integer(), nullable=False),
        sa.Column("returns_tourist_tax", sa.Boolean(), nullable=False),
        sa.Column("returns_cleaning", sa.Boolean(), nullable=False),
        *_stamps(),
        sa.CheckConstraint(
            "grace_hours >= 0 AND grace_least_days >= 0", name=op.f("ck_cancellation_policy_grace_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_cancellation_policy_property_id_property")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation_policy")),
        sa.UniqueConstraint("property_id", "name", name=op.f("uq_cancellation_policy_property_id_name")),
    )
    op.create_index(op.f("ix_cancellation_policy_property_id"), "cancellation_policy", ["property_id"])
    op.create_table(
        "cancellation_tier",
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        *_stamps(),
        sa.CheckConstraint("days_before >= 0", name=op.f("ck_cancellation_tier_days_not_negative")),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_cancellation_tier_percent")),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["cancellation_policy.id"],
            name=op.f("fk_cancellation_tier_policy_id_cancellation_policy"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("policy_id", "days_before", name=op.f("pk_cancellation_tier")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stay_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("min_nights", sa.Integer(), nullable=True),
        sa.Column("max_nights", sa.Integer(), nullable=True),
        sa.Column("arrive_on", sa.String(length=7), nullable=True),
        sa.Column("leave_on", sa.String(length=7), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=True),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("avoid_gaps", sa.Boolean(), nullable=True),
        sa.Column("turnover_days", sa.Integer(), nullable=True),
        sa.Column("every_night", sa.Boolean(), nullable=False),
        *_stamps(),
        sa.CheckConstraint("first_on <= last_on", name=op.f("ck_stay_rule_days_in_order")),
        sa.CheckConstraint("min_nights > 0 AND max_nights > 0", name=op.f("ck_stay_rule_nights_positive")),
        sa.CheckConstraint(
            "notice_days >= 0 AND horizon_days >= 0 AND turnover_days >= 0",
            name=op.f("ck_stay_rule_days_not_negative"),
        ),
        sa.CheckConstraint("arrive_on <> '' AND leave_on <> ''", name=op.f("ck_stay_rule_some_weekday")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_stay_rule_listing_id_listing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_rule")),
    )
    op.create_index(op.f("ix_stay_rule_listing_id"), "stay_rule", ["listing_id"])
    op.add_column("listing", sa.Column("arrive_on", sa.String(length=7), nullable=False, server_default="0123456"))
    op.add_column("listing", sa.Column("leave_on", sa.String(length=7), nullable=False, server_default="0123456"))
    op.add_column("listing", sa.Column("avoid_gaps", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("listing", sa.Column("turnover_days", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "listing",
        sa.Column(
            "policy_id",
            sa.Integer(),
            sa.ForeignKey("cancellation_policy.id", name=op.f("fk_listing_policy_id_cancellation_policy")),
            nullable=True,
        ),
        inline_references=True,  # or SQLite would make the table anew, and units point to it
    )
    op.create_index(op.f("ix_listing_policy_id"), "listing", ["policy_id"])
    op.add_column("booking", sa.Column("no_show_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "no_show_at")
    op.drop_index(op.f("ix_listing_policy_id"), table_name="listing")
    for name in _OF_LISTINGS:
        op.drop_column("listing", name)
    for name in ("stay_rule", "cancellation_tier", "cancellation_policy"):
        op.drop_table(name)


def _stamps() -> list[sa.Column]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")]
