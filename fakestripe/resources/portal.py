"""The customer portal: docs.stripe.com/api/customer_portal, its sessions and configurations."""

from __future__ import annotations

from typing import Any

from fakestripe import customers, portal
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, not_simulated, resource_missing
from fakestripe.events import emit_change
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Choice, Flag, Group, Items, Metadata, Param, Text, Unsettable, Url, group
from fakestripe.store import Record
from fakestripe.world import World

SESSIONS = "/v1/billing_portal/sessions"
CONFIGURATIONS = "/v1/billing_portal/configurations"
LOCALES = (
    "auto bg cs da de el en en-AU en-CA en-GB en-IE en-IN en-NZ en-SG es es-419 et fi fil fr fr-CA hr hu id it ja ko "
    "lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
).split()
SWITCH = group("enabled", enabled=Flag())
REASONS = Unsettable(Items(Choice(*portal.REASONS)))


def _features_of(demanded: str) -> Group:
    """What a new configuration must say about a feature, a change of it may leave out."""
    reason = group(f"enabled {'options' if demanded else ''}", enabled=Flag(), options=REASONS)
    updates = Unsettable(Items(Choice("email", "name", "phone")))
    return group(
        customer_update=group(demanded, allowed_updates=updates, enabled=Flag()),
        invoice_history=SWITCH,
        payment_method_update=SWITCH,
        subscription_cancel=group(
            demanded,
            cancellation_reason=reason,
            enabled=Flag(),
            mode=Choice("at_period_end", "immediately"),
            proration_behavior=Choice("none"),
        ),
        subscription_update=group(demanded, enabled=Flag()),
    )


COMMON: dict[str, Param] = {
    "business_profile": group(
        headline=Unsettable(Text(60)),
        privacy_policy_url=Unsettable(Url()),
        terms_of_service_url=Unsettable(Url()),
    ),
    "default_return_url": Unsettable(Url()),
    "login_page": SWITCH,
    "metadata": Metadata(),
    "name": Unsettable(Text()),
}


def open_session(world: World, call: Call) -> Record:
    params = call.params
    customer = customers.find(world, params["customer"])
    if "configuration" in params:
        configuration = world.store.get("billing_portal.configuration", params["configuration"])
        if configuration is None:
            raise resource_missing("configuration", params["configuration"], "configuration", status=400)
    else:
        configuration = portal.default_configuration(world)
    fields = {name: params[name] for name in ("locale", "return_url") if name in params}
    return portal.open_session(world, customer, configuration, call.base_url, **fields)


def configure(world: World, call: Call) -> Record:
    params = call.params
    _refuse(params)
    fields = _fields(params, dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")))
    fields["metadata"] = params.get("metadata") or {}
    return portal.configure(world, _features(params), **fields)


def update(world: World, call: Call) -> Record:
    before = get(world, "billing_portal.configuration", call.args["configuration"], "configuration")
    params = call.params
    _refuse(params)
    configuration = {**before, **_fields(params, before["business_profile"]), "updated": world.clock.timestamp()}
    configuration["features"] = portal.with_features(before["features"], _features(params))
    if "active" in params:
        if before["is_default"] and not params["active"]:
            raise invalid_parameter("The default configuration cannot be made inactive.", "active")
        configuration["active"] = params["active"]
    merge_metadata(configuration, params.get("metadata", {}))
    world.store.put("billing_portal.configuration", configuration)
    emit_change(world, "billing_portal.configuration.updated", configuration, before)
    return configuration


def _refuse(params: Record) -> None:
    if params.get("login_page", {}).get("enabled"):
        raise not_simulated("the portal's login page", "login_page[enabled]")
    if params.get("features", {}).get("subscription_update", {}).get("enabled"):
        raise not_simulated("changing the plan in the portal", "features[subscription_update][enabled]")


def _features(params: Record) -> Record:
    """An empty list is sent as an empty string."""
    given = {name: dict(value) for name, value in params.get("features", {}).items()}
    updates = given.get("customer_update", {})
    if updates.get("allowed_updates") == "":
        updates["allowed_updates"] = []
    reasons = given.get("subscription_cancel", {}).get("cancellation_reason", {})
    if reasons.get("options") == "":
        given["subscription_cancel"]["cancellation_reason"] = {**reasons, "options": []}
    return given


def _fields(params: Record, profile: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {n: params[n] or None for n in ("default_return_url", "name") if n in params}
    given = {name: value or None for name, value in params.get("business_profile", {}).items()}
    return {**fields, "business_profile": {**profile, **given}}


OPERATIONS = [
    Operation(
        "POST",
        SESSIONS,
        open_session,
        group("customer", configuration=Text(), customer=Text(), locale=Choice(*LOCALES), return_url=Url()),
    ),
    Operation("POST", CONFIGURATIONS, configure, group("features", **COMMON, features=_features_of("enabled"))),
    listing(CONFIGURATIONS, "billing_portal.configuration", dated=False, active=Flag(), is_default=Flag()),
    retrieving(CONFIGURATIONS, "billing_portal.configuration", "configuration"),
    Operation(
        "POST", CONFIGURATIONS + "/{configuration}", update, group(**COMMON, active=Flag(), features=_features_of(""))
    ),
]
