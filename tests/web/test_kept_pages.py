"""Pages that are given again: while every word of them is true, and not a moment longer."""

import gc
import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, template_rendered
from flask.testing import FlaskClient
from sqlalchemy import select

from booking.database import transaction
from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Closure, Listing, Night, Unit
from booking.queries.on_sale import on_sale
from booking.services import reservations
from booking.services.reservations import PlaceRequest, place_booking
from tests.support.club import Visitor, open_club
from tests.support.noting import engine_of, noting, selects
from tests.support.shop import GRACE, OF_EACH_ANSWER, Shop, StandingClock, add_listing, stand_still

NOW = datetime(2027, 3, 1, 12, 0, 20, tzinfo=UTC)
DATES = "arrive=2027-04-10&leave=2027-04-13&guests=2"
STAY = f"/stays/harbour-loft?{DATES}"
PAGES = ["/", "/stays", "/stays?sort=price", f"/stays?{DATES}", "/stays/harbour-loft", STAY, "/terms", "/privacy"]


@pytest.fixture
def clock(app: Flask) -> StandingClock:
    add_listing(app)
    add_listing(app, "dune-house", name="Dune House", units=2, min_nights=3, position=1)
    return stand_still(app, NOW)


@contextmanager
def made(app: Flask) -> Iterator[list[str]]:
    """The pages that are put together meanwhile."""
    names: list[str] = []

    def note(_app: Flask, template: Any, **_more: Any) -> None:
        names.append(template.name)

    with template_rendered.connected_to(note, app):
        yield names


def is_made_anew(client: FlaskClient, path: str, **headers: str) -> bool:
    with made(client.application) as names:
        assert client.get(path, headers=headers).status_code == 200
    return bool(names)


def tables_in(statement: str) -> list[str]:
    """Every table that a statement looks into, as often as it does."""
    return re.findall(r"FROM (\w+)", statement)


def take(app: Flask, day: date = date(2027, 4, 11)) -> None:
    """Take a night of the loft off sale."""
    with app.app_context(), transaction() as session:
        unit = session.scalars(select(Unit).join(Listing).where(Listing.slug == "harbour-loft")).one()
        closure = Closure(unit_id=unit.id, arrive=day, leave=day + timedelta(days=1))
        session.add(closure)
        session.flush()
        session.add(Night(unit_id=unit.id, day=day, closure_id=closure.id))


def hold(app: Flask) -> datetime:
    """Have somebody begin to book the loft; until when its nights are held."""
    with app.app_context():
        runtime, stay = app.extensions["holdfast"], Stay(date(2027, 4, 10), date(2027, 4, 13))
        listing = db.session.scalars(select(Listing).where(Listing.slug == "harbour-loft")).one()
        total = reservations.check_and_quote(listing, stay, 2, runtime.clock.now()).total
        place_booking(runtime, PlaceRequest(listing.id, stay, 2, GRACE, "grace", total))
        until = db.session.scalars(select(Night.hold_until)).first()
    assert until is not None
    return until


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_was_just_made_is_given_again_after_one_statement_with_the_same_questions(
    app: Flask, clock: StandingClock, path: str
) -> None:
    client = app.test_client()
    client.get("/stays?arrive=2027-05-10&leave=2027-05-13")  # what is on sale is read
    with noting(engine_of(app)) as when_made:
        first = client.get(path)
    with noting(engine_of(app)) as when_given, made(app) as names:
        again = client.get(path)

    assert names == []
    assert again.text == first.text
    assert {*again.headers.keys()} == {*first.headers.keys()}
    assert all(again.headers[name] == value for name, value in first.headers if name not in OF_EACH_ANSWER)
    (whole,) = selects(when_given)
    assert sorted(tables_in(whole)) == sorted(table for one in selects(when_made) for table in tables_in(one))


@pytest.mark.parametrize("path", [f"/stays?{DATES}", STAY, "/stays/harbour-loft?month=2027-04"])
def test_nights_that_are_taken_are_told_at_once(app: Flask, clock: StandingClock, path: str) -> None:
    client = app.test_client()
    before = client.get(path).text

    take(app)

    assert client.get(path).text != before


