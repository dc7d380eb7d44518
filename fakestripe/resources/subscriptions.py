"""Subscriptions: docs.stripe.com/api/subscriptions."""

from __future__ import annotations

from typing import Any

from fakestripe import customers, invoices, subscriptions
from fakestripe.billing import changes, renewals, shapes, standing
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import ApiError, invalid_parameter, invalid_request
from fakestripe.events import emit
from fakestripe.lists import page_of
from fakestripe.resources import subscription_params as shapes_of
from fakestripe.resources.intents import raise_if_refused
from fakestripe.resources.reading import get, retrieving
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/subscriptions"
NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default "
    "payment method. For more information, visit "
    "https://docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority."
)
# docs.stripe.com/api/subscriptions/object#subscription_object-status
INCOMPLETE_MAY_CHANGE = {"metadata", "default_payment_method", "description", "payment_settings"}


def create(world: World, call: Call) -> Record:
    params = call.params
    customer = customers.find(world, params["customer"])
    items = shapes_of.read_items(world, params["items"])
    fields = _fields(world, call, customer)
    method = _method(world, params, customer)
    behavior = params.get("payment_behavior", "allow_incomplete")
    automatic = fields.get("collection_method") != "send_invoice"
    _check_currency(params, items)
    if automatic and not method and behavior != "default_incomplete" and not fields["trial_end"] and _costs(items):
        raise invalid_request(NO_METHOD, code="resource_missing")
    subscription = subscriptions.start(
        world,
        customer=customer["id"],
        items=items,
        method=method,
        metadata=params.get("metadata") or {},
        description=params.get("description") or None,
        challenge_base=call.base_url,
        payment_behavior=behavior,
        off_session=params.get("off_session", False),
        **fields,
    )
    if behavior == "error_if_incomplete" and subscription["status"] == "incomplete":
        _refuse(world, subscription)
    return subscription


def update(world: World, call: Call) -> Record:
    subscription = get(world, "subscription", call.args["subscription"], "subscription")
    params = call.params
    _check_update(world, subscription, params)
    _change_fields(world, subscription, params)
    if "items" in params:
        subscription = _change_items(world, subscription, params)
    subscription = standing.change(world, subscription)
    if params.get("trial_end") == "now" and subscription["status"] == "trialing":
        return subscriptions.end_trial_now(world, subscription)
    if params.get("proration_behavior") == "always_invoice":
        _bill_rest(world, subscription, params)
    return get(world, "subscription", subscription["id"])


def cancel(world: World, call: Call) -> Record:
    subscription = get(world, "subscription", call.args["subscription"], "subscription")
    subscriptions.refuse_if_over(subscription)
    if call.params.get("prorate"):
        changes.prorate(world, subscription, None)
    if call.params.get("invoice_now"):
        _bill_rest(world, subscription, {})
    subscription = get(world, "subscription", subscription["id"])
    return subscriptions.cancel(world, subscription, _no_empty(call.params.get("cancellation_details", {})))


def resume(world: World, call: Call) -> Record:
    """Only a paused one: a new period begins and is billed (docs.stripe.com/api/subscriptions/resume)."""
    subscription = get(world, "subscription", call.args["subscription"], "subscription")
    if subscription["status"] != "paused":
        raise invalid_request("Only subscriptions with a status of paused can be resumed.")
    now = world.clock.timestamp()
    subscription["billing_cycle_anchor"] = now
    subscription = renewals.renew(world, subscription, now, status="active")
    emit(world, "customer.subscription.resumed", subscription)
    invoice = get(world, "invoice", subscription["latest_invoice"])
    subscriptions.collect(world, invoice)
    return get(world, "subscription", subscription["id"])


def listed(world: World, call: Call) -> Record:
    """Canceled ones only where they are asked for."""
    wanted = call.params.get("status")
    price = call.params.get("price")

    def fits(record: Record) -> bool:
        if price and price not in [item["price"]["id"] for item in renewals.items_of(record)]:
            return False
        if wanted == "ended":
            return record["status"] in standing.OVER
        return wanted == "all" or (record["status"] == wanted if wanted else record["status"] != "canceled")

    return page_of(world.store, "subscription", call.params, PATH, "customer", "collection_method", fits=fits)


def _fields(world: World, call: Call, customer: Record) -> dict[str, Any]:
    """What `subscriptions.start` takes as it is."""
    params = call.params
    fields: dict[str, Any] = {
        "trial_end": shapes_of.trial_end(world, call),
        "cancel_at_period_end": params.get("cancel_at_period_end", False),
    }
    if params.get("billing_mode", {}).get("type") == "classic":
        fields["billing_mode"] = shapes.CLASSIC
    for name in ("cancel_at", "trial_settings", "collection_method", "days_until_due"):
        if params.get(name) not in (None, ""):
            fields[name] = params[name]
    if "default_payment_method" in params:
        fields["default_payment_method"] = _method(world, params, customer)["id"]
    if "payment_settings" in params:
        none = dict.fromkeys(("payment_method_options", "payment_method_types"))
        fields["payment_settings"] = {**none, "save_default_payment_method": "off", **params["payment_settings"]}
    _check_terms(fields)
    return fields


def _check_terms(fields: Record) -> None:
    by_mail = fields.get("collection_method") == "send_invoice"
    if by_mail and fields.get("days_until_due") is None:
        message = "Since collection_method is send_invoice, you must also specify days_until_due."
        raise invalid_parameter(message, "days_until_due", "parameter_missing")
    if not by_mail and fields.get("days_until_due") is not None:
        message = "You can only pass days_until_due when collection_method=send_invoice."
        raise invalid_parameter(message, "days_until_due")


