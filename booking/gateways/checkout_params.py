"""What Stripe's Checkout is asked for: orders in, the parameters of a session out. No call, no SDK.

https://docs.stripe.com/api/checkout/sessions/create names each parameter.
"""

from typing import Any

from booking.gateways.payments import CheckoutOrder, Params, Tag


def of_payment(order: CheckoutOrder) -> Params:
    """A page on which the amount is paid or, where the order says so, reserved on a card."""
    # Metadata of a session is not copied to its intent.
    metadata = metadata_of(order.tag)
    capture = {"capture_method": "manual"} if order.is_authorised_only else {}
    params = {
        **_shared(order),
        "mode": "payment",
        "line_items": [_line_item(order)],
        "payment_intent_data": {"metadata": metadata, "description": order.title, **capture},
        "submit_type": "book",
        # What is charged must be what was agreed, in the currency it was agreed in.
        "adaptive_pricing": {"enabled": False},
    }
    if order.saves_card:
        # A customer of its own: the address of a booking is not proven to be the person's who types it.
        params["customer_creation"] = "always"
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    return params


def of_guarantee(order: CheckoutOrder) -> Params:
    """A page on which nothing is paid, and a card is kept to be charged later with nobody there.

    https://docs.stripe.com/payments/checkout/save-and-reuse. Only cards: what else can be kept cannot be shown to the
    guest as a card, or takes days to say that it is good.
    """
    metadata = metadata_of(order.tag)
    return {
        **_shared(order),
        "mode": "setup",
        "currency": order.amount.currency,
        "allowed_payment_method_types": ["card"],
        "customer_creation": "always",
        "setup_intent_data": {"metadata": metadata, "description": order.title},
        # Such a page has no lines that say what it is about.
        "custom_text": {"submit": {"message": f"{order.title}, {order.description}"}},
    }


def metadata_of(tag: Tag) -> dict[str, str]:
    """Our names on an object of Stripe's."""
    return {"app": tag.app, "purpose": tag.purpose, "booking_id": tag.booking_id, "attempt": tag.attempt}


def _shared(order: CheckoutOrder) -> dict[str, Any]:
    return {
        "client_reference_id": order.tag.attempt,
        "metadata": metadata_of(order.tag),
        "customer_email": order.guest_email,
        "expires_at": int(order.expires_at.timestamp()),
        "locale": order.language,
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }


def _line_item(order: CheckoutOrder) -> dict[str, Any]:
    return {
        "quantity": 1,
        "price_data": {
            "currency": order.amount.currency,
            "unit_amount": order.amount.minor,
            "product_data": {"name": order.title, "description": order.description},
        },
    }
