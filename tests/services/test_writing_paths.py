"""What a hold, a refusal and a confirmation ask the database, and that what they leave out changes no answer."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from booking.cli.made_up_events import Wishes, make_event, sign
from booking.database import change_now, transaction, write_now
from booking.domain.errors import DatesUnavailable, ListingNotFound, PriceChanged, StayRuleBroken
from booking.domain.states import BookingStatus, PaymentMethod, Source
from booking.extensions import db
from booking.models import Attempt, Booking, Listing, Night, Payment
from booking.queries.on_sale import on_sale
from booking.queries.story import get_attempt_facts
from booking.services import nights, reservations, timeline
from booking.services.instance import get_identity
from booking.services.reservations import PlaceRequest, place_booking
from booking.services.timeline import Cause
from booking.services.webhooks import receive_event
from tests.support.noting import Asked, engine_of, noting
from tests.support.shop import GRACE, LINUS, SECRET, Shop, add_listing

# How often each asks once what is on sale has been read, without what begins and ends transactions and savepoints.
HOLD, REFUSAL, CONFIRMATION = 6, 1, 13
_FRAMES = ("BEGIN", "SAVEPOINT", "RELEASE")


def wish(shop: Shop, ahead: int = 30, browser: str = "grace", nights: int = 3) -> PlaceRequest:
    stay = shop.stay(nights=nights, ahead=ahead)
    return PlaceRequest(shop.listing_id, stay, 2, GRACE, browser, shop.total(shop.stay(nights=3, ahead=ahead)))


def asked_by(shop: Shop, act: Callable[[], Any]) -> Asked:
    with shop.app.app_context(), noting(engine_of(shop.app)) as asked:
        act()
    return [one for one in asked if not one[0].startswith(_FRAMES)]


def told(asked: Asked) -> str:
    return "\n".join(statement for statement, _ in asked)


def test_a_hold_and_a_refusal_ask_no_more_than_they_must(shop: Shop) -> None:
    for ahead in (90, 100):  # somebody has booked before
        shop.place(shop.stay(ahead=ahead), browser=f"ada {ahead}")
    grace, linus = wish(shop), wish(shop, browser="linus")

    def be_refused() -> None:
        with pytest.raises(DatesUnavailable):
            place_booking(shop.runtime, linus)

    hold = asked_by(shop, lambda: place_booking(shop.runtime, grace))
    refusal = asked_by(shop, be_refused)

    assert len(hold) == HOLD, told(hold)
    assert len(refusal) == REFUSAL, told(refusal)
    assert {statement.split()[0] for statement, _ in refusal} == {"SELECT"}


def test_a_confirmation_asks_no_more_than_it_must(shop: Shop) -> None:
    """From the bytes of the news on, as Stripe sends it before the shop knows the payment's id."""
    shop.place(shop.stay(ahead=90), browser="ada")
    booking_id = shop.book(shop.stay())
    with shop.app.app_context():
        identity, facts = get_identity(shop.runtime), get_attempt_facts(db.session(), booking_id)
    event = make_event("checkout.session.completed", facts, Wishes(), identity.instance_id, int(time.time()))
    body = json.dumps(event).encode()
    signature = sign(body, SECRET, int(time.time()))

    asked = asked_by(shop, lambda: receive_event(shop.runtime, body, signature))

    assert shop.booking(booking_id).status is BookingStatus.CONFIRMED
    assert len(asked) == CONFIRMATION, told(asked)
    assert len(shop.timeline(booking_id)) == 3


def test_whoever_comes_too_late_waits_for_nobody_who_writes(small_shop: Shop) -> None:
    small_shop.book(small_shop.stay())
    linus = wish(small_shop, browser="linus")

    with small_shop.app.app_context(), transaction(), small_shop.app.app_context(), pytest.raises(DatesUnavailable):
        place_booking(small_shop.runtime, linus)


def test_a_stay_that_no_rule_allows_is_told_so_even_where_its_nights_are_taken(shop: Shop) -> None:
    shop.place(shop.stay(nights=5), browser="ada")
    with shop.app.app_context():
        db.session.execute(update(Listing).values(min_nights=4))
        db.session.commit()

    with shop.app.app_context(), pytest.raises(StayRuleBroken):
        place_booking(shop.runtime, wish(shop, browser="linus"))


