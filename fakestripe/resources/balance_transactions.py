"""Balance transactions: docs.stripe.com/api/balance_transactions."""

from __future__ import annotations

from fakestripe.resources.reading import listing, retrieving
from fakestripe.schema import Text

PATH = "/v1/balance_transactions"
OPERATIONS = [
    retrieving(PATH, "balance_transaction", "id"),
    listing(PATH, "balance_transaction", currency=Text(), source=Text(), type=Text()),
]
