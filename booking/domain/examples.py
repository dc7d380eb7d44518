"""Stays that show what prices mean: for whoever sets them, before anybody books by them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.pricing import Ask, Quote, Wishes, quote
from booking.domain.rates import FRIDAY, RateCard

_WEEK, _LONG = 7, 28
_PLENTY_OF_TIME = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Example:
    """One stay with its itemised price; `title` says in plain English what it is an example of."""

    title: str
    listing: str
    stay: Stay
    quote: Quote


@dataclass(frozen=True, slots=True)
class Point:
    """Whose prices the examples show, and what of them beside the plain ones."""

    listing: str  # by its name
    name: str = ""
    first: date | None = None  # the first night that a change is about
    coupon: Coupon | None = None
    extra: str = ""  # the key of an extra


def make_examples(card: RateCard, sleeps: int, today: date, point: Point) -> tuple[Example, ...]:
    """A weekend for two, a week where the change is, and a long stay with everybody, each by this card."""
    few = min(2, sleeps)
    asked = [
        (f"Next weekend, {_guests(few)}", _weekend(today), few),
        (_week_title(point, few, today), _nights(_start(point, today), _WEEK), few),
        (f"Four weeks, {_guests(sleeps)}", _nights(today + _PLENTY_OF_TIME, _LONG), sleeps),
    ]
    return tuple(
        Example(title, point.listing, stay, _price(card, stay, guests, today, point)) for title, stay, guests in asked
    )


def _price(card: RateCard, stay: Stay, guests: int, today: date, point: Point) -> Quote:
    wishes = Wishes(extras={point.extra: 1} if point.extra else {})
    return quote(card, Ask.by(stay, guests, today, wishes, point.coupon))


def _weekend(today: date) -> Stay:
    friday = next(day for day in _days(today + timedelta(days=1)) if day.weekday() == FRIDAY)
    return _nights(friday, 2)


def _start(point: Point, today: date) -> date:
    return max(point.first or today + timedelta(days=30), today)


def _week_title(point: Point, guests: int, today: date) -> str:
    is_ahead = point.first is not None and point.first >= today
    place = f"A week from the first night of {point.name}" if is_ahead else "A week"
    return f"{place}, {_guests(guests)}"


def _days(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


def _nights(arrive: date, nights: int) -> Stay:
    return Stay(arrive, arrive + timedelta(days=nights))


def _guests(count: int) -> str:
    return "1 guest" if count == 1 else f"{count} guests"
