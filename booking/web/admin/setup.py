"""The first-run wizard: from an empty shop to a booking that was paid, heard of, and given back.

It keeps nothing of its own. What is done is read from the shop itself, so it can be left and come back to anywhere.
"""

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import BookingError
from booking.gateways.payments import PaymentGatewayError
from booking.queries.dashboard import get_house_zone
from booking.queries.house import read_connection
from booking.queries.setup import Setup, Step, has_house, read_setup
from booking.services import trials
from booking.services.checkout import HandoffOutcome, start_checkout
from booking.services.endpoint import check_endpoint
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.house import take_house
from booking.web.admin.house_forms import HouseForm, NewListingForm, PhotosForm, zone_names
from booking.web.admin.listings import take_listing
from booking.web.admin.permits import can_open
from booking.web.guest import remember_trial
from booking.wiring import current_runtime

RELOAD_SECONDS = 3
TITLES = {
    Step.HOUSE: "The house",
    Step.LISTING: "Something to book",
    Step.PHOTO: "A photo",
    Step.STRIPE: "Stripe",
    Step.TRIAL: "A test booking",
}


@blueprint.before_request
def lead_to_setup() -> ResponseReturnValue | None:
    """An empty shop begins here: its first page has nothing to show."""
    if request.endpoint == "admin.today" and can_open("admin.setup") and not has_house(reader()):
        return redirect(url_for("admin.setup"), 303)
    return None


@blueprint.get("/setup")
def setup() -> ResponseReturnValue:
    """The step that was asked for, or the first one that is not done."""
    findings = check_endpoint(current_runtime()) if "ask" in request.args else []
    return _page(endpoint=findings)


@blueprint.post("/setup/house")
def setup_house() -> ResponseReturnValue:
    """The property."""
    form = HouseForm()
    if not take_house(form):
        return _page(Step.HOUSE, form), 422
    return redirect(url_for("admin.setup"), 303)


@blueprint.post("/setup/listing")
def setup_listing() -> ResponseReturnValue:
    """The first listing, with its units and its price."""
    form = NewListingForm()
    if take_listing(form) is None:
        return _page(Step.LISTING, form), 422
    return redirect(url_for("admin.setup"), 303)


@blueprint.post("/setup/test-booking")
def make_trial() -> ResponseReturnValue:
    """Hold nights as a guest would, and go to Stripe's page to pay for them."""
    try:
        placed = trials.place_trial(current_runtime(), current_user.name, current_user.email)
        handoff = start_checkout(current_runtime(), placed.booking_id)
    except PaymentGatewayError:
        return _told("Stripe did not open its page. Is STRIPE_SECRET_KEY a key of your account? Then try again.")
    except BookingError as refusal:
        return _told(refusal.user_message)
    remember_trial(placed.reference)
    if handoff.outcome is HandoffOutcome.PAY and handoff.url:
        return redirect(handoff.url, 303)
    return redirect(url_for("admin.setup", step=Step.TRIAL), 303)


def _told(words: str) -> ResponseReturnValue:
    flash(words, "trouble")
    return redirect(url_for("admin.setup", step=Step.TRIAL), 303)


def _page(step: Step | None = None, form: Any = None, endpoint: list[Any] | None = None) -> Any:
    found = read_setup(reader(), trials.trial_key())
    step = step or _read_step(found)
    page = render_template(
        "admin/setup.html", setup=found, step=step, titles=TITLES, form=form or _form(step, found), endpoint=endpoint,
        connection=read_connection(reader(), now()), settings=current_runtime().settings,
        zone=get_house_zone(reader()), zones=zone_names(), place=found.place, fixed=False, seconds=RELOAD_SECONDS,
    )  # fmt: skip
    answer = make_response(page)
    if step is Step.TRIAL and _is_changing(found):
        answer.headers["Refresh"] = str(RELOAD_SECONDS)
    return answer


def _read_step(found: Setup) -> Step:
    wanted = request.args.get("step", "")
    return Step(wanted) if wanted in found.open_steps else found.next_step


def _form(step: Step, found: Setup) -> Any:
    if step is Step.HOUSE:
        return HouseForm.of(found.place)
    if step is Step.LISTING:
        return NewListingForm(formdata=None, max_guests=2, units=1)
    return PhotosForm(formdata=None)


def _is_changing(found: Setup) -> bool:
    """Whether something is awaited: the payment, the event about it, or the money on its way back."""
    trial = found.trial
    return trial is not None and (
        trial.is_waiting or trial.webhook_at is None or trial.payment_status == "refund_pending"
    )
