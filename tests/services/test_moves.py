"""Another unit for a booking: all its nights there and none left behind, or nothing at all."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.domain.dates import Stay
from booking.domain.errors import BookingNotFound, DatesUnavailable, ListingNotFound, TransitionRefused
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.models import Booking, Unit
from booking.queries.moves import list_move_targets
from booking.services import listings, moves, reservations
from booking.services.timeline import Cause
from tests.support.shop import Shop, add_listing

ADA = "ada@example.org"


def _move(shop: Shop, booking_id: int, unit_id: int) -> None:
    with shop.app.app_context():
        moves.move_booking(shop.runtime, booking_id, unit_id, ADA)


def _where(shop: Shop, booking_id: int) -> tuple[int, set[tuple[int, bool]]]:
    """The booking's unit, and in which units it has nights, for good or not."""
    nights = {(night.unit_id, night.hold_until is None) for night in shop.nights(booking_id)}
    return shop.booking(booking_id).unit_id, nights


def _paid(shop: Shop, stay: Stay | None = None) -> int:
    booking_id = shop.book(stay or shop.stay())
    shop.pay(booking_id)
    return booking_id


@pytest.fixture
def double(shop: Shop) -> Shop:
    """The loft with one unit, and a second listing with two."""
    add_listing(shop.app, "double-room", units=2, name="Double room", max_guests=2)
    return shop


def _rooms(shop: Shop) -> list[int]:
    """The two units of the second listing."""
    return [row.id for row in shop._read(select(Unit).where(Unit.listing_id != shop.listing_id).order_by(Unit.id))]


def test_a_confirmed_booking_moves_with_all_its_nights_and_its_guest_hears_of_the_other_listing(double: Shop) -> None:
    booking_id = _paid(double)
    before = double.booking(booking_id)
    first, _ = _rooms(double)

    _move(double, booking_id, first)

    booking = double.booking(booking_id)
    assert _where(double, booking_id) == (first, {(first, True)})
    assert len(double.nights(booking_id)) == 3
    assert (booking.listing_id, booking.amount, booking.calendar_sequence) == (2, before.amount, 1)
    assert double.mails(booking_id)[-1] == "stay_changed"
    step = double.timeline(booking_id)[-1]
    assert (step.kind, step.actor, step.note) == ("moved", ADA, "from Harbour Loft, Unit 1 to Double room, Unit 1")
    assert double.broken_promises() == []


def test_a_move_within_the_listing_tells_nobody(double: Shop) -> None:
    booking_id = _paid(double)
    first, second = _rooms(double)
    _move(double, booking_id, first)
    told = double.mails(booking_id)

    _move(double, booking_id, second)
    _move(double, booking_id, second)

    assert double.mails(booking_id) == told
    assert double.booking(booking_id).calendar_sequence == 1
    assert [step.kind for step in double.timeline(booking_id)].count("moved") == 2


def test_a_hold_moves_with_the_time_it_has_and_is_confirmed_where_it_is_then(double: Shop) -> None:
    booking_id = double.book(double.stay())
    until = double.booking(booking_id).hold_until
    first, _ = _rooms(double)

    _move(double, booking_id, first)

    assert _where(double, booking_id) == (first, {(first, False)})
    assert {night.hold_until for night in double.nights(booking_id)} == {until}
    double.pay(booking_id)
    assert double.state(booking_id) == ("confirmed", "paid")
    assert _where(double, booking_id) == (first, {(first, True)})
    assert double.broken_promises() == []


def test_who_is_in_the_way_is_named_and_nothing_moves(double: Shop) -> None:
    stay, booking_id = double.stay(), _paid(double)
    first, second = _rooms(double)
    with double.app.app_context():
        listings.close_nights(double.runtime, first, stay, "painting", ADA)
    other = _paid(double, Stay(stay.leave, stay.leave + timedelta(days=2)))
    _move(double, other, second)
    with double.app.app_context():
        listings.close_nights(double.runtime, second, Stay(stay.arrive, stay.arrive + timedelta(days=1)), "", ADA)

    with pytest.raises(DatesUnavailable) as refused:
        _move(double, booking_id, first)

    (clash,) = refused.value.details["clashes"]
    assert clash.startswith("Closed already")
    assert clash.endswith("(painting)")
    with double.app.app_context():
        targets = list_move_targets(db.session(), db.session.get_one(Booking, booking_id), double.clock.now())
    assert [(target.unit_id, target.is_free) for target in targets] == [(first, False), (second, False)]
    assert _where(double, booking_id) == (1, {(1, True)})
    assert double.broken_promises() == []


@pytest.mark.parametrize("what", ["no booking", "no unit", "cancelled", "hold over"])
def test_what_cannot_be_moved_is_refused(double: Shop, what: str) -> None:
    booking_id = double.book(double.stay()) if what == "hold over" else _paid(double)
    first, _ = _rooms(double)
    if what == "cancelled":
        with double.app.app_context():
            cause = Cause(Source.STAFF, ADA)
            reservations.cancel_booking(double.runtime, booking_id, CancelReason.STAFF, cause, None, "form")
    if what == "hold over":
        double.clock.offset += timedelta(hours=2)
    refusals = {"no booking": BookingNotFound, "no unit": ListingNotFound}

    with pytest.raises(refusals.get(what, TransitionRefused)):
        _move(double, 99 if what == "no booking" else booking_id, 99 if what == "no unit" else first)

    assert double.booking(booking_id).unit_id == 1
    assert (what == "cancelled") is (double.booking(booking_id).status is BookingStatus.CANCELLED)
