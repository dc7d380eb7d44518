"""services/limits.py: what is counted, for whom, and how long."""

import dataclasses
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from booking.domain.errors import TooManyTries
from booking.models import RateWindow
from booking.services.limits import check_limit, forget_tries, network_of, purge_windows
from tests.web.admin_house import House

HOUR = timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with house.app.app_context():
        yield house


def tries_that_pass(house: House, who: str, tries: int, limit: int = 3) -> int:
    passed = 0
    for _ in range(tries):
        try:
            check_limit(house.runtime, "lookup", who, limit, HOUR)
            passed += 1
        except TooManyTries:
            pass
    return passed


def test_exactly_the_limit_passes(house: House) -> None:
    assert tries_that_pass(house, "linus", 7) == 3


def test_one_visitor_does_not_use_up_the_tries_of_another(house: House) -> None:
    tries_that_pass(house, "linus", 7)

    assert tries_that_pass(house, "grace", 1) == 1


def test_a_new_window_begins_when_the_old_one_is_over(house: House) -> None:
    tries_that_pass(house, "linus", 7)

    house.clock.move(minutes=60)

    assert tries_that_pass(house, "linus", 7) == 3


def test_refusal_says_how_long_to_wait(house: House) -> None:
    tries_that_pass(house, "linus", 3)
    house.clock.move(minutes=20)

    with pytest.raises(TooManyTries) as refused:
        check_limit(house.runtime, "lookup", "linus", 3, HOUR)

    assert refused.value.details["retry_after"] == 40 * 60


def test_hammering_does_not_make_the_window_longer(house: House) -> None:
    tries_that_pass(house, "linus", 3)
    house.clock.move(minutes=59)
    tries_that_pass(house, "linus", 20)

    house.clock.move(minutes=1)

    assert tries_that_pass(house, "linus", 1) == 1


def test_forgetting_begins_anew(house: House) -> None:
    tries_that_pass(house, "linus", 7)

    forget_tries(house.runtime, "lookup", "linus")

    assert tries_that_pass(house, "linus", 1) == 1


def test_switched_off_it_counts_nothing(house: House) -> None:
    settings = dataclasses.replace(house.runtime.settings, rate_limits=False)
    house.runtime = dataclasses.replace(house.runtime, settings=settings)

    assert tries_that_pass(house, "linus", 50) == 50
    assert house.count(RateWindow) == 0


def test_table_holds_no_address_of_a_person(house: House) -> None:
    check_limit(house.runtime, "lookup", "grace@example.org", 3, HOUR)

    with house.rows() as session:
        assert "grace" not in session.query(RateWindow).one().key


def test_old_windows_are_dropped_and_running_ones_kept(house: House) -> None:
    check_limit(house.runtime, "lookup", "linus", 3, HOUR)
    house.clock.move(days=3)
    check_limit(house.runtime, "lookup", "grace", 3, HOUR)

    assert purge_windows(house.runtime) == 1
    assert house.count(RateWindow) == 1


def test_tries_at_the_same_time_are_all_counted(house: House) -> None:
    passed, at_once = [], threading.Barrier(8)

    def try_twice() -> None:
        with house.app.app_context():
            at_once.wait()
            passed.append(tries_that_pass(house, "linus", 2, limit=5))

    threads = [threading.Thread(target=try_twice) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(passed) == 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8::5", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_network_that_a_limit_counts_by(address: str | None, network: str) -> None:
    assert network_of(address) == network
