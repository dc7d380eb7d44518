"""What guests change of their own booking: details, a mail once more, and the end of it."""

from flask import abort, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from booking.domain.cancelling import CancelDoor
from booking.domain.errors import TransitionRefused
from booking.gateways.payments import GatewayUnavailable
from booking.queries.guest import GuestBooking
from booking.services.resending import resend_confirmation
from booking.services.self_service import RefundChanged, cancel_as_guest, change_details
from booking.web.manage.blueprint import blueprint, count_try, get_own, tell
from booking.web.manage.forms import CancelForm, DetailsForm
from booking.wiring import current_runtime


@blueprint.get("/b/<reference>/details")
def details(reference: str) -> ResponseReturnValue:
    """The form with what the house knows."""
    found = get_own(reference)
    if not found.can_change:
        return _to_booking(found)
    return render_template("manage/details.html", booking=found, form=DetailsForm.of(found, is_sent=False))


@blueprint.post("/b/<reference>/details")
def keep_details(reference: str) -> ResponseReturnValue:
    """Write down what was typed, or say what is wrong with it."""
    found = get_own(reference)
    form = DetailsForm.of(found, is_sent=True)
    if not form.validate():
        return make_response(render_template("manage/details.html", booking=found, form=form), 422)
    count_try(found)
    change_details(current_runtime(), found.id, form.details())
    tell(gettext("Your details are saved. The house sees them at once."))
    return _to_booking(found)


@blueprint.post("/b/<reference>/resend")
def resend(reference: str) -> ResponseReturnValue:
    """The confirmation once more, to the address on file."""
    found = get_own(reference)
    count_try(found)
    resend_confirmation(current_runtime(), found.id)
    tell(gettext("We are sending your confirmation to %(address)s once more.", address=found.masked_email))
    return _to_booking(found)


@blueprint.get("/b/<reference>/cancel")
def ask_cancel(reference: str) -> ResponseReturnValue:
    """What cancelling would do at this moment, before anything is done."""
    found = get_own(reference)
    if found.cancelling.door is CancelDoor.CLOSED:
        return _to_booking(found)
    return _cancel_page(found)


@blueprint.post("/b/<reference>/cancel")
def cancel(reference: str) -> ResponseReturnValue:
    """Cancel, with no less than the page had said. Where that is not possible any more, ask again."""
    found, form = get_own(reference), CancelForm()
    shown = form.read_shown(found.total.currency)
    if shown is None:
        abort(400)
    count_try(found)
    try:
        cancel_as_guest(current_runtime(), found.id, shown, form.form_token.data)
    except RefundChanged:
        return make_response(_cancel_page(get_own(reference), problem="changed"), 409)
    except GatewayUnavailable:
        return make_response(_cancel_page(get_own(reference), problem="silent"), 503)
    except TransitionRefused:  # the booking's page, or this one's, says how it stands now
        return redirect(url_for("manage.ask_cancel", reference=found.reference), 303)
    return _to_booking(found)


def _cancel_page(found: GuestBooking, problem: str = "") -> str:
    form = CancelForm.of(found.cancelling.back)
    return render_template("manage/cancel.html", booking=found, form=form, problem=problem)


def _to_booking(found: GuestBooking) -> ResponseReturnValue:
    return redirect(url_for("manage.booking", reference=found.reference), 303)
