"""Nights that stay empty between two stays: a promise to the house, whoever comes at the same moment or pays late."""

import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text, update

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, StayRuleBroken
from booking.domain.states import BookingStatus
from booking.models import Booking, Listing
from booking.services import nights
from booking.services.reservations import Placed
from tests.concurrency.test_at_once import _SLOW_DISK
from tests.support.crowd import rush
from tests.support.shop import Shop, add_listing

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]
DAY = timedelta(days=1)


def _next_door(shop: Shop, guests: int) -> list[Placed | Exception]:
    """Each guest wants one night; together they want every night of some weeks, one night empty after each."""
    shop.listing_id = add_listing(shop.app, "cabin", units=1, name="Cabin", turnover_days=1)
    first = shop.stay(nights=1)
    stays = [Stay(first.arrive + DAY * number, first.leave + DAY * number) for number in range(guests)]
    return rush(lambda stay: shop.place(stay, browser=uuid.uuid4().hex), [*stays[::2], *stays[1::2]])


def _too_near(shop: Shop) -> int:
    """How many pairs of bookings in one unit have no empty night between them."""
    stays = sorted((booking.unit_id, booking.arrive, booking.leave) for booking in shop.bookings())
    return sum(one[0] == other[0] and other[1] - one[2] < DAY for one, other in pairwise(stays))


def test_guests_who_come_at_once_leave_the_nights_between_them_empty(shop: Shop) -> None:
    answers = _next_door(shop, guests=14)

    held = [answer for answer in answers if isinstance(answer, Placed)]
    assert 5 <= len(held) <= 7
    assert _too_near(shop) == 0
    refusals = {type(answer) for answer in answers if isinstance(answer, Exception)}
    assert refusals <= {StayRuleBroken, DatesUnavailable}


def test_in_several_units_the_next_guest_gets_another_one(shop: Shop) -> None:
    shop.listing_id = add_listing(shop.app, "cabin", units=2, name="Cabin", turnover_days=1)
    nights_apart = [shop.stay(nights=1, ahead=30 + number) for number in range(8)]
    for stay in nights_apart[::2]:  # one after the other, so that they share the first unit
        shop.place(stay, browser=uuid.uuid4().hex)

    answers = rush(lambda stay: shop.place(stay, browser=uuid.uuid4().hex), nights_apart[1::2])

    assert [type(answer) for answer in answers] == [Placed] * 4
    assert _too_near(shop) == 0


@pytest.mark.postgresql
def test_control_without_the_lock_two_guests_end_up_side_by_side(
    postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nights, "lock_listing", lambda _session, _listing_id: None)
    with postgres_shop.app.app_context(), transaction() as session:
        session.execute(text(_SLOW_DISK.replace("0.005", "0.2")))

    _next_door(postgres_shop, guests=6)

    assert _too_near(postgres_shop) > 0


def _set_turnover(shop: Shop, days: int) -> None:
    with shop.app.app_context(), transaction() as session:
        session.execute(update(Listing).where(Listing.id == shop.listing_id).values(turnover_days=days))


def test_a_rule_that_comes_later_takes_no_night_from_who_has_it(shop: Shop) -> None:
    first = shop.stay(nights=2)
    one, other = shop.book(first, browser="grace"), shop.book(first.shifted(2), browser="linus")

    _set_turnover(shop, 3)
    for booking_id in (one, other):
        shop.pay(booking_id)

    assert {shop.booking(booking_id).status for booking_id in (one, other)} == {BookingStatus.CONFIRMED}


def test_nights_whose_hold_is_over_are_not_taken_back_beside_a_new_guest(shop: Shop) -> None:
    _set_turnover(shop, 1)
    stay = shop.stay(nights=2)
    late = shop.place(stay, browser="grace").booking_id
    shop.clock.offset += timedelta(hours=2)

    shop.place(stay.shifted(2), browser="linus")

    with shop.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, late)
        assert nights.retake_nights(session, booking, shop.clock.now(), hold_until=None) is None


def test_a_stay_that_would_be_too_near_is_refused_in_words(shop: Shop) -> None:
    _set_turnover(shop, 1)
    stay = shop.stay(nights=2)
    shop.place(stay, browser="grace")

    with pytest.raises(StayRuleBroken, match="1 night stays empty"):
        shop.place(stay.shifted(2), browser="linus")

    assert isinstance(shop.place(stay.shifted(3), browser="linus"), Placed)
