"""SetupIntents and their attempts: docs.stripe.com/api/setup_intents, docs.stripe.com/api/setup_attempts."""

from __future__ import annotations

from typing import Any

from fakestripe import checkout, setups
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter
from fakestripe.lists import list_params, page_of
from fakestripe.resources import intents
from fakestripe.resources.method_params import METHOD_DATA
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Choice, Flag, Group, Metadata, Param, Text, Unsettable, Url, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/setup_intents"
ATTEMPTS = "/v1/setup_attempts"
ATTEMPT_LIST = Group(list_params(setup_intent=Text()).members, frozenset({"setup_intent"}))
KIND = "setup_intent"
OFFERED = ["card", "sepa_debit"]
METHOD: dict[str, Param] = {
    "payment_method": Text(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": group(
        card=group(request_three_d_secure=intents.SECURE),
        sepa_debit=group(mandate_options=group(reference_prefix=Unsettable(Text(12)))),
    ),
}
ON_CONFIRM: dict[str, Param] = {
    "mandate_data": intents.MANDATE_DATA,
    "return_url": Url(),
    "use_stripe_sdk": Flag(),
}
DETAILS: dict[str, Param] = {
    **METHOD,
    **intents.TYPE_PARAMS,
    "customer": Text(),
    "description": Unsettable(Text(1000)),
    "metadata": Metadata(),
}
CREATE = Group(
    {
        **DETAILS,
        **ON_CONFIRM,
        "automatic_payment_methods": intents.AUTOMATIC,
        "confirm": Flag(),
        "usage": Choice("off_session", "on_session"),
    }
)
REASON = Choice("abandoned", "duplicate", "requested_by_customer")
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(world: World, call: Call) -> Record:
    params = call.params
    intents.refuse_retired(call)
    intents.check_customer(world, params)
    if not params.get("confirm"):
        _refuse_without_confirm(params)
    types = intents.type_fields(call, OFFERED)
    fields: dict[str, Any] = {
        **types,
        "customer": params.get("customer"),
        "description": params.get("description") or None,
        "metadata": params.get("metadata") or {},
        "payment_method_options": _options(types["payment_method_types"], params),
        "usage": params.get("usage"),
    }
    method = intents.chosen_method(world, params, {"object": KIND, "payment_method": None, **fields})
    if method:
        fields["payment_method"] = method["id"]
    setup = setups.create(world, **fields)
    return _confirm(world, call, setup, method) if params.get("confirm") else setup


def update(world: World, call: Call) -> Record:
    setup = get(world, KIND, call.args["intent"], "intent")
    params = call.params
    intents.refuse_retired(call)
    intents.check_customer(world, params, setup)
    if not set(params) <= {"description", "metadata"} and setup["status"] not in CONFIRMABLE:
        raise setups.unexpected_state(setup, "update", CONFIRMABLE)
    _change(call, setup)
    if "payment_method" in params or "payment_method_data" in params:
        method = intents.chosen_method(world, params, setup)
        assert method is not None
        setup.update(status="requires_confirmation", payment_method=method["id"], next_action=None)
    world.store.put(KIND, setup)
    return setup


def confirm(world: World, call: Call) -> Record:
    setup = get(world, KIND, call.args["intent"], "intent")
    checkout.refuse_if_checkout(setup, "confirm")
    intents.check_secret(call.params, setup)
    if setup["status"] not in CONFIRMABLE:
        raise setups.unexpected_state(setup, "confirm", CONFIRMABLE)
    _change(call, setup)
    return _confirm(world, call, setup, intents.chosen_method(world, call.params, setup))


def cancel(world: World, call: Call) -> Record:
    setup = get(world, KIND, call.args["intent"], "intent")
    checkout.refuse_if_checkout(setup, "cancel")
    return setups.cancel(world, setup, call.params.get("cancellation_reason"))


def attempts(world: World, call: Call) -> Record:
    """Stripe lists attempts of one SetupIntent only."""
    return page_of(world.store, "setup_attempt", call.params, ATTEMPTS, "setup_intent")


def _confirm(world: World, call: Call, setup: Record, method: Record | None) -> Record:
    intents.refuse_script(call.params)
    if method is None:
        raise intents.missing_method(setup)
    setup["_return_url"] = call.params.get("return_url")
    setup = setups.confirm(world, setup, method, f"{call.base_url}/c/3ds/{setup['id']}")
    intents.raise_if_refused(setup)
    return setup


def _change(call: Call, setup: Record) -> None:
    params = call.params
    if "description" in params:
        setup["description"] = params["description"] or None
    setup["customer"] = params.get("customer", setup["customer"])
    if any(name in params for name in intents.TYPE_PARAMS):
        intents.change_types(call, setup)
    setup["payment_method_options"] = _options(setup["payment_method_types"], params, setup["payment_method_options"])
    merge_metadata(setup, params.get("metadata", {}))


def _options(types: list[str], params: dict[str, Any], before: Record | None = None) -> Record:
    return intents.options_by_type(types, params.get("payment_method_options", {}), before)


def _refuse_without_confirm(params: dict[str, Any]) -> None:
    for name in ("mandate_data", "return_url"):
        if name in params:
            raise invalid_parameter(f"{name} can only be given together with confirm=true.", name)


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    listing(PATH, KIND, customer=Text(), payment_method=Text()),
    retrieving(PATH, KIND, "intent"),
    Operation("POST", PATH + "/{intent}", update, Group(DETAILS)),
    Operation("POST", PATH + "/{intent}/confirm", confirm, Group({**METHOD, **ON_CONFIRM, "client_secret": Text()})),
    Operation("POST", PATH + "/{intent}/cancel", cancel, group(cancellation_reason=REASON)),
    Operation("GET", ATTEMPTS, attempts, ATTEMPT_LIST),
]
