"""200 guests, one night, one unit: one of them gets it, and everybody is told the truth. Through real gunicorn."""

import re
import time
from pathlib import Path

import psycopg
import pytest
import requests

from booking.domain.dates import Stay
from booking.domain.states import BookingStatus
from booking.models import Booking, Night
from booking.services.reservations import GuestDetails
from tests.support.crowd import prepare, rush
from tests.support.gunicorn import gunicorn_shop
from tests.support.servers import FakeStripe
from tests.support.shop import Shop, Visitor

pytestmark = [pytest.mark.race, pytest.mark.gunicorn]

GUESTS = 200
LONGEST_SECONDS = 60


def _guest(shop: Shop, stay: Stay, number: int) -> tuple[Visitor, dict[str, str]]:
    """A guest with a browser of their own, who has the review page open."""
    visitor = Visitor(shop.url)
    details = GuestDetails(f"Guest {number}", f"guest{number}@example.org")
    return visitor, visitor.review_form("harbour-loft", stay, details)


def _press(guest: tuple[Visitor, dict[str, str]]) -> requests.Response:
    visitor, form = guest
    return visitor.post("/stays/harbour-loft/review", form)


def _race(shop: Shop, stay: Stay, guests: int = GUESTS) -> list[requests.Response]:
    ready = prepare(lambda number: _guest(shop, stay, number), range(guests))
    answers = rush(_press, ready)
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert not errors, f"{len(errors)} guests got no answer at all, the first: {errors[0]!r}"
    return answers  # type: ignore[return-value]


def _holding(shop: Shop) -> list[Booking]:
    return [row for row in shop.bookings() if row.status in (BookingStatus.PENDING, BookingStatus.CONFIRMED)]


def _heading(answer: requests.Response) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", answer.text)
    return found[1] if found else ""


def test_two_hundred_guests_for_one_night_end_with_one_booking(
    database_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    began = time.monotonic()
    with gunicorn_shop(database_url, stripe, tmp_path) as shop:
        answers = _race(shop, shop.stay(nights=1))

        codes = sorted(answer.status_code for answer in answers)
        assert codes == [303] + [409] * (GUESTS - 1)
        (winner,) = [answer for answer in answers if answer.status_code == 303]
        assert winner.headers["Location"].startswith(f"{stripe.url}/c/pay/cs_test_")
        losers = [answer for answer in answers if answer.status_code == 409]
        assert {_heading(answer) for answer in losers} == {"These nights are taken"}
        assert all("Nothing was charged" in answer.text for answer in losers)
        (booking,) = _holding(shop)
        assert shop.count(Night) == 1
        assert len(stripe.created()) == len(stripe.sessions()) == 1

        stripe.pay(shop.session_of(booking.id))
        stripe.settle_down()

        assert shop.state(booking.id) == ("confirmed", "paid")
        assert shop.causes(booking.id, "confirmed") == ["webhook"]
        assert shop.count(Night) == 1
    assert time.monotonic() - began < LONGEST_SECONDS


@pytest.mark.postgresql
def test_control_the_same_race_without_the_guard_sells_the_night_twice(
    postgres_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    """With the guard off the race must be lost, or the test above would prove nothing.

    The guard is the unique night and the one statement that takes it. Here the night's primary key is dropped and the
    statement replaced by looking first and writing afterwards (unguarded.py). PostgreSQL shows it, because its
    transactions run side by side; on SQLite a writing transaction has the database for itself, which is a second guard.
    """
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("ALTER TABLE night DROP CONSTRAINT pk_night")
    with gunicorn_shop(postgres_url, stripe, tmp_path, module="tests.concurrency.unguarded:app") as shop:
        answers = _race(shop, shop.stay(nights=1), guests=16)

        sold = [answer for answer in answers if answer.status_code == 303]
        assert len(sold) > 1
        assert len(_holding(shop)) == shop.count(Night) == len(sold)
