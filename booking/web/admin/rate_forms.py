"""Forms for prices. Each is filled from what there is, and gives the change that the service wants."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from booking.domain.errors import BookingError
from booking.domain.money import Money, exponent, parse_major
from booking.domain.rate_changes import (
    CouponChange,
    DayPrices,
    DiscountChange,
    Draft,
    ExtraChange,
    FeeChange,
    MoreGuests,
    PlainPrices,
    SeasonChange,
    TaxChange,
    TouristTaxChange,
)
from booking.domain.rates import Per, TaxPart
from booking.queries.coupons import normal_code
from booking.web.text import one_line

_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PER_WORDS = {
    Per.STAY: "once a stay",
    Per.NIGHT: "each night",
    Per.GUEST: "each guest",
    Per.GUEST_NIGHT: "each guest and night",
}
PART_WORDS = {
    TaxPart.ROOM: "Nights, with discounts and codes taken off",
    TaxPart.CLEANING: "Cleaning",
    TaxPart.FEES: "Fees",
    TaxPart.EXTRAS: "Extras",
    TaxPart.TOURIST_TAX: "Tourist tax",
}


def _text(label: str) -> Any:
    return StringField(label, [Length(max=80)], filters=[one_line])


class _DayField(DateField):
    """A day, with plain words for what is none."""

    def process_formdata(self, valuelist: Any) -> None:
        """Read what was typed. Raises ValueError."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Write the day like 2027-06-01.") from None


def _day(label: str, *, is_needed: bool = True) -> Any:
    return _DayField(label, [InputRequired("Choose a day.") if is_needed else Optional()])


def _per() -> Any:
    return SelectField("Counted", choices=[SelectChoice(per.value, words) for per, words in PER_WORDS.items()])


