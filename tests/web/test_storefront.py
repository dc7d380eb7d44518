"""The public pages: they answer, they say what they must, and no junk in an address breaks them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy.exc import OperationalError

from booking.domain.dates import Stay
from booking.queries import search
from tests.support.shop import ShiftedClock, add_listing


@pytest.fixture(autouse=True)
def _house(app):
    add_listing(app, image="img/demo/harbour-loft.svg", image_alt="A loft")
    add_listing(app, "dune-house", name="Dune House", max_guests=6, min_nights=3, position=1)


@pytest.fixture
def stay():
    today = ShiftedClock().now().date()
    return Stay(today, today + timedelta(days=4)).shifted(90)


def text_of(response):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


@pytest.mark.parametrize("path", ["/", "/stays", "/stays/harbour-loft", "/terms", "/privacy", "/accessibility"])
def test_every_public_page_answers_with_one_heading_and_sets_no_cookie(client, path):
    response = client.get(path)

    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert "Set-Cookie" not in response.headers
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)


def test_the_home_page_has_the_search_form_and_from_prices(client):
    page = client.get("/").get_data(as_text=True)

    assert re.search(r'<form[^>]*action="/stays"', page)
    assert all(f'name="{name}"' in page for name in ("arrive", "leave", "guests"))
    assert ">Search stays</button>" in page
    assert "from €128.00 a night" in page


def test_results_show_the_all_in_total_and_dated_terms(client, stay):
    page = text_of(client.get(f"/stays?arrive={stay.arrive}&leave={stay.leave}&guests=2"))

    assert "4 nights, all in" in page
    assert "Free cancellation until" in page
    assert "€" in page


def test_a_stay_that_does_not_fit_is_a_row_with_the_reason_in_words(client, stay):
    page = text_of(client.get(f"/stays?arrive={stay.arrive}&leave={stay.arrive}&guests=2"))
    short = Stay(stay.arrive, stay.shifted(-3).leave)
    rows = text_of(client.get(f"/stays?arrive={short.arrive}&leave={short.leave}&guests=2"))

    assert "Leave must be after arrive." in page
    assert "The shortest stay here is 3 nights." in rows


NO_DATES = ["2027-02-30", "99999-01-01", "２０２７-01-01", "9999-12-31", "0001-01-01"]
JUNK = [*NO_DATES, "-1", "1e9", "\0", "x" * 10_000, "<script>"]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("field", ["arrive", "leave", "guests", "month"])
@pytest.mark.parametrize("path", ["/stays", "/stays/harbour-loft", "/stays/harbour-loft/book"])
def test_junk_in_an_address_is_never_our_failure(client, stay, path, field, junk):
    values = {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2", field: junk}

    response = client.get(path, query_string=values)

    assert response.status_code in (200, 303, 400, 409, 422)
    assert "<script>" not in response.get_data(as_text=True)


@pytest.mark.parametrize("guests", ["0", "-1", "２", "1e9", "100", "two"])
def test_bad_guests_are_told_on_the_same_page_with_the_values_kept(client, stay, guests):
    response = client.get("/stays", query_string={"arrive": str(stay.arrive), "leave": "", "guests": guests})

    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>Error: " in page
    assert f'value="{stay.arrive}"' in page
    assert f'value="{guests}"' in page


def test_repeated_fields_are_read_once(client, stay):
    response = client.get(f"/stays?arrive={stay.arrive}&arrive=x&leave={stay.leave}&leave=y&guests=2&guests=z")

    assert response.status_code == 200


def test_the_calendar_leads_from_the_first_click_to_a_price(client, stay):
    first = client.get(f"/stays/harbour-loft?month={stay.arrive:%Y-%m}").get_data(as_text=True)
    label = f"{stay.arrive:%A} {stay.arrive.day} {stay.arrive:%B}, available, €"
    assert label in first

    second = client.get(f"/stays/harbour-loft?arrive={stay.arrive}&guests=2").get_data(as_text=True)
    assert f"arrive={stay.arrive}&amp;leave={stay.leave}" in second

    third = text_of(client.get(f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2"))
    assert "Continue" in third
    assert "Total" in third


def test_a_broken_rule_is_told_in_words_and_offers_no_way_on(client, stay):
    response = client.get(f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=5")

    assert response.status_code == 422
    assert "This stay sleeps 4." in text_of(response)
    assert "/book?" not in response.get_data(as_text=True)


def test_unknown_pages_are_404_and_wrong_methods_405_with_allow(client):
    assert client.get("/stays/nowhere").status_code == 404
    assert client.get("/nix").status_code == 404
    refused = client.get("/pay/resume")
    assert refused.status_code == 405
    assert "POST" in refused.headers["Allow"]


def test_a_dead_database_is_a_503_page_that_asks_nobody(client, monkeypatch):
    def dead(*_):
        raise OperationalError("select", {}, Exception("down"))

    monkeypatch.setattr(search, "list_listings", dead)
    monkeypatch.setattr("booking.web.storefront.views.list_listings", dead)
    monkeypatch.setattr("booking.web.templating.find_property", dead)

    response = client.get("/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"


def test_a_crash_is_a_500_page_without_the_database(app, monkeypatch):
    def crash(*_):
        raise RuntimeError("secret detail")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    monkeypatch.setattr("booking.web.storefront.views.list_listings", crash)
    monkeypatch.setattr("booking.web.templating.find_property", crash)

    response = app.test_client().get("/stays")

    assert response.status_code == 500
    assert "secret detail" not in response.get_data(as_text=True)
