"""Forms for stay rules and cancellation policies. Each offers what its service wants."""

import calendar
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Field,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation
from wtforms.widgets import TextInput

from booking.domain.dates import LONGEST_STAY, Stay
from booking.domain.errors import BookingError, InvalidDates
from booking.domain.rates import LineKind
from booking.domain.stay_rules import ANY_DAY, LONGEST_NAME, RuleRange, StayRules
from booking.domain.terms import ALL, CancellationTerms, Grace, Tier
from booking.domain.words import Weekdays
from booking.services.stay_rules import PlainRules
from booking.web.text import one_line

MOST_NOTICE, MOST_HORIZON, MOST_TURNOVER = 365, 1095, 14
MOST_TIERS = 6
_WEEKDAYS = [SelectChoice(number, name) for number, name in enumerate(calendar.day_name)]
_AS_ALL_YEAR, _YES, _NO = "", "yes", "no"


class WholeField(IntegerField):
    """A whole number; what is none is said in plain words, and stays in the field to be corrected."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([text.strip() for text in valuelist])
        except ValueError:
            raise ValueError("Type a whole number.") from None


class WeekdaysField(SelectMultipleField):
    """Days of the week as boxes to tick."""

    @property
    def days(self) -> Weekdays:
        """Those that are ticked."""
        return frozenset(self.data or ()) & ANY_DAY


def _weekdays(label: str) -> WeekdaysField:
    return WeekdaysField(label, choices=_WEEKDAYS, coerce=int, validate_choice=False)


def number(label: str, least: int, most: int, *, required: bool = False) -> WholeField:
    """A field for a whole number between two."""
    first = InputRequired("Type a number.") if required else Optional()
    inside = NumberRange(least, most, f"Type a number from {least} to {most}.")
    return WholeField(label, [first, _stop_where_it_is_none, inside])


def _stop_where_it_is_none(_form: FlaskForm, field: Field) -> None:
    """Of what is no number nothing more is said."""
    if field.process_errors:
        raise StopValidation


class Refusing(FlaskForm):
    """Puts a service's refusal on the field it concerns."""

    def refuse(self, error: BookingError, fallback: str) -> None:
        """On the field that the refusal names, or on `fallback`."""
        name = str(error.details.get("field"))
        field: Any = self[name if name in self else fallback]
        field.errors = [*field.errors, error.user_message]


class RulesForm(Refusing):
    """What holds all year."""

    min_nights = number("Shortest stay, in nights", 1, LONGEST_STAY, required=True)
    max_nights = number("Longest stay, in nights", 1, LONGEST_STAY, required=True)
    notice_days = number("Book at least so many days before arrival", 0, MOST_NOTICE, required=True)
    horizon_days = number("Sold so many days ahead", 1, MOST_HORIZON, required=True)
    arrive_on = _weekdays("Guests arrive on")
    leave_on = _weekdays("Guests leave on")
    turnover_days = number("Nights that stay empty between two stays", 0, MOST_TURNOVER, required=True)
    avoid_gaps = BooleanField("Refuse stays that leave nights beside them which are too few for another stay")

    @classmethod
    def of(cls, rules: StayRules) -> "RulesForm":
        """A fresh one, with what holds now."""
        return cls(formdata=None, **_values(rules))

    def read_rules(self) -> PlainRules | None:
        """What was typed; None, with words on the fields, where it cannot be."""
        if not self.validate_on_submit():
            return None
        for field in (self.arrive_on, self.leave_on):
            if not field.days:
                field.errors = ["Tick at least one day."]
        if self.arrive_on.errors or self.leave_on.errors:
            return None
        return PlainRules(
            self.min_nights.data,
            self.max_nights.data,
            self.notice_days.data,
            self.horizon_days.data,
            self.arrive_on.days,
            self.leave_on.days,
            self.avoid_gaps.data,
            self.turnover_days.data,
        )


