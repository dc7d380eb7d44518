"""services/photos.py: photos are added, taken away and put in order, and their files outlive no row that shows them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from booking import create_app
from booking.domain.errors import ListingNotFound
from booking.domain.pictures import PictureRefused
from booking.extensions import db
from booking.models import Listing, Photo
from booking.runtime import Runtime
from booking.services import photos
from booking.services.photos import PhotoNotFound, add_photo, order_photos, remove_photo
from tests.support.shop import MemoryMailer, MemoryPictures, ShiftedClock, add_listing, make_settings, outfit

ADA = "ada@example.org"


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    """An app with one listing, on each database in turn."""
    app = create_app(make_settings(database_url))
    outfit(app, ShiftedClock(), MemoryMailer())
    add_listing(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def runtime(house: Flask) -> Runtime:
    return house.extensions["holdfast"]


def kept(runtime: Runtime) -> set[bytes]:
    store: Any = runtime.pictures
    assert isinstance(store, MemoryPictures)
    return set(store.kept.values())


def alts(listing_id: int = 1) -> list[str]:
    db.session.remove()
    return [photo.alt for photo in db.session.get_one(Listing, listing_id).photos]


def test_photos_stand_in_the_order_they_came_and_the_first_is_the_cover(runtime: Runtime) -> None:
    for name in ("outside", "room", "view"):
        add_photo(runtime, 1, name.encode(), name)

    assert alts() == ["outside", "room", "view"]
    cover = db.session.get_one(Listing, 1).cover
    assert cover is not None
    assert (cover.alt, cover.width, cover.height, cover.colour) == ("outside", 1600, 1000, "#c9a27e")


def test_a_listing_without_photos_has_no_cover(runtime: Runtime) -> None:
    assert db.session.get_one(Listing, 1).cover is None


def test_words_are_told_in_a_language_that_has_them(runtime: Runtime) -> None:
    add_photo(runtime, 1, b"outside", " A house ", {"de": "Ein Haus"})

    photo = db.session.query(Photo).one()
    assert [photo.alt_in(code) for code in ("en", "de", "fr")] == ["A house", "Ein Haus", "A house"]


def test_the_same_picture_again_changes_only_its_words(runtime: Runtime) -> None:
    first = add_photo(runtime, 1, b"outside", "A house")
    add_photo(runtime, 1, b"room", "A room")

    assert add_photo(runtime, 1, b"outside", "The house") == first
    assert alts() == ["The house", "A room"]


def test_a_listing_nobody_knows_gets_no_photo(runtime: Runtime) -> None:
    with pytest.raises(ListingNotFound):
        add_photo(runtime, 99, b"outside", "A house")

    assert db.session.query(Photo).count() == 0


def test_what_is_no_picture_leaves_no_row(runtime: Runtime) -> None:
    class Choosy(MemoryPictures):
        def keep(self, data: bytes) -> Any:
            raise PictureRefused

    with pytest.raises(PictureRefused):
        add_photo(replace(runtime, pictures=Choosy()), 1, b"<svg>", "A drawing")

    assert db.session.query(Photo).count() == 0


def test_there_is_an_end_to_photos(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST_PHOTOS", 2)
    for name in ("outside", "room"):
        add_photo(runtime, 1, name.encode(), name)

    with pytest.raises(PictureRefused, match="2 photos at most"):
        add_photo(runtime, 1, b"view", "view")

    add_photo(runtime, 1, b"room", "a room")  # one that is there already is not one more
    assert alts() == ["outside", "a room"]


def test_a_photo_taken_away_takes_its_files_with_it_and_twice_is_once(runtime: Runtime) -> None:
    add_photo(runtime, 1, b"outside", "outside")
    photo_id = add_photo(runtime, 1, b"room", "room")

    remove_photo(runtime, photo_id, ADA)
    remove_photo(runtime, photo_id, ADA)

    assert alts() == ["outside"]
    assert kept(runtime) == {b"outside"}


def test_files_stay_while_another_listing_shows_them(house: Flask, runtime: Runtime) -> None:
    other = add_listing(house, "dune-house", name="Dune House")
    mine, theirs = (add_photo(runtime, listing_id, b"beach", "beach") for listing_id in (1, other))

    remove_photo(runtime, mine, ADA)
    assert (alts(), alts(other), kept(runtime)) == ([], ["beach"], {b"beach"})

    remove_photo(runtime, theirs, ADA)
    assert kept(runtime) == set()


def test_a_photo_that_comes_after_one_was_taken_away_stands_last(runtime: Runtime) -> None:
    ids = [add_photo(runtime, 1, name.encode(), name) for name in ("a", "b", "c")]
    remove_photo(runtime, ids[0], ADA)

    add_photo(runtime, 1, b"d", "d")

    assert alts() == ["b", "c", "d"]


def test_named_photos_come_first_and_the_others_follow_as_they_stood(runtime: Runtime) -> None:
    a, b, c, d = (add_photo(runtime, 1, name.encode(), name) for name in "abcd")

    order_photos(runtime, 1, [d, b], ADA)
    assert alts() == ["d", "b", "a", "c"]

    order_photos(runtime, 1, [a, b, c, d], ADA)
    assert alts() == ["a", "b", "c", "d"]


def test_a_photo_of_another_listing_cannot_be_put_in_order_here(house: Flask, runtime: Runtime) -> None:
    other = add_listing(house, "dune-house", name="Dune House")
    mine, theirs = add_photo(runtime, 1, b"a", "a"), add_photo(runtime, other, b"b", "b")

    with pytest.raises(PhotoNotFound):
        order_photos(runtime, 1, [theirs, mine], ADA)
    with pytest.raises(ListingNotFound):
        order_photos(runtime, 99, [], ADA)

    assert (alts(), alts(other)) == (["a"], ["b"])
