"""Disputes: opened by a card that promises one. Source: docs.stripe.com/disputes."""

from __future__ import annotations

from fakestripe import balance, jobs
from fakestripe.errors import invalid_request
from fakestripe.events import emit
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

DELAY = 1.0
DAYS_TO_ANSWER = 20
FEE = 2000
OPEN = ("needs_response", "under_review")
EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name "
    "customer_purchase_ip customer_signature duplicate_charge_documentation "
    "duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy "
    "refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation "
    "shipping_tracking_number uncategorized_file uncategorized_text"
).split()


def promise(world: World, charge: Record, reason: str) -> None:
    """The cardholder will dispute this charge a moment later."""
    jobs.schedule(world, "open_dispute", charge["id"], world.clock.now() + DELAY, reason)


@task("open_dispute")
def open_dispute(world: World, job: Record) -> None:
    """The bank takes the money back at once and gives the merchant time to answer."""
    charge = world.store.get("charge", job["target"])
    assert charge is not None
    dispute = _record(world, charge, job["outcome"])
    entry = balance.book(world, dispute, -dispute["amount"], FEE, "adjustment", "dispute")
    dispute["balance_transactions"] = [entry]
    world.store.put("dispute", dispute)
    charge["disputed"] = True
    world.store.put("charge", charge)
    emit(world, "charge.dispute.created", dispute)
    emit(world, "charge.dispute.funds_withdrawn", dispute)


def close(world: World, dispute: Record, status: str) -> Record:
    """The bank decides: `won` brings the money back, `lost` does not."""
    if dispute["status"] not in OPEN:
        raise invalid_request(f"This dispute is already {dispute['status']}.")
    previous = {"status": dispute["status"]}
    dispute["status"] = status
    if status == "won":
        entry = balance.book(world, dispute, dispute["amount"], -FEE, "adjustment", "dispute")
        dispute["balance_transactions"].append(entry)
    world.store.put("dispute", dispute)
    emit(world, "charge.dispute.closed", dispute, previous)
    if status == "won":
        emit(world, "charge.dispute.funds_reinstated", dispute)
    return dispute


def _record(world: World, charge: Record, reason: str) -> Record:
    now = world.clock.timestamp()
    return {
        "id": world.ids.new("du_"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_ANSWER * 24 * 3600,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4" if reason == "fraudulent" else "13.1",
            },
            "type": "card",
        },
        "reason": reason,
        "status": "needs_response",
    }
