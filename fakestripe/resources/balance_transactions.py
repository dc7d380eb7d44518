"""Balance transactions: docs.stripe.com/api/balance_transactions."""

from __future__ import annotations

from fakestripe.calls import Call, Operation
from fakestripe.lists import list_params, page_of
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Text
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/balance_transactions"
FILTERS = ("source", "type", "currency")


def list_entries(world: World, call: Call) -> Record:
    """Stripe's entries do not say which payout holds them, and still can be asked for by it."""
    payout_id = call.params.get("payout")
    if payout_id is not None:
        get(world, "payout", payout_id, "payout")
    return page_of(
        world.store,
        "balance_transaction",
        call.params,
        PATH,
        *FILTERS,
        fits=lambda entry: payout_id is None or entry.get("_payout") == payout_id,
    )


OPERATIONS = [
    retrieving(PATH, "balance_transaction", "id"),
    Operation("GET", PATH, list_entries, list_params(**{name: Text() for name in (*FILTERS, "payout")})),
]
