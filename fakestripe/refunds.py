"""Refunds: how much is left to give back, and what becomes of one that was given.

Source: docs.stripe.com/refunds. Never more than the rest; a refund may still fail later, and
then the amount can be refunded again.
"""

from __future__ import annotations

from typing import Any

from fakestripe import balance, cards, jobs, money
from fakestripe.errors import invalid_request
from fakestripe.events import emit, emit_change, previous_attributes
from fakestripe.jobs import task
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

SETTLE_SECONDS = 60.0
NO_REFERENCE = {"reference": None, "reference_status": None}
ENDED = ("failed", "canceled")


def create(world: World, charge: Record, amount: int | None, fields: dict[str, Any]) -> Record:
    """Give back `amount`, or all that is left."""
    amount = _checked(world, charge, amount)
    rule = _rule(world, charge)
    pending = rule == "pending" or charge["payment_method_details"]["type"] == "sepa_debit"
    refund = _record(world, charge, amount, "pending" if pending else "succeeded", fields)
    entry = balance.book(world, refund, -amount, 0, "refund", "refund")
    refund["balance_transaction"] = entry["id"]
    world.store.put("refund", refund)
    before = dict(charge)
    _change_charge(world, charge, amount)
    emit(world, "refund.created", refund)
    emit_change(world, "charge.refunded", charge, before)
    _plan_outcome(world, refund, pending=pending, fails=rule == "fails")
    return refund


def finish(world: World, refund: Record, status: str, reason: str | None = None) -> Record:
    """Move a refund to another status, with the events and the money that belong to it."""
    if refund["status"] in ENDED or refund["status"] == status:
        message = f"This refund is already {refund['status']}."
        raise invalid_request(message)
    before = visible(refund)
    refund["status"] = status
    jobs.cancel(world, "settle_refund", refund["id"])
    if status in ENDED:
        _give_up(world, refund, reason)
    if status == "succeeded":
        refund["destination_details"] = _arrived(refund["destination_details"])
        refund.pop("pending_reason", None)
    world.store.put("refund", refund)
    _tell(world, refund, previous_attributes(before, visible(refund)))
    return refund


@task("settle_refund")
def settle_due(world: World, job: Record) -> None:
    refund = world.store.get("refund", job["target"])
    if refund and refund["status"] not in (*ENDED, job["outcome"]):
        finish(world, refund, job["outcome"], "expired_or_canceled_card")


def _checked(world: World, charge: Record, amount: int | None) -> int:
    """The amount to refund, never above the rest; words as in docs.stripe.com/error-codes."""
    if not charge["paid"] or not charge["captured"]:
        message = f"Charge {charge['id']} was not captured: there is nothing to refund."
        raise invalid_request(message, param="charge")
    if _is_charged_back(world, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid_request(message, code="charge_disputed")
    rest = charge["amount"] - charge["amount_refunded"]
    if rest <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid_request(message, code="charge_already_refunded")
    if amount is not None and amount > rest:
        shown = money.show(amount, charge["currency"])
        message = (
            f"Refund amount ({shown}) is greater than unrefunded amount on charge "
            f"({money.show(rest, charge['currency'])})"
        )
        raise invalid_request(message, param="amount")
    return rest if amount is None else amount


def _is_charged_back(world: World, charge: Record) -> bool:
    """An inquiry leaves the charge refundable, and so does a dispute that was won."""
    found = world.store.where("dispute", "charge", charge["id"]) if charge["disputed"] else []
    return any(not dispute["is_charge_refundable"] for dispute in found)


def _record(world: World, charge: Record, amount: int, status: str, fields: dict[str, Any]) -> Record:
    refund = {
        "id": world.ids.new("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.clock.timestamp(),
        "currency": charge["currency"],
        "destination_details": _destination(charge, status),
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
        **fields,
    }
    if status == "pending":
        refund["pending_reason"] = "processing"
    return refund


def _destination(charge: Record, status: str) -> Record:
    if charge["payment_method_details"]["type"] == "sepa_debit":
        return {"eu_bank_transfer": dict(NO_REFERENCE), "type": "eu_bank_transfer"}
    kind = "pending" if status == "pending" else "refund"
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
    return {"card": {**reference, "type": kind}, "type": "card"}


def _arrived(destination: Record) -> Record:
    if destination["type"] == "card":
        return {**destination, "card": {**destination["card"], "type": "refund"}}
    return destination


def _rule(world: World, charge: Record) -> str | None:
    method = world.store.get("payment_method", charge["payment_method"])
    if method is None or method["type"] != "card":
        return None
    return cards.rule_for(method["_number"]).refund


def _plan_outcome(world: World, refund: Record, *, pending: bool, fails: bool) -> None:
    due = world.clock.now() + SETTLE_SECONDS
    if pending:
        jobs.schedule(world, "settle_refund", refund["id"], due, "succeeded")
    if fails:
        jobs.schedule(world, "settle_refund", refund["id"], due, "failed")


def _change_charge(world: World, charge: Record, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.store.put("charge", charge)


def _give_up(world: World, refund: Record, reason: str | None) -> None:
    """The money comes back to the merchant and the charge is open for refunds again."""
    charge = world.store.get("charge", refund["charge"])
    assert charge is not None
    entry = balance.book(world, refund, refund["amount"], 0, "refund_failure", "refund_failure")
    refund["failure_balance_transaction"] = entry["id"]
    if refund["status"] == "failed":
        refund["failure_reason"] = reason or "unknown"
    refund.pop("pending_reason", None)
    _change_charge(world, charge, -refund["amount"])


def _tell(world: World, refund: Record, previous: Record) -> None:
    emit(world, "refund.updated", refund, previous)
    emit(world, "charge.refund.updated", refund, previous)
    if refund["status"] == "failed":
        emit(world, "refund.failed", refund)
