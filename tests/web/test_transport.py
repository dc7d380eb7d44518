"""web/transport.py: what travels compressed and what never does, and which files browsers keep for good."""

import gzip
import os
import re
from pathlib import Path

import brotli
import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_compress import flask_compress
from werkzeug.test import TestResponse

from booking.services.staff import create_staff
from booking.web import transport
from booking.web.templating import asset
from tests.support.shop import GRACE, Shop, Visitor, add_listing, fields_of

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
SHEET, FONT = "/static/css/components.css", "/static/fonts/fraunces-latin-wght.woff2"
PUBLIC = ["/", "/stays", "/stays/harbour-loft", "/terms", "/privacy", "/accessibility", "/sitemap.xml", "/de/"]
FOREVER = {"public", "immutable", "max-age=31536000"}
ADA, PASSWORD = "ada@example.org", "a long and quiet harbour wall"
# What stands in the place of a part of an address; anything else is a number.
PARTS = {
    "slug": "harbour-loft", "reference": "ABCDEFGH", "token": "x" * 43, "event_id": "evt_1", "digest": "0" * 64,
    "name": "800.webp", "filename": "css/base.css",
}  # fmt: skip


def fetch(client: FlaskClient, path: str, method: str = "GET", **headers: str) -> TestResponse:
    asked = {"Accept-Encoding": "gzip", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.open(path, method=method, headers=asked, buffered=True)


def coding_of(answer: TestResponse) -> str:
    return answer.headers.get("Content-Encoding", "")


def varies_by(answer: TestResponse) -> set[str]:
    return set(re.split(r",\s*", answer.headers.get("Vary", ""))) - {""}


def kept(answer: TestResponse) -> set[str]:
    return set(re.split(r",\s*", answer.headers.get("Cache-Control", ""))) - {""}


def marked(app: Flask, path: str) -> str:
    with app.app_context():
        return asset(path.removeprefix("/static/"))


@pytest.fixture
def shown(app: Flask) -> Flask:
    """The shop with something on sale."""
    add_listing(app, description="Quiet rooms over the old boatyard. " * 20)
    return app


# --- what travels compressed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PUBLIC, SHEET, "/static/js/stay.js"])
def test_public_pages_and_files_travel_compressed_and_come_out_as_they_were(shown: Flask, path: str) -> None:
    client = shown.test_client()
    plain, packed = fetch(client, path, Accept_Encoding="identity"), fetch(client, path)
    smaller = fetch(client, path, Accept_Encoding="gzip, deflate, br, zstd")

    assert [coding_of(answer) for answer in (plain, packed, smaller)] == ["", "gzip", "br"]
    assert gzip.decompress(packed.data) == brotli.decompress(smaller.data) == plain.data
    assert len(smaller.data) < len(packed.data) < len(plain.data)
    for answer in (plain, packed, smaller):
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert "Accept-Encoding" in varies_by(answer)


@pytest.mark.parametrize("accepted", ["", "identity", "br;q=0", "gzip;q=0", "nonsense", ";q=,,"])
def test_whoever_understands_no_compression_gets_none(shown: Flask, accepted: str) -> None:
    answer = fetch(shown.test_client(), "/stays/harbour-loft", Accept_Encoding=accepted)

    assert coding_of(answer) == ""
    assert "Harbour Loft" in answer.text


@pytest.mark.parametrize("path", ["/", "/stays/harbour-loft", SHEET])
def test_asking_for_the_headers_alone_tells_the_same_length(shown: Flask, path: str) -> None:
    whole, head = (fetch(shown.test_client(), path, method) for method in ("GET", "HEAD"))

    assert head.data == b""
    for name in ("Content-Length", "Content-Encoding", "Content-Type", "ETag"):
        assert head.headers.get(name) == whole.headers.get(name), name


@pytest.mark.parametrize("path", [FONT, "/static/img/touch-icon.png", "/static/img/demo/dune-house.webp"])
def test_what_is_small_by_nature_is_left_alone(shown: Flask, path: str) -> None:
    answer = fetch(shown.test_client(), path)

    assert (coding_of(answer), varies_by(answer)) == ("", set())


def test_what_is_too_short_to_gain_anything_comes_as_it_is(shown: Flask) -> None:
    icon = "static/img/favicon.svg"

    answer = fetch(shown.test_client(), f"/{icon}")

    assert (coding_of(answer), answer.data) == ("", (CSS.parents[1] / icon).read_bytes())


# --- what never does ------------------------------------------------------------------------------------------------


def addresses(app: Flask) -> list[str]:
    """Each address that can be asked for, with something in the place of each part."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [re.sub(r"<(?:\w+:)?(\w+)>", lambda part: PARTS.get(part[1], "1"), rule) for rule in rules]


def test_what_travels_compressed_is_the_same_for_a_guest_for_staff_and_for_a_stranger(small_shop: Shop) -> None:
    """So there is nothing in it that its length could give away: no token of a form, no name, no booking."""
    app, stay = small_shop.app, small_shop.stay()
    grace, ada = Visitor(small_shop.url), Visitor(small_shop.url)
    assert grace.book_and_pay("harbour-loft", stay).status_code == 303
    reference = small_shop.bookings()[-1].reference
    with app.app_context():
        create_staff(small_shop.runtime, ADA, "Ada", PASSWORD)
    ada.post("/admin/login", {**fields_of(ada.get("/admin/login").text), "email": ADA, "password": PASSWORD})
    asked = f"?arrive={stay.arrive}&leave={stay.leave}&guests=2"

    seen, plain = set(), set()
    for path in [address.replace("ABCDEFGH", reference) + asked for address in addresses(app)]:
        for visitor in (grace, ada):
            answer = visitor.get(path)
            if "Content-Encoding" not in answer.headers:
                plain.add(path)
                continue
            seen.add(path.partition("?")[0])
            assert answer.text == Visitor(small_shop.url).get(path).text, path
            assert "Set-Cookie" not in answer.headers, path
            assert not re.search(rf"csrf|{GRACE.name}|{GRACE.email}|{reference}", answer.text), path

    assert {"/", "/stays", "/stays/harbour-loft", "/static/css/base.css"} <= seen
    private = {
        f"/b/{reference}",
        "/stays/harbour-loft/book",
        "/stays/harbour-loft/review",
        "/manage",
        "/admin/",
        "/look",
    }
    assert {path + asked for path in private} <= plain


def test_a_public_page_that_makes_a_form_or_sets_a_cookie_stays_uncompressed(shown: Flask) -> None:
    """Whatever somebody adds to a public page later."""
    template = "{{ csrf_token() }}" + "x" * 2000

    def with_form() -> str:
        return shown.jinja_env.from_string(template).render()

    def with_cookie() -> str:
        session["visits"] = 1
        return "x" * 2000

    def with_nothing() -> str:
        return "x" * 2000

    codings = []
    for view in (with_form, with_cookie, with_nothing):
        shown.view_functions["storefront.terms"] = view
        codings.append(coding_of(fetch(shown.test_client(), "/terms")))

    assert codings == ["", "", "gzip"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/webhooks/stripe/", "/nowhere", "/stays/harbour-loft/book"])
def test_all_the_rest_is_not_told_apart_by_what_browsers_understand(shown: Flask, path: str) -> None:
    answer = fetch(shown.test_client(), path)

    assert coding_of(answer) == ""
    assert "Accept-Encoding" not in varies_by(answer)


# --- what browsers keep ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SHEET, FONT, "/static/vendor/cally/cally.js"])
def test_a_file_is_kept_for_good_where_its_address_names_its_content(shown: Flask, path: str) -> None:
    answer = fetch(shown.test_client(), marked(shown, path))

    assert answer.status_code == 200
    assert kept(answer) == FOREVER
    assert "Cookie" not in varies_by(answer)


@pytest.mark.parametrize("mark", ["", "?v=", "?v=0123456789", "?v={right}&more=1", "?x={right}"])
def test_with_another_mark_or_none_browsers_ask_again(shown: Flask, mark: str) -> None:
    """In the middle of an update the new address may reach a server with the old file."""
    right = marked(shown, SHEET).partition("=")[2]

    answer = fetch(shown.test_client(), SHEET + mark.format(right=right))

    assert (answer.status_code, kept(answer)) == (200, {"no-cache"})


def test_every_file_that_a_style_sheet_names_has_its_mark(shown: Flask) -> None:
    named = {
        found for path in CSS.glob("*.css") for found in re.findall(r"url\([\"']?\.\./([^)\"']+)", path.read_text())
    }

    assert named
    assert {f"/static/{name}" for name in named} == {marked(shown, name.partition("?")[0]) for name in named}


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_browser_that_has_the_file_is_told_so_in_each_coding(shown: Flask, coding: str) -> None:
    client = shown.test_client()
    first = fetch(client, SHEET, Accept_Encoding=coding)

    again = fetch(client, SHEET, Accept_Encoding=coding, If_None_Match=first.headers["ETag"])
    since = fetch(client, SHEET, Accept_Encoding=coding, If_Modified_Since=first.headers["Last-Modified"])

    for answer in (again, since):
        assert (answer.status_code, answer.data) == (304, b"")
        assert "Accept-Encoding" in varies_by(answer)
        assert "Content-Encoding" not in answer.headers
    assert again.headers["ETag"] == first.headers["ETag"]


def test_each_coding_of_a_file_has_an_etag_of_its_own(shown: Flask) -> None:
    client = shown.test_client()
    tags = [fetch(client, SHEET, Accept_Encoding=coding).headers["ETag"] for coding in ("identity", "gzip", "br")]

    assert len(set(tags)) == 3
    assert not any(tag.startswith("W/") for tag in tags)


def test_no_file_is_compressed_twice(shown: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[int] = []
    monkeypatch.setattr(transport, "_packed", {})
    monkeypatch.setattr(transport.brotli, "compress", lambda content: packed.append(1) or b"small")
    client = shown.test_client()

    answers = [fetch(client, SHEET, method, Accept_Encoding="br") for method in ("HEAD", "GET", "GET")]

    assert [answer.headers["Content-Length"] for answer in answers] == ["5", "5", "5"]
    assert [answer.data for answer in answers] == [b"", b"small", b"small"]
    assert len(packed) == 1


def test_a_file_that_was_changed_is_compressed_anew(shown: Flask, tmp_path: Path) -> None:
    shown.static_folder = str(tmp_path)
    sheet, client, texts = tmp_path / "sheet.css", shown.test_client(), []
    for number in (1, 2):
        sheet.write_text(f"p {{ order: {number} }}\n" * 100)
        os.utime(sheet, (number, number))
        texts.append(gzip.decompress(fetch(client, "/static/sheet.css").data).decode())

    assert [text.splitlines()[0] for text in texts] == ["p { order: 1 }", "p { order: 2 }"]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", ""),
        ("identity, gzip;q=0.5", ""),
        ("GZIP", "gzip"),
    ],
)
def test_a_file_comes_in_the_coding_that_is_liked_best(shown: Flask, accepted: str, coding: str) -> None:
    assert coding_of(fetch(shown.test_client(), SHEET, Accept_Encoding=accepted)) == coding


def test_a_part_of_a_file_is_a_part_of_the_file_as_it_is(shown: Flask) -> None:
    client = shown.test_client()
    whole = fetch(client, SHEET, Accept_Encoding="identity")
    packed = fetch(client, SHEET)

    part = fetch(client, SHEET, Range="bytes=10-19")
    went_on = fetch(client, SHEET, Range="bytes=10-19", If_Range=packed.headers["ETag"])

    assert (part.status_code, coding_of(part), part.data) == (206, "", whole.data[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.data)}"
    # Of the compressed file one cannot have parts, so whoever has half of it gets all of it anew.
    assert (went_on.status_code, gzip.decompress(went_on.data)) == (200, whole.data)


# --- pages ----------------------------------------------------------------------------------------------------------


def test_a_page_that_is_the_same_is_packed_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[int] = []
    monkeypatch.setattr(
        flask_compress, "_compress_data", lambda _app, data, _name: packed.append(len(data)) or b"short"
    )
    client = app.test_client()
    for coding in ("br", "gzip", "br", "gzip"):
        assert client.get("/terms", headers={"Accept-Encoding": coding}).data == b"short"

    assert len(packed) == 2

    client.get("/de/terms", headers={"Accept-Encoding": "br"})
    assert len(packed) == 3