class RateForm(FlaskForm):
    """What all have in common: amounts, shares and numbers are typed as text and read with plain words."""

    hints: ClassVar[Mapping[str, str]] = {}
    currency = "eur"

    @classmethod
    def of(cls, row: Any, currency: str) -> Any:
        """The form, filled with a row where there is one, or with what was sent."""
        form = cls(data=cls.data_of(row, currency)) if row is not None else cls()
        form.currency = currency
        return form

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """What the fields show of a row."""
        raise NotImplementedError

    def read(self) -> Draft | None:
        """The change; None, with words on the fields, where something is not readable."""
        is_whole = self.validate_on_submit()
        draft = self.draft()
        return draft if is_whole and not self.errors else None

    def draft(self) -> Draft:
        """The change that was typed. Unreadable fields are told on the form, and count as nothing."""
        raise NotImplementedError

    def refuse(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        name = str(error.details.get("field"))
        self.tell(
            name if name in self else next(each for each in self._fields if each != "csrf_token"), error.user_message
        )

    def tell(self, name: str, words: str) -> None:
        """Put words on a field."""
        field: Any = self[name]
        field.errors = [*field.errors, words]

    def amount(self, name: str, *, or_none: bool = False) -> int:
        """What was typed as an amount; 0 where nothing was, and nothing is an answer."""
        text = (self[name].data or "").strip()
        if not text and or_none:
            return 0
        amount = parse_major(text, self.currency)
        problem = _amount_problem(text, amount, self.currency)
        if problem or amount is None:
            self.tell(name, problem or "Type a plain number.")
            return 1
        return amount.minor

    def percent(self, name: str, *, or_none: bool = False) -> int:
        """What was typed as a percentage, in hundredths of a percent."""
        text = (self[name].data or "").strip().removesuffix("%").strip()
        if not text and or_none:
            return 0
        share = parse_major(text, "eur")  # two decimals, as euros have
        if share is None:
            self.tell(name, "Type a percentage such as 7 or 7.5.")
        return share.minor if share else 1

    def number(self, name: str) -> int | None:
        """What was typed as a whole number; None where nothing was."""
        text = (self[name].data or "").strip()
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            self.tell(name, "Type a whole number, or leave it empty.")
            return None
        return int(text)


class Weekdays:
    """Seven fields for the prices of single weekdays."""

    weekday_0 = _text("Monday")
    weekday_1 = _text("Tuesday")
    weekday_2 = _text("Wednesday")
    weekday_3 = _text("Thursday")
    weekday_4 = _text("Friday")
    weekday_5 = _text("Saturday")
    weekday_6 = _text("Sunday")


def _weekday_data(stored: Mapping[str, int], currency: str) -> dict[str, str]:
    return {f"weekday_{weekday}": _typed(minor, currency) for weekday, minor in stored.items()}


def _read_weekdays(form: RateForm) -> dict[str, int]:
    typed = [str(weekday) for weekday in range(7) if (form[f"weekday_{weekday}"].data or "").strip()]
    return {weekday: form.amount(f"weekday_{weekday}") for weekday in typed}


class PricesForm(RateForm, Weekdays):
    """The plain prices."""

    nightly_minor = _text("A night")
    weekend_minor = _text("A night of Friday or Saturday")
    cleaning_minor = _text("Cleaning, once a stay")
    hints = {
        "nightly_minor": "Where no season and no weekday below says otherwise.",
        "cleaning_minor": "Leave it empty where nothing is charged for it.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """The columns of a listing."""
        plain = {name: _typed(getattr(row, name), currency) for name in ("nightly_minor", "weekend_minor")}
        cleaning = _typed(row.cleaning_minor, currency) if row.cleaning_minor else ""
        return {**plain, "cleaning_minor": cleaning, **_weekday_data(row.weekday_minor, currency)}

    def draft(self) -> Draft:
        """Plain prices."""
        nightly, weekend = self.amount("nightly_minor"), self.amount("weekend_minor")
        return PlainPrices(nightly, weekend, self.amount("cleaning_minor", or_none=True), _read_weekdays(self))


class MoreGuestsForm(RateForm):
    """For how many a night is."""

    included_guests = _text("Guests that the price of a night is for")
    more_guests_minor = _text("Each guest above them, a night")
    hints = {"included_guests": "Leave both empty where a night costs the same however many come."}

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """The columns of a listing."""
        more = _typed(row.more_guests_minor, currency) if row.more_guests_minor else ""
        return {"included_guests": str(row.included_guests or ""), "more_guests_minor": more}

    def draft(self) -> Draft:
        """Who pays more."""
        return MoreGuests(self.number("included_guests"), self.amount("more_guests_minor", or_none=True))


class TouristTaxForm(RateForm):
    """What the place asks."""

    tourist_tax_minor = _text("Amount")
    tourist_tax_per = _per()
    tourist_tax_from_age = _text("From which age")
    tourist_tax_most_nights = _text("For how many nights at most")
    hints = {
        "tourist_tax_minor": "Leave it empty where there is none.",
        "tourist_tax_from_age": "Guests are asked for the ages of children only where this is more than 0.",
        "tourist_tax_most_nights": "Leave it empty where every night counts.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """The columns of a listing."""
        return {
            "tourist_tax_minor": _typed(row.tourist_tax_minor, currency) if row.tourist_tax_minor else "",
            "tourist_tax_per": row.tourist_tax_per,
            "tourist_tax_from_age": str(row.tourist_tax_from_age or ""),
            "tourist_tax_most_nights": str(row.tourist_tax_most_nights or ""),
        }

    def draft(self) -> Draft:
        """The tax."""
        minor = self.amount("tourist_tax_minor", or_none=True)
        age, most = self.number("tourist_tax_from_age") or 0, self.number("tourist_tax_most_nights")
        return TouristTaxChange(minor, self.tourist_tax_per.data or "", age, most)


class DaysForm(RateForm):
    """The price of single nights."""

    first_on = _day("Night, or the first of several")
    last_on = _day("Last of several", is_needed=False)
    nightly_minor = _text("A night")
    hints = {
        "first_on": "The night that begins on this day.",
        "last_on": "Leave it empty for one night.",
        "nightly_minor": "It holds above every season and weekday.",
    }

    def draft(self) -> Draft:
        """Some nights."""
        first = self.first_on.data
        return DayPrices(first, self.last_on.data or first, self.amount("nightly_minor"))


class SeasonForm(RateForm, Weekdays):
    """A season."""

    name = _text("Name")
    name_de = _text("Name in German (optional)")
    first_on = _day("First night")
    last_on = _day("Last night")
    nightly_minor = _text("A night")
    hints = {
        "name": "Guests see it beside the price of these nights.",
        "last_on": "The night that begins on this day is the last of the season.",
        "nightly_minor": "Where seasons overlap, the shorter one holds.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """A season's columns."""
        days = {"first_on": row.first_on, "last_on": row.last_on, "nightly_minor": _typed(row.nightly_minor, currency)}
        return {**_names(row), **days, **_weekday_data(row.weekday_minor, currency)}

    def draft(self) -> Draft:
        """The season."""
        name, first, last = self.name.data or "", self.first_on.data, self.last_on.data
        nightly, weekdays = self.amount("nightly_minor"), _read_weekdays(self)
        return SeasonChange(name, first, last, nightly, weekdays, _translations(self))


class DiscountForm(RateForm):
    """A discount."""

    name = _text("Name")
    name_de = _text("Name in German (optional)")
    off = _text("Percent off the nights")
    min_nights = _text("For stays of at least so many nights")
    min_lead = _text("Booked at least so many days before arrival")
    max_lead = _text("Booked at most so many days before arrival")
    hints = {
        "off": "Of several for long stays the best one counts, and of several for early or late booking another.",
        "min_nights": "Leave it empty for stays of any length.",
        "min_lead": "For those who book early. Leave it empty otherwise.",
        "max_lead": "For those who book late. Leave it empty otherwise.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """A discount's columns."""
        numbers = {name: getattr(row, name) for name in ("min_nights", "min_lead", "max_lead")}
        typed = {name: "" if number is None else str(number) for name, number in numbers.items()}
        return {**_names(row), "off": typed_percent(row.off), **typed}

    def draft(self) -> Draft:
        """The discount."""
        nights = self.number("min_nights") or 1
        leads = {name: self.number(name) for name in ("min_lead", "max_lead")}
        return DiscountChange(
            self.name.data or "", self.percent("off"), nights, **leads, translations=_translations(self)
        )


class FeeForm(RateForm):
    """A fee that everybody pays."""

    name = _text("Name")
    name_de = _text("Name in German (optional)")
    amount_minor = _text("Amount")
    per = _per()
    hints = {"name": "Guests see it in the price. It is in every total from the first page on."}

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """A fee's columns."""
        return {**_names(row), "amount_minor": _typed(row.amount_minor, currency), "per": row.per.value}

    def draft(self) -> Draft:
        """The fee."""
        return FeeChange(self.name.data or "", self.amount("amount_minor"), _read_per(self), _translations(self))


class ExtraForm(RateForm):
    """An extra that guests may choose."""

    name = _text("Name")
    name_de = _text("Name in German (optional)")
    amount_minor = _text("Amount")
    per = _per()
    most = _text("How many a guest may choose")
    hints = {
        "name": "Guests choose it on the page where they type their name.",
        "most": "1 makes a box to tick. With more, guests choose a number.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """An extra's columns."""
        amount = {"amount_minor": _typed(row.amount_minor, currency), "per": row.per.value}
        return {**_names(row), **amount, "most": str(row.most)}

    def draft(self) -> Draft:
        """The extra."""
        amount, most = self.amount("amount_minor"), self.number("most") or 1
        return ExtraChange(self.name.data or "", amount, _read_per(self), most, _translations(self))


class _Boxes(SelectMultipleField):
    """Several of a few, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TaxForm(RateForm):
    """A tax."""

    name = _text("Name")
    name_de = _text("Name in German (optional)")
    share = _text("Percent")
    parts = _Boxes("Laid on", choices=[SelectChoice(part.value, words) for part, words in PART_WORDS.items()])
    is_included = BooleanField("The prices have it in them already")
    hints = {
        "name": "Such as VAT. Guests see it in the price.",
        "is_included": "Then nothing is added; the quote tells how much of it is the tax. Otherwise it comes on top.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """A tax's columns."""
        return {
            **_names(row),
            "share": typed_percent(row.share),
            "parts": list(row.parts),
            "is_included": row.is_included,
        }

    def draft(self) -> Draft:
        """The tax."""
        parts = [part.value for part in TaxPart if part.value in (self.parts.data or ())]
        share, is_included = self.percent("share"), bool(self.is_included.data)
        return TaxChange(self.name.data or "", share, parts, is_included, _translations(self))


class CouponForm(RateForm):
    """A code."""

    code = _text("Code")
    off_minor = _text("Amount off the nights")
    off_share = _text("Or percent off the nights")
    min_nights = _text("For stays of at least so many nights")
    first_on = _day("For nights from", is_needed=False)
    last_on = _day("For nights up to", is_needed=False)
    until_on = _day("Can be used until", is_needed=False)
    most_uses = _text("For how many bookings")
    hints = {
        "code": "Letters, digits and hyphens; guests may type it in small letters.",
        "first_on": "Leave both days empty where it is for all nights.",
        "until_on": "The last day on which somebody can book with it. Leave it empty where it has no end.",
        "most_uses": "A booking that is cancelled or never paid gives its use back. Leave it empty for any number.",
    }

    @classmethod
    def data_of(cls, row: Any, currency: str) -> dict[str, Any]:
        """A code's columns."""
        off = {"off_minor": _typed(row.off_minor, currency) if row.off_minor else ""}
        off["off_share"] = typed_percent(row.off_share) if row.off_share else ""
        days = {name: getattr(row, name) for name in ("first_on", "last_on", "until_on")}
        return {
            "code": row.code,
            **off,
            "min_nights": str(row.min_nights),
            "most_uses": str(row.most_uses or ""),
            **days,
        }

    def draft(self) -> Draft:
        """The code."""
        off = self.amount("off_minor", or_none=True), self.percent("off_share", or_none=True)
        days = {name: self[name].data for name in ("first_on", "last_on", "until_on")}
        code, most = normal_code(self.code.data or ""), self.number("most_uses")
        return CouponChange(code, *off, self.number("min_nights") or 1, most_uses=most, **days)


def _names(row: Any) -> dict[str, str]:
    return {"name": row.name, "name_de": row.translations.get("de", "")}


def _translations(form: Any) -> dict[str, str]:
    return {"de": form.name_de.data} if form.name_de.data else {}


def _read_per(form: Any) -> Per:
    return Per(form.per.data) if form.per.data in set(Per) else Per.STAY


def _typed(minor: int, currency: str) -> str:
    return str(Money(minor, currency).major)


def typed_percent(share: int) -> str:
    """Hundredths of a percent as they are typed: "7.5"."""
    return f"{share // 100}.{share % 100:02}".rstrip("0").rstrip(".")


def _amount_problem(text: str, amount: Money | None, currency: str) -> str | None:
    decimals = exponent(currency)
    if not text:
        return "Type an amount."
    if text.startswith(("-", "\N{MINUS SIGN}")):
        return "An amount cannot be negative."
    # "1,200" may mean twelve hundred or one point two: no guest should find out.
    if re.search(r"[.,]", text) and len(re.split(r"[.,]", text)[-1]) > decimals:
        return f"{currency.upper()} has {decimals} decimals; leave out separators of thousands."
    return f"Type a plain number such as {Money(14000, currency).major}." if amount is None else None
