"""web/caching.py: who may keep which answer, the mark that saves a second copy, and no page for the wrong eyes."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import requests
from flask import Flask, flash, session, template_rendered
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking.database import transaction
from booking.models import Listing
from booking.models.shelf import ON_SALE
from booking.services.staff import create_staff
from tests.support import club
from tests.support.noting import engine_of, noting, selects
from tests.support.shop import Shop, Visitor, add_listing, fields_of, stand_still
from tests.web.test_transport import ADA, PASSWORD, addresses, kept, varies_by

DATES = "arrive={arrive}&leave={leave}&guests=2"
OF_THE_SHELF = ["/", "/stays", "/stays?sort=price", "/terms", "/privacy", "/accessibility", "/de/"]
PUBLIC = [*OF_THE_SHELF, "/stays/harbour-loft", "/sitemap.xml", "/robots.txt"]
FILES = ("/static/", "/media/")
FOR_ENGINES = ("/sitemap.xml", "/robots.txt")  # may be an hour old


def fetch(client: FlaskClient, path: str, method: str = "GET", **headers: str) -> TestResponse:
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(path, method=method, headers=asked)


@pytest.fixture
def shown(app: Flask) -> Flask:
    """The shop with something on sale, in one minute: in the next one each page is made anew."""
    add_listing(app, description="Quiet rooms over the old boatyard. " * 20)
    stand_still(app, datetime.now(UTC))
    return app


# --- whoever has a page gets no second copy -------------------------------------------------------------------------


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_that_has_the_page_is_told_so(shown: Flask, path: str, method: str) -> None:
    client = shown.test_client()
    first = fetch(client, path)

    for coding in ("identity", "gzip", "br"):
        again = fetch(client, path, method, Accept_Encoding=coding, If_None_Match=first.headers["ETag"])
        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Encoding" not in again.headers
        for name in ("ETag", "Cache-Control", "Content-Security-Policy"):
            assert again.headers.get(name) == first.headers.get(name), name
        assert varies_by(again) == varies_by(first)


@pytest.mark.parametrize("path", PUBLIC)
def test_nobody_shows_a_kept_page_without_asking(shown: Flask, path: str) -> None:
    told = kept(fetch(shown.test_client(), path))

    assert told == ({"public", "max-age=3600"} if path in FOR_ENGINES else {"no-cache"})


def test_the_mark_is_the_same_in_each_coding_and_therefore_a_weak_one(shown: Flask) -> None:
    client = shown.test_client()

    tags = {
        fetch(client, "/stays/harbour-loft", Accept_Encoding=coding).headers["ETag"] for coding in ("", "gzip", "br")
    }

    assert len(tags) == 1
    assert tags.pop().startswith("W/")


@pytest.mark.parametrize("path", OF_THE_SHELF)
def test_what_shows_no_nights_is_not_made_again_for_whoever_has_it(shown: Flask, path: str) -> None:
    """It asks one statement: whether what is on sale is still the same."""
    client, made = shown.test_client(), []
    mark = fetch(client, path).headers["ETag"]
    template_rendered.connect(lambda *_args, **more: made.append(more["template"].name), shown, weak=False)

    with noting(engine_of(shown)) as asked:
        answer = fetch(client, path, If_None_Match=mark)

    assert (answer.status_code, made) == (304, [])
    assert len(selects(asked)) == 1
    assert "shelf" in selects(asked)[0]


@pytest.mark.parametrize("path", OF_THE_SHELF)
def test_control_what_shows_no_nights_asks_nothing_else(shown: Flask, path: str) -> None:
    """Else a page could change that the shelf's number knows nothing of."""
    client = shown.test_client()
    fetch(client, path)

    with noting(engine_of(shown)) as asked:
        assert fetch(client, path).status_code == 200

    known = {"shelf", *(model.__tablename__ for model in ON_SALE)}
    assert set(re.findall(r"(?:FROM|JOIN) (\w+)", " ".join(selects(asked)))) <= known


