"""web/media.py and the macro `picture`: exactly the files of pictures are served, and pages name them well."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking.domain.pictures import KeptPicture
from booking.extensions import db
from booking.gateways.pictures import PictureFolder
from booking.models import Photo
from booking.services.photos import add_photo
from tests.support.pictures import draw
from tests.support.shop import add_listing

ALT, ALT_DE = 'A "house" & a <boat>', "Ein Haus"


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KeptPicture]:
    """A folder with one picture, made once for this module."""
    folder = tmp_path_factory.mktemp("var") / "media"
    (folder.parent / "secret.jpg").write_bytes(b"nobody may read this")
    return folder, PictureFolder(folder).keep(draw((1000, 625)))


@pytest.fixture
def house(app: Flask, media: tuple[Path, KeptPicture]) -> Flask:
    """The shop with one listing that shows the picture."""
    folder, _kept = media
    runtime = app.extensions["holdfast"]
    settings = replace(runtime.settings, media_dir=folder)
    app.extensions["holdfast"] = runtime = replace(runtime, settings=settings, pictures=PictureFolder(folder))
    listing_id = add_listing(app)
    with app.app_context():
        add_photo(runtime, listing_id, draw((1000, 625)), ALT, {"de": ALT_DE})
    return app


@pytest.fixture
def client(house: Flask) -> FlaskClient:
    return house.test_client()


def fetch(client: FlaskClient, path: str, **more: Any) -> TestResponse:
    """One answer, read to its end: a file that is sent is held open until then."""
    return client.get(path, buffered=True, **more)


@pytest.fixture
def digest(media: tuple[Path, KeptPicture]) -> str:
    return media[1].digest


# --- the route ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "start"),
    [
        ("400.avif", "image/avif", rb"....ftypavif"),
        ("800.webp", "image/webp", rb"RIFF....WEBP"),
        ("1000.jpg", "image/jpeg", rb"\xff\xd8\xff"),
        ("share.jpg", "image/jpeg", rb"\xff\xd8\xff"),
    ],
)
def test_files_come_with_their_type_and_may_be_kept_for_ever(
    client: FlaskClient, digest: str, name: str, kind: str, start: bytes
) -> None:
    answer = fetch(client, f"/media/{digest}/{name}")

    assert answer.status_code == 200
    assert re.match(start, answer.data, re.DOTALL)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert set(answer.headers["Cache-Control"].split(", ")) == {"public", "immutable", "max-age=31536000"}
    assert not {"Set-Cookie", "Vary"} & set(answer.headers.keys())


def test_files_of_the_look_are_the_same_for_everybody_too(client: FlaskClient) -> None:
    assert fetch(client, "/static/img/favicon.svg").headers["Vary"] == "Accept-Encoding"  # and no cookie


def test_a_browser_that_has_the_file_is_told_so(client: FlaskClient, digest: str) -> None:
    mark = fetch(client, f"/media/{digest}/400.jpg").headers["ETag"]

    answer = fetch(client, f"/media/{digest}/400.jpg", headers={"If-None-Match": mark})

    assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/media/{digest}/facts.json",
        "/media/{digest}/",
        "/media/{digest}",
        "/media/",
        "/media/{digest}/1600.jpg",
        "/media/{digest}/0400.jpg",
        "/media/{digest}/400.JPG",
        "/media/{digest}/400.jpg/",
        "/media/{digest}/400.jpg%00",
        "/media/{digest}/400.jpg%0a",
        "/media/{digest}/400.svg",
        "/media/{digest}/../../secret.jpg",
        "/media/{digest}/..%2f..%2fsecret.jpg",
        "/media/{digest}/%2e%2e/%2e%2e/secret.jpg",
        "/media/../secret.jpg",
        "/media/..%2fsecret.jpg",
        "/media/..%5c..%5csecret.jpg/400.jpg",
        "/media/../share.jpg",
        "/media/%2e%2e/share.jpg",
        "/media//share.jpg",
        "/media/.new-abc/400.jpg",
        "/media/{upper}/400.jpg",
        "/media/{short}/400.jpg",
        "/media/{digest}x/400.jpg",
        "/media/" + "0" * 64 + "/400.jpg",
        "/de/media/{digest}/400.jpg",
    ],
)
def test_nothing_else_is_served(client: FlaskClient, digest: str, path: str) -> None:
    answer = client.get(path.format(digest=digest, upper=digest.upper(), short=digest[:63]))

    assert answer.status_code == 404
    assert b"nobody may" not in answer.data


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nobody_writes_there(client: FlaskClient, digest: str, method: str) -> None:
    assert client.open(f"/media/{digest}/400.jpg", method=method, data=b"x").status_code == 405


# --- the macro ------------------------------------------------------------------------------------------------------


def drawn(house: Flask, arguments: str = "", path: str = "/") -> str:
    page = '{% from "macros/picture.html" import picture %}{{ picture(photo' + arguments + ") }}"
    with house.test_request_context(path):
        return render_template_string(page, photo=db.session.query(Photo).one())


def test_every_format_is_offered_with_every_size_and_jpeg_is_for_all_others(house: Flask, digest: str) -> None:
    markup = drawn(house, ', "50vw"')

    def srcset(kind: str) -> str:
        return ", ".join(f"/media/{digest}/{width}.{kind} {width}w" for width in (400, 800, 1000))

    assert re.findall(r'<source type="(.*?)" srcset="(.*?)" sizes="50vw">', markup) == [
        ("image/avif", srcset("avif")),
        ("image/webp", srcset("webp")),
    ]
    assert f'<img src="/media/{digest}/800.jpg" srcset="{srcset("jpg")}" sizes="50vw"' in markup
    assert 'width="1000" height="625"' in markup


def test_every_address_in_the_markup_is_served(house: Flask, client: FlaskClient) -> None:
    addresses = set(re.findall(r"/media/[^ \"]+", drawn(house)))

    assert len(addresses) == 9
    assert {fetch(client, address).status_code for address in addresses} == {200}


def test_pictures_wait_until_they_are_scrolled_to_unless_they_are_the_first_thing(house: Flask) -> None:
    lazy, eager = drawn(house), drawn(house, ", eager=true")

    assert 'loading="lazy"' in lazy
    assert "fetchpriority" not in lazy
    assert 'fetchpriority="high"' in eager
    assert "lazy" not in eager


def test_the_words_are_in_the_language_of_the_page_and_escaped(house: Flask, client: FlaskClient) -> None:
    english = client.get("/en/stays/harbour-loft").get_data(as_text=True)
    german = client.get("/de/stays/harbour-loft").get_data(as_text=True)

    assert 'alt="A &#34;house&#34; &amp; a &lt;boat&gt;"' in english
    assert f'alt="{ALT_DE}"' in german
    assert "/de/media/" not in german


def test_beside_words_that_say_the_same_a_picture_is_silent(house: Flask) -> None:
    assert 'alt=""' in drawn(house, ", decorative=true")


def test_the_colour_of_the_picture_is_there_before_it_without_any_style(
    house: Flask, media: tuple[Path, KeptPicture]
) -> None:
    markup = drawn(house, ', class="picture"')

    assert f'<rect width="100%" height="100%" fill="{media[1].colour}"/>' in markup
    assert '<span class="photo picture"' in markup
    assert "style" not in markup


def test_without_a_photo_there_is_nothing(house: Flask) -> None:
    with house.test_request_context("/"):
        page = '{% from "macros/picture.html" import picture %}[{{ picture(none) }}{{ picture([][0]) }}]'
        assert render_template_string(page).split() == ["[]"]


def test_the_picture_for_links_has_a_whole_address(house: Flask, digest: str) -> None:
    with house.test_request_context("/de/"):
        address = render_template_string("{{ shared_picture(photo) }}", photo=db.session.query(Photo).one())

    assert address == f"http://127.0.0.1:8000/media/{digest}/share.jpg"


@pytest.mark.parametrize("path", ["/", "/stays", "/stays/harbour-loft"])
def test_pages_show_the_cover(client: FlaskClient, digest: str, path: str) -> None:
    assert f"/media/{digest}/800.avif 800w" in client.get(path).get_data(as_text=True)