class RangeForm(Refusing):
    """Days with rules of their own. What is left empty is as all year."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=LONGEST_NAME)], filters=[one_line])
    first_on = DateField("First day", [InputRequired("Choose the first day.")])
    last_on = DateField("Last day", [InputRequired("Choose the last day.")])
    min_nights = number("Shortest stay, in nights", 1, LONGEST_STAY)
    max_nights = number("Longest stay, in nights", 1, LONGEST_STAY)
    every_night = BooleanField("Shortest and longest stay also hold for stays that arrive before and sleep here")
    arrive_on = _weekdays("Guests arrive on")
    leave_on = _weekdays("Guests leave on")
    notice_days = number("Book at least so many days before arrival", 0, MOST_NOTICE)
    horizon_days = number("Sold so many days ahead", 1, MOST_HORIZON)
    turnover_days = number("Nights that stay empty between two stays", 0, MOST_TURNOVER)
    avoid_gaps = SelectField(
        "Gaps that are too short for another stay",
        choices=[
            SelectChoice(_AS_ALL_YEAR, "as all year"), SelectChoice(_YES, "refused"), SelectChoice(_NO, "allowed"),
        ],
    )  # fmt: skip

    @classmethod
    def of(cls, own: RuleRange) -> "RangeForm":
        """A fresh one, with what holds now."""
        gaps = _AS_ALL_YEAR if own.avoid_gaps is None else (_YES if own.avoid_gaps else _NO)
        values = {**_values(own), "avoid_gaps": gaps, "first_on": own.first, "last_on": own.last}
        return cls(formdata=None, **values)

    def read_range(self) -> RuleRange | None:
        """What was typed; None, with words on the fields, where it cannot be."""
        if not self.validate_on_submit():
            return None
        if self._says_nothing():
            self.min_nights.errors = ["Fill in at least one rule: with none, these days are as all year."]
            return None
        return RuleRange(
            self.name.data,
            self.first_on.data,
            self.last_on.data,
            self.min_nights.data,
            self.max_nights.data,
            self.arrive_on.days or None,
            self.leave_on.days or None,
            self.notice_days.data,
            self.horizon_days.data,
            {_YES: True, _NO: False}.get(self.avoid_gaps.data),
            self.turnover_days.data,
            self.every_night.data,
        )

    def _says_nothing(self) -> bool:
        numbers = (self.min_nights, self.max_nights, self.notice_days, self.horizon_days, self.turnover_days)
        is_empty = all(field.data is None for field in numbers) and not self.avoid_gaps.data
        return is_empty and not self.arrive_on.days and not self.leave_on.days


class MayBookForm(FlaskForm):
    """A question that staff asks for a guest. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    arrive = DateField("Arrive", [InputRequired("Choose the day of arrival.")])
    leave = DateField("Leave", [InputRequired("Choose the day of leaving.")])
    guests = number("Guests", 1, 99, required=True)

    def read_stay(self) -> Stay | None:
        """The nights; None, with words on the fields, where they are none."""
        return _read_stay(self) if self.validate() else None


