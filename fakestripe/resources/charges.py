"""Charges: docs.stripe.com/api/charges. PaymentIntents make them; Stripe's older way to is refused."""

from __future__ import annotations

from fakestripe import customers
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_request
from fakestripe.events import emit
from fakestripe.resources.method_params import SHIPPING, shipping
from fakestripe.resources.payment_intents import capture_intent
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Choice, Email, Integer, Metadata, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/charges"
UPDATE = group(
    customer=Text(),
    description=Unsettable(Text(40000)),
    fraud_details=group("user_report", user_report=Unsettable(Choice("fraudulent", "safe"))),
    metadata=Metadata(),
    receipt_email=Unsettable(Email()),
    shipping=SHIPPING,
    transfer_group=Text(),
)


def update(world: World, call: Call) -> Record:
    charge = get(world, "charge", call.args["charge"], "charge")
    before = dict(charge)
    _change(world, charge, call.params)
    previous = {key: before[key] for key, value in charge.items() if before[key] != value}
    world.store.put("charge", charge)
    if previous:
        emit(world, "charge.updated", charge, previous)
    return charge


def capture(world: World, call: Call) -> Record:
    """The same as capturing its PaymentIntent (docs.stripe.com/api/charges/capture)."""
    charge = get(world, "charge", call.args["charge"], "charge")
    if charge["captured"]:
        message = f"Charge {charge['id']} has already been captured."
        raise invalid_request(message, code="charge_already_captured")
    intent = get(world, "payment_intent", charge["payment_intent"], "intent")
    if intent["status"] != "requires_capture" or intent["latest_charge"] != charge["id"]:
        message = f"Charge {charge['id']} cannot be captured because it has a status of {charge['status']}."
        raise invalid_request(message, param="charge")
    given = {"amount_to_capture": call.params["amount"]} if "amount" in call.params else {}
    capture_intent(world, intent, given)
    return get(world, "charge", charge["id"], "charge")


def _change(world: World, charge: Record, params: Record) -> None:
    for name in ("description", "receipt_email"):
        if name in params:
            charge[name] = params[name] or None
    if "transfer_group" in params:
        charge["transfer_group"] = params["transfer_group"]
    if "shipping" in params:
        charge["shipping"] = shipping(params["shipping"])
    if "customer" in params:
        _set_customer(world, charge, params["customer"])
    if "fraud_details" in params:
        report = params["fraud_details"]["user_report"]
        charge["fraud_details"] = {"user_report": report} if report else {}
    merge_metadata(charge, params.get("metadata", {}))


def _set_customer(world: World, charge: Record, customer_id: str) -> None:
    """Only a charge without a customer can be given one."""
    customers.find(world, customer_id)
    if charge["customer"] not in (None, customer_id):
        message = "This charge already has a customer; you cannot change it."
        raise invalid_request(message, param="customer")
    charge["customer"] = customer_id


OPERATIONS = [
    retrieving(PATH, "charge", "charge"),
    listing(PATH, "charge", payment_intent=Text(), customer=Text(), transfer_group=Text()),
    Operation("POST", PATH + "/{charge}", update, UPDATE),
    Operation("POST", PATH + "/{charge}/capture", capture, group(amount=Integer(minimum=1))),
]
