"""The property's own settings, and how the shop is connected to mail, Stripe and its worker."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import HouseRefused
from booking.queries.dashboard import get_house_zone
from booking.queries.house import has_bookings, read_connection
from booking.queries.search import find_property
from booking.services import houses
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import OnceForm
from booking.web.admin.house_forms import HouseForm, zone_names
from booking.wiring import current_runtime


@blueprint.get("/house")
def house() -> ResponseReturnValue:
    """What the property says of itself, and whether its mail and Stripe's events arrive."""
    return _page(HouseForm.of(find_property(reader())))


@blueprint.post("/house")
def keep_house() -> ResponseReturnValue:
    """Describe the property anew."""
    form = HouseForm()
    if not take_house(form):
        return _page(form), 422
    flash("Kept. Guests see it at once.")
    return redirect(url_for("admin.house"), 303)


@blueprint.post("/house/test-mail")
def send_test_mail() -> ResponseReturnValue:
    """A mail to the house itself. One page sends it once, however often it is pressed."""
    form = OnceForm()
    if not form.validate_on_submit() or find_property(reader()) is None:
        abort(400)
    houses.send_test_mail(current_runtime(), current_user.email, str(form.form_token.data))
    flash("The test mail is asked for. Load this page again in a few seconds to see what became of it.")
    return redirect(url_for("admin.house", _anchor="mail"), 303)


def take_house(form: HouseForm) -> bool:
    """Keep the property as the form says; False, with words on the fields, where it cannot be."""
    facts = form.read_facts()
    if facts is None:
        return False
    try:
        houses.keep_house(current_runtime(), facts, current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return False
    return True


def _page(form: HouseForm) -> str:
    session = reader()
    return render_template(
        "admin/house.html", form=form, zones=zone_names(), once=OnceForm.fresh(), place=find_property(session),
        fixed=has_bookings(session), zone=get_house_zone(session), connection=read_connection(session, now()),
        settings=current_runtime().settings,
    )  # fmt: skip