class PolicyForm(Refusing):
    """A policy, and a stay to try it on."""

    property_id = SelectField("Property", coerce=int, validate_choice=False)
    name = StringField("Name", [DataRequired("Give it a name."), Length(max=LONGEST_NAME)], filters=[one_line])
    grace_hours = number("Hours after booking in which cancelling is free", 0, 720)
    grace_least_days = number("Only where arrival is at least so many days away", 0, MOST_NOTICE)
    returns_tourist_tax = BooleanField("The tourist tax always comes back when nobody stays")
    returns_cleaning = BooleanField("The price of cleaning always comes back when nobody stays")
    listing_id = SelectField("Listing", coerce=int, validate_choice=False)
    arrive = DateField("Arrive", [Optional()])
    leave = DateField("Leave", [Optional()])

    @classmethod
    def of(cls, name: str, terms: CancellationTerms) -> "PolicyForm":
        """A fresh one, with what holds now."""
        values: dict[str, Any] = {"name": name}
        for row, tier in enumerate(terms.steps):
            values |= {f"days_{row}": tier.days, f"percent_{row}": tier.percent}
        if terms.grace:
            values |= {"grace_hours": terms.grace.hours, "grace_least_days": terms.grace.least_days}
        values["returns_tourist_tax"] = LineKind.TOURIST_TAX in terms.given_back
        values["returns_cleaning"] = LineKind.CLEANING in terms.given_back
        return cls(formdata=None, **values)

    @classmethod
    def fresh(cls) -> "PolicyForm":
        """One for a new policy: what is usual, to begin with."""
        usual = {"days_0": 14, "percent_0": ALL, "days_1": 7, "percent_1": 50}
        return cls(formdata=None, **usual, returns_tourist_tax=True, returns_cleaning=True)

    @property
    def rows(self) -> list[tuple[Field, Field]]:
        """The steps as pairs of fields."""
        return [(self[f"days_{row}"], self[f"percent_{row}"]) for row in range(MOST_TIERS)]

    def offer(self, places: list[tuple[int, str]], listings: list[tuple[int, str]], today: date) -> None:
        """Fill the choices, and the example where none was typed."""
        self.property_id.choices = [SelectChoice(*place) for place in places]
        self.listing_id.choices = [SelectChoice(*listing) for listing in listings]
        if self.arrive.data is None or self.leave.data is None:
            self.arrive.data, self.leave.data = today + timedelta(days=40), today + timedelta(days=43)

    def read_terms(self) -> CancellationTerms | None:
        """What was typed; None, with words on the fields, where it cannot be."""
        is_whole = self.validate_on_submit()
        if not is_whole or self._has_bad_rows():
            return None
        given = {LineKind.TOURIST_TAX: self.returns_tourist_tax.data, LineKind.CLEANING: self.returns_cleaning.data}
        hours, least = self.grace_hours.data or 0, self.grace_least_days.data or 0
        return CancellationTerms(
            tuple(Tier(days.data, percent.data) for days, percent in self.rows if days.data is not None),
            Grace(hours, least) if hours else None,
            frozenset(kind for kind, is_given in given.items() if is_given),
        )

    def read_stay(self) -> Stay | None:
        """The nights of the example; None, with words on the fields, where they are none."""
        return _read_stay(self)

    def _has_bad_rows(self) -> bool:
        seen: set[int] = set()
        for days, percent in self.rows:
            if (days.data is None) != (percent.data is None):
                empty = days if days.data is None else percent
                empty.errors = ["Fill in both, or leave both empty."]
            elif days.data in seen:
                days.errors = ["There is a step for this number of days already."]
            if days.data is not None:
                seen.add(days.data)
        return any(field.errors for row in self.rows for field in row)


for _row in range(MOST_TIERS):
    setattr(PolicyForm, f"days_{_row}", number(f"Step {_row + 1}: days before arrival", 0, MOST_NOTICE))
    setattr(PolicyForm, f"percent_{_row}", number(f"Step {_row + 1}: percent back", 1, ALL))


class ChooseForm(FlaskForm):
    """Which policy a listing has; 0 for the plain terms of its property."""

    policy_id = SelectField("Policy", coerce=int, validate_choice=False)

    def read_policy(self) -> int | None:
        """The id of the policy, or None for the plain terms."""
        return self.policy_id.data or None


class NoShowForm(FlaskForm):
    """Whether the nights that are left are put on sale. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    free = BooleanField("Put the nights after today on sale again")


def _values(rules: StayRules | RuleRange) -> dict[str, Any]:
    """What a form shows of rules: days of the week in order."""
    values = {field.name: getattr(rules, field.name) for field in fields(rules)}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}


def _read_stay(form: Any) -> Stay | None:
    try:
        return Stay(form.arrive.data, form.leave.data)
    except InvalidDates as error:
        form.leave.errors = [*form.leave.errors, error.user_message]
        return None
