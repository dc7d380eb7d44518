"""sparse indexes: of columns that most rows leave empty, those rows are indexed that do not

Revision ID: 0029
Revises: 0028

Each hold of four nights wrote ten entries that say nothing. No rule changes: of what is unique, empty was
never like empty. On PostgreSQL the tables can be read, and not written, while their indexes are made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

PLAIN = (
    ("booking", "coupon_id"),
    ("booking", "membership_id"),
    ("attempt", "change_id"),
    ("attempt", "due_id"),
    ("night", "closure_id"),
    ("payment", "charge_id"),
    ("webhook_event", "booking_id"),
)
LIVE = "status IN ('creating', 'open', 'processing')"


def upgrade() -> None:
    for table, column in PLAIN:
        _make_anew(f"ix_{table}_{column}", table, column, f"{column} IS NOT NULL")
    for column in ("change_id", "due_id"):
        _make_anew(f"uq_attempt_{column}_live", "attempt", column, f"{LIVE} AND {column} IS NOT NULL", unique=True)


def downgrade() -> None:
    for column in ("change_id", "due_id"):
        _make_anew(f"uq_attempt_{column}_live", "attempt", column, LIVE, unique=True)
    for table, column in PLAIN:
        _make_anew(f"ix_{table}_{column}", table, column, None)


def _make_anew(name: str, table: str, column: str, where: str | None, *, unique: bool = False) -> None:
    rows = sa.text(where) if where else None
    op.drop_index(name, table_name=table)
    op.create_index(name, table, [column], unique=unique, sqlite_where=rows, postgresql_where=rows)
