"""payment plans of properties and listings, and what each guest agreed to

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind <> 'deposit' OR percent BETWEEN 1 AND 99", name=op.f("ck_payment_plan_deposit_is_a_part")
        ),
        sa.CheckConstraint(
            "kind IN ('pay_in_full', 'deposit', 'reserve_now_pay_later')",
            name=op.f("ck_payment_plan_kind"),
        ),
        sa.CheckConstraint("days_before >= 0", name=op.f("ck_payment_plan_days_not_negative")),
        sa.ForeignKeyConstraint(["property_id"], ["property.id"], name=op.f("fk_payment_plan_property_id_property")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_payment_plan_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_plan")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_payment_plan_listing_id")),
    )
    op.create_index(op.f("ix_payment_plan_property_id"), "payment_plan", ["property_id"])
    own = sa.text("listing_id IS NULL")
    op.create_index(
        "uq_payment_plan_property_id_own", "payment_plan", ["property_id"],
        unique=True, sqlite_where=own, postgresql_where=own,
    )  # fmt: skip
    op.add_column("booking", sa.Column("plan", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "plan")
    op.drop_table("payment_plan")
