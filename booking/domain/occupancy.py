"""Which nights a unit has taken, as the bits of whole numbers: one for each window of days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from booking.domain.dates import Stay

# Each window begins so many days behind the one before it and is twice as long. Any stay of up to 31 nights lies in one
# of them whole, and 62 bits fit the signed whole numbers of 64 bits that both databases have.
STEP = 31
WINDOW = 2 * STEP


def chunk_of(day: date) -> int:
    """The number of the last window that the day lies in; it lies in the one before too."""
    return day.toordinal() // STEP


def first_day(chunk: int) -> date:
    """The day of a window's lowest bit."""
    return date.fromordinal(chunk * STEP)


def bits_of(days: Iterable[date]) -> dict[int, int]:
    """The bits that these nights are, by window."""
    bits: dict[int, int] = defaultdict(int)
    for day in days:
        chunk, place = divmod(day.toordinal(), STEP)
        bits[chunk] |= 1 << place
        bits[chunk - 1] |= 1 << place + STEP
    return dict(bits)


def questions_of(stay: Stay) -> Iterator[tuple[int, int]]:
    """The windows, and the bits in each, that must be empty for a stay to be free. One for up to 31 nights."""
    arrive = stay.arrive
    while arrive < stay.leave:
        chunk, place = divmod(arrive.toordinal(), STEP)
        nights = min((stay.leave - arrive).days, WINDOW - place)
        yield chunk, ((1 << nights) - 1) << place
        if nights == (stay.leave - arrive).days:
            return
        arrive += timedelta(days=nights)
