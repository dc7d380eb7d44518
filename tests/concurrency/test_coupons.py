"""A code that may be used so often is never used more often, however many want it at the same moment."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.errors import CouponRefused
from booking.domain.money import Money
from booking.domain.pricing import Wishes
from booking.domain.states import Source
from booking.extensions import db
from booking.models import Coupon, Listing, Unit
from booking.services import checkout, coupons, reservations
from booking.services.reservations import GuestDetails, Placed, PlaceRequest
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.shop import Shop

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]

CROWD = 20
SPRING = Wishes(code="SPRING")


def _offer_code(shop: Shop, most_uses: int | None = 1) -> None:
    """Room for everybody, and a code of ten euros off that may be used so often."""
    with shop.app.app_context():
        db.session.add(Coupon(property_id=1, code="SPRING", off_minor=1000, most_uses=most_uses))
        more = [Unit(listing_id=shop.listing_id, name=f"More {number}", position=9) for number in range(CROWD)]
        db.session.add_all(more)
        db.session.commit()


def _place(shop: Shop, number: int, stay: Stay) -> Placed:
    guest = GuestDetails(f"Guest {number}", f"guest{number}@example.org")
    total = shop.total(stay) - Money(1000, "eur")
    with shop.app.app_context():
        request = PlaceRequest(shop.listing_id, stay, 2, guest, f"browser {number}", total, wishes=SPRING)
        return reservations.place_booking(shop.runtime, request)


def _all_at_once(shop: Shop, crowd: int) -> list[Placed | Exception]:
    stay = shop.stay()
    return rush(lambda number: _place(shop, number, stay), range(crowd))


def test_of_twenty_guests_with_a_code_for_one_booking_one_gets_it(shop: Shop) -> None:
    _offer_code(shop)

    answers = _all_at_once(shop, CROWD)

    refused = [answer for answer in answers if isinstance(answer, CouponRefused)]
    assert len(refused) == CROWD - 1, answers
    assert {str(refusal.said) for refusal in refused} == {"This code has been used up."}
    assert [booking.coupon_id for booking in shop.bookings()] == [1]


@pytest.mark.postgresql
def test_control_without_the_lock_on_the_code_several_use_its_last_use(
    postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite one transaction writes at a time; on PostgreSQL nothing but the lock keeps them from counting alike."""
    _offer_code(postgres_shop)
    everybody_counted = threading.Barrier(4)
    judge: Callable[..., Coupon] = coupons.judge_coupon

    def judge_and_wait(session: Session, coupon: Coupon, listing: Listing, stay: Stay, now: datetime) -> Coupon:
        judged = judge(session, coupon, listing, stay, now)
        everybody_counted.wait(timeout=10)
        return judged

    monkeypatch.setattr(coupons, "judge_coupon", judge_and_wait)
    monkeypatch.setattr(Select, "with_for_update", lambda query, **_how: query)

    answers = _all_at_once(postgres_shop, 4)

    assert [type(answer) for answer in answers] == [Placed] * 4
    assert [booking.coupon_id for booking in postgres_shop.bookings()] == [1] * 4


def _let_go(shop: Shop, booking_id: int) -> None:
    with shop.app.app_context():
        checkout.abandon_checkout(shop.runtime, booking_id, Cause(Source.WEB))


def _let_time_pass(shop: Shop, _booking_id: int) -> None:
    shop.pass_time(hours=2)


@pytest.mark.parametrize("end", [_let_go, _let_time_pass], ids=["let go", "the hold is over, and no worker looked"])
def test_a_use_comes_back_with_the_nights(small_shop: Shop, end: Callable[[Shop, int], Any]) -> None:
    _offer_code(small_shop)
    first = _place(small_shop, 1, small_shop.stay())
    with pytest.raises(CouponRefused):
        _place(small_shop, 2, small_shop.stay())

    end(small_shop, first.booking_id)

    assert _place(small_shop, 2, small_shop.stay()).reference != first.reference


def test_the_guests_own_second_click_is_no_second_use(small_shop: Shop) -> None:
    _offer_code(small_shop)
    stay = small_shop.stay()

    assert _place(small_shop, 1, stay) == _place(small_shop, 1, stay)


def test_a_code_that_ended_while_the_guest_was_typing_is_refused_when_placing(small_shop: Shop) -> None:
    _offer_code(small_shop, most_uses=None)
    with small_shop.app.app_context():
        db.session.get_one(Coupon, 1).is_active = False
        db.session.commit()

    with pytest.raises(CouponRefused):
        _place(small_shop, 1, small_shop.stay())
    assert small_shop.bookings() == []
