"""The public pages: they answer, they say what they must, and no junk in an address breaks them."""

import re
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Closure, Listing, Night
from booking.queries import search
from tests.support.shop import ShiftedClock, add_listing


@pytest.fixture(autouse=True)
def _house(app):
    add_listing(app)
    add_listing(app, "dune-house", name="Dune House", max_guests=6, min_nights=3, position=1)


@pytest.fixture
def stay():
    today = ShiftedClock().today()
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
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    # A script is either a file of ours or a block of facts, which nothing runs.
    scripts = re.findall(r"<script[^>]*>", page)
    assert all('type="application/ld+json"' in tag or 'src="/static/' in tag for tag in scripts)


def test_the_home_page_has_the_search_form_and_from_prices(client):
    page = client.get("/").get_data(as_text=True)

    assert re.search(r'<form[^>]*action="/stays"', page)
    assert all(f'name="{name}"' in page for name in ("arrive", "leave", "guests"))
    assert ">Search stays</button>" in page
    assert "from €128.00 a night" in page


def close(app, stay, slug="harbour-loft"):
    """Take some nights of a listing's first unit off sale."""
    with app.app_context():
        session = db.session()
        unit = session.scalars(select(Listing).where(Listing.slug == slug)).one().units[0]
        closure = Closure(unit_id=unit.id, arrive=stay.arrive, leave=stay.leave)
        session.add(closure)
        session.flush()
        session.add_all(Night(unit_id=unit.id, day=night, closure_id=closure.id) for night in stay)
        session.commit()


