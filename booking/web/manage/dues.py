"""What a guest still owes: the page that says so, and the button that leads to Stripe."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from booking.queries.dues import Owed
from booking.queries.guest import GuestBooking
from booking.services import on_page
from booking.services.balances import start_due
from booking.web.checkout.paying import send_to_stripe
from booking.web.manage.blueprint import blueprint, count_try, get_own, get_visible, is_own
from booking.web.manage.forms import PlainForm
from booking.wiring import current_runtime


@blueprint.get("/b/<reference>/pay/<int:due_id>")
def due(reference: str, due_id: int) -> ResponseReturnValue:
    """What is owed, why and until when. Where nothing is owed any more, the booking says what became of it."""
    booking = get_visible(reference)
    owed = _find(booking, due_id)
    if owed is None:
        return redirect(url_for("manage.booking", reference=booking.reference), 303)
    return render_template(
        "manage/pay_due.html",
        booking=booking,
        owed=owed,
        is_own=is_own(reference),
        on_page=on_page.is_offered(current_runtime(), booking.id),
        plain=PlainForm(),
    )


@blueprint.post("/b/<reference>/pay/<int:due_id>")
def pay_due(reference: str, due_id: int) -> ResponseReturnValue:
    """Go to Stripe for it. Pressed twice, it leads to one page; where nothing is owed any more, to the booking."""
    booking = get_own(reference)
    if _find(booking, due_id) is None:
        return redirect(url_for("manage.booking", reference=booking.reference), 303)
    count_try(booking)
    return send_to_stripe(booking.reference, lambda: start_due(current_runtime(), due_id))


def _find(booking: GuestBooking, due_id: int) -> Owed | None:
    return next((owed for owed in booking.owed if owed.id == due_id), None)
