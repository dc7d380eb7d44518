"""Links from mails: one page for all that open nothing, nothing used up by looking, the secret in no other place."""

import logging
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.database import transaction
from booking.extensions import db
from booking.models import AccessLink, Booking
from booking.models.instance import LinkPurpose
from booking.services import access, self_service
from booking.web.manage import links
from tests.support.shop import OF_EACH_ANSWER, Visitor, fields_of


@pytest.fixture
def shop(small_shop):
    placed = small_shop.place(small_shop.stay())
    assert placed.booking_id == 1
    return small_shop


def mint(shop, purpose=LinkPurpose.BOOKING):
    with shop.app.app_context(), transaction() as session:
        return access.mint_link(session, session.get_one(Booking, 1), purpose, shop.clock.now())


def open_with_button(visitor, token):
    return visitor.post(f"/m/{token}", fields_of(visitor.get(f"/m/{token}").text))


def whole(answer):
    """All of an answer that could tell two links apart."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_EACH_ANSWER}
    return answer.status_code, headers, answer.content


def bad_tokens(shop):
    """One of each kind of link that opens nothing, by what is wrong with it."""
    revoked, used = mint(shop), mint(shop, LinkPurpose.LOOKUP)
    assert open_with_button(Visitor(shop.url), used).status_code == 303
    expired = mint(shop, LinkPurpose.LOOKUP)
    shop.clock.offset += timedelta(minutes=31)
    with shop.app.app_context(), transaction() as session:
        access.revoke_links(session, 1, shop.clock.now())
    foreign = access.secrets.token_urlsafe(access.TOKEN_BYTES)
    live = mint(shop)
    assert Visitor(shop.url).get(f"/m/{live}").status_code == 200
    return {
        "used": used,
        "expired": expired,
        "revoked": revoked,
        "of another shop": foreign,
        "in other case": live.swapcase(),
        "cut short": live[:-1],
        "too long": live + "A",
        "much too long": live + "x" * 2000,
        "empty": "",
        "a word": "wrong",
        "with a slash": f"{live[:10]}/{live[10:]}",
        "with a NUL": live + "%00",
        "not UTF-8": "%ff%fe",
    }


def test_every_link_that_opens_nothing_gets_one_and_the_same_answer(shop):
    tokens = bad_tokens(shop)

    answers = {what: whole(Visitor(shop.url).get(f"/m/{token}")) for what, token in tokens.items()}

    assert {what: answer for what, answer in answers.items() if answer != answers["a word"]} == {}
    assert answers["a word"][0] == 404


def test_pressing_the_button_on_such_a_link_gets_the_same_page_too(shop):
    tokens = bad_tokens(shop)
    visitor = Visitor(shop.url)
    form = fields_of(visitor.get("/manage").text)

    answers = {what: whole(visitor.post(f"/m/{token}", form)) for what, token in tokens.items()}

    assert {what: answer for what, answer in answers.items() if answer != answers["a word"]} == {}
    assert answers["a word"][0] == 404


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_programs_that_look_at_links_neither_use_nor_open_them(shop, purpose):
    token, scanner = mint(shop, purpose), Visitor(shop.url)
    reference = shop.booking(1).reference

    for _ in range(3):
        assert scanner.get(f"/m/{token}").status_code == 200
        assert scanner.web.head(f"{shop.url}/m/{token}", timeout=20).status_code == 200
        assert scanner.web.options(f"{shop.url}/m/{token}", timeout=20).status_code == 200

    assert scanner.get(f"/b/{reference}").status_code == 404
    with shop.app.app_context():
        assert db.session.scalars(select(AccessLink.used_at)).all() == [None]
    assert open_with_button(Visitor(shop.url), token).status_code == 303


def test_a_post_without_the_forms_own_secret_does_not_use_a_link_up(shop):
    token = mint(shop, LinkPurpose.LOOKUP)

    assert Visitor(shop.url).post(f"/m/{token}", {}).status_code == 400
    assert open_with_button(Visitor(shop.url), token).status_code == 303


@pytest.mark.parametrize("prefix", ["", "/de", "/en"])
def test_the_secret_stands_in_no_page_header_or_line_of_the_shops_log(shop, caplog, prefix):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.ERROR, logger="werkzeug")  # the server of this test; the shop is served by gunicorn
    token, visitor = mint(shop), Visitor(shop.url)
    page = visitor.get(f"{prefix}/m/{token}")
    answer = visitor.post(f"{prefix}/m/{token}", fields_of(page.text))
    booking = visitor.get(answer.headers["Location"])

    assert (page.status_code, answer.status_code, booking.status_code) == (200, 303, 200)
    for told in (page, answer, booking):
        assert token not in told.text
        assert token not in str(told.headers)
        assert told.headers["Referrer-Policy"] == "no-referrer"
        assert told.headers["Cache-Control"] == "no-store"
    assert 'name="robots" content="noindex"' in page.text
    # urllib3 is the visitor's own side of the wire.
    assert token not in "\n".join(line.getMessage() for line in caplog.records if not line.name.startswith("urllib3"))


def test_no_link_on_the_page_leads_back_to_the_secret(shop):
    page = Visitor(shop.url).get(f"/de/m/{mint(shop)}")

    assert [link for link in re.findall(r'(?:href|action)="([^"]*)"', page.text) if "/m/" in link] == []


def test_a_browser_that_came_by_a_link_is_let_out_when_the_link_is_taken_back(shop):
    reference, stranger = shop.booking(1).reference, Visitor(shop.url)
    open_with_button(stranger, mint(shop))
    assert stranger.get(f"/b/{reference}").status_code == 200

    with shop.app.app_context():
        self_service.change_email(shop.runtime, 1, "hopper@example.org", "ada@example.org")

    assert stranger.get(f"/b/{reference}").status_code == 404
    assert stranger.get(f"/b/{reference}/data").status_code == 404
    open_with_button(stranger, mint(shop))  # the new link went to the right address
    assert stranger.get(f"/b/{reference}").status_code == 200


def test_the_browser_that_booked_stays_in_whatever_happens_to_links(shop):
    grace = Visitor(shop.url)
    grace.book_and_pay("harbour-loft", shop.stay(ahead=60))
    booking = shop.bookings()[-1]
    with shop.app.app_context(), transaction() as session:
        token = access.mint_link(session, session.get_one(Booking, booking.id), LinkPurpose.BOOKING, shop.clock.now())
    open_with_button(grace, token)

    with shop.app.app_context():
        self_service.change_email(shop.runtime, booking.id, "hopper@example.org", "ada@example.org")

    assert grace.get(f"/b/{booking.reference}").status_code == 200


def test_trying_links_from_one_address_is_limited(shop, monkeypatch):
    monkeypatch.setattr(links, "LINKS_PER_HOUR", 2)
    object.__setattr__(shop.runtime.settings, "rate_limits", True)
    visitor = Visitor(shop.url)
    form = fields_of(visitor.get("/manage").text)

    codes = [visitor.post("/m/wrong", form).status_code for _ in range(3)]

    assert codes == [404, 404, 429]
