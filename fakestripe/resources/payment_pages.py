"""`/v1/payment_pages`: what the hosted page asks for itself. Not in Stripe's public API; the Stripe CLI uses it."""

from __future__ import annotations

from fakestripe import checkout
from fakestripe.calls import Call, Operation
from fakestripe.checkout import NotPayable
from fakestripe.errors import invalid_request, resource_missing
from fakestripe.guests import Guest
from fakestripe.instruments import resolve
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Integer, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/payment_pages"


def confirm(world: World, call: Call) -> Record:
    """Pay as a guest would; the answer is the session, whatever became of the attempt."""
    session = get(world, "checkout.session", call.args["session"], "session")
    _check_amount(session, call.params.get("expected_amount"))
    method = resolve(world, call.params["payment_method"])
    if method is None:
        raise resource_missing("payment_method", call.params["payment_method"], "payment_method", status=400)
    try:
        checkout.pay(world, session["id"], method, _guest(world, session, method), call.base_url)
    except NotPayable as closed:
        raise invalid_request(f"This Checkout Session is {closed}.", code="checkout_not_active_session") from closed
    return checkout.get_session(world, session["id"])


def _check_amount(session: Record, expected: int | None) -> None:
    """The page says what the guest saw, so that nobody pays another amount."""
    if expected is not None and expected != (session["amount_total"] or 0):
        message = f"The amount expected ({expected}) is not the session's ({session['amount_total']})."
        raise invalid_request(message, code="checkout_amount_mismatch", param="expected_amount")


def _guest(world: World, session: Record, method: Record) -> Guest:
    billing = method["billing_details"]
    return Guest(
        email=checkout.known_email(world, session) or billing["email"],
        name=billing["name"],
        phone=billing["phone"],
        address=billing["address"],
        terms_accepted=True,
    )


OPERATIONS = [
    retrieving(PATH, "checkout.session", "session"),
    Operation(
        "POST",
        PATH + "/{session}/confirm",
        confirm,
        group("payment_method", payment_method=Text(), expected_amount=Integer(minimum=0)),
    ),
]