def _method(world: World, params: Record, customer: Record) -> Any:
    if "default_payment_method" in params:
        return subscriptions.own_method(world, customer["id"], params["default_payment_method"])
    chosen = customer["invoice_settings"]["default_payment_method"]
    return world.store.get("payment_method", chosen) if chosen else None


def _check_currency(params: Record, items: list[Record]) -> None:
    currency = subscriptions.check_prices([item["price"] for item in items])
    if params.get("currency", currency) != currency:
        message = f"The price specified only supports `{currency}`."
        raise invalid_parameter(message, "currency")


def _costs(items: list[Record]) -> bool:
    return any(item["quantity"] and item["price"]["unit_amount_decimal"] != "0" for item in items)


def _refuse(world: World, subscription: Record) -> None:
    """`error_if_incomplete`: a 402, and nothing of it stays."""
    intent = world.store.get("payment_intent", subscription["_intent"])
    assert intent is not None
    if intent["status"] == "requires_action":
        message = (
            "Payment for this subscription requires additional user action before it can be completed successfully. "
            "Payment can be completed using the PaymentIntent associated with subscription.latest_invoice."
        )
        raise ApiError(402, "card_error", message, code="subscription_payment_intent_requires_action")
    raise_if_refused(intent, keep_effects=False)


def _check_update(world: World, subscription: Record, params: Record) -> None:
    status = subscription["status"]
    if status in standing.OVER and set(params) - {"metadata", "cancellation_details"}:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise invalid_request(message)
    if status == "incomplete" and set(params) - INCOMPLETE_MAY_CHANGE:
        message = (
            "When a subscription has a status of `incomplete`, only its metadata and default payment method can be "
            "updated until its first invoice is paid."
        )
        raise invalid_request(message)
    if params.get("cancel_at_period_end") and params.get("cancel_at"):
        message = "You may only specify one of these parameters: cancel_at, cancel_at_period_end."
        raise invalid_parameter(message, "cancel_at")
    if isinstance(params.get("trial_end"), int):
        shapes_of.check_trial_end(world, params["trial_end"])


def _change_fields(world: World, subscription: Record, params: Record) -> None:
    merge_metadata(subscription, params.get("metadata", {}))
    if "description" in params:
        subscription["description"] = params["description"] or None
    if "default_payment_method" in params:
        method = subscriptions.own_method(world, subscription["customer"], params["default_payment_method"])
        subscription["default_payment_method"] = method["id"]
    if "trial_settings" in params:
        subscription["trial_settings"] = params["trial_settings"]
    if "payment_settings" in params:
        subscription["payment_settings"].update(params["payment_settings"])
    if "cancellation_details" in params:
        subscription["cancellation_details"].update(_no_empty(params["cancellation_details"]))
    _change_terms(subscription, params)
    _change_end(world, subscription, params)
    if isinstance(params.get("trial_end"), int):
        _extend_trial(world, subscription, params["trial_end"])


def _change_terms(subscription: Record, params: Record) -> None:
    if "collection_method" not in params and "days_until_due" not in params:
        return
    terms = {name: params.get(name, subscription[name]) for name in ("collection_method", "days_until_due")}
    if params.get("collection_method") == "charge_automatically":
        terms["days_until_due"] = None
    _check_terms(terms)
    subscription.update(terms)


def _change_end(world: World, subscription: Record, params: Record) -> None:
    if params.get("cancel_at_period_end"):
        subscriptions.cancel_later(world, subscription, None, at_period_end=True)
    elif params.get("cancel_at"):
        if params["cancel_at"] <= world.clock.timestamp():
            raise invalid_parameter("Invalid timestamp: must be in the future.", "cancel_at")
        subscriptions.cancel_later(world, subscription, params["cancel_at"])
    elif subscription["cancel_at"] and ("cancel_at_period_end" in params or "cancel_at" in params):
        subscriptions.cancel_later(world, subscription, None)


def _extend_trial(world: World, subscription: Record, end: int) -> None:
    if subscription["status"] != "trialing":
        raise invalid_parameter("fakestripe only moves the end of a trial that is running.", "trial_end")
    subscription.update(trial_end=end, billing_cycle_anchor=end)
    renewals.set_period(subscription, renewals.period_of(subscription)[0], end)
    renewals.plan(world, subscription)
    renewals.plan_trial_notice(world, subscription)


def _change_items(world: World, subscription: Record, params: Record) -> Record:
    wanted = shapes_of.read_items(world, params["items"])
    changed = changes.with_items(world, subscription, wanted)
    if params.get("proration_behavior") != "none":
        changes.prorate(world, subscription, changed)
    return changed


def _bill_rest(world: World, subscription: Record, params: Record) -> None:
    """An invoice for what waits, paid at once."""
    if not renewals.waiting(world, subscription):
        return
    now = world.clock.timestamp()
    invoice = renewals.bill(world, subscription, "subscription_update", (now, now), own=False)
    standing.change(world, subscription, latest_invoice=invoice["id"])
    invoice = subscriptions.collect(world, invoice)
    intent = invoices.intent_of(world, invoice)
    if params.get("payment_behavior") == "error_if_incomplete" and invoice["status"] == "open" and intent:
        raise_if_refused(intent, keep_effects=False)


def _no_empty(given: Record) -> Record:
    return {name: value or None for name, value in given.items()}


OPERATIONS = [
    Operation("POST", PATH, create, shapes_of.CREATE),
    Operation("GET", PATH, listed, shapes_of.LIST),
    retrieving(PATH, "subscription", "subscription"),
    Operation("POST", PATH + "/{subscription}", update, shapes_of.UPDATE),
    Operation("DELETE", PATH + "/{subscription}", cancel, shapes_of.CANCEL),
    Operation("POST", PATH + "/{subscription}/resume", resume, shapes_of.RESUME),
]
