"""Small races on both databases: what several threads do at the same moment has one effect."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from booking import database
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.models import Booking, Closure, Listing, Night, OutboxRow, Payment
from booking.queries.holds import FirstLook
from booking.services import checkout, nights, reservations, settlement
from booking.services.cases import Outcome
from booking.services.instance import get_identity
from booking.services.reservations import Placed
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.noting import engine_of
from tests.support.shop import Shop, add_listing

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]


# --- the same evidence, many times ----------------------------------------------------------------------------------


def _paid_and_unheard(shop: Shop) -> int:
    """A booking that is paid at Stripe, of which the shop knows nothing yet."""
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    return booking_id


def _settle_at_once(shop: Shop, booking_id: int, threads: int) -> list[Outcome | Exception]:
    with shop.app.app_context():
        evidence = shop.runtime.payments.look_up_checkout(shop.session_of(booking_id))
        identity = get_identity(shop.runtime)

    def settle(_number: int) -> Outcome:
        with shop.app.app_context(), transaction() as session:
            cause = Cause(Source.RECONCILE)
            return settlement.settle(session, evidence, cause, shop.clock.now(), identity).outcome

    return rush(settle, range(threads))


def test_ten_threads_settling_one_payment_confirm_once(shop: Shop) -> None:
    booking_id = _paid_and_unheard(shop)

    outcomes = _settle_at_once(shop, booking_id, threads=10)

    assert sorted(map(str, outcomes)) == ["already"] * 9 + ["confirmed"]
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.payments(booking_id)) == 1
    assert len(shop.causes(booking_id, "confirmed")) == 1
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]


@pytest.mark.postgresql
def test_control_settling_without_the_locks_fails_on_the_unique_payment(
    postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the row lock off, several see no payment yet; then the unique PaymentIntent alone keeps the second out."""
    booking_id = _paid_and_unheard(postgres_shop)
    everybody_looked = threading.Barrier(4)
    look = settlement._lock_attempts

    def look_and_wait(*asked: Any) -> Any:
        found = look(*asked)
        everybody_looked.wait(timeout=10)
        return found

    monkeypatch.setattr(settlement, "_lock_attempts", look_and_wait)
    with _locking_no_rows(engine_of(postgres_shop.app)):
        outcomes = _settle_at_once(postgres_shop, booking_id, threads=4)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [IntegrityError] * 3
    assert len(postgres_shop.payments(booking_id)) == 1


