"""the audit log, and the roles of staff

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLES = ("owner", "manager", "desk", "accountant", "read_only")
BEGINNING = "0" * 64
REFUSE_ON_SQLITE = """
CREATE TRIGGER audit_line_no_{what} BEFORE {what} ON audit_line
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
"""
REFUSE_ON_POSTGRESQL = """
CREATE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$
"""
TRIGGER_ON_POSTGRESQL = """
CREATE TRIGGER audit_line_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_log()
"""


def upgrade() -> None:
    _make_log()
    _refuse_changes()
    role = sa.Enum(*ROLES, name="role", native_enum=False, create_constraint=True, length=32)
    # Whoever could sign in could do everything: that is an owner. So is whom an older version makes beside this one.
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("role", role, nullable=False, server_default=sa.text("'owner'")))


def downgrade() -> None:
    with op.batch_alter_table("staff") as staff:
        staff.drop_constraint(op.f("ck_staff_role"), type_="check")
        staff.drop_column("role")
    op.drop_table("audit_head")
    op.drop_table("audit_line")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_change_the_audit_log()")


def _make_log() -> None:
    op.create_table(
        "audit_line",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_line")),
    )
    for column in ("at", "subject", "who"):
        op.create_index(op.f(f"ix_audit_line_{column}"), "audit_line", [column])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "seal": BEGINNING}])


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(REFUSE_ON_POSTGRESQL)
        op.execute(TRIGGER_ON_POSTGRESQL)
    else:
        for what in ("UPDATE", "DELETE"):
            op.execute(REFUSE_ON_SQLITE.format(what=what))
