"""seasons, prices of days, discounts, fees, taxes, extras and codes; what a guest chose of them

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OF_LISTINGS = (
    "more_guests_minor", "included_guests", "weekday_minor", "tourist_tax_most_nights", "tourist_tax_from_age",
    "tourist_tax_per",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "coupon",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("off_minor", sa.BigInteger(), nullable=False),
        sa.Column("off_share", sa.Integer(), nullable=False),
        sa.Column("min_nights", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=True),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("most_uses", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(off_minor > 0) <> (off_share > 0)", name=op.f("ck_coupon_one_amount")),
        sa.CheckConstraint("most_uses > 0", name=op.f("ck_coupon_uses_positive")),
        sa.CheckConstraint("off_minor >= 0 AND off_share BETWEEN 0 AND 10000", name=op.f("ck_coupon_amount_possible")),
        sa.ForeignKeyConstraint(["property_id"], ["property.id"], name=op.f("fk_coupon_property_id_property")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon")),
    )
    op.create_index(
        "uq_coupon_code_active",
        "coupon",
        ["property_id", "code"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "extra",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "per",
            sa.Enum(
                "stay",
                "night",
                "guest",
                "guest_night",
                name="per",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_extra_amount_positive")),
        sa.CheckConstraint("most > 0", name=op.f("ck_extra_most_positive")),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_extra_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extra")),
        sa.UniqueConstraint("property_id", "name", name=op.f("uq_extra_property_id_name")),
    )
    op.create_index(op.f("ix_extra_property_id"), "extra", ["property_id"], unique=False)
    op.create_table(
        "tax",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("is_included", sa.Boolean(), nullable=False),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("share BETWEEN 1 AND 10000", name=op.f("ck_tax_share")),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_tax_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax")),
        sa.UniqueConstraint("property_id", "name", name=op.f("uq_tax_property_id_name")),
    )
    op.create_index(op.f("ix_tax_property_id"), "tax", ["property_id"], unique=False)
    op.create_table(
        "day_price",
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("nightly_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("nightly_minor > 0", name=op.f("ck_day_price_price_positive")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_day_price_listing_id_listing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("listing_id", "day", name=op.f("pk_day_price")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "discount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("off", sa.Integer(), nullable=False),
        sa.Column("min_nights", sa.Integer(), nullable=False),
        sa.Column("min_lead", sa.Integer(), nullable=True),
        sa.Column("max_lead", sa.Integer(), nullable=True),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("min_nights > 0", name=op.f("ck_discount_nights_positive")),
        sa.CheckConstraint("off > 0 AND off < 10000", name=op.f("ck_discount_share")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_discount_listing_id_listing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount")),
        sa.UniqueConstraint("listing_id", "name", name=op.f("uq_discount_listing_id_name")),
    )
    op.create_index(op.f("ix_discount_listing_id"), "discount", ["listing_id"], unique=False)
    op.create_table(
        "fee",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "per",
            sa.Enum(
                "stay",
                "night",
                "guest",
                "guest_night",
                name="per",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_fee_amount_positive")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_fee_listing_id_listing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee")),
        sa.UniqueConstraint("listing_id", "name", name=op.f("uq_fee_listing_id_name")),
    )
    op.create_index(op.f("ix_fee_listing_id"), "fee", ["listing_id"], unique=False)
    op.create_table(
        "season",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("nightly_minor", sa.BigInteger(), nullable=False),
        sa.Column("weekday_minor", sa.JSON(), nullable=False),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_on <= last_on", name=op.f("ck_season_days_in_order")),
        sa.CheckConstraint("nightly_minor > 0", name=op.f("ck_season_price_positive")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_season_listing_id_listing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_season")),
    )
    op.create_index(op.f("ix_season_listing_id"), "season", ["listing_id"], unique=False)
    op.add_column("booking", sa.Column("wishes", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "booking",
        sa.Column(
            "coupon_id",
            sa.Integer(),
            sa.ForeignKey("coupon.id", name=op.f("fk_booking_coupon_id_coupon")),
            nullable=True,
        ),
        inline_references=True,  # or SQLite would make the table anew, and nights point to it
    )
    op.create_index(op.f("ix_booking_coupon_id"), "booking", ["coupon_id"], unique=False)
    op.add_column(
        "listing", sa.Column("tourist_tax_per", sa.String(length=32), server_default="guest_night", nullable=False)
    )
    op.add_column("listing", sa.Column("tourist_tax_from_age", sa.Integer(), server_default="0", nullable=False))
    op.add_column("listing", sa.Column("tourist_tax_most_nights", sa.Integer(), nullable=True))
    op.add_column("listing", sa.Column("weekday_minor", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("listing", sa.Column("included_guests", sa.Integer(), nullable=True))
    op.add_column("listing", sa.Column("more_guests_minor", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in _OF_LISTINGS:
        op.drop_column("listing", name)
    op.drop_index(op.f("ix_booking_coupon_id"), table_name="booking")
    op.drop_column("booking", "coupon_id")
    op.drop_column("booking", "wishes")
    for name in ("season", "fee", "discount", "day_price", "tax", "extra", "coupon"):
        op.drop_table(name)
