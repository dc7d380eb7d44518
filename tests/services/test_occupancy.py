"""Occupancy: the bits of each unit are its nights, whoever takes or frees them, and can be made anew from them."""

import json
import logging
import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from booking import jobs
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable
from booking.domain.occupancy import WINDOW, chunk_of, first_day
from booking.extensions import db
from booking.models import Night, Occupancy, Unit
from booking.models.occupancy import note_nights
from booking.services import listings, moves, occupancy
from booking.services.nights import claim_nights
from tests.support.shop import Shop

BORDER = first_day(chunk_of(date.today() + timedelta(days=WINDOW)))  # where a window begins, one to two months ahead


def told(shop: Shop) -> set[tuple[int, date]]:
    """Every night that the bits tell, which must do so in both of its windows."""
    with shop.app.app_context():
        windows = {(row.chunk, row.unit_id): row.bits for row in db.session.scalars(select(Occupancy))}
    found: dict[tuple[int, date], int] = {}
    for (chunk, unit_id), bits in windows.items():
        for place in range(WINDOW):
            if bits >> place & 1:
                night = (unit_id, first_day(chunk) + timedelta(days=place))
                found[night] = found.get(night, 0) + 1
    assert set(found.values()) <= {2}
    return set(found)


def taken(shop: Shop) -> set[tuple[int, date]]:
    with shop.app.app_context():
        kept = select(Night.unit_id, Night.day).where(Night.hold_until.is_(None))
        return {(unit_id, day) for unit_id, day in db.session.execute(kept)}


def close(shop: Shop, stay: Stay, unit_id: int = 1) -> int:
    with shop.app.app_context():
        return listings.close_nights(shop.runtime, unit_id, stay, "Painting", "ada@example.org")


def test_a_hold_is_told_to_nobody_and_a_confirmed_booking_is(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    on_hold = told(shop)

    shop.pay(booking_id)

    assert on_hold == set()
    assert told(shop) == taken(shop) == {(1, day) for day in shop.stay()}


def test_nights_that_are_given_back_are_told_no_more(shop: Shop) -> None:
    first = close(shop, Stay(BORDER - timedelta(days=3), BORDER + timedelta(days=2)))
    close(shop, Stay(BORDER + timedelta(days=2), BORDER + timedelta(days=40)))
    with shop.app.app_context():
        listings.reopen_nights(shop.runtime, first, "ada@example.org")

    assert told(shop) == taken(shop) == {(1, BORDER + timedelta(days=ahead)) for ahead in range(2, 40)}


def test_a_booking_that_moves_takes_its_bits_along(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    with shop.app.app_context():
        db.session.add(Unit(listing_id=1, name="Another", position=9))
        db.session.commit()
        other = db.session.scalars(select(Unit.id).where(Unit.name == "Another")).one()
        moves.move_booking(shop.runtime, booking_id, other, "ada@example.org")

    assert told(shop) == taken(shop) == {(other, day) for day in shop.stay()}


def test_what_is_refused_changes_no_bit(shop: Shop) -> None:
    close(shop, Stay(BORDER, BORDER + timedelta(days=3)))
    with pytest.raises(DatesUnavailable):
        close(shop, Stay(BORDER + timedelta(days=2), BORDER + timedelta(days=9)))

    assert told(shop) == taken(shop) == {(1, BORDER + timedelta(days=ahead)) for ahead in range(3)}


def test_what_is_rolled_back_is_not_told_by_the_next_transaction(shop: Shop) -> None:
    with shop.app.app_context():
        with pytest.raises(ZeroDivisionError), transaction() as session:
            note_nights(session, 1, [BORDER], are_taken=True)
            raise ZeroDivisionError
        with transaction() as session:
            session.execute(update(Unit).values(position=1))

    assert told(shop) == set()


def test_two_who_take_nights_of_one_window_at_once_are_both_told(shop: Shop) -> None:
    """Each has seen the window before the other wrote it: bits are put in, never the whole row."""
    start = threading.Barrier(8)

    def closing(number: int) -> None:
        start.wait()
        close(shop, Stay(BORDER + timedelta(days=3 * number), BORDER + timedelta(days=3 * number + 3)))

    threads = [threading.Thread(target=closing, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told(shop) == taken(shop) == {(1, BORDER + timedelta(days=ahead)) for ahead in range(24)}


# --- what differs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def drifted(shop: Shop) -> Shop:
    """As an older version leaves it: one closure taken and one freed, and no bit written."""
    gone = close(shop, Stay(BORDER, BORDER + timedelta(days=3)))
    close(shop, Stay(BORDER + timedelta(days=20), BORDER + timedelta(days=24)))
    with shop.app.app_context():
        db.session.execute(delete(Night).where(Night.closure_id == gone))
        nights = [{"unit_id": 1, "day": BORDER + timedelta(days=ahead), "closure_id": gone} for ahead in (90, 91)]
        db.session.execute(insert(Night), nights)
        db.session.commit()
    return shop


def test_what_an_older_version_left_is_named_and_made_anew(drifted: Shop) -> None:
    wrong = drifted.app.test_cli_runner().invoke(args=["occupancy"])
    mended = drifted.app.test_cli_runner().invoke(args=["occupancy", "--rebuild", "--json"])
    after = drifted.app.test_cli_runner().invoke(args=["occupancy", "--check"])

    assert (wrong.exit_code, mended.exit_code, after.exit_code) == (1, 0, 0)
    assert f"unit 1, from {BORDER}: 3 hidden, 0 offered wrongly" in wrong.output
    assert wrong.output.endswith("4 windows wrong: flask occupancy --rebuild mends it.\n")
    assert [len(row["hidden"]) - len(row["offered"]) for row in json.loads(mended.stdout)] == [3, 3, -2, -2]
    assert after.output == "Searches read what the nights say.\n"
    assert told(drifted) == taken(drifted)
    assert len(taken(drifted)) == 6


def test_the_worker_mends_it_and_says_so(drifted: Shop, caplog: pytest.LogCaptureFixture) -> None:
    assert jobs.mend_occupancy in jobs.SWEEPS
    assert jobs.mend_occupancy in jobs.TIMETABLE
    with drifted.app.app_context(), caplog.at_level(logging.WARNING):
        jobs.mend_occupancy(drifted.runtime)

    assert caplog.messages.count("occupancy_mended") == 4
    assert told(drifted) == taken(drifted)


def test_check_and_rebuild_together_are_refused(shop: Shop) -> None:
    assert shop.app.test_cli_runner().invoke(args=["occupancy", "--check", "--rebuild"]).exit_code == 2


def test_mending_goes_on_in_portions(drifted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "MENDED_AT_ONCE", 1)
    with drifted.app.app_context():
        assert len(occupancy.rebuild()) == 4
        assert occupancy.rebuild() == []

    assert told(drifted) == taken(drifted)


def test_mending_loses_no_nights_that_are_just_being_taken(drifted: Shop) -> None:
    """It cannot see them yet, and whoever takes them writes their bits when it has made the row anew."""

    def mending() -> None:
        with drifted.app.app_context():
            occupancy.rebuild()

    mend = threading.Thread(target=mending)
    stay = Stay(BORDER + timedelta(days=5), BORDER + timedelta(days=8))
    with drifted.app.app_context(), transaction() as session:
        closure_id = session.scalars(select(Night.closure_id)).first()
        assert claim_nights(session, 1, stay, drifted.clock.now(), closure_id=closure_id)
        mend.start()
        mend.join(timeout=0.5)  # SQLite has it wait for this transaction, PostgreSQL does not
    mend.join()

    assert told(drifted) == taken(drifted)
    assert len(taken(drifted)) == 9
