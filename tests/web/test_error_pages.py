"""Error pages: what happened, whether money was taken, what to do, whom to ask and what to name."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from booking.config import ROOT
from booking.domain.errors import TooManyTries
from booking.extensions import db
from tests.support.shop import add_listing, patched

PAYING = ("/pay/return", "/pay/cancelled", "/stays/harbour-loft/book", "/stays/harbour-loft/review")


@pytest.fixture
def broken(app: Flask) -> Iterator[FlaskClient]:
    """A shop in which each page can be made to fail."""
    add_listing(app)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for code in (400, 403, 409, 410, 413, 429, 500, 503):
        app.add_url_rule(f"/error/{code}", f"error{code}", lambda code=code: abort(code))
        app.add_url_rule(f"/pay/error/{code}", f"pay-error{code}", lambda code=code: abort(code))
    return app.test_client()


def words_of(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("code", [400, 403, 409, 410, 413, 429, 500, 503])
@pytest.mark.parametrize("language", ["", "/de"])
def test_every_error_page_names_its_number_and_somebody_to_ask(broken: FlaskClient, code: int, language: str) -> None:
    broken.get("/terms")  # what stands here was read before the database went away

    answer = broken.get(f"{language}/error/{code}")

    assert answer.status_code == code
    assert answer.headers["X-Request-Id"] in answer.text
    assert "mailto:ada@example.org" in answer.text
    assert answer.text.count("<h1") == 1
    assert f'<html lang="{language.strip("/") or "en"}"' in answer.text


def test_no_two_answers_have_the_same_number_and_none_takes_it_from_a_visitor(broken: FlaskClient) -> None:
    numbers = [broken.get("/nowhere", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] for _ in range(5)]

    assert len(set(numbers)) == 5
    assert "mine" not in numbers


@pytest.mark.parametrize("code", [400, 429, 500, 503])
def test_where_money_is_near_an_error_says_whether_it_was_taken(broken: FlaskClient, code: int) -> None:
    paying, elsewhere = broken.get(f"/pay/error/{code}"), broken.get(f"/error/{code}")

    assert "Was money taken?" in words_of(paying.text)
    assert "Was money taken?" not in words_of(elsewhere.text)


def test_a_page_that_is_not_there_offers_a_search(broken: FlaskClient) -> None:
    answer = broken.get("/nowhere")

    assert answer.status_code == 404
    assert re.search(r'<form[^>]*action="/stays"[^>]*method="get"', answer.text)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(20, "in less than a minute"), (60, "in 1 minute."), (61, "in 2 minutes."), (3000, "in 50 minutes.")],
)
def test_whoever_was_too_often_there_is_told_when_to_come_back(
    app: Flask, broken: FlaskClient, seconds: int, told: str
) -> None:
    def refuse() -> None:
        raise TooManyTries(retry_after=seconds)

    app.add_url_rule("/too-often", "too_often", refuse)
    answer = broken.get("/too-often")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(seconds))
    assert f"Please try again {told}" in words_of(answer.text)


@pytest.mark.parametrize("code", [500, 503])
def test_a_page_about_our_own_failure_asks_no_database(app: Flask, broken: FlaskClient, code: int) -> None:
    broken.get("/terms")

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("the database was asked")

    with patched(db.session, "execute", refuse), patched(db.session, "scalar", refuse):
        answer = broken.get(f"/error/{code}")

    assert answer.status_code == code
    assert "Seal Harbour Stays" in answer.text


def test_the_page_for_when_nothing_answers_needs_nothing_but_files() -> None:
    page = (ROOT / "static" / "unavailable.html").read_text(encoding="utf-8")

    assert "{{" not in page
    assert "{%" not in page
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', page):
        assert (ROOT / path.lstrip("/")).is_file(), path
    assert not re.search(r"<(script|style)\b|\sstyle=", page)