# --- and gets it as soon as it is another one -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/stays", "/stays/harbour-loft"])
def test_a_change_is_seen_at_once(shown: Flask, path: str) -> None:
    client = shown.test_client()
    mark = fetch(client, path).headers["ETag"]
    assert fetch(client, path, If_None_Match=mark).status_code == 304

    with shown.app_context(), transaction() as rows:
        rows.query(Listing).one().name = "Lighthouse"
    answer = fetch(client, path, If_None_Match=mark)

    assert answer.status_code == 200
    assert "Lighthouse" in answer.text
    assert answer.headers["ETag"] != mark


def test_a_booking_is_seen_at_once_in_the_calendar(small_shop: Shop) -> None:
    client, path = small_shop.app.test_client(), f"/stays/harbour-loft?month={small_shop.stay().arrive:%Y-%m}"
    mark = fetch(client, path).headers["ETag"]
    assert fetch(client, path, If_None_Match=mark).status_code == 304

    small_shop.book(small_shop.stay())

    assert fetch(client, path, If_None_Match=mark).status_code == 200


def test_a_day_that_passes_is_seen(small_shop: Shop) -> None:
    """The days that can be searched for begin today."""
    client = small_shop.app.test_client()
    mark = fetch(client, "/").headers["ETag"]
    fetch(client, "/", If_None_Match=mark)
    assert fetch(client, "/", If_None_Match=mark).status_code == 304

    small_shop.pass_time(days=1)

    assert fetch(client, "/", If_None_Match=mark).status_code == 200


def test_another_language_or_look_is_another_page(shown: Flask) -> None:
    client, dark = shown.test_client(), shown.test_client()
    dark.set_cookie("scheme", "dark")
    mark = fetch(client, "/stays").headers["ETag"]
    fetch(client, "/stays", If_None_Match=mark)

    assert fetch(client, "/stays", If_None_Match=mark, Accept_Language="de").status_code == 200
    assert fetch(client, "/de/stays", If_None_Match=mark).status_code == 200
    assert fetch(dark, "/stays", If_None_Match=mark).status_code == 200
    assert fetch(client, "/stays?page=1", If_None_Match=mark).status_code in (200, 304)


# --- what nobody keeps ----------------------------------------------------------------------------------------------


def test_a_page_that_makes_a_form_sets_a_cookie_or_says_something_once_has_no_mark(shown: Flask) -> None:
    """Whatever somebody adds to a public page later."""

    def with_form() -> str:
        return shown.jinja_env.from_string("{{ csrf_token() }}").render()

    def with_cookie() -> str:
        session["visits"] = 1
        return "hello"

    def with_lasting_session() -> str:
        session.permanent = True
        session.modified = False
        return "hello"

    def with_message() -> str:
        flash("Saved.")
        return "hello"

    for view in (with_form, with_cookie, with_lasting_session, with_message):
        shown.view_functions["storefront.terms"] = view
        answer = fetch(shown.test_client(), "/terms")
        assert "ETag" not in answer.headers, view
        assert kept(answer) == {"private", "no-cache"}, view


@pytest.mark.parametrize("path", ["/nowhere", "/look", "/stays?arrive=junk&leave=junk", "/stays/nowhere"])
def test_errors_and_forms_are_for_one_browser_alone(shown: Flask, path: str) -> None:
    answer = fetch(shown.test_client(), path)

    assert "ETag" not in answer.headers
    assert kept(answer) == {"private", "no-cache"}


# --- a proxy between the shop and everybody -------------------------------------------------------------------------


