"""Disputes: the bank asks, takes the money back, hears the merchant and decides.

Source: docs.stripe.com/disputes, docs.stripe.com/api/disputes and, for what a sandbox decides,
docs.stripe.com/testing#disputes. A chargeback withdraws the money at once; an inquiry withdraws
nothing unless the bank escalates it.
"""

from __future__ import annotations

from typing import Any

from fakestripe import balance, jobs, refunds
from fakestripe.errors import invalid_request
from fakestripe.events import emit, emit_change
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

DAY = 24 * 3600
DAYS_TO_ANSWER = 20
DAYS_AFTER_DEADLINE = 3
"""Ours: how long after the deadline the bank still lets evidence come before it decides."""
INQUIRY_DAYS = 120
"""An inquiry that nobody escalates ends after 120 days (docs.stripe.com/disputes/how-disputes-work)."""
SECONDS_TO_DECIDE = 5.0
NEWS_LAG = 1.0
"""A dispute is there at once; word of it comes a little after word of the payment, as it does from a bank."""
FEE = 2000
NEEDS_RESPONSE = ("needs_response", "warning_needs_response")
INQUIRY = ("warning_needs_response", "warning_under_review")
OPEN = ("needs_response", "under_review", *INQUIRY)
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
INQUIRY_CODE = "10"
DECISIONS = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
    "escalate_inquiry_evidence": "escalated",
}
FILES = (
    "cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt "
    "refund_policy service_documentation shipping_documentation uncategorized_file"
).split()
LONG_TEXTS = (
    "access_activity_log cancellation_policy_disclosure cancellation_rebuttal duplicate_charge_explanation "
    "product_description refund_policy_disclosure refund_refusal_explanation uncategorized_text"
).split()
SHORT_TEXTS = (
    "billing_address customer_email_address customer_name customer_purchase_ip duplicate_charge_id service_date "
    "shipping_address shipping_carrier shipping_date shipping_tracking_number"
).split()


def promise(world: World, charge: Record, reason: str, *, inquiry: bool = False) -> None:
    """The cardholder will dispute this charge in a moment."""
    kind = "inquiry" if inquiry else "chargeback"
    jobs.schedule(world, "open_dispute", charge["id"], world.clock.now(), f"{kind}:{reason}")


@task("open_dispute")
def open_dispute(world: World, job: Record) -> None:
    """Nothing is left to dispute of a charge that was given back."""
    charge = world.store.get("charge", job["target"])
    assert charge is not None
    if not charge["captured"] or charge["refunded"]:
        return
    kind, _, reason = job["outcome"].partition(":")
    dispute = _record(world, charge, kind, reason)
    world.store.put("charge", {**charge, "disputed": True})
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.created", dispute, lag=NEWS_LAG)
    _plan_deadlines(world, dispute)
    if kind == "chargeback":
        _withdraw(world, dispute, NEWS_LAG)


def update(world: World, dispute: Record, evidence: dict[str, Any], metadata: dict[str, str], submit: bool) -> Record:
    """Stage evidence, or hand all of it to the bank."""
    _check_open(dispute)
    before = dict(dispute)
    dispute["evidence"] = {**dispute["evidence"], **evidence}
    dispute["metadata"] = metadata
    details = {**dispute["evidence_details"], "has_evidence": any(dispute["evidence"].values())}
    if submit:
        dispute["status"] = "warning_under_review" if dispute["status"] in INQUIRY else "under_review"
        details["submission_count"] += 1
        details["submission_method"] = "manual"
        details["past_due"] = world.clock.timestamp() > details["due_by"]
        _plan_decision(world, dispute)
    dispute["evidence_details"] = details
    world.store.put("dispute", dispute)
    emit_change(world, "charge.dispute.updated", dispute, before)
    return dispute


def close(world: World, dispute: Record, status: str) -> Record:
    """The bank decides: `won` brings the money back, `lost` does not. An inquiry just ends."""
    _check_open(dispute)
    _cancel_plans(world, dispute)
    previous = {"status": dispute["status"]}
    if dispute["status"] in INQUIRY:
        status = "warning_closed"
    dispute["status"] = status
    if status == "won":
        _reinstate(world, dispute)
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.closed", dispute, previous)
    return dispute


