"""Paying what is owed on a page of the shop, with the fields of Stripe.js. Nothing of the address is believed."""

from typing import Any

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from booking.gateways.payments import PaymentGatewayError
from booking.queries.dues import Owed
from booking.queries.guest import GuestBooking
from booking.services import on_page
from booking.services.on_page import OnPage
from booking.web.manage.blueprint import blueprint, count_try, get_own, nothing_here
from booking.web.manage.forms import PlainForm
from booking.web.security import payment_page_policy, stripe_script
from booking.wiring import current_runtime


@blueprint.post("/b/<reference>/pay/<int:due_id>/card")
def begin_card(reference: str, due_id: int) -> ResponseReturnValue:
    """Have the payment made at Stripe, and go on to the page on which it can be confirmed."""
    booking, owed = _payable(reference, due_id)
    count_try(booking)
    try:
        on_page.begin(current_runtime(), due_id)
    except PaymentGatewayError:
        return make_response(_page(booking, owed, OnPage(None), is_silent=True), 503)
    return redirect(url_for("manage.pay_card", reference=booking.reference, due_id=due_id), 303)


@blueprint.get("/b/<reference>/pay/<int:due_id>/card")
def pay_card(reference: str, due_id: int) -> ResponseReturnValue:
    """The page with the fields, or where to go instead. Also the way back from a bank: Stripe is asked each time."""
    booking, owed = _payable(reference, due_id)
    try:
        found = on_page.look(current_runtime(), due_id)
    except PaymentGatewayError:  # they may come from their bank, and have paid
        return make_response(_page(booking, owed, OnPage(None), is_in_doubt=True), 503)
    if found is None:
        return redirect(url_for("manage.due", reference=booking.reference, due_id=due_id), 303)
    if found.is_paid or found.is_under_way:
        return redirect(url_for("manage.booking", reference=booking.reference), 303)
    response = make_response(_page(booking, owed, found))
    response.headers["Content-Security-Policy"] = payment_page_policy(current_runtime().settings.stripe_api_base)
    return response


def _payable(reference: str, due_id: int) -> tuple[GuestBooking, Owed | None]:
    """The guest's own booking and what is owed of it. Where the house has no such page, there is none."""
    booking = get_own(reference)
    if not on_page.is_offered(current_runtime(), booking.id):
        nothing_here()
    owed = next((one for one in booking.owed if one.id == due_id), None)
    if owed is None and not on_page.is_of(booking.id, due_id):
        nothing_here()
    return booking, owed


def _page(
    booking: GuestBooking, owed: Owed | None, found: OnPage, *, is_silent: bool = False, is_in_doubt: bool = False
) -> str:
    settings = current_runtime().settings
    path = url_for("manage.pay_card", reference=booking.reference, due_id=owed.id) if owed else ""
    facts: dict[str, Any] = {
        "key": settings.stripe_publishable_key,
        "script": stripe_script(settings.stripe_api_base),
        "back": f"{settings.base_url}{path}",
    }
    facts |= {"is_silent": is_silent, "is_in_doubt": is_in_doubt, "form": PlainForm()}
    return render_template("manage/pay_card.html", booking=booking, owed=owed, found=found, **facts)
