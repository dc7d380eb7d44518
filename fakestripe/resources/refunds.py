"""Refunds: docs.stripe.com/api/refunds."""

from __future__ import annotations

from fakestripe import refunds
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, invalid_request, resource_missing
from fakestripe.events import emit
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Choice, Integer, Metadata, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/refunds"
CREATE = group(
    amount=Integer(minimum=1),
    charge=Text(),
    metadata=Metadata(),
    payment_intent=Text(),
    reason=Choice("duplicate", "fraudulent", "requested_by_customer"),
)


def create(world: World, call: Call) -> Record:
    charge = _charge_of(world, call)
    fields = {"reason": call.params.get("reason"), "metadata": call.params.get("metadata") or {}}
    return refunds.create(world, charge, call.params.get("amount"), fields)


def update(world: World, call: Call) -> Record:
    refund = get(world, "refund", call.args["refund"], "refund")
    previous = {"metadata": refund["metadata"]}
    merge_metadata(refund, call.params.get("metadata", {}))
    world.store.put("refund", refund)
    if refund["metadata"] != previous["metadata"]:
        emit(world, "refund.updated", refund, previous)
        emit(world, "charge.refund.updated", refund, previous)
    return refund


def cancel(world: World, call: Call) -> Record:
    """Only a refund that waits for the customer can be canceled."""
    refund = get(world, "refund", call.args["refund"], "refund")
    if refund["status"] != "requires_action":
        message = (
            f"You can't cancel this refund because it has a status of {refund['status']}. "
            "Only refunds with a status of requires_action can be canceled."
        )
        raise invalid_request(message)
    return refunds.finish(world, refund, "canceled")


def _charge_of(world: World, call: Call) -> Record:
    params = call.params
    if "charge" in params:
        charge = _required(world, "charge", params["charge"], "charge")
        if params.get("payment_intent") not in (None, charge["payment_intent"]):
            message = "The charge does not belong to the payment_intent given."
            raise invalid_request(message, param="payment_intent")
        return charge
    if "payment_intent" not in params:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid_parameter(message, "payment_intent", "parameter_missing")
    return _charge_of_intent(world, params["payment_intent"])


def _charge_of_intent(world: World, intent_id: str) -> Record:
    intent = _required(world, "payment_intent", intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise invalid_request(message, code="payment_intent_unexpected_state")
    return _required(world, "charge", intent["latest_charge"], "charge")


def _required(world: World, kind: str, record_id: str, param: str) -> Record:
    record = world.store.get(kind, record_id)
    if record is None:
        raise resource_missing(kind, record_id, param, status=404)
    return record


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    listing(PATH, "refund", charge=Text(), payment_intent=Text()),
    retrieving(PATH, "refund", "refund"),
    Operation("POST", PATH + "/{refund}", update, group(metadata=Metadata())),
    Operation("POST", PATH + "/{refund}/cancel", cancel, group()),
]
