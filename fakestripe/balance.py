"""Balance transactions: what a charge, refund or dispute does to the merchant's money.

Shape: docs.stripe.com/api/balance_transactions/object and docs.stripe.com/api/balance. Money is
pending first and available two days later (docs.stripe.com/payments/balances). The fee is
invented (see `money.fee`).
"""

from __future__ import annotations

from collections import defaultdict

from fakestripe import cards, jobs, money
from fakestripe.events import emit
from fakestripe.jobs import task
from fakestripe.store import Record, Timetable
from fakestripe.world import World

DAY = 24 * 3600
SETTLEMENT_DAYS = 2
PENDING = Timetable("balance_transaction", lambda e: e["available_on"] if e["status"] == "pending" else None)


def book_charge(world: World, charge: Record) -> None:
    fee = money.fee(charge["amount_captured"], charge["currency"])
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    entry = book(world, charge, charge["amount_captured"], fee, kind, "charge")
    charge["balance_transaction"] = entry["id"]


def book(world: World, source: Record, amount: int, fee: int, type_: str, category: str) -> Record:
    """Write one entry; negative amounts take money away. Stripe keeps its fee on a refund."""
    now = world.clock.timestamp()
    available_on = _available_on(world, source, now)
    entry = {
        "id": world.ids.new("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
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
        "status": "available" if available_on <= now else "pending",
        "type": type_,
    }
    world.store.put("balance_transaction", entry)
    if available_on > now:
        jobs.schedule(world, "release_funds", str(available_on), available_on)
    return entry


def total(world: World) -> Record:
    """The account's balance: nothing but the sum of its entries, by currency and by status."""
    default = world.options.currency
    sums: dict[str, dict[str, int]] = {name: defaultdict(int, {default: 0}) for name in ("available", "pending")}
    for entry in world.store.all("balance_transaction"):
        sums[entry["status"]][entry["currency"]] += entry["net"]
    shown = {name: [_amount(total, currency) for currency, total in sums[name].items()] for name in sums}
    return {"object": "balance", "livemode": False, **shown}


@task("release_funds")
def release_funds(world: World, job: Record) -> None:
    """One job for each day: what became available on it."""
    for entry in world.store.until(PENDING, world.clock.timestamp()):
        world.store.put("balance_transaction", {**entry, "status": "available"})
    emit(world, "balance.available", total(world))


def _available_on(world: World, source: Record, now: int) -> int:
    """A whole day. What takes money away follows the charge it belongs to while that is pending."""
    if source["object"] == "charge":
        if _is_available_at_once(world, source):
            return now
        return (now // DAY + SETTLEMENT_DAYS) * DAY
    if source["object"] == "payout":
        return now
    charge = world.store.get("charge", source["charge"])
    entry = world.store.get("balance_transaction", (charge or {}).get("balance_transaction") or "")
    return max(now, entry["available_on"]) if entry else now


def _is_available_at_once(world: World, charge: Record) -> bool:
    """Cards that bypass the pending balance: docs.stripe.com/testing#available-balance."""
    method = world.store.get("payment_method", charge["payment_method"] or "")
    return method is not None and method["type"] == "card" and cards.rule_for(method["_number"]).available_at_once


def _amount(total: int, currency: str) -> Record:
    return {"amount": total, "currency": currency, "source_types": {"card": total}}


def _fee_details(fee: int, currency: str) -> list[Record]:
    if not fee:
        return []
    entry = {"amount": fee, "application": None, "currency": currency}
    return [{**entry, "description": "Stripe processing fees", "type": "stripe_fee"}]
