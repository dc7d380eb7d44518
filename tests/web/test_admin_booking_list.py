"""web/admin: searching, narrowing and sorting the list of bookings, and taking it away as a file."""

import csv
import io
import re
import tracemalloc
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from booking.domain.dates import Stay
from booking.domain.roles import Role
from booking.domain.states import Source
from booking.extensions import db
from booking.models import Listing, Unit
from tests.support.full_house import add_bookings, back_to_back
from tests.support.noting import engine_of, noting
from tests.web.admin_house import FIRST, House

APRIL, MAY = Stay(date(2027, 4, 1), date(2027, 4, 3)), Stay(date(2027, 5, 1), date(2027, 5, 3))
PRESS = {"submit": ""}
HOSTILE = '=HYPERLINK("http://x.test?"&A1) <b onclick=alert(1)>'


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def found(house: House, **query: str) -> list[int]:
    """The bookings on the page, in its order."""
    page = house.ada().get("/admin/bookings", query_string=query).text
    return [int(number) for number in re.findall(r'href="/admin/bookings/(\d+)"', page)]


def sheet(house: House, **query: str) -> list[dict[str, str]]:
    answer = house.ada().get("/admin/bookings.csv", query_string=query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_list_is_narrowed_by_each_filter_and_by_all_together(house: House) -> None:
    with house.rows() as session:
        annex = Listing(property_id=1, slug="annex", name="Annex", max_guests=2, nightly_minor=9000, weekend_minor=9000)
        session.add(Unit(listing=annex, name="Attic"))
    first = house.book()
    unpaid = house.book(APRIL, paid=False, status="cancelled", refund_failed=True)
    late = house.book(MAY, confirmed_via=Source.REDIRECT, listing_id=2, unit_id=3)

    for query, expected in (
        ({"payment": "unpaid"}, [unpaid]),
        ({"arrive_from": "2027-04-01"}, [late, unpaid]),
        ({"arrive_to": "2027-04-01"}, [unpaid, first]),
        ({"arrive_from": "2027-04-01", "arrive_to": "2027-04-30"}, [unpaid]),
        ({"listing": "2"}, [late]),
        ({"source": "redirect"}, [late]),
        ({"status": "attention"}, [unpaid]),
        ({"status": "confirmed", "listing": "2", "source": "redirect", "q": "hopper", "payment": "paid"}, [late]),
        ({"status": "confirmed", "listing": "2", "source": "webhook"}, []),
    ):
        assert found(house, **query) == expected, query
        assert len(sheet(house, **query)) == len(expected), query


def test_list_is_sorted_as_asked(house: House) -> None:
    later = house.book(MAY, guest_name="Ada")
    sooner = house.book(APRIL, guest_name="grace")
    last = house.book(FIRST, guest_name="Linus")

    assert found(house) == [last, sooner, later]
    assert found(house, sort="oldest") == [later, sooner, last]
    assert found(house, sort="arrival") == [last, sooner, later]
    assert found(house, sort="last_arrival") == [later, sooner, last]
    assert found(house, sort="name") == [later, sooner, last]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "'; DROP TABLE booking"}, {"payment": "gold"}, {"listing": "99999999999999999999"},
        {"listing": "1 OR 1=1"}, {"listing": "٣"}, {"source": "\0"}, {"sort": "amount; --"}, {"page": "-3"},
        {"page": "9" * 30}, {"arrive_from": "2027-02-30"}, {"arrive_to": "yesterday"}, {"arrive_from": "-1"},
        {"arrive_from": "99999-01-01"}, {"arrive_from": "\0"},
    ],
)  # fmt: skip
def test_filters_that_mean_nothing_narrow_nothing(house: House, query: dict[str, str]) -> None:
    booking = house.book()
    page = house.ada().get("/admin/bookings", query_string=query).text

    assert found(house, **query) == [booking]
    assert len(sheet(house, **query)) == 1
    assert ("Error:" in page) == any(name.startswith("arrive") for name in query)