@dataclass
class Proxy:
    """A shared cache that keeps what it may, and heeds no `Vary`: worse than any that should be used."""

    pages: dict[str, tuple[str, str]] = field(default_factory=dict)

    def get(self, web: requests.Session, url: str) -> tuple[requests.Response, str]:
        """The answer of the shop, and the text that the visitor is shown."""
        mark, text = self.pages.get(url, ("", ""))
        headers = {"If-None-Match": mark} if mark else {}
        answer = web.get(url, headers=headers, timeout=30, allow_redirects=False)
        if answer.status_code == 304:
            return answer, text
        told = answer.headers.get("Cache-Control", "")
        if "ETag" in answer.headers and not re.search("private|no-store", told):
            self.pages[url] = (answer.headers["ETag"], answer.text)
        return answer, answer.text


def _known_people(shop: Shop) -> dict[str, requests.Session]:
    """Those whom the shop knows by a cookie: a guest who has booked, a member of the club, somebody of the staff."""
    plan_id, grace, member, ada = club.open_club(shop), Visitor(shop.url), club.Visitor.of(shop), Visitor(shop.url)
    assert grace.book_and_pay("harbour-loft", shop.stay()).status_code == 303
    member.sign_in(club.LINUS)
    member.join(plan_id)
    with shop.app.app_context():
        create_staff(shop.runtime, ADA, "Ada", PASSWORD)
    ada.post("/admin/login", {**fields_of(ada.get("/admin/login").text), "email": ADA, "password": PASSWORD})
    return {"guest": grace.web, "member": member.session, "staff": ada.web}


def _strangers() -> dict[str, requests.Session]:
    """Those who come for the first time, each with a browser of another kind."""
    english, german, dark, another = (requests.Session() for _ in range(4))
    german.headers["Accept-Language"] = "de"
    dark.cookies.set("scheme", "dark")
    return {"stranger": english, "German": german, "dark": dark, "another": another}


def test_no_proxy_shows_one_person_the_page_of_another(small_shop: Shop) -> None:
    """Every address, by everybody, in both orders, through a proxy that keeps what it may."""
    known, free = _known_people(small_shop), small_shop.stay(ahead=60)
    reference = small_shop.bookings()[-1].reference
    paths = [path.replace("ABCDEFGH", reference) for path in addresses(small_shop.app) if not path.startswith(FILES)]
    kept_paths = set()
    for path in paths:
        for asked in ("", "?" + DATES.format(arrive=free.arrive, leave=free.leave)):
            if _is_kept_and_right(small_shop.url, path, asked, known):
                kept_paths.add(path)

    assert kept_paths == {*FOR_ENGINES, "/", "/stays", "/stays/harbour-loft", "/terms", "/privacy", "/accessibility"}


def _is_kept_and_right(shop_url: str, path: str, asked: str, known: dict[str, requests.Session]) -> bool:
    """Whether the proxy kept anything of this address. Whoever asks must be shown what the shop itself shows them."""
    proxy, url = Proxy(), shop_url + path + asked
    people = {**_strangers(), **known}
    for name in [*people, *reversed(people)]:
        web = people[name] if name in known else _strangers()[name]  # a stranger stays one
        answer, text = proxy.get(web, url)
        told = answer.headers.get("Cache-Control", "")
        if path not in FOR_ENGINES:
            assert re.search("no-store|no-cache", told), (name, url, told)
            assert name not in known or re.search("no-store|private", told), (name, url, told)
        if "ETag" in answer.headers:
            assert text == web.get(url, timeout=30).text, (name, url)
    return bool(proxy.pages)


def test_control_members_do_see_other_prices(small_shop: Shop) -> None:
    plan_id, member, free = club.open_club(small_shop), club.Visitor.of(small_shop), small_shop.stay(ahead=60)
    member.sign_in(club.LINUS)
    member.join(plan_id)
    url = f"{small_shop.url}/stays?{DATES.format(arrive=free.arrive, leave=free.leave)}"
    stranger, proxy = requests.Session(), Proxy()

    _, hers = proxy.get(member.session, url)
    _, theirs = proxy.get(stranger, url)

    assert "The members’ rate is in this price." in hers
    assert "The members’ rate is in this price." not in theirs
