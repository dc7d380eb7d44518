"""services/holds.py: how many unpaid stays one browser, one e-mail address and one network may hold."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.domain.errors import DatesUnavailable, TooManyHolds
from booking.extensions import db
from booking.models import RateWindow
from booking.services import holds
from booking.services.holds import MOST_BY_BROWSER, MOST_BY_EMAIL, MOST_BY_NETWORK, most_units
from booking.services.limits import purge_windows
from booking.services.reservations import GuestDetails, Placed, PlaceRequest, place_booking
from tests.support.shop import GRACE, Shop, add_listing, patched

OFFICE = "203.0.113.9"


@pytest.fixture
def limited(shop: Shop) -> Shop:
    """A shop with plenty of units and its limits on."""
    shop.listing_id = add_listing(shop.app, "many-rooms", units=40)
    settings = replace(shop.runtime.settings, rate_limits=True)
    shop.app.extensions["holdfast"] = replace(shop.runtime, settings=settings)
    return shop


def hold(shop: Shop, number: int, email: str = "", network: str = "", browser: str = "", ahead: int = 0) -> Placed:
    """Guest N holds three nights of their own, unless said otherwise as somebody else from somewhere else."""
    stay = shop.stay(ahead=ahead or 30 + 4 * number)
    guest = GuestDetails(f"Guest {number}", email or f"guest{number}@example.org")
    total = shop.total(stay)
    request = PlaceRequest(
        shop.listing_id, stay, 2, guest, browser or f"browser {number}", total, network or f"198.51.100.{number}"
    )
    with shop.app.app_context():
        return place_booking(shop.runtime, request)


def test_one_browser_holds_three_even_with_the_limits_off(shop: Shop) -> None:
    for number in range(MOST_BY_BROWSER):
        hold(shop, number, browser="grace")

    with pytest.raises(TooManyHolds):
        hold(shop, 9, browser="grace")


def test_one_address_holds_three_however_it_is_written_and_wherever_it_is_typed(limited: Shop) -> None:
    for number in range(MOST_BY_EMAIL):
        hold(limited, number, email=["grace@example.org", "GRACE@example.org", "Grace@Example.org"][number])

    with pytest.raises(TooManyHolds):
        hold(limited, 9, email="grace@example.org")
    assert hold(limited, 10, email="linus@example.org").reference


def test_one_network_holds_six_whoever_asks(limited: Shop) -> None:
    for number in range(MOST_BY_NETWORK):
        hold(limited, number, network=OFFICE)

    with pytest.raises(TooManyHolds):
        hold(limited, 9, network=OFFICE)
    assert hold(limited, 10).reference


def test_holds_that_are_paid_or_over_make_room_again(limited: Shop) -> None:
    first = hold(limited, 0, email=GRACE.email)
    hold(limited, 1, email=GRACE.email)
    hold(limited, 2, email=GRACE.email)
    limited.check_out(first.booking_id)
    limited.pay(first.booking_id)

    assert hold(limited, 3, email=GRACE.email).reference
    limited.pass_time(minutes=50)
    assert hold(limited, 4, email=GRACE.email).reference


def test_asking_again_for_what_one_holds_already_is_no_further_hold(limited: Shop) -> None:
    placed = [hold(limited, number, email=GRACE.email) for number in range(MOST_BY_EMAIL)]

    assert hold(limited, 0, email=GRACE.email) == placed[0]


def test_one_source_keeps_no_more_than_half_of_a_listings_units_on_the_same_nights(limited: Shop) -> None:
    limited.listing_id = add_listing(limited.app, "three-rooms", units=3)
    hold(limited, 0, network=OFFICE, ahead=30)
    hold(limited, 1, network=OFFICE, ahead=31)

    with pytest.raises(TooManyHolds):
        hold(limited, 2, network=OFFICE, ahead=32)
    assert hold(limited, 3, network=OFFICE, ahead=60).reference  # other nights
    assert hold(limited, 4, ahead=32).reference  # somebody else


def test_two_of_one_house_who_want_the_one_flat_are_told_that_it_is_taken(limited: Shop) -> None:
    limited.listing_id = add_listing(limited.app, "one-flat", units=1)
    hold(limited, 0, network=OFFICE, ahead=30)

    with pytest.raises(DatesUnavailable):
        hold(limited, 1, network=OFFICE, ahead=30)


@pytest.mark.parametrize(("units", "most"), [(2, 1), (3, 2), (4, 2), (5, 3), (10, 5)])
def test_half_of_the_units_is_rounded_up(units: int, most: int) -> None:
    assert most_units(units) == most


def test_with_the_limits_off_one_house_may_hold_everything(shop: Shop) -> None:
    shop.listing_id = add_listing(shop.app, "many-rooms", units=40)

    placed = [hold(shop, number, network=OFFICE, email=GRACE.email) for number in range(MOST_BY_NETWORK + 2)]

    assert len({one.reference for one in placed}) == MOST_BY_NETWORK + 2
    assert shop.count(RateWindow) == 0


def _held_at_once(shop: Shop) -> tuple[int, int]:
    """Twelve strangers of one network press the button at the same moment: how many hold something, and are refused."""
    start, held, refused = threading.Barrier(12), [], []

    def press(number: int) -> None:
        start.wait()
        try:
            held.append(hold(shop, number, network=OFFICE))
        except TooManyHolds as error:
            refused.append(error)

    presses = [threading.Thread(target=press, args=(number,)) for number in range(12)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    return len(held), len(refused)


@pytest.mark.race
def test_guests_of_one_network_who_press_at_once_are_counted_one_after_the_other(limited: Shop) -> None:
    assert _held_at_once(limited) == (MOST_BY_NETWORK, 12 - MOST_BY_NETWORK)


@pytest.mark.race
@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_control_without_the_line_more_of_them_get_through(limited: Shop) -> None:
    """The counting alone is a race; were it none, the test above would prove nothing."""
    with patched(holds, "_stand_in_line", lambda *_: None):
        rounds = []
        for _ in range(5):
            rounds.append(_held_at_once(limited)[0])
            limited.pass_time(minutes=50)

    assert max(rounds) > MOST_BY_NETWORK


def test_notes_of_where_holds_came_from_name_nobody_and_are_swept_away(limited: Shop) -> None:
    hold(limited, 0, network=OFFICE, email=GRACE.email)
    with limited.app.app_context():
        keys = [row.key for row in db.session.query(RateWindow)]
        limited.clock.offset = timedelta(days=3)
        purge_windows(limited.runtime)

    assert keys
    assert not any(secret in key for key in keys for secret in (OFFICE, "grace", "browser"))
    assert limited.count(RateWindow) == 0