def test_a_date_that_is_none_is_told_at_its_field_and_stays_there(house: House) -> None:
    page = house.ada().get("/admin/bookings?arrive_from=2027-02-30").text

    assert "Type the date as year, month, day" in page
    assert 'value="2027-02-30"' in page
    assert '<details class="more-filters" open>' in page


def test_pages_and_the_file_keep_what_was_chosen(house: House) -> None:
    stays = list(back_to_back(date(2027, 3, 1), date(2027, 6, 1)))
    add_bookings(house.app, 1, [house.unit_id], stays)

    page = house.ada().get("/admin/bookings?sort=arrival&arrive_from=2027-03-04&page=2").text

    assert "30 bookings, by arrival, soonest first" in page
    assert 'href="/admin/bookings?page=1&amp;arrive_from=2027-03-04&amp;sort=arrival"' in page
    assert 'href="/admin/bookings.csv?arrive_from=2027-03-04&amp;sort=arrival"' in page


def test_list_asks_as_often_for_many_bookings_as_for_one(house: House) -> None:
    house.book()
    client = house.ada()
    client.get("/admin/bookings")
    with noting(engine_of(house.app)) as few:
        client.get("/admin/bookings?status=confirmed&sort=name")
    add_bookings(house.app, 1, [house.other_unit_id], list(back_to_back(date(2027, 3, 1), date(2027, 6, 1))))
    with noting(engine_of(house.app)) as many:
        client.get("/admin/bookings?status=confirmed&sort=name")

    assert len(many) == len(few) <= 8


def keep(client: FlaskClient, name: str, **query: str) -> Any:
    return client.post("/admin/bookings/filters", data={"name": name, **query})


def kept(client: FlaskClient) -> dict[str, str]:
    """The names of one's own filters, and where each leads."""
    page = client.get("/admin/bookings").text
    found = page[page.index('id="mine"') : page.index("</section>")] if 'id="mine"' in page else ""
    return {unescape(name): unescape(path) for path, name in re.findall(r'<a href="([^"]*)">(.*?)</a>', found)}


def test_filters_are_kept_for_oneself_and_without_whom_one_looked_for(house: House) -> None:
    ada, ben = house.ada(), house.member(Role.DESK)

    answer = keep(ada, " Unpaid  in April ", payment="unpaid", arrive_from="2027-04-01", q="Grace", page="3")
    keep(ben, "Mine", status="pending")

    assert answer.location == "/admin/bookings?payment=unpaid&arrive_from=2027-04-01"
    assert kept(ada) == {"Unpaid in April": "/admin/bookings?payment=unpaid&arrive_from=2027-04-01"}
    assert kept(ben) == {"Mine": "/admin/bookings?status=pending"}


def test_a_filter_of_the_same_name_takes_the_place_of_the_older(house: House) -> None:
    ada = house.ada()

    keep(ada, "Mine", status="pending")
    keep(ada, "Mine", status="expired", sort="name")

    assert kept(ada) == {"Mine": "/admin/bookings?status=expired&sort=name"}


def test_nobody_forgets_a_filter_of_somebody_else(house: House) -> None:
    ada, ben = house.ada(), house.member(Role.OWNER)
    keep(ada, "Mine", status="pending")

    assert ben.post("/admin/bookings/filters/1/forget", data=PRESS).status_code == 404
    assert kept(ada)
    assert ada.post("/admin/bookings/filters/1/forget", data=PRESS).status_code == 303
    assert ada.post("/admin/bookings/filters/1/forget", data=PRESS).status_code == 404
    assert not kept(ada)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "\0"])
def test_a_filter_without_a_good_name_is_refused_at_its_field(house: House, name: str) -> None:
    answer = keep(house.ada(), name, status="pending", payment="paid")

    assert answer.status_code == 422
    assert 'aria-describedby="name-hint name-error"' in answer.text
    assert '<input type="hidden" name="payment" value="paid">' in answer.text


def test_there_is_an_end_to_how_many_filters_are_kept(house: House) -> None:
    ada = house.ada()
    for number in range(20):
        keep(ada, f"Filter {number}", status="pending")

    answer = keep(ada, "One more", status="pending")

    assert answer.status_code == 422
    assert "You keep 20 filters" in answer.text
    assert keep(ada, "Filter 3", status="expired").status_code == 303


