"""The cards that a guest has let the house save with one booking: see them, choose the one that is charged, remove."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from booking.domain.errors import TransitionRefused
from booking.domain.states import Source
from booking.extensions import db
from booking.queries.cards import Wallet, read_wallet
from booking.queries.guest import GuestBooking
from booking.services.cards import choose_card as choose
from booking.services.cards import remove_card as remove
from booking.services.timeline import Cause
from booking.web.manage.blueprint import blueprint, count_try, get_own, nothing_here, tell
from booking.web.manage.forms import PlainForm
from booking.wiring import current_runtime


@blueprint.get("/b/<reference>/cards")
def cards(reference: str) -> ResponseReturnValue:
    """What is saved and what it may be charged for. A booking with no consent has no such page."""
    found = get_own(reference)
    return render_template("manage/cards.html", booking=found, wallet=_wallet(found), form=PlainForm(formdata=None))


@blueprint.post("/b/<reference>/cards/<int:card_id>/default")
def choose_card(reference: str, card_id: int) -> ResponseReturnValue:
    """Have this card charged from now on. A card of somebody else's is one that does not exist."""
    found = get_own(reference)
    count_try(found)
    try:
        choose(current_runtime(), found.id, card_id)
    except TransitionRefused:
        nothing_here()
    tell(gettext("From now on this card is charged."))
    return _to_cards(found)


@blueprint.post("/b/<reference>/cards/<int:card_id>/remove")
def remove_card(reference: str, card_id: int) -> ResponseReturnValue:
    """Charge this card no more, and have Stripe forget it."""
    found = get_own(reference)
    count_try(found)
    try:
        remove(current_runtime(), found.id, card_id, Cause(Source.WEB))
    except TransitionRefused:
        nothing_here()
    tell(gettext("The card is removed. It is not charged any more."))
    return _to_cards(found)


def _wallet(found: GuestBooking) -> Wallet:
    wallet = read_wallet(db.session(), found.id)
    return wallet if found.has_cards else nothing_here()


def _to_cards(found: GuestBooking) -> ResponseReturnValue:
    return redirect(url_for("manage.cards", reference=found.reference), 303)