def test_whose_own_hold_has_the_nights_gets_it_again_whatever_the_rules_say_by_now(shop: Shop) -> None:
    grace = wish(shop)
    with shop.app.app_context():
        first = place_booking(shop.runtime, grace)
        db.session.execute(update(Listing).values(min_nights=7, max_nights=9))
        db.session.commit()
        assert place_booking(shop.runtime, grace) == first


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_price_that_changes_after_the_first_look_is_the_one_that_counts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    """What is kept in memory is as new as the number says inside the transaction that books. SQL by hand, which
    changes no number, is seen a minute later, as pages see it."""
    grace, look = wish(shop), reservations.glance

    def change() -> None:
        with shop.app.app_context():
            table: Any = Listing.__table__ if by_hand else Listing
            db.session.execute(update(table).values(nightly_minor=99900, weekend_minor=99900))
            db.session.commit()

    def look_and_be_overtaken(*asked: Any) -> Any:
        found = look(*asked)
        change()
        return found

    monkeypatch.setattr(reservations, "glance", look_and_be_overtaken)
    with shop.app.app_context():
        on_sale(db.session())
        if by_hand:
            placed = place_booking(shop.runtime, grace)
            assert shop.booking(placed.booking_id).amount == grace.shown_total
        else:
            with pytest.raises(PriceChanged):
                place_booking(shop.runtime, grace)


def test_a_listing_taken_off_sale_at_the_last_moment_is_not_booked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    grace, look = wish(shop), reservations.glance

    def look_and_be_overtaken(*asked: Any) -> Any:
        with shop.app.app_context():
            db.session.execute(update(Listing).values(is_active=False))
            db.session.commit()
        return look(*asked)

    monkeypatch.setattr(reservations, "glance", look_and_be_overtaken)
    with shop.app.app_context(), pytest.raises(ListingNotFound):
        place_booking(shop.runtime, grace)


def test_of_two_units_the_second_is_given_where_somebody_is_faster_in_the_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit was free as it was picked, and its nights are somebody else's as they are to be taken."""
    shop.listing_id = add_listing(shop.app, "two-rooms", units=2)
    first = shop.booking(shop.book(shop.stay(), LINUS, "linus")).unit_id
    monkeypatch.setattr(nights, "find_unhurried_unit", lambda *_asked: first)
    with shop.app.app_context():
        placed = place_booking(shop.runtime, wish(shop))

    booking = shop.booking(placed.booking_id)
    assert booking.unit_id != first
    assert {night.unit_id for night in shop.nights(booking.id)} == {booking.unit_id}
    assert len(shop.nights(booking.id)) == 3


def test_a_booking_that_lost_one_of_its_nights_leaves_none_behind_when_it_is_paid(shop: Shop) -> None:
    """Most of its nights could be kept as they are; the one that is somebody else's decides."""
    shop.breaks = ("I20",)  # the other booking has no story
    booking_id = shop.book(shop.stay())
    session_id, grace = shop.session_of(booking_id), shop.booking(booking_id)
    shop.stripe.drop_webhooks()
    with shop.app.app_context():
        other = Booking(**_values_of(grace) | {"reference": "LINUS234", "hold_key": "linus"})
        db.session.add(other)
        db.session.flush()
        last = db.session.get_one(Night, (grace.unit_id, grace.leave - timedelta(days=1)))
        last.booking_id, last.hold_until = other.id, None
        db.session.commit()
        other_id = other.id
    shop.pay(booking_id)
    shop.come_back(session_id)

    assert shop.booking(booking_id).status is BookingStatus.CANCELLED
    assert shop.nights(booking_id) == []
    assert len(shop.nights(other_id)) == 1
    assert len(shop.refunds(booking_id)) == 1


# --- rows that are written at once ------------------------------------------------------------------------------------

# What two rows may not share.
OWN: dict[type[Any], dict[str, str]] = {
    Booking: {"reference": "TWIN234{}", "hold_key": "twin {}"},
    Attempt: {"token": "twin {}", "idempotency_key": "twin {}", "session_id": "cs_{}", "payment_intent_id": "pi_{}"},
    Payment: {"payment_intent_id": "pi_{}", "charge_id": "ch_{}"},
}