@contextmanager
def _locking_no_rows(engine: Engine) -> Iterator[None]:
    def unlock(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> tuple[str, Any]:
        return statement.removesuffix(" FOR UPDATE"), given

    event.listen(engine, "before_cursor_execute", unlock, retval=True)
    yield
    event.remove(engine, "before_cursor_execute", unlock)


# --- taking turns ---------------------------------------------------------------------------------------------------


def _write(shop: Shop) -> None:
    with shop.app.app_context(), transaction() as session:
        session.execute(update(Listing).values(position=Listing.position + 1))


def test_writers_of_one_process_take_turns_on_sqlite(small_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own way of waiting is to look again later, and who has bad luck looks in vain; here it must not wait."""
    monkeypatch.setattr(database, "LOCK_WAIT_MS", 0)
    with small_shop.app.app_context():
        db.engine.dispose()  # the connections to come wait for no lock

    answers = rush(lambda _number: [_write(small_shop) for _ in range(20)], range(12))

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    with small_shop.app.app_context():
        assert db.session.scalar(select(Listing.position)) == 12 * 20


def test_whoever_waits_for_another_process_looks_again_soon(small_shop: Shop) -> None:
    """SQLite would sleep on for 88 thousandths of a second after this long a wait, and meet the next writer then."""
    late = [_seconds_late(small_shop, held=0.24) for _ in range(5)]

    assert min(late) < 0.04


def _seconds_late(shop: Shop, held: float) -> float:
    """How long after the lock was let go of somebody writes who has waited for it."""
    path = shop.runtime.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        free_at = time.monotonic() + held
        timer = threading.Timer(held, other.rollback)
        timer.start()
        _write(shop)
        timer.join()
    return time.monotonic() - free_at


def test_a_turn_that_does_not_come_is_a_database_error(small_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is answered like any lock that is not had: 503, come again."""
    monkeypatch.setattr(database, "TURN_WAIT_SECONDS", 0.01)

    with small_shop.app.app_context(), transaction():
        (answer,) = rush(lambda _number: _write(small_shop), [1])

    assert isinstance(answer, OperationalError)
    _write(small_shop)  # and the turn after that is to be had again


# --- nights ---------------------------------------------------------------------------------------------------------


def _place_at_once(shop: Shop, stays: list[Stay]) -> list[Placed | Exception]:
    """Each stay is wanted by a guest of its own, who was never here before and so holds nothing else."""
    return rush(lambda stay: shop.place(stay, browser=uuid.uuid4().hex), stays)


def _held(answers: list[Placed | Exception]) -> list[Placed]:
    return [answer for answer in answers if isinstance(answer, Placed)]


def test_overlapping_stays_wanted_from_both_ends_have_one_winner_and_no_deadlock(shop: Shop) -> None:
    for round_number in range(4):
        first = shop.stay(nights=10, ahead=30 + 40 * round_number)
        day = timedelta(days=1)
        # All of them share the nights in the middle; half begin early, half end late.
        stays = [Stay(first.arrive + day * n, first.leave + day * n) for n in range(6)]

        answers = _place_at_once(shop, [*stays, *reversed(stays)])

        assert len(_held(answers)) == 1
        refusals = [answer for answer in answers if isinstance(answer, Exception)]
        assert {type(refusal) for refusal in refusals} == {DatesUnavailable}
    assert shop.count(Booking) == 4
    assert shop.count(Night) == 40


class _Backwards(Stay):
    """A stay that names its last night first, as no code of the shop does."""

    def __iter__(self) -> Iterator[date]:
        return reversed(list(super().__iter__()))


def _close_at_once(shop: Shop, kinds: list[type[Stay]]) -> list[bool | Exception]:
    """Each thread takes the same forty nights for a closure of its own, on a database whose disk is slow."""
    first = date(2030, 1, 1)
    last = first + timedelta(days=40)
    with shop.app.app_context(), transaction() as session:
        unit_id = session.get_one(Listing, shop.listing_id).units[0].id
        closures = [Closure(unit_id=unit_id, arrive=first, leave=last) for _ in kinds]
        session.add_all(closures)
        session.execute(text(_SLOW_DISK))
        session.flush()
        wanted = [(closure.id, kind(first, last)) for closure, kind in zip(closures, kinds, strict=True)]

    def claim(one: tuple[int, Stay]) -> bool:
        closure_id, stay = one
        with shop.app.app_context(), transaction() as session:
            return nights.claim_nights(session, unit_id, stay, shop.clock.now(), closure_id=closure_id)

    return rush(claim, wanted)


_SLOW_DISK = """
CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;
CREATE TRIGGER slow_disk BEFORE INSERT ON night FOR EACH ROW EXECUTE FUNCTION wait_a_little();
"""


@pytest.mark.postgresql
def test_nights_taken_in_date_order_have_one_winner_on_a_slow_disk(postgres_shop: Shop) -> None:
    answers = _close_at_once(postgres_shop, [Stay] * 4)

    assert sorted(answers) == [False, False, False, True]  # type: ignore[type-var]
    assert postgres_shop.count(Night) == 40


@pytest.mark.postgresql
def test_control_nights_taken_from_both_ends_deadlock(postgres_shop: Shop) -> None:
    """The date order of `claim_nights` is what the tests above rely on: without it PostgreSQL ends one of the two."""
    answers = _close_at_once(postgres_shop, [Stay, _Backwards])

    assert any(isinstance(answer, OperationalError) and "deadlock" in str(answer) for answer in answers)


def test_thirty_guests_for_three_units_get_exactly_three(shop: Shop) -> None:
    shop.listing_id = add_listing(shop.app, "harbour-rooms", units=3)
    stay = shop.stay(nights=2)

    answers = _place_at_once(shop, [stay] * 30)

    holds = _held(answers)
    assert len(holds) == 3
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {DatesUnavailable}
    assert len({shop.booking(hold.booking_id).unit_id for hold in holds}) == 3
    assert shop.count(Night) == 6


# --- one guest, many clicks -----------------------------------------------------------------------------------------


def test_twenty_clicks_of_one_browser_make_one_booking_and_one_session(shop: Shop) -> None:
    stay = shop.stay()

    def click(_number: int) -> tuple[str, str | None]:
        placed = shop.place(stay, browser="grace")
        handoff = shop.check_out(placed.booking_id)
        return placed.reference, handoff.url

    answers = rush(click, range(20))

    assert len(set(answers)) == 1, answers
    (booking,) = shop.bookings()
    assert [attempt.number for attempt in shop.attempts(booking.id)] == [1]
    assert len(shop.stripe.created()) == len(shop.stripe.sessions()) == 1
    assert len(shop.nights(booking.id)) == 3


@pytest.mark.postgresql
@pytest.mark.parametrize("others", [0, 2])
def test_a_click_that_loses_to_its_own_other_half_finds_that_hold(
    postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """The other half commits after this one looked for a hold of its own, and before it looks for free nights.

    Nobody may be told that "someone" booked the nights, or that they hold too many stays, because of their own click.
    """
    shop, stay = postgres_shop, postgres_shop.stay()
    for number in range(others):
        shop.place(shop.stay(ahead=60 + 5 * number), browser="grace")
    look, halves = reservations.take_first_look, []

    def look_and_be_overtaken(*args: Any) -> FirstLook:
        found = look(*args)
        if not halves:
            halves.append(None)  # before the other half comes here itself
            halves[0] = rush(lambda _number: shop.place(stay, browser="grace"), [1])[0]
        return found

    monkeypatch.setattr(reservations, "take_first_look", look_and_be_overtaken)
    placed = shop.place(stay, browser="grace")

    assert placed == halves[0]
    assert shop.count(Booking) == 1 + others


def test_letting_go_ten_times_at_once_frees_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    def let_go(_number: int) -> BookingStatus:
        with shop.app.app_context():
            return checkout.abandon_checkout(shop.runtime, booking_id, Cause(Source.WEB))

    answers = rush(let_go, range(10))

    ended = shop.booking(booking_id)
    assert set(answers) == {ended.status}, answers
    assert ended.status is not BookingStatus.PENDING
    assert shop.count(Night) == 0
    assert len([step for step in shop.timeline(booking_id) if step.new_status is ended.status]) == 1


def test_paying_and_letting_go_at_once_end_in_agreement_with_stripe(shop: Shop) -> None:
    for round_number in range(5):
        booking_id = shop.book(shop.stay(ahead=30 + 5 * round_number), browser=f"grace-{round_number}")
        session_id = shop.session_of(booking_id)

        def let_go(booking_id: int = booking_id) -> None:
            with shop.app.app_context():
                checkout.abandon_checkout(shop.runtime, booking_id, Cause(Source.WEB))

        def pay(session_id: str = session_id) -> None:
            shop.stripe.pay(session_id, wait=False)

        rush(lambda act: act(), [let_go, pay])  # fakestripe refuses to pay what is over: that error is fine
        shop.stripe.settle_down()

        is_paid = bool([e for e in shop.stripe.events("payment_intent.succeeded") if _is_of(e, shop, booking_id)])
        status, money = shop.state(booking_id)
        assert (status, money) == (("confirmed", "paid") if is_paid else (status, "unpaid"))
        assert is_paid or status in ("cancelled", "expired")
        assert len(shop.nights(booking_id)) == (3 if is_paid else 0)


def _is_of(event: dict, shop: Shop, booking_id: int) -> bool:
    return event["data"]["object"]["metadata"]["attempt"] == shop.attempts(booking_id)[-1].token


def test_cancelling_a_paid_booking_ten_times_at_once_refunds_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    booking = shop.booking(booking_id)

    def cancel(_number: int) -> None:
        with shop.app.app_context():
            reservations.cancel_booking(
                shop.runtime, booking_id, CancelReason.STAFF, Cause(Source.STAFF, "ada@example.org"), booking.amount,
                form_token="one-form",
            )  # fmt: skip

    answers = rush(cancel, range(10))

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    (refund,) = shop.refunds(booking_id)
    assert refund.amount_minor == booking.amount_minor
    assert shop.state(booking_id) == ("cancelled", "refund_pending")
    assert shop.count(Payment) == 1
    assert shop.count(Night) == 0


def test_five_workers_on_one_outbox_do_each_thing_once(shop: Shop) -> None:
    for number in range(3):
        shop.pay(shop.book(shop.stay(ahead=30 + 5 * number), browser=f"grace-{number}"))
    due = shop.count(OutboxRow)

    lines = rush(lambda _number: shop.work(), range(5))

    assert [answer for answer in lines if isinstance(answer, Exception)] == []
    assert sum(len(done) for done in lines) == due  # type: ignore[arg-type]
    assert len(shop.mailer.letters) == due == 6
