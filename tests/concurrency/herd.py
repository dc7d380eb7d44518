"""A herd at the door: many who look at pages while many press the button, and what each was told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import requests

from tests.concurrency.race import BUTTON, SLUG
from tests.support.crowd import rush
from tests.support.shop import GRACE, Shop, Visitor

MOST_VIEWERS = 300
T = TypeVar("T")


@dataclass(frozen=True)
class Guest:
    """A browser with an address of its own, and the form on its review page."""

    visitor: Visitor
    form: dict[str, str]

    @classmethod
    def at(cls, shop: Shop, address: str) -> "Guest":
        """Somebody who comes from a network address and has typed all there is to type."""
        visitor = Visitor(shop.url)
        visitor.web.headers["X-Forwarded-For"] = address
        form = visitor.review_form(SLUG, shop.stay(), replace(GRACE, email=f"{address}@example.org"))
        visitor.web.close()  # or the server would hang up on an idle line just when the button is pressed
        return cls(visitor, form)

    def press(self) -> requests.Response:
        return self.visitor.post(BUTTON, self.form)


@dataclass(frozen=True)
class Seen:
    """One answer and how long it took."""

    what: str
    answer: requests.Response
    seconds: float

    @property
    def is_fine(self) -> bool:
        """What was asked for, or when to ask again."""
        status = self.answer.status_code
        return status in (200, 303) or (status in (429, 503) and int(self.answer.headers["Retry-After"]) > 0)


def come(shop: Shop, views: int, groups: dict[str, list[Guest]], within: float = 0.0) -> list[Seen]:
    """So many pages are looked at while the guests of each group press: all at once, or spread over so many seconds.

    A viewer asks for the next page when the last one is there.
    """
    guests = [(what, guest) for what, group in groups.items() for guest in group]
    asks = [partial(_see, "view", partial(_look, shop, number)) for number in range(views)]
    timed = [(within * number / max(1, views), ask) for number, ask in enumerate(asks)]
    crowd = [timed[first::MOST_VIEWERS] for first in range(min(views, MOST_VIEWERS))]
    for number, (what, guest) in enumerate(guests):
        crowd.append([(within * number / len(guests), partial(_see, what, guest.press))])
    begins = time.monotonic()
    return [seen for some in no_errors(rush(partial(_in_time, begins), crowd)) for seen in some]


def _in_time(begins: float, acts: list[tuple[float, Callable[[], Seen]]]) -> list[Seen]:
    seen = []
    for due, act in acts:
        time.sleep(max(0.0, begins + due - time.monotonic()))
        seen.append(act())
    return seen


def _look(shop: Shop, number: int) -> requests.Response:
    stay = shop.stay(ahead=60)
    asked = f"arrive={stay.arrive}&leave={stay.leave}&guests=2"
    pages = ["/", f"/stays?{asked}", f"/stays/{SLUG}?{asked}", f"/stays/{SLUG}/book?{asked}"]
    return requests.get(shop.url + pages[number % 4], timeout=120)


def _see(what: str, ask: Callable[[], requests.Response]) -> Seen:
    began = time.monotonic()
    return Seen(what, ask(), time.monotonic() - began)


def p99(seen: list[Seen]) -> float:
    """What the slowest hundredth had to wait at least, in seconds."""
    waits = sorted(each.seconds for each in seen)
    return waits[len(waits) * 99 // 100]


def no_errors(answers: list[T | Exception]) -> list[T]:
    """What came, where nobody was left without an answer."""
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert not errors, f"{len(errors)} of {len(answers)} got no answer, the first: {errors[0]!r}"
    return answers  # type: ignore[return-value]
