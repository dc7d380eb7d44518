"""Stripe's payouts to the bank, held against our own ledger. Only asks and compares: nothing is written."""

from itertools import islice

from booking.database import end_read
from booking.domain.payouts import Payout, PayoutComparison, compare_payout
from booking.extensions import db
from booking.queries.payouts import find_own_rows
from booking.runtime import Runtime

PAYOUTS_SHOWN = 25
MOST_ITEMS = 1000  # ten requests: somebody waits for the page


def list_payouts(runtime: Runtime, before: str | None) -> list[Payout]:
    """One page of payouts, newest first; one more than PAYOUTS_SHOWN where there are others.

    Raises:
        GatewayUnavailable: Stripe did not answer.
        GatewayRefused: it knows no such payout, or the key may not see any.
    """
    end_read()
    return runtime.payments.list_payouts(before, PAYOUTS_SHOWN + 1)


def compare_with_ledger(runtime: Runtime, payout_id: str) -> PayoutComparison:
    """One payout, each of its entries beside our own row. Raises as list_payouts does."""
    end_read()
    payout = runtime.payments.look_up_payout(payout_id)
    entries = runtime.payments.list_payout_items(payout_id) if payout.items_known else iter(())
    items = list(islice(entries, MOST_ITEMS + 1))
    ids = [each for item in items for each in (item.source_id, item.payment_intent_id)]
    ours = find_own_rows(db.session(), ids)
    return compare_payout(payout, items[:MOST_ITEMS], ours, is_cut=len(items) > MOST_ITEMS)
