"""A charge as it is made: what it copies from its PaymentIntent, and how its bank answered.

Shape: docs.stripe.com/api/charges/object. Moving PaymentIntents on is `payments.py`.
"""

from __future__ import annotations

from fakestripe import cards
from fakestripe.instruments import charge_details
from fakestripe.store import Record
from fakestripe.world import World

DESCRIPTOR = "FAKESTRIPE"
CHARGE_NULLS = (
    "application application_fee application_fee_amount balance_transaction customer "
    "failure_balance_transaction failure_code failure_message on_behalf_of receipt_number "
    "review shipping source_transfer transfer_data transfer_group"
).split()
COPIED_TO_CHARGE = (
    "currency",
    "customer",
    "description",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
ACCEPTED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def new_charge(
    world: World,
    intent: Record,
    method: Record,
    *,
    status: str,
    paid: bool = True,
    authenticated: bool = False,
) -> Record:
    """Copies what Stripe copies from the intent, metadata included (docs.stripe.com/metadata)."""
    charge_id = world.ids.new("ch_")
    return {
        **dict.fromkeys(CHARGE_NULLS),
        "id": charge_id,
        "object": "charge",
        **_unspent(intent["amount"]),
        **{name: intent[name] for name in COPIED_TO_CHARGE},
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": _descriptor(intent),
        "created": world.clock.timestamp(),
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": dict(ACCEPTED),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": charge_details(method, authenticated=authenticated),
        "radar_options": {},
        "receipt_url": f"https://pay.stripe.com/receipts/simulated/{charge_id}",
        "status": status,
    }


def decline(charge: Record, why: cards.Decline) -> None:
    """Write the bank's no into a charge that was made as failed."""
    charge.update(failure_code=why.code, failure_message=why.message, outcome=_declined_outcome(why))


def _descriptor(intent: Record) -> str:
    """What the statement says (docs.stripe.com/get-started/account/statement-descriptors)."""
    suffix = intent["statement_descriptor_suffix"]
    return f"{DESCRIPTOR}* {suffix}"[:22] if suffix else DESCRIPTOR


def _unspent(amount: int) -> Record:
    """The amounts of a charge before anything was captured, refunded or disputed."""
    zero = {"amount_captured": 0, "amount_refunded": 0}
    return {"amount": amount, **zero, "captured": False, "disputed": False, "refunded": False}


def _declined_outcome(why: cards.Decline) -> Record:
    if why.blocked:
        return _blocked_outcome()
    return {
        **ACCEPTED,
        "advice_code": "try_again_later" if why.decline_code else None,
        "network_status": "declined_by_network",
        "reason": why.decline_code or why.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _blocked_outcome() -> Record:
    """docs.stripe.com/declines#blocked-payments: Stripe did not even ask the bank."""
    return {
        **ACCEPTED,
        "network_status": "not_sent_to_network",
        "reason": "highest_risk_level",
        "risk_level": "highest",
        "risk_score": 92,
        "seller_message": "Stripe blocked this payment as too risky.",
        "type": "blocked",
    }
