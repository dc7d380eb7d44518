"""the nights of guests who did not come can be put on sale again

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booking", sa.Column("freed_from", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "freed_from")
