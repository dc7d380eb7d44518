"""files that go with the answer to a dispute, and the words of mails as they left

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dispute_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_file_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('terms', 'voucher', 'mails', 'timeline')", name=op.f("ck_evidence_file_kind")),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_evidence_file_dispute_id_dispute")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_file")),
        sa.UniqueConstraint("dispute_id", "kind", "digest", name=op.f("uq_evidence_file_dispute_id_kind_digest")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_evidence_file_idempotency_key")),
        sa.UniqueConstraint("stripe_file_id", name=op.f("uq_evidence_file_stripe_file_id")),
    )
    op.add_column("outbox", sa.Column("letter", sa.JSON(), nullable=True))


def downgrade() -> None:
    # Files can be made again from what the other tables hold; what lies at Stripe stays there.
    op.execute("ALTER TABLE outbox DROP COLUMN letter")
    op.drop_table("evidence_file")
