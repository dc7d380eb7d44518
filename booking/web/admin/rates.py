"""Prices: what each listing charges, what a property adds, and a look at what a change would mean before it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import ListingNotFound, RateNotFound, RateRefused
from booking.domain.examples import Example
from booking.domain.money import Money
from booking.domain.rate_changes import Draft
from booking.queries import rates as found
from booking.services import rates as services
from booking.services.rates import Change
from booking.web.admin import rate_forms as forms
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.rate_forms import PART_WORDS, PER_WORDS, WEEKDAYS, RateForm
from booking.wiring import current_runtime


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be changed on one page; `noun` stands in its title. `remove` is None for what there is always one of."""

    noun: str
    form: type[RateForm]
    save: Callable[..., tuple[Example, ...]]
    remove: Callable[[Change, int, int], None] | None = None
    is_of_property: bool = False
    is_filled: bool = False  # from the listing itself

    @property
    def has_rows(self) -> bool:
        return self.remove is not None


KINDS = {
    "prices": Kind("Prices of a night", forms.PricesForm, services.set_prices, is_filled=True),
    "more-guests": Kind("More guests", forms.MoreGuestsForm, services.set_more_guests, is_filled=True),
    "tourist-tax": Kind("Tourist tax", forms.TouristTaxForm, services.set_tourist_tax, is_filled=True),
    "days": Kind("Prices of single nights", forms.DaysForm, services.set_day_prices),
    "seasons": Kind("season", forms.SeasonForm, services.save_season, services.remove_season),
    "discounts": Kind("discount", forms.DiscountForm, services.save_discount, services.remove_discount),
    "fees": Kind("fee", forms.FeeForm, services.save_fee, services.remove_fee),
    "taxes": Kind("tax", forms.TaxForm, services.save_tax, services.remove_tax, is_of_property=True),
    "extras": Kind("extra", forms.ExtraForm, services.save_extra, services.remove_extra, is_of_property=True),
    "coupons": Kind("code", forms.CouponForm, services.save_coupon, services.end_coupon, is_of_property=True),
}


@blueprint.app_template_global("amount")
def amount(minor: int, currency: str) -> Money:
    """Minor units as money, which the `money` filter writes."""
    return Money(minor, currency)


@blueprint.app_template_filter("percent")
def percent(share: int) -> str:
    """Hundredths of a percent as people write them: "7.5 %"."""
    return f"{forms.typed_percent(share)} %"


@blueprint.errorhandler(RateNotFound)
@blueprint.errorhandler(ListingNotFound)
def rate_not_found(_error: Exception) -> ResponseReturnValue:
    """Prices that are not there."""
    return render_template("admin/error.html", title="These prices are not there", text="They may be removed."), 404


@blueprint.get("/rates")
def rates() -> ResponseReturnValue:
    """Every listing and property, and where their prices are changed."""
    return render_template("admin/rates.html", houses=found.list_houses(reader(), now()))


@blueprint.get("/rates/listing/<int:listing_id>")
def listing_rates(listing_id: int) -> ResponseReturnValue:
    """Everything one listing charges."""
    sheet = found.get_listing_rates(reader(), listing_id, now())
    words = {"per_words": PER_WORDS, "weekdays": WEEKDAYS}
    return render_template("admin/listing_rates.html", sheet=sheet, listing=sheet.listing, **words)


@blueprint.get("/rates/property/<int:property_id>")
def property_rates(property_id: int) -> ResponseReturnValue:
    """The taxes, extras and codes of a property."""
    place = found.get_rate_owner(reader(), "taxes", property_id)
    coupons = found.list_coupons(reader(), place, now())
    words = {"per_words": PER_WORDS, "part_words": PART_WORDS}
    return render_template("admin/property_rates.html", place=place, coupons=coupons, **words)


