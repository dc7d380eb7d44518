"""queries/reports on both databases: a small house whose figures were worked out by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import update

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.reports import Figures
from booking.domain.states import AttemptStatus, BookingStatus, DueKind, DueStatus, RefundReason, RefundStatus, Source
from booking.extensions import db
from booking.models import Attempt, Booking, Due, Listing, Payment, Property, Refund, Unit
from booking.queries.reports import YearReport, read_year
from tests.support.full_house import MADE, add_bookings, close
from tests.support.noting import engine_of, noting, selects
from tests.support.shop import add_listing, dispose, make_settings


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(database_url))
    add_listing(app, units=2)
    with app.app_context():
        db.session.execute(update(Unit).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
        db.session.commit()
    yield app
    dispose(app)


def pay(app: Flask, booking_id: int, refunded: int = 0, status: str = "succeeded") -> None:
    """140.00 that came in, and what of it went back."""
    with app.app_context():
        money = {"booking_id": booking_id, "amount_minor": 14000, "currency": "eur"}
        attempt = Attempt(number=1, status=AttemptStatus.PAID, token=f"{booking_id:032}", params={}, **money)
        attempt.idempotency_key, attempt.expires_at = f"key{booking_id}", MADE
        db.session.add(attempt)
        db.session.flush()
        payment = Payment(attempt_id=attempt.id, captured_at=MADE, source=Source.WEBHOOK, **money)
        payment.payment_intent_id = f"pi_{booking_id}"
        if refunded:
            refund = Refund(booking_id=booking_id, amount_minor=refunded, currency="eur", token=f"{booking_id:032}")
            refund.status, refund.reason = RefundStatus(status), RefundReason.GOODWILL
            payment.refunds = [refund]
        db.session.add(payment)
        db.session.commit()


def change(app: Flask, booking_id: int, **values: object) -> None:
    with app.app_context():
        db.session.execute(update(Booking).where(Booking.id == booking_id).values(**values))
        db.session.commit()


def read(app: Flask, year: int = 2027) -> YearReport:
    with app.app_context():
        return read_year(db.session(), year)


def march_of(report: YearReport, currency: str = "eur") -> Figures:
    return dict(report.by_month(currency))[date(2027, 3, 1)]


def test_a_year_of_a_small_house(app: Flask) -> None:
    """Two units. Unit 1: 30 March to 3 April, 140.00 a night. Unit 2: closed for ten nights of March.
    March: 2 nights sold of 31 + 21, 280.00; April: 2 of 60, 280.00."""
    (stay,) = add_bookings(app, 1, [1], [Stay(date(2027, 3, 30), date(2027, 4, 3))])
    pay(app, stay)
    close(app, 2, Stay(date(2027, 3, 10), date(2027, 3, 20)))

    report = read(app)

    april = dict(report.by_month("eur"))[date(2027, 4, 1)]
    assert march_of(report) == Figures(sold=2, available=52, room=28000)
    assert (march_of(report).occupancy, march_of(report).average_rate) == (Decimal("3.8"), 14000)
    assert (april.sold, april.available, april.room) == (2, 60, 28000)
    assert report.total("eur").available == 2 * 365 - 10
    assert [names.listing for names, _figures in report.by_listing("eur")] == ["Harbour Loft"]


def test_a_stay_over_new_year_belongs_to_both_years(app: Flask) -> None:
    add_bookings(app, 1, [1], [Stay(date(2027, 12, 30), date(2028, 1, 2))])

    assert (read(app, 2027).total("eur").sold, read(app, 2027).total("eur").room) == (2, 28000)
    assert (read(app, 2028).total("eur").sold, read(app, 2028).total("eur").room) == (1, 14000)


def test_cancelled_held_and_expired_bookings_sell_nothing(app: Flask) -> None:
    stays = [Stay(date(2027, 3, day), date(2027, 3, day + 1)) for day in (1, 3, 5)]
    cancelled, held, expired = add_bookings(app, 1, [1], stays)
    change(app, cancelled, status=BookingStatus.CANCELLED, cancel_reason="guest")
    change(app, held, status=BookingStatus.PENDING, hold_until=MADE + timedelta(days=1))
    change(app, expired, status=BookingStatus.EXPIRED)

    assert march_of(read(app)) == Figures(available=62)


@pytest.mark.parametrize(("status", "kept"), [("succeeded", 4000), ("pending", 4000), ("failed", 14000)])
def test_what_a_cancelled_booking_left_is_what_did_not_go_back(app: Flask, status: str, kept: int) -> None:
    (booking,) = add_bookings(app, 1, [1], [Stay(date(2027, 3, 1), date(2027, 3, 2))])
    pay(app, booking, refunded=10000, status=status)
    change(app, booking, status=BookingStatus.CANCELLED, cancel_reason="guest")

    assert (march_of(read(app)).kept, march_of(read(app)).sold) == (kept, 0)


def test_what_went_back_of_a_stay_lowers_the_revenue(app: Flask) -> None:
    (booking,) = add_bookings(app, 1, [1], [Stay(date(2027, 3, 1), date(2027, 3, 2))])
    pay(app, booking, refunded=4000)

    assert (march_of(read(app)).refunded, march_of(read(app)).revenue) == (4000, 10000)


def test_a_balance_that_the_house_gave_up_lowers_the_revenue(app: Flask) -> None:
    (booking,) = add_bookings(app, 1, [1], [Stay(date(2027, 3, 1), date(2027, 3, 2))])
    pay(app, booking)
    with app.app_context():
        due = Due(booking_id=booking, kind=DueKind.BALANCE, status=DueStatus.WAIVED, amount_minor=5000, currency="eur")
        due.due_on = date(2027, 2, 1)
        db.session.add(due)
        db.session.commit()

    assert (march_of(read(app)).refunded, march_of(read(app)).revenue) == (5000, 9000)


def test_a_second_payment_that_went_back_lowers_nothing(app: Flask) -> None:
    (booking,) = add_bookings(app, 1, [1], [Stay(date(2027, 3, 1), date(2027, 3, 2))])
    pay(app, booking)
    with app.app_context():
        money = {"booking_id": booking, "amount_minor": 14000, "currency": "eur"}
        second = Payment(payment_intent_id="pi_second", captured_at=MADE, source=Source.WEBHOOK, **money)
        refund = Refund(token="2" * 32, status=RefundStatus.SUCCEEDED, reason=RefundReason.DUPLICATE, **money)
        second.refunds = [refund]
        db.session.add(second)
        db.session.commit()

    assert (march_of(read(app)).refunded, march_of(read(app)).revenue) == (0, 14000)


def test_each_currency_has_figures_of_its_own(app: Flask) -> None:
    with app.app_context():
        ryokan = Property(name="Ryokan", timezone="Asia/Tokyo", currency="jpy", contact_email="a@example.org")
        listing = Listing(property=ryokan, slug="ryokan", name="Room", max_guests=2, nightly_minor=1, weekend_minor=1)
        db.session.add(Unit(listing=listing, name="One", created_at=datetime(2027, 3, 30, 16, tzinfo=UTC)))
        db.session.commit()
    add_bookings(app, 1, [1], [Stay(date(2027, 3, 1), date(2027, 3, 3))])

    report = read(app)

    assert report.currencies == ["eur", "jpy"]
    assert march_of(report, "jpy") == Figures(available=1)  # in Tokyo the 31st had begun
    assert march_of(report, "eur").sold == 2
    assert {row[3] for row in report.revenue_sheet()} == {"EUR", "JPY"}


def test_reading_asks_as_often_for_many_as_for_none(app: Flask) -> None:
    with noting(engine_of(app)) as few:
        read(app)
    stays = [Stay(date(2027, 3, day), date(2027, 3, day + 1)) for day in range(1, 28)]
    for booking in add_bookings(app, 1, [1, 2], stays)[:5]:
        pay(app, booking, refunded=100)
    with noting(engine_of(app)) as many:
        read(app)

    assert len(selects(few)) == len(selects(many)) == 6
