"""The house's rules for cards: whether guests are asked to have theirs saved, and whether they may pay on our page."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import HouseRefused
from booking.queries.search import find_property
from booking.services.card_rules import keep_card_rules as keep
from booking.web.admin.blueprint import blueprint, reader
from booking.web.admin.card_forms import CardRulesForm
from booking.wiring import current_runtime


@blueprint.get("/cards")
def card_rules() -> ResponseReturnValue:
    """The switches, with what each means for guests."""
    place = find_property(reader())
    return _page(CardRulesForm.of(place)) if place else redirect(url_for("admin.house"), 303)


@blueprint.post("/cards")
def keep_card_rules() -> ResponseReturnValue:
    """Keep the switches, for bookings from now on."""
    place, form = find_property(reader()), CardRulesForm()
    if place is None:
        abort(404)
    rules = form.read_rules(place.currency)
    if rules is None:
        return _page(form), 422
    try:
        keep(current_runtime(), rules, current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return _page(form), 422
    flash("Kept. It holds for bookings from now on; what guests agreed to before stays as it was.")
    return redirect(url_for("admin.card_rules"), 303)


def _page(form: CardRulesForm) -> str:
    facts = {"place": find_property(reader()), "has_key": bool(current_runtime().settings.stripe_publishable_key)}
    return render_template("admin/card_rules.html", form=form, **facts)
