"""Two people move two bookings into one unit at the same moment: one gets it, and no booking loses its nights."""

import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.database import insert_into
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable
from booking.extensions import db
from booking.models import Listing, Night, Unit
from booking.queries.nights import free_unit_ids
from booking.services import moves
from tests.support.crowd import rush
from tests.support.shop import Shop

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]
WANTED = 3


def _two_paid_and_one_unit_free(shop: Shop) -> list[int]:
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        listing.units += [Unit(name=f"Unit {number}", position=number) for number in (2, WANTED)]
        db.session.commit()
    ids = [shop.book(shop.stay(), browser=browser) for browser in ("grace", "linus")]
    for booking_id in ids:
        shop.pay(booking_id)
    assert {shop.booking(booking_id).unit_id for booking_id in ids} == {1, 2}
    return ids


def _move_at_once(shop: Shop, ids: list[int]) -> list[Exception | None]:
    def move(booking_id: int) -> None:
        with shop.app.app_context():
            moves.move_booking(shop.runtime, booking_id, WANTED, f"{booking_id}@example.org")

    return rush(move, ids)


def test_two_moves_into_one_unit_have_one_winner_and_the_other_stays_where_it_was(shop: Shop) -> None:
    ids = _two_paid_and_one_unit_free(shop)
    before = {booking_id: shop.booking(booking_id).unit_id for booking_id in ids}

    answers = dict(zip(ids, _move_at_once(shop, ids), strict=True))

    assert sorted(type(answer).__name__ for answer in answers.values()) == ["DatesUnavailable", "NoneType"]
    for booking_id, answer in answers.items():
        unit_id = before[booking_id] if isinstance(answer, DatesUnavailable) else WANTED
        assert shop.booking(booking_id).unit_id == unit_id
        assert [night.unit_id for night in shop.nights(booking_id)] == [unit_id] * 3


def test_two_bookings_that_swap_their_units_at_once_both_stay_and_nobody_waits_for_ever(shop: Shop) -> None:
    first, second = _two_paid_and_one_unit_free(shop)
    units = {first: shop.booking(second).unit_id, second: shop.booking(first).unit_id}

    def move(booking_id: int) -> None:
        with shop.app.app_context():
            moves.move_booking(shop.runtime, booking_id, units[booking_id], "ada@example.org")

    assert [type(answer) for answer in rush(move, [first, second])] == [DatesUnavailable] * 2


@pytest.mark.postgresql
def test_control_looking_first_and_taking_then_puts_two_bookings_into_one_unit(
    postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, both_looked = _two_paid_and_one_unit_free(postgres_shop), threading.Barrier(2)

    def look_then_take(session: Session, unit_id: int, stay: Stay, now: datetime, **owner: Any) -> bool:
        is_free = unit_id in free_unit_ids(session, postgres_shop.listing_id, stay, now)
        both_looked.wait(timeout=20)
        rows = insert_into(session, Night).values([{"unit_id": unit_id, "day": day, **owner} for day in stay])
        taken = {"booking_id": rows.excluded.booking_id}
        session.execute(rows.on_conflict_do_update(index_elements=[Night.unit_id, Night.day], set_=taken))
        return is_free

    monkeypatch.setattr(moves, "claim_nights", look_then_take)

    assert _move_at_once(postgres_shop, ids) == [None, None]
    assert {postgres_shop.booking(booking_id).unit_id for booking_id in ids} == {WANTED}
    assert any(line.startswith("I1: ") for line in postgres_shop.broken_promises())
    postgres_shop.breaks = ("I1", "I27")  # what the control broke is not held against the shop
