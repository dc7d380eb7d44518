"""Mails that a time brings: each is asked for once, whatever sweeps how often, and only where it is true."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from booking import create_app
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.states import AttemptStatus, BookingStatus, Source
from booking.extensions import db
from booking.models import Attempt, Booking, BookingEvent, Payment, Property
from booking.services import occasions
from tests.support.shop import (
    GRACE,
    LINUS,
    MemoryMailer,
    Shop,
    StandingClock,
    add_listing,
    dispose,
    make_settings,
    outfit,
)

# A Wednesday, nine in the morning in Berlin: the hour at which the mails of the day go out.
NINE = datetime(2027, 3, 10, 8, 0, tzinfo=UTC)
ARRIVE = date(2027, 3, 12)


@pytest.fixture
def house(database_url: str) -> Iterator[Shop]:
    """A shop without Stripe, on each database in turn."""
    app: Flask = create_app(make_settings(database_url, stripe_api_base="http://127.0.0.1:1"))
    clock, mailer = StandingClock(NINE), MemoryMailer()
    outfit(app, clock, mailer)
    yield Shop(app, None, clock, mailer, "", add_listing(app, units=9))  # type: ignore[arg-type]
    dispose(app)


def confirm(house: Shop, **values: Any) -> int:
    """A confirmed stay of Grace's, or one in the state that a test wants; its id."""
    placed = house.place(Stay(ARRIVE, ARRIVE + timedelta(days=3)), browser=f"grace {house.count(Booking)}")
    state = {"status": BookingStatus.CONFIRMED, "confirmed_at": NINE, "hold_until": None, **values}
    with house.app.app_context(), transaction() as session:
        session.execute(update(Booking).where(Booking.id == placed.booking_id).values(**state))
    return placed.booking_id


def sweep(house: Shop, what: Any = occasions.write_before_arrivals) -> list[str]:
    with house.app.app_context():
        return list(what(house.runtime))


def at_once(house: Shop, what: Any) -> None:
    """Two workers sweep at the same moment."""
    threads = [threading.Thread(target=sweep, args=(house, what)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- before an arrival ----------------------------------------------------------------------------------------------


def test_guest_is_written_to_two_days_before_once_however_often_is_looked(house: Shop) -> None:
    booking_id = confirm(house)

    assert sweep(house) == [f"booking {booking_id}: mail before arrival"]
    house.work()
    assert sweep(house) == []
    house.clock.time += timedelta(days=1)
    assert sweep(house) == []
    house.work()

    assert [letter.subject[:26] for letter in house.mailer.letters] == ["See you on Friday 12 March"]


def test_two_workers_at_once_write_once(house: Shop) -> None:
    booking_id = confirm(house)

    at_once(house, occasions.write_before_arrivals)

    assert house.mails(booking_id) == ["pre_arrival"]


@pytest.mark.parametrize(
    ("at", "is_due"),
    [
        (NINE - timedelta(minutes=1), False),
        (NINE, True),
        (datetime(2027, 3, 12, 13, 59, tzinfo=UTC), True),  # the worker was down for two days
        (datetime(2027, 3, 12, 14, 0, tzinfo=UTC), False),  # who comes today is on the way by now
    ],
)
def test_days_and_hours_are_those_of_the_propertys_own_clock(house: Shop, at: datetime, is_due: bool) -> None:
    confirm(house)
    house.clock.time = at

    assert bool(sweep(house)) is is_due


def test_house_on_the_other_side_of_the_world_has_its_own_morning(house: Shop) -> None:
    confirm(house)
    with house.app.app_context(), transaction() as session:
        session.execute(update(Property).values(timezone="Pacific/Auckland"))  # 13 hours ahead
    house.clock.time = datetime(2027, 3, 9, 19, 59, tzinfo=UTC)

    assert sweep(house) == []
    house.clock.time += timedelta(minutes=1)
    assert len(sweep(house)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"status": BookingStatus.EXPIRED},
        {"status": BookingStatus.PENDING},
        {"erased_at": NINE},
        {"arrive": date(2027, 3, 13), "leave": date(2027, 3, 14)},
        {"arrive": date(2027, 3, 9), "leave": date(2027, 3, 14)},
    ],
    ids=["expired", "not paid", "erased", "comes later", "is there"],
)
def test_nobody_else_is_written_to(house: Shop, values: dict[str, Any]) -> None:
    confirm(house, **values)

    assert sweep(house) == []


def test_stay_cancelled_before_the_mail_is_sent_is_not_announced(house: Shop) -> None:
    booking_id = confirm(house)
    sweep(house)
    with house.app.app_context(), transaction() as session:
        values = {"status": BookingStatus.CANCELLED, "cancel_reason": "guest"}
        session.execute(update(Booking).where(Booking.id == booking_id).values(**values))

    house.work()

    assert house.mailer.letters == []


def test_dates_that_change_are_announced_anew(house: Shop) -> None:
    booking_id = confirm(house)
    sweep(house)
    with house.app.app_context(), transaction() as session:
        moved = {"arrive": ARRIVE + timedelta(days=5), "leave": ARRIVE + timedelta(days=8)}
        session.execute(update(Booking).where(Booking.id == booking_id).values(**moved))
    house.clock.time += timedelta(days=5)

    assert len(sweep(house)) == 1


