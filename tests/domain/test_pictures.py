"""domain/pictures.py: which files a picture has."""

import pytest

from booking.domain.pictures import PictureFormat, file_name, widths_up_to


@pytest.mark.parametrize(
    ("largest", "widths"),
    [
        (1600, (400, 800, 1200, 1600)),
        (1599, (400, 800, 1200, 1599)),
        (1200, (400, 800, 1200)),
        (401, (400, 401)),
        (400, (400,)),
        (17, (17,)),
    ],
)
def test_a_picture_is_kept_in_every_smaller_width_and_its_own(largest: int, widths: tuple[int, ...]) -> None:
    assert widths_up_to(largest) == widths


def test_files_are_named_by_width_and_format_and_the_smallest_format_comes_first() -> None:
    names = [file_name(400, kind) for kind in PictureFormat]

    assert names == ["400.avif", "400.webp", "400.jpg"]
    assert [kind.media_type for kind in PictureFormat] == ["image/avif", "image/webp", "image/jpeg"]