def ask(client, stay, guests=2, **more):
    question = {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": str(guests), **more}
    return client.get("/stays", query_string=question)


def test_a_search_can_only_be_about_days_that_are_sold(client):
    today = ShiftedClock().now().astimezone(ZoneInfo("Europe/Berlin")).date()

    for path in ("/", "/stays"):
        page = client.get(path).get_data(as_text=True)
        assert page.count(f'min="{today}" max="{today + timedelta(days=540)}"') == 2


def test_results_repeat_the_question_and_show_the_all_in_total_with_dated_terms(client, stay):
    response = ask(client, stay, 3)

    page = text_of(response)
    assert "4 nights, " in re.search(r"<h1>(.*?)</h1>", response.get_data(as_text=True))[1]
    assert "3 guests." in page
    assert "Change" in page
    assert "4 nights, all in" in page
    assert "Free cancellation until" in page
    assert f'value="{stay.arrive}"' in response.get_data(as_text=True)


def test_the_total_of_a_card_is_what_the_page_of_the_stay_asks_for(client, stay):
    card = re.search(r'<p class="sum">(€[\d.,]+)</p>', ask(client, stay).get_data(as_text=True))[1]

    page = text_of(client.get(f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2"))

    assert page.count(card) >= 2


def test_a_stay_that_does_not_fit_is_a_row_with_the_rule_in_words_and_the_nearest_that_fit(client, stay):
    short = Stay(stay.arrive, stay.shifted(-3).leave + timedelta(days=1))

    response = ask(client, short)

    longer = Stay(short.arrive, short.arrive + timedelta(days=3))
    assert "The shortest stay here is 3 nights." in text_of(response)
    link = f"/stays/dune-house?arrive={longer.arrive}&amp;leave={longer.leave}&amp;guests=2"
    assert link in response.get_data(as_text=True)
    assert client.get(link.replace("&amp;", "&")).status_code == 200
    assert re.search(r"\d{4} for €[\d,.]+", text_of(response))


def test_nothing_free_tells_the_rule_and_offers_only_what_can_really_be_booked(client, app, stay):
    close(app, stay)
    close(app, Stay(stay.arrive, stay.arrive + timedelta(days=2)), "dune-house")

    response = ask(client, stay)

    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "Nothing fits exactly these nights" in page
    assert "Not free on all of these nights." in page
    told = page[page.index('class="notice"') : page.index("Stay by stay")]
    links = re.findall(r'href="(/stays/[^"]+arrive[^"]+)"', told)
    assert len(links) == 3
    for link in links:
        assert "Continue" in text_of(client.get(unescape(link)))


def test_a_shorter_stay_is_offered_where_a_part_of_the_nights_is_free(client, app, stay):
    close(app, Stay(stay.arrive, stay.arrive + timedelta(days=1)))
    close(app, stay, "dune-house")

    page = ask(client, stay).get_data(as_text=True)

    told = page[page.index("Or a shorter stay") :]
    rest = Stay(stay.arrive + timedelta(days=1), stay.leave)
    assert f"arrive={rest.arrive}&amp;leave={rest.leave}" in told
    assert "3 nights, €" in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"leave": "2027-02-30"}, "That day of departure does not exist."),
        ({"arrive": "20270-03-01"}, "The date to arrive must look like 2027-03-12."),
        ({"arrive": "2020-01-01", "leave": "2020-01-03"}, "The day of arrival has passed."),
        ({"guests": "7"}, "Our largest stay sleeps 6."),
    ],
)
def test_what_cannot_be_is_said_on_the_same_page_with_the_values_kept(client, stay, values, words):
    typed = {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2", **values}

    response = client.get("/stays", query_string=typed)

    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>Error: " in page
    assert page.count(words) == 2  # in the summary, and at its field
    assert all(f'name="{name}" type="' in page and f'value="{value}"' in page for name, value in typed.items())


def test_leaving_before_arriving_and_staying_too_long_are_errors_of_the_day_to_leave(client, stay):
    for leave, words in ((stay.arrive, "Leave must be after arrive."), (stay.shifted(40).leave, "The longest stay")):
        response = client.get(f"/stays?arrive={stay.arrive}&leave={leave}&guests=2")
        assert response.status_code == 422
        assert re.search(rf'id="leave-wrong"><span class="vh">Error:</span> {words}', response.get_data(as_text=True))


def test_the_order_is_a_link_that_says_which_one_is_on_and_keeps_the_question(client, stay):
    page = ask(client, stay, sort="price").get_data(as_text=True)

    links = re.findall(r'<a href="([^"]+)"( aria-current="true")?>(?:Our order|Cheapest first|Largest first)</a>', page)
    assert [bool(current) for _, current in links] == [False, True, False]
    assert all(f"arrive={stay.arrive}" in address for address, _ in links)
    assert '<input type="hidden" name="sort" value="price">' in page
    assert ask(client, stay, sort="nonsense").status_code == 200


def test_a_long_list_is_paged_with_links_to_the_neighbours(client, app):
    for number in range(40):
        add_listing(app, f"room-{number}", name=f"Room {number}", position=2 + number)

    page = client.get("/stays?sort=price&page=2").get_data(as_text=True)

    assert page.count('class="card"') == 20
    assert "Page 2 of 3" in page
    for relation, number in (("prev", 1), ("next", 3)):
        assert re.search(rf'<link rel="{relation}" href="/stays\?page={number}&amp;sort=price">', page)
        assert re.search(rf'<a [^>]*rel="{relation}" href="/stays\?page={number}&amp;sort=price">', page)
    assert client.get("/stays?page=nonsense").status_code == 200
    assert "See all stays" in client.get("/").get_data(as_text=True)


def test_a_house_with_nothing_on_sale_says_so(app, client):
    with app.app_context():
        db.session.execute(update(Listing).values(is_active=False))
        db.session.commit()

    for path in ("/", "/stays"):
        assert "Nothing is on sale here yet" in client.get(path).get_data(as_text=True)


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
    monkeypatch.setattr("booking.web.templating.find_property", dead)

    response = client.get("/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"


def test_a_crash_is_a_500_page_without_the_database(app, monkeypatch):
    def crash(*_):
        raise RuntimeError("secret detail")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    monkeypatch.setattr(search, "list_listings", crash)
    monkeypatch.setattr("booking.web.templating.find_property", crash)

    response = app.test_client().get("/stays")

    assert response.status_code == 500
    assert "secret detail" not in response.get_data(as_text=True)
