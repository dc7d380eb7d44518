"""web/admin: the tape chart as a page. It is a real table, a list for phones, and soon there."""

import re
import time
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from booking.domain.dates import Stay
from booking.domain.roles import Role
from booking.models import Listing, Night, Unit
from tests.support.figures import note_figures
from tests.support.full_house import add_bookings, back_to_back, close
from tests.support.noting import engine_of, noting
from tests.web.admin_house import FIRST, House

UNITS, NIGHTS = 50, 60
HOSTILE = '<b onclick=alert(1)>" =1+1 \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe'
# Of the processor; and where that is a slow one, how much longer than the nearly empty page of closures.
LONGEST, MOST_TIMES = 0.150, 25


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def fill(house: House) -> None:
    """Fifty units, every night of sixty sold, three nights each."""
    with house.rows() as session:
        for number in range(5):
            place = {"property_id": 1, "max_guests": 2, "nightly_minor": 9000, "weekend_minor": 9000}
            listing = Listing(slug=f"listing-{number}", name=f"Listing {number}", **place)
            listing.units = [Unit(name=f"Unit {unit}", position=unit) for unit in range(UNITS // 5)]
            session.add(listing)
    add_bookings(house.app, 2, list(range(3, 3 + UNITS)), list(back_to_back(date(2027, 2, 28), date(2027, 5, 2))))


def chart(client: FlaskClient, **query: str) -> str:
    return client.get("/admin/calendar", query_string=query).text


def table_of(page: str) -> str:
    return page[page.index("<table") : page.index("</table>")]


def row_of(page: str, unit: str) -> str:
    return re.search(rf'<tr><th scope="row">{unit}.*?</tr>', table_of(page), re.DOTALL)[0]


def test_chart_begins_today_and_shows_thirty_nights(house: House) -> None:
    page = chart(house.ada())

    assert "<h1>Calendar, Mon 1 March to Tuesday 30 March 2027</h1>" in page
    assert table_of(page).count('scope="col"') == 1 + 30
    assert table_of(page).count('scope="row"') == 2
    assert 'aria-current="date">Mo <b>1</b>' in page


@pytest.mark.parametrize(
    ("query", "nights", "first"),
    [
        ({"nights": "14"}, 14, "Mon 1 March"),
        ({"nights": "60", "from": "2027-02-27"}, 60, "Sat 27 February"),
        ({"nights": "7"}, 30, "Mon 1 March"),
        ({"nights": "9" * 30}, 30, "Mon 1 March"),
        ({"nights": "x"}, 30, "Mon 1 March"),
        ({"from": "2027-02-30"}, 30, "Mon 1 March"),
        ({"from": "\0"}, 30, "Mon 1 March"),
        ({"from": "0001-01-01"}, 30, "Sat 1 January"),
        ({"from": "9999-12-31"}, 30, "Wed 1 January"),
    ],
)
def test_nonsense_in_the_address_is_today_or_as_near_as_can_be(
    house: House, query: dict[str, str], nights: int, first: str
) -> None:
    page = chart(house.ada(), **query)

    assert table_of(page).count('scope="col"') == 1 + nights
    assert f"<h1>Calendar, {first} to " in page


def test_what_is_no_date_is_told_and_kept(house: House) -> None:
    page = chart(house.ada(), **{"from": "tomorrow<b>"})

    assert 'value="tomorrow&lt;b&gt;"' in page
    assert 'aria-describedby="from-error"' in page


def test_a_row_is_as_wide_as_its_nights(house: House) -> None:
    house.book(Stay(date(2027, 2, 26), date(2027, 3, 3)))
    house.book(Stay(date(2027, 3, 29), date(2027, 4, 9)))
    close(house.app, house.unit_id, Stay(date(2027, 3, 10), date(2027, 3, 11)))

    row = row_of(chart(house.ada()), "Upper deck")

    cells = re.findall(r'<td(?: colspan="(\d+)")?>', row)
    assert sum(int(span or 1) for span in cells) == 30
    assert 'class="strip sold from" href="/admin/bookings/1"' in row
    assert 'class="strip sold on" href="/admin/bookings/2"' in row
    assert '<td><a class="strip off"' in row


def test_each_state_says_itself_in_words(house: House) -> None:
    house.book(Stay(date(2027, 3, 1), date(2027, 3, 3)))
    house.book(Stay(date(2027, 3, 3), date(2027, 3, 5)), status="pending", paid=False, guest_name="Linus")
    house.book(Stay(date(2027, 3, 5), date(2027, 3, 7)), needs_review=True)
    house.book(Stay(date(2027, 3, 7), date(2027, 3, 9)), disputed=True)
    close(house.app, house.unit_id, Stay(date(2027, 3, 9), date(2027, 3, 11)), "Painting")
    close(house.app, house.unit_id, Stay(date(2027, 3, 11), date(2027, 3, 12)), "")
    asked = {"status": "pending", "payment_status": "authorized", "paid": False, "guest_name": "Alan"}
    house.book(Stay(date(2027, 3, 12), date(2027, 3, 14)), **asked)

    page = chart(house.ada())
    words = re.findall(r">([^<>]+)</a>", row_of(page, "Upper deck"))

    grace = "Grace Hopper"
    closed = ["Closed: Painting", "Closed"]
    assert words == [grace, "Held: Linus", f"Look: {grace}", f"Look: {grace}", *closed, "Request: Alan", "+"]
    assert re.search(r'class="strip asked"[^>]*title="[^"]*pending, authorized, waits for your answer"', page)
    assert '<span class="key key--asked"></span>request, waits for your answer' in page


def test_free_nights_lead_to_a_booking_from_the_first_that_is_still_to_come(house: House) -> None:
    house.book(Stay(date(2027, 2, 22), date(2027, 2, 24)))
    house.book(Stay(date(2027, 3, 5), date(2027, 3, 7)))

    row = row_of(chart(house.ada(), **{"from": "2027-02-20"}), "Upper deck")

    links = re.findall(r'<a class="free" href="([^"]+)" aria-label="([^"]+)"', row)
    assert [words for _address, words in links] == ["Book from Mon 1 March 2027", "Book from Sun 7 March 2027"]
    assert unescape(links[0][0]) == "/admin/bookings/new?listing=1&arrive=2027-03-01&leave=2027-03-02&guests=2"
    assert house.ada().get(unescape(links[1][0])).status_code == 200


def test_who_may_not_book_is_led_nowhere(house: House) -> None:
    page = chart(house.member(Role.READ_ONLY))

    assert 'class="free"' not in page


def test_a_phone_is_given_the_same_as_a_list(house: House) -> None:
    house.book(Stay(date(2027, 2, 26), date(2027, 3, 3)))
    house.book(FIRST, unit_id=house.other_unit_id)

    page = chart(house.ada())
    agenda = page[page.index('<div class="agenda">') :]

    assert re.findall(r"<h2>(.*?)</h2>", agenda) == ["Already there on Mon 1 March (today)", "Fri 12 March"]
    assert agenda.count("<li>") == 2
    assert "Fri 12 March 2027 to Tue 16 March 2027, confirmed, paid" in agenda


def test_a_booking_that_lost_a_night_is_told_of_first(house: House) -> None:
    booking = house.book()
    with house.rows() as session:
        session.query(Night).filter_by(day=date(2027, 3, 13)).delete()

    page = chart(house.ada())

    assert page.index("Bookings without all of their nights") < page.index("<table")
    assert f"{house.read(booking).reference}</a> Grace Hopper, Fri 12 to Tue 16 March 2027: 3 of 4 nights kept" in page


def test_hostile_names_and_reasons_are_only_text(house: House) -> None:
    house.book(guest_name=HOSTILE)
    close(house.app, house.unit_id, Stay(date(2027, 3, 1), date(2027, 3, 4)), HOSTILE)

    page = chart(house.ada())

    assert "<b onclick" not in page
    assert unescape(page).count(HOSTILE) == 4


def test_chart_asks_as_often_for_a_full_house_as_for_an_empty_one(house: House) -> None:
    client = house.ada()
    chart(client)
    with noting(engine_of(house.app)) as few:
        chart(client)
    fill(house)
    with noting(engine_of(house.app)) as many:
        chart(client, nights="60")

    assert len(many) == len(few) <= 8


def test_fifty_units_by_sixty_nights_are_soon_there(house: House) -> None:
    fill(house)
    client = house.ada()

    def seconds(path: str) -> float:
        begun = time.thread_time()  # of the processor: what else the machine does meanwhile is none of the page's
        assert client.get(path).status_code == 200
        return time.thread_time() - begun

    paths = ("/admin/closures", "/admin/calendar?from=2027-03-01&nights=60")
    plain, full = (min(times) for times in zip(*([seconds(path) for path in paths] for _ in range(9)), strict=True))

    page = chart(client, **{"from": "2027-03-01", "nights": "60"})
    size = {"units": UNITS, "nights": NIGHTS, "kilobytes": round(len(page) / 1024)}
    note_figures("pages_desk_chart", processor_ms=round(full * 1000), **size)
    assert table_of(page).count('<a class="strip') >= UNITS * NIGHTS / 3
    assert full < max(LONGEST, MOST_TIMES * plain)
