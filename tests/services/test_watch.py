"""The shop looks at its own books: each break is kept, logged, and told once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from booking.extensions import db
from booking.models import Booking, Payment, PromiseCheck
from booking.services.watch import MOST_NAMED, prove_promises
from tests.support.shop import Shop


@pytest.fixture
def paid(small_shop: Shop) -> Iterator[Shop]:
    """A shop with four paid bookings, which its test spoils."""
    for number in range(MOST_NAMED + 1):
        small_shop.pay(small_shop.book(small_shop.stay(ahead=30 + 5 * number), browser=f"grace-{number}"))
    small_shop.work()
    small_shop.mailer.letters.clear()
    yield small_shop
    small_shop.breaks = ("I2", "I9")


def _spoil(shop: Shop, *booking_ids: int) -> None:
    with shop.app.app_context():
        db.session.execute(update(Payment).where(Payment.booking_id.in_(booking_ids)).values(amount_minor=1))
        db.session.commit()


def _prove(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        prove_promises(shop.runtime)
        return {row.code: row.broken for row in db.session.scalars(select(PromiseCheck))}


def _told(shop: Shop) -> list[str]:
    shop.work()
    return [letter.text for letter in shop.mailer.letters if "I2" in letter.text]


def test_books_in_order_are_noted_and_nobody_is_told(paid: Shop) -> None:
    found = _prove(paid)

    assert found["I1"] == found["I2"] == 0
    assert _told(paid) == []


def test_a_promise_that_leaves_no_trace_in_the_database_is_not_called_kept(paid: Shop) -> None:
    assert "I12" not in _prove(paid)


def test_staff_hear_of_a_broken_promise_once_and_again_when_more_breaks(
    paid: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    _spoil(paid, 1)

    assert [_prove(paid)["I2"] for _ in range(3)] == [1, 1, 1]
    assert len(_told(paid)) == 1
    assert "promise_broken" in caplog.text

    _spoil(paid, 1, 2, 3, 4)
    assert _prove(paid)["I2"] == MOST_NAMED + 1
    assert "and 1 more" in _told(paid)[-1]


def test_what_was_mended_is_noted_as_kept_again(paid: Shop) -> None:
    _spoil(paid, 1)
    _prove(paid)
    with paid.app.app_context():
        agreed = db.session.get_one(Booking, 1).amount_minor
        db.session.execute(update(Payment).where(Payment.booking_id == 1).values(amount_minor=agreed))
        db.session.commit()

    assert _prove(paid)["I2"] == 0
