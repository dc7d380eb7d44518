"""Payouts: what is available goes to the merchant's bank account.

Shape: docs.stripe.com/api/payouts/object. Only automatic payouts: of those alone Stripe says which entries they hold
(docs.stripe.com/payouts/reconciliation). Stripe pays out by a schedule; here a control does, when it is told to.
"""

from __future__ import annotations

from fakestripe import balance
from fakestripe.events import emit
from fakestripe.store import Record
from fakestripe.world import World

BANK_ACCOUNT = "ba_fake0001"


def pay_out(world: World) -> list[Record]:
    """One payout for each currency with something available; less than nothing waits for better days."""
    entries: dict[str, list[Record]] = {}
    for entry in world.store.all("balance_transaction"):
        if entry["status"] == "available" and "_payout" not in entry:
            entries.setdefault(entry["currency"], []).append(entry)
    return [_pay_out(world, mine) for mine in entries.values() if sum(entry["net"] for entry in mine) > 0]


def _pay_out(world: World, entries: list[Record]) -> Record:
    payout = _payout(world, sum(entry["net"] for entry in entries), entries[0]["currency"])
    taken = balance.book(world, payout, -payout["amount"], 0, "payout", "payout")
    payout["balance_transaction"] = taken["id"]
    for entry in (*entries, taken):
        world.store.put("balance_transaction", {**entry, "_payout": payout["id"]})
    world.store.put("payout", payout)
    emit(world, "payout.created", payout)
    payout = {**payout, "status": "paid", "reconciliation_status": "completed"}
    world.store.put("payout", payout)
    emit(world, "payout.paid", payout)
    emit(world, "payout.reconciliation_completed", payout)
    return payout


def _payout(world: World, amount: int, currency: str) -> Record:
    now = world.clock.timestamp()
    return {
        "id": world.ids.new("po_"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": now,
        "automatic": True,
        "balance_transaction": None,
        "created": now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
