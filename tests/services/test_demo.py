"""services/demo.py with its pictures: whole in both languages, handsome, light, and quick to put up again."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from booking.domain.amenities import AMENITIES
from booking.extensions import db
from booking.gateways.pictures import PictureFolder
from booking.models import Listing, Photo, Property
from booking.runtime import Runtime
from booking.services import demo
from booking.services.demo import seed_demo
from booking.services.demo_shop import DEMO_LISTINGS, GERMAN, PICTURES, PILOTS_CABIN, TEXTS, DemoListing

PHOTOS = list(chain.from_iterable(listing.photos for listing in DEMO_LISTINGS))
MOST_BYTES = 2_000_000


@pytest.fixture
def runtime(app: Flask) -> Runtime:
    return app.extensions["holdfast"]


def test_every_picture_of_the_demo_lies_there_with_its_drawing_and_none_is_left_over() -> None:
    named = {photo.file for photo in PHOTOS}

    assert {file.stem for file in PICTURES.glob("*.webp")} == named
    assert {file.stem for file in PICTURES.glob("*.svg")} == named
    assert len(PHOTOS) == len(named)


@pytest.mark.parametrize("file", sorted({photo.file for photo in PHOTOS}))
def test_pictures_of_the_demo_have_one_shape(file: str) -> None:
    with Image.open(PICTURES / f"{file}.webp") as image:
        assert image.size == (1600, 1000)


def test_pictures_of_the_demo_weigh_little() -> None:
    assert sum(file.stat().st_size for file in PICTURES.iterdir()) < MOST_BYTES


def test_drawings_of_the_demo_ask_nobody_and_run_nothing() -> None:
    for drawing in PICTURES.glob("*.svg"):
        text = drawing.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not any(word in text for word in ("http", "<script", "href", "<image", " on"))


@pytest.mark.parametrize("listing", DEMO_LISTINGS, ids=lambda listing: listing.slug)
def test_every_listing_of_the_demo_is_whole_in_both_languages(listing: DemoListing) -> None:
    for name in ("summary", "description", "beds", "access_notes"):
        english, german = getattr(listing, name), listing.german[name]
        assert english
        assert german
        assert german != english
        assert english.count("\n\n") == german.count("\n\n")
    assert 3 <= len(listing.photos) <= 4
    assert all(photo.alt and photo.alt_de and photo.alt != photo.alt_de for photo in listing.photos)
    assert set(listing.amenities) <= {amenity.key for amenity in AMENITIES}


def test_the_place_of_the_demo_is_whole_in_both_languages() -> None:
    assert GERMAN.keys() == TEXTS.keys()
    assert all(GERMAN[name] != TEXTS[name] for name in TEXTS)


def test_the_demo_shows_real_files_and_says_what_is_on_them(
    runtime: Runtime, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "DEMO_LISTINGS", (PILOTS_CABIN,))  # making the files of all would take long
    with app.app_context():
        lines = demo.seed_demo(replace(runtime, pictures=PictureFolder(tmp_path / "media")))

        assert "3 photos of Pilot's Cabin" in lines
        listing = db.session.query(Listing).one()
        assert listing.words("summary", "de") == PILOTS_CABIN.german["summary"]
        for photo in listing.photos:
            assert (photo.width, photo.height) == (1600, 1000)
            assert len(list((tmp_path / "media" / photo.digest).glob("*.*"))) == 14
            assert photo.alt_in("de") != photo.alt
        assert db.session.query(Property).one().words("directions", "de").startswith("Mit der Fähre")


def test_a_demo_of_an_older_version_gets_words_and_photos_and_keeps_its_own(runtime: Runtime, app: Flask) -> None:
    with app.app_context():
        seed_demo(runtime)
        db.session.query(Photo).delete()
        own = "Our own words"
        db.session.query(Listing).update({"beds": "", "translations": {}, "amenities": [], "summary": own})
        db.session.query(Property).update({"directions": "", "translations": {}, "tagline": own})
        db.session.commit()

        lines = seed_demo(runtime)

        assert lines == [f"{len(listing.photos)} photos of {listing.name}" for listing in DEMO_LISTINGS]
        loft = db.session.query(Listing).filter_by(slug="harbour-loft").one()
        assert (loft.summary, loft.beds, loft.cover is not None) == (own, "one double bed, two single beds", True)
        assert "wifi" in loft.amenities
        place = db.session.query(Property).one()
        assert (place.tagline, place.directions) == (own, TEXTS["directions"])


def test_photos_that_somebody_took_away_do_not_come_back(runtime: Runtime, app: Flask) -> None:
    with app.app_context():
        seed_demo(runtime)
        db.session.query(Photo).filter(Photo.position > 0).delete()
        db.session.commit()

        assert seed_demo(runtime) == []
        assert db.session.query(Photo).count() == len(DEMO_LISTINGS)


def test_files_that_were_lost_are_made_again(runtime: Runtime, app: Flask) -> None:
    with app.app_context():
        seed_demo(runtime)
        kept = runtime.pictures.kept  # type: ignore[attr-defined]
        kept.clear()

        seed_demo(runtime)

        assert len(kept) == len(PHOTOS)