def test_hostile_names_of_filters_are_only_text_and_nothing_is_kept_of_nothing(house: House) -> None:
    ada = house.ada()

    assert keep(ada, "Mine", status="nonsense", next="https://x.test", q="Grace").status_code == 400
    keep(ada, HOSTILE, status="pending", listing="9999")

    assert list(kept(ada)) == [HOSTILE]
    assert "<b onclick" not in ada.get("/admin/bookings").text


# --- as a file ------------------------------------------------------------------------------------------------------


def test_file_says_what_the_page_says(house: House) -> None:
    booking = house.book()
    house.refund(booking, 1000)
    house.refund(booking, 500, "failed")
    house.book(APRIL, status="cancelled", paid=False)

    answer = house.ada().get("/admin/bookings.csv")
    cancelled, stays = sheet(house)

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="bookings-2027-03-01.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert stays["Reference"] == house.read(booking).reference
    assert (stays["Arrive"], stays["Leave"], stays["Nights"]) == ("2027-03-12", "2027-03-16", "4")
    assert (stays["Total"], stays["Currency"]) == (str(house.read(booking).amount.major), "EUR")
    assert (stays["Paid"], stays["Refunded"]) == (stays["Total"], "10.00")
    assert (stays["Confirmed"], stays["Confirmed via"]) == ("2027-03-01T12:00:00Z", "webhook")
    assert (cancelled["Status"], cancelled["Cancel reason"], cancelled["Paid"]) == ("cancelled", "guest", "0.00")


def test_amounts_without_decimals_stay_whole_numbers(house: House) -> None:
    house.book(paid=False, currency="jpy", amount_minor=42000)

    assert sheet(house)[0]["Total"] == "42000"


def test_no_guest_can_put_a_formula_or_markup_into_a_file_or_page(house: House) -> None:
    house.book(guest_name=HOSTILE, guest_phone="+49 30 123456", guest_email="-x@example.org")

    row = sheet(house)[0]
    page = house.ada().get("/admin/bookings").text

    assert row["Guest name"] == "'" + HOSTILE
    assert row["Phone"] == "'+49 30 123456"
    assert row["E-mail"] == "'-x@example.org"
    assert "<b onclick" not in page


def peak_of(client: FlaskClient, path: str) -> tuple[int, int, int]:
    """How many pieces and bytes a file came in, and the most memory it took at any moment."""
    tracemalloc.start()
    try:
        answer = client.get(path, buffered=False)
        lengths = [len(piece) for piece in answer.response]
        assert answer.content_length is None
        return len(lengths), sum(lengths), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_thousand_rows_stream_with_the_memory_of_a_tenth_of_them(house: House) -> None:
    days = list(back_to_back(date(2027, 3, 1), date(2040, 11, 8), nights=1))[:5000]
    add_bookings(house.app, 1, [house.unit_id, house.other_unit_id], days)
    client = house.ada()
    client.get("/admin/bookings.csv?arrive_from=2040-11-01").get_data()

    pieces, length, peak = peak_of(client, "/admin/bookings.csv")
    few, short, less = peak_of(client, f"/admin/bookings.csv?arrive_from={days[-500].arrive}")

    assert (pieces, few) == (1 + 10_000 // 200, 1 + 1000 // 200)
    assert length > 9 * short > 2_000_000
    assert peak < 1.25 * less


def test_a_reader_who_hangs_up_leaves_no_connection_behind(house: House) -> None:
    days = list(back_to_back(date(2027, 3, 1), date(2028, 3, 1), nights=1))
    add_bookings(house.app, 1, [house.unit_id, house.other_unit_id], days)
    answer = house.ada().get("/admin/bookings.csv", buffered=False)
    pieces = iter(answer.response)
    next(pieces), next(pieces)
    with house.app.app_context():
        pool = db.engine.pool
    assert pool.checkedout() == 1

    answer.close()

    assert pool.checkedout() == 0