def escalate(world: World, dispute: Record) -> Record:
    """The bank makes a chargeback of its inquiry. Refunds given meanwhile do not go through."""
    if dispute["status"] not in INQUIRY:
        raise invalid_request(f"Only an inquiry can be escalated; this dispute is {dispute['status']}.")
    _cancel_plans(world, dispute)
    for refund in world.store.where("refund", "charge", dispute["charge"]):
        if refund["created"] >= dispute["created"] and refund["status"] not in refunds.ENDED:
            refunds.finish(world, dict(refund), "failed", "charge_for_pending_refund_disputed")
    previous = {"status": dispute["status"]}
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    card["network_reason_code"] = REASON_CODES.get(dispute["reason"], INQUIRY_CODE)
    dispute["payment_method_details"] = {"card": card, "type": "card"}
    dispute.update(status="needs_response", is_charge_refundable=False)
    dispute["evidence_details"] = {**dispute["evidence_details"], "due_by": _due_by(world)}
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.updated", dispute, previous)
    _plan_deadlines(world, dispute)
    return _withdraw(world, dispute)


@task("decide_dispute")
def decide(world: World, job: Record) -> None:
    dispute = _get(world, job)
    if job["outcome"] == "escalated" and dispute["status"] in INQUIRY:
        escalate(world, dispute)
    elif job["outcome"] != "escalated":
        close(world, dispute, job["outcome"])


@task("miss_deadline")
def miss_deadline(world: World, job: Record) -> None:
    """Who says nothing in time loses."""
    dispute = _get(world, job)
    if dispute["status"] == "needs_response":
        close(world, dispute, "lost")


@task("end_inquiry")
def end_inquiry(world: World, job: Record) -> None:
    dispute = _get(world, job)
    if dispute["status"] in INQUIRY:
        close(world, dispute, "warning_closed")


def _withdraw(world: World, dispute: Record, lag: float = 0.0) -> Record:
    entry = balance.book(world, dispute, -dispute["amount"], FEE, "adjustment", "dispute")
    dispute["balance_transactions"].append(entry)
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.funds_withdrawn", dispute, lag=lag)
    return dispute


def _reinstate(world: World, dispute: Record) -> None:
    """The amount and the fee come back, and the charge can be refunded again."""
    entry = balance.book(world, dispute, dispute["amount"], -FEE, "adjustment", "dispute_reversal")
    dispute["balance_transactions"].append(entry)
    dispute["is_charge_refundable"] = True
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.funds_reinstated", dispute)


def _check_open(dispute: Record) -> None:
    if dispute["status"] not in OPEN:
        raise invalid_request("This dispute is already closed")


def _plan_decision(world: World, dispute: Record) -> None:
    outcome = DECISIONS.get(dispute["evidence"]["uncategorized_text"] or "")
    if outcome:
        jobs.schedule(world, "decide_dispute", dispute["id"], world.clock.now() + SECONDS_TO_DECIDE, outcome)


def _plan_deadlines(world: World, dispute: Record) -> None:
    if dispute["status"] in INQUIRY:
        jobs.schedule(world, "end_inquiry", dispute["id"], dispute["created"] + INQUIRY_DAYS * DAY)
        return
    due = dispute["evidence_details"]["due_by"] + DAYS_AFTER_DEADLINE * DAY
    jobs.schedule(world, "miss_deadline", dispute["id"], due)


def _cancel_plans(world: World, dispute: Record) -> None:
    for name in ("decide_dispute", "miss_deadline", "end_inquiry"):
        jobs.cancel(world, name, dispute["id"])


def _due_by(world: World) -> int:
    """The last second of a day (UTC)."""
    return (world.clock.timestamp() // DAY + DAYS_TO_ANSWER + 1) * DAY - 1


def _get(world: World, job: Record) -> Record:
    dispute = world.store.get("dispute", job["target"])
    assert dispute is not None
    return dispute


def _record(world: World, charge: Record, kind: str, reason: str) -> Record:
    is_inquiry = kind == "inquiry"
    return {
        "id": world.ids.new("du_"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.clock.timestamp(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(sorted(FILES + LONG_TEXTS + SHORT_TEXTS)), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": _due_by(world),
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": _card_details(charge, kind, INQUIRY_CODE if is_inquiry else REASON_CODES[reason]),
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }


def _card_details(charge: Record, kind: str, code: str) -> Record:
    brand = charge["payment_method_details"]["card"]["brand"]
    card = {"brand": brand, "case_type": kind, "network": brand, "network_reason_code": code}
    return {"card": card, "type": "card"}