@pytest.mark.parametrize("day", [date(2027, 4, 11), date(2027, 6, 9)])
def test_so_are_those_of_a_stay_of_months(app: Flask, clock: StandingClock, day: date) -> None:
    client, path = app.test_client(), "/stays?arrive=2027-04-10&leave=2027-06-12&guests=2"
    with app.app_context(), transaction() as session:
        session.scalars(select(Listing).where(Listing.slug == "harbour-loft")).one().max_nights = 90
    before = client.get(path).text
    assert not is_made_anew(client, path)

    take(app, day)

    assert client.get(path).text != before


def test_nights_whose_hold_runs_out_are_free_at_once(app: Flask, clock: StandingClock) -> None:
    client = app.test_client()
    until = hold(app)
    clock.time = until - timedelta(seconds=1)
    assert "not available" in client.get(STAY).text

    clock.time = until  # in the same minute

    assert clock.time.minute == (until - timedelta(seconds=1)).minute
    assert "Continue" in client.get(STAY).text


@pytest.mark.parametrize("path", PAGES)
def test_a_change_of_what_is_on_sale_makes_every_page_anew(app: Flask, clock: StandingClock, path: str) -> None:
    client = app.test_client()
    assert is_made_anew(client, path)
    assert not is_made_anew(client, path)

    with app.app_context(), transaction() as session:
        session.scalars(select(Listing).where(Listing.slug == "dune-house")).one().nightly_minor = 4300

    assert is_made_anew(client, path)


def test_what_is_told_of_time_is_made_anew_each_minute(app: Flask, clock: StandingClock) -> None:
    client = app.test_client()
    client.get(STAY)
    clock.time += timedelta(seconds=39)
    assert not is_made_anew(client, STAY)

    clock.time += timedelta(seconds=1)

    assert is_made_anew(client, STAY)


def test_each_language_and_each_look_has_a_page_of_its_own(app: Flask, clock: StandingClock) -> None:
    english, dark = app.test_client(), app.test_client()
    dark.set_cookie("scheme", "dark")
    pages = [
        english.get(STAY).text,
        dark.get(STAY).text,
        english.get(f"/de{STAY}").text,
        english.get(STAY, headers={"Accept-Language": "de"}).text,
    ]

    assert len(set(pages)) == 4
    assert [english.get(STAY).text, dark.get(STAY).text, english.get(f"/de{STAY}").text] == pages[:3]
    assert all("Accept-Language" in english.get(STAY).headers["Vary"] for _ in range(2))
    assert all("Cookie" in english.get(STAY).headers["Vary"] for _ in range(2))


def test_a_members_price_is_shown_to_that_member_alone(small_shop: Shop) -> None:
    open_club(small_shop)
    stay = small_shop.stay(ahead=40)
    path = f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2"
    grace, linus = Visitor.of(small_shop), Visitor.of(small_shop)
    grace.sign_in()
    grace.join(1)

    for _ in range(2):
        assert "Members’ rate" in grace.get(path).text
        assert "Members’ rate," not in linus.get(path).text


@pytest.mark.parametrize("path", ["/stays?arrive=soon", "/stays/nowhere", "/look", "/stays/harbour-loft/book?" + DATES])
def test_what_is_wrong_or_one_visitors_own_is_never_given_again(app: Flask, clock: StandingClock, path: str) -> None:
    client = app.test_client()
    client.get(path)

    with made(app) as names:
        client.get(path)

    assert names


def test_no_more_pages_are_kept_than_there_is_room_for(app: Flask, clock: StandingClock) -> None:
    app.extensions["holdfast_kept_pages"].most = 3
    client = app.test_client()
    for number in range(4):
        client.get(f"/stays/harbour-loft?guests={number + 1}")

    assert not is_made_anew(client, "/stays/harbour-loft?guests=2")
    assert is_made_anew(client, "/stays/harbour-loft?guests=1")


def test_a_page_does_not_keep_alive_what_was_on_sale_when_it_was_made(app: Flask, clock: StandingClock) -> None:
    client = app.test_client()
    client.get(STAY)
    with app.app_context():
        before = weakref.ref(on_sale(db.session()).listings[0])
    with app.app_context(), transaction() as session:
        session.scalars(select(Listing)).first().name = "Boathouse"
    client.get("/")
    gc.collect()

    assert before() is None
