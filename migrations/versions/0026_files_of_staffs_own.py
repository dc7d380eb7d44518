"""files that staff adds to the answer to a dispute

Revision ID: 0026
Revises: 0025

Nothing that a version from before this one writes or reads is another one by it: it only allows more kinds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_OLD = "'terms', 'voucher', 'mails', 'timeline'"
_NEW = f"{_OLD}, 'signed', 'invoice', 'other_charge'"


def upgrade() -> None:
    _set_kinds(_OLD, _NEW)


def downgrade() -> None:
    added = "SELECT count(*) FROM evidence_file WHERE kind IN ('signed', 'invoice', 'other_charge')"
    if op.get_bind().execute(sa.text(added)).scalar():
        raise RuntimeError("files that staff added cannot be kept in the older schema")
    _set_kinds(_NEW, _OLD)


def _set_kinds(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite("evidence_file", f"kind IN ({old})", f"kind IN ({new})")
        return
    op.drop_constraint(op.f("ck_evidence_file_kind"), "evidence_file", type_="check")
    op.create_check_constraint(op.f("ck_evidence_file_kind"), "evidence_file", f"kind IN ({new})")


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
