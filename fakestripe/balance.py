"""Balance transactions: what a charge, refund or dispute does to the merchant's money.

Shape: docs.stripe.com/api/balance_transactions/object. The fee is invented (see `money.fee`).
"""

from __future__ import annotations

from fakestripe import money
from fakestripe.store import Record
from fakestripe.world import World

PAYOUT_DELAY = 2 * 24 * 3600


def book_charge(world: World, charge: Record) -> None:
    fee = money.fee(charge["amount_captured"], charge["currency"])
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    entry = book(world, charge, charge["amount_captured"], fee, kind, "charge")
    charge["balance_transaction"] = entry["id"]


def book(world: World, source: Record, amount: int, fee: int, type_: str, category: str) -> Record:
    """Write one entry; negative amounts take money away. Stripe keeps its fee on a refund."""
    now = world.clock.timestamp()
    entry = {
        "id": world.ids.new("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + PAYOUT_DELAY,
        "balance_type": "payments",
        "created": now,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, source["currency"]),
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": type_,
    }
    world.store.put("balance_transaction", entry)
    return entry


def _fee_details(fee: int, currency: str) -> list[Record]:
    if not fee:
        return []
    entry = {"amount": fee, "application": None, "currency": currency}
    return [{**entry, "description": "Stripe processing fees", "type": "stripe_fee"}]
