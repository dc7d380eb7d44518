"""What a new Checkout Session refuses: what does not fit its mode, and what we do not simulate.

Source: docs.stripe.com/api/checkout/sessions/create.
"""

from __future__ import annotations

from typing import Any

from fakestripe import customers
from fakestripe.calls import Call
from fakestripe.errors import invalid_parameter, missing_parameter, not_simulated
from fakestripe.world import World

ENDIVE = "2026-09-30"
MINUTES_30 = 30 * 60
HOURS_24 = 24 * 3600
# In which modes a parameter makes sense.
MODES = {
    "customer_creation": ("payment", "setup"),
    "invoice_creation": ("payment",),
    "line_items": ("payment", "subscription"),
    "optional_items": ("payment", "subscription"),
    "payment_intent_data": ("payment",),
    "payment_method_collection": ("subscription",),
    "payment_method_options": ("payment", "setup"),
    "saved_payment_method_options": ("payment", "subscription"),
    "setup_intent_data": ("setup",),
    "submit_type": ("payment", "subscription"),
    "subscription_data": ("subscription",),
}
ONE_OF = (("customer", "customer_email"), ("customer", "customer_creation"))


def check(world: World, call: Call) -> None:
    params = call.params
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_simulated(f"ui_mode={params['ui_mode']}: only Stripe's own page, hosted_page", "ui_mode")
    _check_mode(params)
    _check_trial(params, world.clock.timestamp())
    _check_customer(world, params)
    _check_saving(params)
    if "payment_method_types" in params and call.version_date >= ENDIVE:
        # docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
        message = (
            "Received unknown parameter: payment_method_types. It is no longer supported since "
            "2026-09-30.endive. Use `allowed_payment_method_types` or "
            "`excluded_payment_method_types` instead."
        )
        raise invalid_parameter(message, "payment_method_types", "parameter_unknown")


def expiry(params: dict[str, Any], now: int) -> int:
    """Between 30 minutes and 24 hours from creation; 24 hours unless said otherwise."""
    expires_at = params.get("expires_at", now + HOURS_24)
    if expires_at < now + MINUTES_30:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid_parameter(message, "expires_at")
    if expires_at > now + HOURS_24:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid_parameter(message, "expires_at")
    return int(expires_at)


def methods(params: dict[str, Any], currency: str | None) -> list[str]:
    """Cards always; SEPA debit to pay once in euro; filtered by what the caller allows or excludes."""
    delayed = currency == "eur" and params["mode"] == "payment"
    offered = ["card", "sepa_debit"] if delayed else ["card"]
    for name in ("payment_method_types", "allowed_payment_method_types"):
        if name in params:
            offered = [method for method in offered if method in params[name]]
    excluded = params.get("excluded_payment_method_types", [])
    offered = [method for method in offered if method not in excluded]
    if not offered:
        message = "No valid payment method types for this Checkout Session."
        raise invalid_parameter(message, "allowed_payment_method_types")
    return offered


def _check_mode(params: dict[str, Any]) -> None:
    mode = params["mode"]
    for name, modes in MODES.items():
        if name in params and mode not in modes:
            raise invalid_parameter(f"You can not pass `{name}` in `{mode}` mode.", name)
    if mode == "setup" and "currency" not in params and "payment_method_types" not in params:
        raise missing_parameter("currency")


def _check_trial(params: dict[str, Any], now: int) -> None:
    """docs.stripe.com/payments/checkout/free-trials: by days, or until a moment at least 48 hours away."""
    data = params.get("subscription_data", {})
    if "trial_end" not in data:
        return
    if "trial_period_days" in data:
        message = "You may only specify one of these parameters: trial_end, trial_period_days."
        raise invalid_parameter(message, "subscription_data[trial_end]")
    if not now + 2 * HOURS_24 <= data["trial_end"] <= now + 730 * HOURS_24:
        message = "The `trial_end` date has to be at least 2 days, and at most two years, in the future."
        raise invalid_parameter(message, "subscription_data[trial_end]")


def _check_customer(world: World, params: dict[str, Any]) -> None:
    for one, other in ONE_OF:
        if one in params and other in params:
            message = f"You may only specify one of these parameters: {one}, {other}."
            raise invalid_parameter(message, other)
    if "customer" in params:
        customers.find(world, params["customer"])
    elif "customer_update" in params:
        message = "`customer_update` can only be used with `customer`."
        raise invalid_parameter(message, "customer_update")


def _check_saving(params: dict[str, Any]) -> None:
    """Only what belongs to a customer can be kept for the next time."""
    wanted = params.get("saved_payment_method_options", {}).get("payment_method_save") == "enabled"
    has_customer = "customer" in params or params.get("customer_creation") == "always"
    if wanted and params["mode"] == "payment" and not has_customer:
        message = "`payment_method_save` needs a `customer`, or `customer_creation=always`."
        raise invalid_parameter(message, "saved_payment_method_options[payment_method_save]")
