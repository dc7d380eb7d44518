"""What staff typed and chose above the list of bookings, as a search and as part of an address."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import DateField, SearchField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from booking.domain.states import PaymentStatus, Source
from booking.queries.booking_list import BookingFilter, BookingOrder, BookingSearch
from booking.web.text import one_line

EnumT = TypeVar("EnumT", bound=StrEnum)

_CONFIRMS = (Source.WEBHOOK, Source.REDIRECT, Source.RECONCILE, Source.STAFF)
_WRONG_DATE = "Type the date as year, month, day: 2027-03-12."
_STATUS_WORDS: dict[StrEnum, str] = {
    BookingFilter.ATTENTION: "needs attention",
    BookingFilter.REVIEW: "payment does not fit",
    BookingFilter.OWING: "balance owed",
}
ORDER_WORDS = {
    BookingOrder.NEWEST: "newest first",
    BookingOrder.OLDEST: "oldest first",
    BookingOrder.ARRIVAL: "by arrival, soonest first",
    BookingOrder.LAST_ARRIVAL: "by arrival, latest first",
    BookingOrder.NAME: "by the guest's name",
}


_ANY = SelectChoice("", "any")


def _choice(value: StrEnum) -> SelectChoice:
    return SelectChoice(value.value, _STATUS_WORDS.get(value, value.value.replace("_", " ")))


def _choose(label: str, choices: list[SelectChoice]) -> SelectField:
    # Whoever changes an address by hand is shown everything, and no error that no choice of the form can make.
    return SelectField(label, choices=choices, validate_choice=False)


class SearchForm(FlaskForm):
    """Asked with GET: a search has an address. A choice that does not exist narrows nothing."""

    class Meta:
        csrf = False

    q = SearchField("Reference, name, e-mail or Stripe id", [Length(max=120)])
    status = _choose("Show", [_choice(each) for each in BookingFilter])
    payment = _choose("Money", [_ANY, *map(_choice, PaymentStatus)])
    arrive_from = DateField("Arrives from", [Optional()])
    arrive_to = DateField("Arrives until", [Optional()])
    listing = _choose("Listing", [])
    source = _choose("Confirmed by", [_ANY, *map(_choice, _CONFIRMS)])
    sort = _choose("Sort", [SelectChoice(each.value, ORDER_WORDS[each]) for each in BookingOrder])

    @classmethod
    def of(cls, args: MultiDict[str, str], listings: Sequence[tuple[int, str]]) -> "SearchForm":
        """What an address says; `listings` are those that can be chosen."""
        form = cls(args)
        form.listing.choices = [_ANY, *(SelectChoice(str(number), name) for number, name in listings)]
        form.validate()
        for field in (form.arrive_from, form.arrive_to):
            field.errors = [_WRONG_DATE] if field.errors else []
        return form

    def read_search(self) -> BookingSearch:
        """As much of it as has a meaning."""
        return BookingSearch(
            text=(self.q.data or "").strip()[:120],
            status=_one_of(BookingFilter, self.status.data) or BookingFilter.ALL,
            payment=_one_of(PaymentStatus, self.payment.data),
            arrives_from=self.arrive_from.data,
            arrives_to=self.arrive_to.data,
            listing_id=self._read_listing(),
            source=_one_of(Source, self.source.data),
            order=_one_of(BookingOrder, self.sort.data) or BookingOrder.NEWEST,
        )

    def _read_listing(self) -> int | None:
        known = {choice.value for choice in self.listing.choices if choice.value}
        return int(self.listing.data) if self.listing.data in known else None


class KeepForm(FlaskForm):
    """The name under which a filter is kept."""

    name = StringField(
        "Name",
        [InputRequired("Give it a name."), Length(1, 60, "Give it a name of 1 to 60 letters.")],
        filters=[one_line],
    )

    def refuse(self, words: str) -> None:
        """Put a refusal on the field."""
        self.name.errors = [*self.name.errors, words]


def as_query(search: BookingSearch) -> dict[str, str]:
    """The search as part of an address: only what narrows or sorts."""
    parts: dict[str, Any] = {
        "q": search.text,
        "status": search.status if search.status is not BookingFilter.ALL else None,
        "payment": search.payment,
        "arrive_from": search.arrives_from,
        "arrive_to": search.arrives_to,
        "listing": search.listing_id,
        "source": search.source,
        "sort": search.order if search.order is not BookingOrder.NEWEST else None,
    }
    return {name: str(value) for name, value in parts.items() if value}


def _one_of(kind: type[EnumT], text: Any) -> EnumT | None:
    return kind(text) if text in set(kind) else None
