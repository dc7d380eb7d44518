"""What a place can have: words and an icon for each key, and no surprise for keys that nobody knows."""

from pathlib import Path

from booking.domain.amenities import AMENITIES, known_amenities

ICONS = Path(__file__).resolve().parents[2] / "templates/icons"


def test_every_key_is_there_once_with_words_of_its_own():
    assert len({amenity.key for amenity in AMENITIES}) == len(AMENITIES)
    assert len({str(amenity.said) for amenity in AMENITIES}) == len(AMENITIES)


def test_every_amenity_has_a_drawing_that_is_hidden_from_screen_readers_and_none_is_left_over():
    assert {f"{amenity.icon}.svg" for amenity in AMENITIES} == {file.name for file in ICONS.glob("*.svg")}
    for amenity in AMENITIES:
        assert 'aria-hidden="true"' in (ICONS / f"{amenity.icon}.svg").read_text()


def test_known_keys_come_in_the_houses_order_and_unknown_ones_not_at_all():
    assert [amenity.key for amenity in known_amenities(["garden", "helipad", "wifi"])] == ["wifi", "garden"]
