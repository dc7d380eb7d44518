"""What a guest asked for in the address: dates, guests and order as typed, and as understood."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict

from booking.domain.dates import Stay, parse_date, parse_stay
from booking.domain.errors import InvalidDates
from booking.domain.words import Said, say
from booking.queries.search import Order

DEFAULT_GUESTS = 2
MOST_GUESTS = 99
_LONGEST_VALUE = 40
_WHOLE_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the shop. `errors` go by field; `stay` is None where no two good dates were given."""

    arrive_text: str
    leave_text: str
    guests_text: str
    stay: Stay | None
    arrive: date | None  # a good day of arrival, with or without a day to leave
    guests: int
    errors: dict[str, Said]

    @property
    def has_dates(self) -> bool:
        return bool(self.arrive_text or self.leave_text)

    def with_error(self, field: str, said: Said) -> "Question":
        """The same question, with one more thing to correct."""
        return replace(self, errors={**self.errors, field: said})

    def as_args(self) -> dict[str, Any]:
        """The question for an address, as it was typed."""
        typed = {"arrive": self.arrive_text, "leave": self.leave_text, "guests": self.guests_text}
        return {name: value for name, value in typed.items() if value}


def read_question(args: MultiDict[str, str], *, needs_leave: bool = True) -> Question:
    """The question in an address or form; junk becomes errors, never an exception.

    Without `needs_leave` a day of arrival alone is no error: the calendar's first click asks so.
    """
    arrive, leave, guests = (_clean(args.get(name, "")) for name in ("arrive", "leave", "guests"))
    errors: dict[str, Said] = {}
    stay = _read_stay(arrive, leave, needs_leave, errors)
    number = _read_guests(guests, errors)
    return Question(arrive, leave, guests or str(number), stay, _read_arrive(arrive), number, errors)


def read_month(text: str | None) -> date | None:
    """The first day of a month such as "2027-03"; None for anything else, which is no error worth a page."""
    if not text or not _MONTH.fullmatch(text):
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def read_order(args: MultiDict[str, str]) -> Order:
    """In which order to show stays; the house's own where the address names none that there is."""
    wanted = args.get("sort", "")
    return Order(wanted) if wanted in set(Order) else Order.HOUSE


def read_page(args: MultiDict[str, str]) -> int:
    """The number of the page asked for; the first for anything that is no number."""
    wanted = args.get("page", "")
    return int(wanted) if _WHOLE_NUMBER.fullmatch(wanted) else 1


def _clean(text: str) -> str:
    return "".join(letter for letter in text[:_LONGEST_VALUE] if letter.isprintable()).strip()


def _read_stay(arrive: str, leave: str, needs_leave: bool, errors: dict[str, Said]) -> Stay | None:
    if not arrive and not leave:
        return None
    for problem in _date_problems([("arrive", arrive)] + ([("leave", leave)] if leave or needs_leave else [])):
        errors.setdefault(str(problem.details["field"]), problem.said)
    if errors or not leave:
        return None
    try:
        return parse_stay(arrive, leave)
    except InvalidDates as problem:
        errors[str(problem.details["field"])] = problem.said
        return None


def _date_problems(typed: list[tuple[str, str]]) -> Iterator[InvalidDates]:
    for field, text in typed:
        try:
            parse_date(text, field=field)
        except InvalidDates as problem:
            yield problem


def _read_arrive(text: str) -> date | None:
    try:
        return parse_date(text, field="arrive")
    except InvalidDates:
        return None


def _read_guests(text: str, errors: dict[str, Said]) -> int:
    if not text:
        return DEFAULT_GUESTS
    if not _WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= MOST_GUESTS:
        errors["guests"] = say("Guests must be a number from 1 to {most}.", most=MOST_GUESTS)
        return DEFAULT_GUESTS
    return int(text)