def test_arrivals_are_found_by_an_index(house: Shop) -> None:
    confirm(house)
    with house.app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("PostgreSQL reads a table of one row as a whole")
        statement = occasions.arriving(1, ARRIVE, ARRIVE).compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(row[-1] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {statement}")))

    assert "ix_booking_listing_id_arrive (listing_id=? AND arrive>? AND arrive<?)" in plan


# --- after a hold ---------------------------------------------------------------------------------------------------


def let_expire(house: Shop, guest: Any = GRACE, browser: str = "grace", session_id: str | None = "cs_1") -> int:
    """A hold that ran out a quarter of an hour ago, its session ended by Stripe's word."""
    taken = house.count(Booking)
    placed = house.place(Stay(ARRIVE, ARRIVE + timedelta(days=3)), guest, browser)
    with house.app.app_context(), transaction() as session:
        of_it = Booking.id == placed.booking_id
        session.execute(update(Booking).where(of_it).values(status=BookingStatus.EXPIRED, hold_until=None))
        ended = {"status": AttemptStatus.EXPIRED, "session_id": session_id and f"{session_id}_{taken}"}
        session.execute(update(Attempt).where(Attempt.booking_id == placed.booking_id).values(**ended))
        step = {"kind": "expired", "source": Source.WEBHOOK, "new_status": BookingStatus.EXPIRED}
        session.add(BookingEvent(booking_id=placed.booking_id, at=house.clock.now() - timedelta(minutes=15), **step))
    return placed.booking_id


def after_holds(house: Shop) -> list[str]:
    return sweep(house, occasions.write_after_holds)


def test_guest_who_did_not_pay_in_time_hears_of_it_once(house: Shop) -> None:
    booking_id = let_expire(house)

    assert after_holds(house) == [f"booking {booking_id}: mail after its hold"]
    house.work()
    assert after_holds(house) == []
    house.clock.time += timedelta(days=2)
    assert after_holds(house) == []
    house.work()

    (letter,) = house.mailer.letters
    assert "Nothing was charged" in letter.text
    assert house.mails(booking_id) == ["hold_expired"]


def test_two_workers_at_once_write_once_after_a_hold(house: Shop) -> None:
    booking_id = let_expire(house)

    at_once(house, occasions.write_after_holds)

    assert house.mails(booking_id) == ["hold_expired"]


def test_guest_who_never_saw_the_payment_page_is_left_alone(house: Shop) -> None:
    let_expire(house, session_id=None)

    assert after_holds(house) == []


@pytest.mark.parametrize("status", [AttemptStatus.OPEN, AttemptStatus.PROCESSING, AttemptStatus.SUPERSEDED])
def test_nothing_was_charged_is_only_said_after_stripes_last_word(house: Shop, status: AttemptStatus) -> None:
    booking_id = let_expire(house)
    with house.app.app_context(), transaction() as session:
        session.execute(update(Attempt).where(Attempt.booking_id == booking_id).values(status=status))

    assert after_holds(house) == []


def test_hold_with_any_money_is_not_written_about(house: Shop) -> None:
    booking_id = let_expire(house)
    with house.app.app_context(), transaction() as session:
        attempt_id = session.query(Attempt).one().id
        paid = {"payment_intent_id": "pi_1", "amount_minor": 1, "currency": "eur", "captured_at": NINE}
        session.add(Payment(booking_id=booking_id, attempt_id=attempt_id, source=Source.WEBHOOK, **paid))

    assert after_holds(house) == []


@pytest.mark.parametrize("values", [{"needs_review": True}, {"erased_at": NINE}, {"status": BookingStatus.PENDING}])
def test_hold_that_is_not_simply_over_is_not_written_about(house: Shop, values: dict[str, Any]) -> None:
    booking_id = let_expire(house)
    with house.app.app_context(), transaction() as session:
        session.execute(update(Booking).where(Booking.id == booking_id).values(**values))

    assert after_holds(house) == []


def test_guest_who_is_booking_again_is_left_alone(house: Shop) -> None:
    let_expire(house)
    house.place(Stay(date(2027, 5, 1), date(2027, 5, 3)), GRACE, "another browser")

    assert after_holds(house) == []


def test_guest_who_books_again_before_the_mail_is_sent_does_not_get_it(house: Shop) -> None:
    let_expire(house)
    after_holds(house)
    house.place(Stay(date(2027, 5, 1), date(2027, 5, 3)), GRACE, "another browser")

    house.work()

    assert house.mailer.letters == []


def test_an_address_gets_one_such_mail_a_day_whoever_types_it(house: Shop) -> None:
    let_expire(house, browser="linus 1")
    after_holds(house)
    let_expire(house, browser="linus 2")
    other = let_expire(house, LINUS, browser="linus 3")

    assert after_holds(house) == [f"booking {other}: mail after its hold"]


@pytest.mark.parametrize("ago", [timedelta(minutes=9), timedelta(hours=7)])
def test_mail_after_a_hold_is_neither_hasty_nor_stale(house: Shop, ago: timedelta) -> None:
    let_expire(house)
    with house.app.app_context(), transaction() as session:
        expired = BookingEvent.new_status == BookingStatus.EXPIRED
        session.execute(update(BookingEvent).where(expired).values(at=house.clock.now() - ago))

    assert after_holds(house) == []


def test_stay_that_nobody_can_book_any_more_is_not_offered_again(house: Shop) -> None:
    let_expire(house)
    house.clock.time = NINE + timedelta(hours=1)
    with house.app.app_context(), transaction() as session:
        session.execute(text("UPDATE listing SET is_active = :no"), {"no": False})

    assert after_holds(house) == []
