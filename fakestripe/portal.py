"""The customer portal: who may see it, how it is set up, and what a customer can do there.

Source: docs.stripe.com/api/customer_portal/sessions, docs.stripe.com/api/customer_portal/configurations
and docs.stripe.com/customer-management. A link that nobody opens ends after five minutes, one in use
after an hour without activity.
"""

from __future__ import annotations

from typing import Any

from fakestripe import customers, setups, subscriptions
from fakestripe.billing import standing
from fakestripe.errors import invalid_request
from fakestripe.events import emit
from fakestripe.store import Record
from fakestripe.world import World

UNUSED_SECONDS = 5 * 60
IDLE_SECONDS = 3600
REASONS = (
    "too_expensive missing_features switched_service unused customer_service too_complex low_quality other"
).split()
FEATURES: dict[str, dict[str, Any]] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": REASONS},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
# What an account's own settings allow when nothing was configured.
DEFAULTS = {
    "customer_update": {"allowed_updates": ["email", "name"], "enabled": True},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True},
}


def configure(world: World, features: Record, **fields: Any) -> Record:
    """A new configuration; what is not said about a feature is as Stripe begins it."""
    now = world.clock.timestamp()
    configuration = {
        "id": world.ids.new("bpc_"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")),
        "created": now,
        "default_return_url": None,
        "features": with_features(FEATURES, features),
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": now,
        **fields,
    }
    world.store.put("billing_portal.configuration", configuration)
    emit(world, "billing_portal.configuration.created", configuration)
    return configuration


def with_features(before: Record, given: Record) -> Record:
    """Features with what was given put over what there was, hash by hash."""
    merged = dict(before)
    for name, value in given.items():
        inside = isinstance(value, dict) and isinstance(before.get(name), dict)
        merged[name] = with_features(before[name], value) if inside else value
    return merged


def default_configuration(world: World) -> Record:
    """An account has one; it is made when it is first needed."""
    for configuration in world.store.all("billing_portal.configuration"):
        if configuration["is_default"]:
            return dict(configuration)
    return configure(world, DEFAULTS, is_default=True)


def open_session(world: World, customer: Record, configuration: Record, base: str, **fields: Any) -> Record:
    """A link for this customer alone; whoever has it is taken for them."""
    if not configuration["active"]:
        raise invalid_request("This configuration is inactive.", param="configuration")
    secret = world.ids.new("test_", 40)
    session = {
        "id": world.ids.new("bps_"),
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": world.clock.timestamp(),
        "customer": customer["id"],
        "customer_account": None,
        "flow": None,
        "livemode": False,
        "locale": None,
        "on_behalf_of": None,
        "return_url": configuration["default_return_url"],
        "url": f"{base}/p/session/{secret}",
        "_secret": secret,
        "_seen": None,
        **fields,
    }
    world.store.put("billing_portal.session", session)
    emit(world, "billing_portal.session.created", session)
    return session


def enter(world: World, secret: str) -> Record | None:
    """The session of a link, unless its time is over; being there keeps it alive."""
    found = world.store.where("billing_portal.session", "_secret", secret)
    session = dict(found[0]) if found else None
    if session is None:
        return None
    limit = IDLE_SECONDS if session["_seen"] else UNUSED_SECONDS
    if world.clock.now() > (session["_seen"] or session["created"]) + limit:
        return None
    session["_seen"] = world.clock.now()
    with world.store.change():
        world.store.put("billing_portal.session", session)
    return session


def features(world: World, session: Record) -> Record:
    configuration = world.store.get("billing_portal.configuration", session["configuration"])
    assert configuration is not None
    return dict(configuration["features"])


def cancel(world: World, session: Record, subscription_id: str, feedback: str | None) -> None:
    """At once or at the period's end, as the configuration says."""
    settings = features(world, session)["subscription_cancel"]
    with world.store.change():
        subscription = _own(world, session, subscription_id)
        if not settings["enabled"] or subscription is None or subscription["status"] in standing.OVER:
            return
        details = {"feedback": feedback} if feedback in settings["cancellation_reason"]["options"] else {}
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **details}
        if settings["mode"] == "immediately" or subscription["status"] == "incomplete":
            subscriptions.cancel(world, subscription)
        elif not subscription["cancel_at"]:
            subscription = subscriptions.cancel_later(world, subscription, None, at_period_end=True)
            standing.change(world, subscription)


def keep(world: World, session: Record, subscription_id: str) -> None:
    """Take a planned cancellation back."""
    with world.store.change():
        subscription = _own(world, session, subscription_id)
        if subscription and subscription["cancel_at"] and subscription["status"] not in standing.OVER:
            standing.change(world, subscriptions.cancel_later(world, subscription, None))


def add_method(world: World, session: Record, method: Record, base: str) -> Record:
    """Set a card up for later; gives the SetupIntent, whose status says what happened."""
    with world.store.change():
        setup = setups.create(world, customer=session["customer"], _return_url=f"{session['url']}/cards")
        setup = setups.confirm(world, setup, method, f"{base}/c/3ds/{setup['id']}")
        if setup["status"] == "succeeded":
            use_method(world, session, method["id"])
        return setup


def finish_setup(world: World, session: Record, setup_id: str) -> None:
    """Back from 3-D Secure: the card that was set up is the one to use from now on."""
    setup = world.store.get("setup_intent", setup_id)
    if setup and setup["customer"] == session["customer"] and setup["status"] == "succeeded":
        use_method(world, session, setup["payment_method"])


def use_method(world: World, session: Record, method_id: str) -> None:
    """For all that is billed from now on: subscriptions with a card of their own too."""
    with world.store.change():
        method = world.store.get("payment_method", method_id)
        customer = world.store.get("customer", session["customer"])
        if method is None or customer is None or method["customer"] != session["customer"]:
            return
        settings = {**customer["invoice_settings"], "default_payment_method": method_id}
        customers.update(world, customer, {"invoice_settings": settings})
        for subscription in list(world.store.where("subscription", "customer", customer["id"])):
            if subscription["default_payment_method"] and subscription["status"] not in standing.OVER:
                standing.change(world, dict(subscription), default_payment_method=method_id)


def update_customer(world: World, session: Record, given: Record) -> None:
    """Name, email and phone, as far as the configuration allows."""
    settings = features(world, session)["customer_update"]
    with world.store.change():
        customer = world.store.get("customer", session["customer"])
        if customer and settings["enabled"]:
            changes = {name: given[name] for name in settings["allowed_updates"] if given.get(name)}
            customers.update(world, customer, changes)


def _own(world: World, session: Record, subscription_id: str) -> Record | None:
    subscription = world.store.get("subscription", subscription_id)
    return subscription if subscription and subscription["customer"] == session["customer"] else None