@pytest.mark.parametrize("kind", OWN)
def test_a_row_that_is_written_at_once_is_the_one_that_flushing_would_have_written(shop: Shop, kind: type[Any]) -> None:
    paid = shop.book(shop.stay())
    shop.pay(paid)
    with shop.app.app_context():
        given = _values_of(db.session.scalars(select(kind)).one())
    with shop.app.app_context(), pytest.raises(TakenBack), transaction() as session:
        at_once, flushed = (kind(**given | {name: own.format(n) for name, own in OWN[kind].items()}) for n in (1, 2))
        for row in (at_once, flushed):
            row.number = 7 + (row is flushed)  # of an attempt; the others know none
        write_now(session, at_once)
        session.add(flushed)
        session.flush()
        assert _written(session, at_once) == _written(session, flushed)
        raise TakenBack


def test_a_row_that_is_written_at_once_is_known_to_the_session_as_any_other(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.breaks = ("I3",)  # nobody decided on it
    with shop.app.app_context(), transaction() as session, noting(db.engine) as asked:
        payment = Payment(booking_id=booking_id, amount_minor=100, currency="eur", captured_at=shop.clock.now(),
                          source=Source.STAFF, method=PaymentMethod.CASH)  # fmt: skip
        write_now(session, payment)
        assert payment.reported_refunded_minor == 0  # filled in by the column, and not asked for
        assert len(asked) == 1
        assert session.get(Payment, payment.id) is payment
        payment.amount_minor, payment_id = 200, payment.id
    with shop.app.app_context():
        assert db.session.get_one(Payment, payment_id).amount_minor == 200


def test_nothing_is_written_at_once_outside_a_transaction(small_shop: Shop) -> None:
    with small_shop.app.app_context(), pytest.raises(RuntimeError):
        write_now(db.session(), Payment())


def test_what_is_changed_at_once_is_what_the_object_says_then(shop: Shop) -> None:
    booking_id, later = shop.book(shop.stay()), shop.clock.now()
    with shop.app.app_context(), transaction() as session, noting(db.engine) as asked:
        booking = session.get_one(Booking, booking_id)
        booking.message = "A cot, please"
        assert change_now(session, booking, {"arrival_time": "16:30", "erase_asked_at": later}, status=booking.status)
        assert (booking.arrival_time, booking.erase_asked_at) == ("16:30", later)
    written = [statement for statement, _ in asked if statement.startswith("UPDATE")]

    kept = shop.booking(booking_id)
    assert (kept.message, kept.arrival_time, kept.erase_asked_at) == ("A cot, please", "16:30", later)
    assert len(written) == 2, written  # what was changed before, and this; nothing of it once more


def test_what_is_otherwise_by_now_is_not_changed(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    with shop.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, booking_id)
        assert not change_now(session, booking, {"message": "x"}, status=BookingStatus.CONFIRMED)
        assert booking.message == ""

    assert shop.booking(booking_id).message == ""


def test_steps_of_a_transaction_that_is_taken_back_are_not_written_with_the_next_one(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    def step(session: Session, kind: str) -> None:
        timeline.record(session, session.get_one(Booking, booking_id), kind, Cause(Source.WEB), shop.clock.now())

    with shop.app.app_context():
        with pytest.raises(TakenBack), transaction() as session:
            step(session, "taken back")
            raise TakenBack
        with transaction() as session:
            step(session, "kept")
            step(session, "kept, too")

    assert [step.kind for step in shop.timeline(booking_id)] == ["placed", "kept", "kept, too"]


def test_nothing_is_changed_or_noted_outside_a_transaction(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    with shop.app.app_context():
        booking = db.session.get_one(Booking, booking_id)
        for act in (
            lambda: change_now(db.session(), booking, {"message": "x"}),
            lambda: timeline.record(db.session(), booking, "x", Cause(Source.WEB), shop.clock.now()),
        ):
            with pytest.raises(RuntimeError):
                act()


class TakenBack(Exception):
    """Nothing of it is to stay."""


def _values_of(row: Any) -> dict[str, Any]:
    left_out = ("id", "created_at", "updated_at")
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in left_out}


def _written(session: Session, row: Any) -> dict[str, Any]:
    table = row.__table__
    told = session.execute(text(f"SELECT * FROM {table.name} WHERE id = {row.id}")).mappings().one()  # noqa: S608
    apart = {"id", "number", "created_at", "updated_at", *OWN[type(row)]}
    return {name: value for name, value in told.items() if name not in apart}
