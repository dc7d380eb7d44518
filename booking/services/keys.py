"""The keys under which Stripe is asked for a second time, once the first brought no answer."""

import uuid
from typing import TypeVar

from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.models import CatalogErrand, Customer, Refund

_Asked = TypeVar("_Asked", Refund, Customer, CatalogErrand)


def renew_key(session: Session, kind: type[_Asked], row_id: int, known: str, stem: str) -> tuple[_Asked, bool]:
    """The row, locked, and whether it has another key now. Joins the caller's transaction.

    Where somebody else has stored another key than the one that is `known`, that one stays: two workers who both saw
    that the first did nothing must ask under the same key, or Stripe would do twice what is wanted once.
    https://docs.stripe.com/api/idempotent_requests
    """
    require_transaction(session)
    row = session.get_one(kind, row_id, with_for_update=True, populate_existing=True)
    is_renewed = row.idempotency_key == known
    if is_renewed:
        row.idempotency_key = f"{stem}:{uuid.uuid4().hex[:8]}"
    return row, is_renewed