@blueprint.get("/rates/<kind>/<int:owner_id>")
@blueprint.get("/rates/<kind>/<int:owner_id>/<int:row_id>")
def rate(kind: str, owner_id: int, row_id: int = 0) -> ResponseReturnValue:
    """The form for one thing that is charged: a new one, or one that there is."""
    return _page(kind, owner_id, row_id, _form(kind, owner_id, row_id))


@blueprint.post("/rates/<kind>/<int:owner_id>")
@blueprint.post("/rates/<kind>/<int:owner_id>/<int:row_id>")
def save_rate(kind: str, owner_id: int, row_id: int = 0) -> ResponseReturnValue:
    """Keep what was typed; or, with the button "Preview", only show what stays would cost with it."""
    form, is_trial = _form(kind, owner_id, row_id), "preview" in request.form
    draft = form.read()
    if draft is None:
        return _page(kind, owner_id, row_id, form), 422
    try:
        examples = _save(kind, owner_id, row_id, draft, is_trial)
    except RateRefused as error:
        form.refuse(error)
        return _page(kind, owner_id, row_id, form), 422
    if is_trial:
        return _page(kind, owner_id, row_id, form, examples)
    flash("Saved. Whoever looks from now on sees these prices; bookings that are placed keep theirs.")
    return redirect(_overview(kind, owner_id), 303)


@blueprint.post("/rates/<kind>/<int:owner_id>/<int:row_id>/remove")
def remove_rate(kind: str, owner_id: int, row_id: int) -> ResponseReturnValue:
    """Charge, or offer, it no more."""
    remove = _kind(kind).remove
    if remove is None:
        abort(404)
    remove(_change(), owner_id, row_id)
    flash("Removed. Bookings that are placed keep their price.")
    return redirect(_overview(kind, owner_id), 303)


@blueprint.post("/rates/days/<int:listing_id>/<day>/remove")
def remove_day(listing_id: int, day: str) -> ResponseReturnValue:
    """Let a night cost again what its season or weekday does."""
    try:
        services.remove_day_price(_change(), listing_id, date.fromisoformat(day))
    except ValueError:
        abort(404)
    flash("Removed. The night costs what its season or weekday does.")
    return redirect(_overview("days", listing_id), 303)


def _kind(kind: str) -> Kind:
    return KINDS.get(kind) or abort(404)


def _change(is_trial: bool = False) -> Change:
    return Change(current_runtime(), current_user.email, is_trial)


def _save(kind: str, owner_id: int, row_id: int, draft: Draft, is_trial: bool) -> tuple[Example, ...]:
    chosen = _kind(kind)
    if chosen.has_rows:
        return chosen.save(_change(is_trial), owner_id, row_id or None, draft)
    return chosen.save(_change(is_trial), owner_id, draft)


def _form(kind: str, owner_id: int, row_id: int) -> RateForm:
    chosen, owner = _kind(kind), found.get_rate_owner(reader(), kind, owner_id)
    if row_id and not chosen.has_rows:
        abort(404)
    row = owner if chosen.is_filled else found.get_rate_row(reader(), kind, owner_id, row_id) if row_id else None
    form: RateForm = chosen.form.of(row, _currency(owner))
    return form


def _currency(owner: Any) -> str:
    return str(owner.currency if hasattr(owner, "currency") else owner.property.currency)


def _page(kind: str, owner_id: int, row_id: int, form: RateForm, examples: tuple[Example, ...] | None = None) -> str:
    chosen, owner = _kind(kind), found.get_rate_owner(reader(), kind, owner_id)
    title = chosen.noun if not chosen.has_rows else f"Change the {chosen.noun}" if row_id else f"Add a {chosen.noun}"
    title = title.replace("Add a extra", "Add an extra")
    facts = {"form": form, "owner": owner, "title": title, "currency": form.currency, "examples": examples}
    return render_template("admin/rate.html", **facts, weekdays=WEEKDAYS, back=_overview(kind, owner_id))


def _overview(kind: str, owner_id: int) -> str:
    if _kind(kind).is_of_property:
        return url_for("admin.property_rates", property_id=owner_id)
    return url_for("admin.listing_rates", listing_id=owner_id)
