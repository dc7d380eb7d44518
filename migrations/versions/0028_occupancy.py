"""occupancy: the nights of each unit that are taken for good, told by bits, for searches

Revision ID: 0028
Revises: 0027

It is filled from the nights. A version from before this one that still runs beside it takes and frees nights without
writing them here: until the worker looks through it (at its start, and each night), or `flask occupancy --rebuild` is
called, a search may hide or offer a unit wrongly. No booking is judged by it, so nothing can be sold twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# A day's number as Python's date.toordinal() counts it.
NUMBER = {
    "postgresql": "day - DATE '0001-01-01' + 1",
    "sqlite": "CAST(julianday(day) - 1721424.5 AS INTEGER)",
}
FILL = """
INSERT INTO occupancy (chunk, unit_id, bits)
WITH numbered AS (
    SELECT unit_id, {number} AS number FROM night WHERE hold_until IS NULL
), half AS MATERIALIZED (
    SELECT unit_id, number / 31 AS chunk, CAST(sum(CAST(1 AS BIGINT) << (number % 31)) AS BIGINT) AS bits
    FROM numbered GROUP BY unit_id, number / 31
), both_halves AS (
    SELECT unit_id, chunk, bits FROM half UNION ALL SELECT unit_id, chunk - 1, bits << 31 FROM half
)
SELECT chunk, unit_id, CAST(sum(bits) AS BIGINT) FROM both_halves GROUP BY chunk, unit_id ORDER BY chunk, unit_id
"""


def upgrade() -> None:
    op.create_table(
        "occupancy",
        sa.Column("chunk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("bits", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_occupancy_unit_id_unit")),
        sa.PrimaryKeyConstraint("chunk", "unit_id", name=op.f("pk_occupancy")),
        sqlite_with_rowid=False,
    )
    op.execute(FILL.format(number=NUMBER[op.get_bind().dialect.name]))


def downgrade() -> None:
    op.drop_table("occupancy")
