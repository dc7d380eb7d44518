"""web/admin: the reports as a page, as drawings and as files."""

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.models import Listing, Property
from tests.web.admin_house import House

HOSTILE = '=HYPERLINK("x") <b onclick=alert(1)>'


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def sheet(house: House, path: str) -> list[dict[str, str]]:
    answer = house.ada().get(path)
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_page_tells_the_figures_of_this_year(house: House) -> None:
    """Four nights of Friday to Tuesday in March: 2 * 164.00 + 2 * 128.00 = 584.00, and 8 * 3.50 of tourist tax."""
    house.book()

    page = house.ada().get("/admin/reports").text

    assert "<h1>Reports, 2027</h1>" in page
    march = re.search(r'<th scope="row">March 2027</th>.*?</tr>', page, re.DOTALL)[0]
    assert "€146.00" in march  # 584 / 4
    assert march.count("€584.00") == 2  # nights, and revenue
    tax = page[page.index("Tourist tax of 2027") :]
    assert re.findall(r'<td class="amount">(\S+)</td>', tax)[:6] == ["1", "4", "8", "0", "8", "€28.00"]


def test_files_say_the_same_with_plain_numbers(house: House) -> None:
    house.book()

    revenue = next(row for row in sheet(house, "/admin/reports/revenue.csv") if row["Nights sold"] == "4")
    tax = sheet(house, "/admin/reports/tourist-tax.csv?year=2027")

    assert (revenue["Month"], revenue["Currency"], revenue["Average nightly rate"]) == ("2027-03", "EUR", "146.00")
    assert (revenue["Nights' revenue"], revenue["Revenue"]) == ("584.00", "584.00")
    assert [(row["Month"], row["Taxed"], row["Exempt"], row["Tourist tax"]) for row in tax] == [
        ("2027-03", "8", "0", "28.00")
    ]


def test_drawings_are_as_long_as_their_figures_and_the_policy_allows_them(house: House) -> None:
    house.book()
    house.book(Stay(date(2027, 4, 5), date(2027, 4, 6)))  # 128.00

    page = house.ada().get("/admin/reports").text
    revenue = page[page.index("<figcaption>Revenue") : page.index("</figure>", page.index("<figcaption>Revenue"))]

    widths = [int(width) for width in re.findall(r'class="beam"[^>]*width="(\d+)"', revenue)]
    assert widths[2:4] == [240, 240 * 12800 // 58400]
    assert set(widths[:2] + widths[4:]) == {0}
    assert 'role="img" aria-labelledby="drawn-revenue-eur"' in revenue
    assert "style=" not in page


@pytest.mark.parametrize("year", ["", "x", "-1", "0", "9999", "9" * 30, "2027; DROP TABLE"])
def test_a_year_that_is_none_is_this_year(house: House, year: str) -> None:
    assert "<h1>Reports, 2027</h1>" in house.ada().get("/admin/reports", query_string={"year": year}).text


def test_an_empty_year_is_a_page_too(house: House) -> None:
    page = house.ada().get("/admin/reports?year=2199").text

    assert "Nobody stayed in 2199." in page


def test_hostile_names_of_the_house_are_only_text(house: House) -> None:
    house.book()
    with house.rows() as session:
        session.get(Listing, 1).name = HOSTILE
        session.get(Property, 1).name = HOSTILE

    page = house.ada().get("/admin/reports").text
    rows = sheet(house, "/admin/reports/revenue.csv") + sheet(house, "/admin/reports/tourist-tax.csv")

    assert "<b onclick" not in page
    assert {row["Property"] for row in rows} == {"'" + HOSTILE}
