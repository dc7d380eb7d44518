"""web/admin: how well paying works. Tables, drawings and files tell the same."""

import csv
import io
from pathlib import Path

import pytest

from booking.domain.states import Authentication
from booking.models import Payment
from booking.web.admin.payment_health import duration
from tests.web.admin_house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    booking_id = house.book()
    house.refund(booking_id, 1000, "succeeded")
    house.dispute(booking_id)
    return house


def test_the_page_tells_of_a_year_and_leads_to_the_next(house: House) -> None:
    page = house.ada().get("/admin/health").text

    assert "How paying works, 2027" in page
    assert '<svg class="beams"' in page
    assert "100.0 %" in page
    assert "€612.00" in page
    assert "/admin/health?year=2028" in page
    assert "Nobody tried to pay in 2010." in house.ada().get("/admin/health?year=2010").text


def test_the_page_says_how_many_banks_asked_and_of_how_many_it_is_not_known(house: House) -> None:
    assert "Of no payment it is known." in house.ada().get("/admin/health").text
    assert "Of 1 payment it is not known, and it counts in no share." in house.ada().get("/admin/health").text

    with house.rows() as session:
        session.query(Payment).one().authentication = Authentication.CHALLENGE
    page = house.ada().get("/admin/health").text

    assert "3-D Secure by month" in page
    assert "What banks asked of guests in 2027" in page
    assert "it is not known, and" not in page


def test_the_files_hold_what_the_page_shows(house: House) -> None:
    client = house.ada()

    def rows(name: str) -> list[dict[str, str]]:
        return list(
            csv.DictReader(io.StringIO(client.get(f"/admin/health/{name}.csv?year=2027").text.lstrip("\ufeff")))
        )

    march = next(row for row in rows("months") if row["Month"] == "2027-03")
    assert (march["Paid"], march["Success %"], len(rows("months"))) == ("1", "100.0", 12)
    money = next(row for row in rows("money") if row["Payments"] == "1")
    assert (money["Month"], money["Currency"], money["Paid"]) == ("2027-03", "EUR", "612.00")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")]
)
def test_long_waits_are_told_roughly(seconds: int, words: str) -> None:
    assert duration(seconds) == words
