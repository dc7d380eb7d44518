"""PaymentMethods: docs.stripe.com/api/payment_methods, cards and SEPA accounts."""

from __future__ import annotations

from fakestripe import customers, instruments
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_request, resource_missing
from fakestripe.events import emit
from fakestripe.lists import list_params, page_of
from fakestripe.resources.method_params import (
    BILLING,
    DATA,
    REDISPLAY,
    change_billing,
    check_expiry,
    make_method,
)
from fakestripe.resources.reading import get
from fakestripe.schema import Choice, Group, Integer, Metadata, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/payment_methods"
OF_CUSTOMER = "/v1/customers/{customer}/payment_methods"
KIND = "payment_method"
UPDATE = group(
    allow_redisplay=REDISPLAY,
    billing_details=BILLING,
    card=group(exp_month=Integer(), exp_year=Integer()),
    metadata=Metadata(),
)
FILTERS = {"allow_redisplay": REDISPLAY, "type": Choice("card", "sepa_debit")}


def create(world: World, call: Call) -> Record:
    return make_method(world, call.params)


def retrieve(world: World, call: Call) -> Record:
    """A test token such as `pm_card_visa` shows a method made for this call, as Stripe's does."""
    return _method(world, call)


def update(world: World, call: Call) -> Record:
    """Only one that a customer keeps (docs.stripe.com/api/payment_methods/update)."""
    method = get(world, KIND, call.args[KIND], KIND)
    if method["customer"] is None:
        raise invalid_request("You must save this PaymentMethod to a customer before you can update it.")
    before = dict(method)
    _change(world, method, call.params)
    previous = {key: before[key] for key, value in method.items() if before[key] != value}
    world.store.put(KIND, method)
    if previous:
        emit(world, "payment_method.updated", method, previous)
    return method


def attach(world: World, call: Call) -> Record:
    customer = customers.find(world, call.params["customer"])
    return customers.attach(world, _method(world, call), customer["id"])


def detach(world: World, call: Call) -> Record:
    method = get(world, KIND, call.args[KIND], KIND)
    if method["customer"] is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise invalid_request(message, param=KIND)
    return customers.detach(world, method)


def listed(world: World, call: Call) -> Record:
    if "customer" in call.params:
        customers.find(world, call.params["customer"])
    return page_of(world.store, KIND, call.params, PATH, "customer", "allow_redisplay", "type")


def listed_of_customer(world: World, call: Call) -> Record:
    customer = customers.find(world, call.args["customer"])
    params = {**call.params, "customer": customer["id"]}
    return page_of(world.store, KIND, params, call.path, "customer", "allow_redisplay", "type")


def retrieve_of_customer(world: World, call: Call) -> Record:
    customer = customers.find(world, call.args["customer"])
    method = get(world, KIND, call.args[KIND], KIND)
    if method["customer"] != customer["id"]:
        raise resource_missing(KIND, method["id"], KIND)
    return method


def _method(world: World, call: Call) -> Record:
    method = instruments.resolve(world, call.args[KIND])
    if method is None:
        raise resource_missing(KIND, call.args[KIND], KIND)
    return method


def _change(world: World, method: Record, params: Record) -> None:
    if "billing_details" in params:
        method["billing_details"] = change_billing(method["billing_details"], params["billing_details"])
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    if "card" in params:
        if method["type"] != "card":
            raise invalid_request("You cannot update the card of a PaymentMethod of another type.", param="card")
        method["card"] = {**method["card"], **params["card"]}
        check_expiry(world, method["card"]["exp_month"], method["card"]["exp_year"])
    merge_metadata(method, params.get("metadata", {}))


CREATE = Group(DATA, frozenset({"type"}))
OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    Operation("GET", PATH, listed, list_params(dated=False, customer=Text(), **FILTERS)),
    Operation("GET", PATH + "/{payment_method}", retrieve, group()),
    Operation("POST", PATH + "/{payment_method}", update, UPDATE),
    Operation("POST", PATH + "/{payment_method}/attach", attach, group("customer", customer=Text())),
    Operation("POST", PATH + "/{payment_method}/detach", detach, group()),
    Operation("GET", OF_CUSTOMER, listed_of_customer, list_params(dated=False, **FILTERS)),
    Operation("GET", OF_CUSTOMER + "/{payment_method}", retrieve_of_customer, group()),
]
