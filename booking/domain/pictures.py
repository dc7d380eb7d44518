"""What pictures the shop takes, and in which sizes and formats it shows them."""

from dataclasses import dataclass
from enum import StrEnum

from booking.domain.errors import BookingError
from booking.domain.words import say

MOST_BYTES = 12_000_000
MOST_FILES = 8  # at a time
MOST_PIXELS = 40_000_000
# A strip longer than this fits no page, and WebP has no room for its height.
LONGEST_TO_SHORTEST = 4
WIDTHS = (400, 800, 1200, 1600)
SHARED_WIDTH, SHARED_HEIGHT = 1200, 630  # what social networks and messengers show beside a link
SHARED_NAME = "share.jpg"


class PictureFormat(StrEnum):
    """The files of one size, by their endings; the first that a browser knows is the smallest."""

    AVIF = "avif"
    WEBP = "webp"
    JPEG = "jpg"

    @property
    def media_type(self) -> str:
        """What a browser is told that such a file is."""
        return "image/jpeg" if self is PictureFormat.JPEG else f"image/{self}"


class PictureRefused(BookingError):
    """Not a picture that can be shown: too big, broken, or no picture at all."""

    code = "picture_refused"
    default_message = say("This file is no picture that can be read. Choose a JPEG, PNG, WebP or AVIF.")


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture whose files are all there: their folder, the largest size, and the colour it has most of."""

    digest: str
    width: int
    height: int
    colour: str


def widths_up_to(width: int) -> tuple[int, ...]:
    """The widths in which a picture is kept whose largest size is this wide. Nothing is ever blown up."""
    return (*(smaller for smaller in WIDTHS if smaller < width), width)


def file_name(width: int, kind: PictureFormat) -> str:
    """The file of one size and format."""
    return f"{width}.{kind}"
