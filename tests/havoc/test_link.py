"""R9: the link to PostgreSQL fails, worst of all at a COMMIT, when nobody knows whether it was done.

A seed gives the cuts of the whole run; `LINK_SEED=7 pytest tests/havoc/test_link.py` makes those of seed 7. LINK_CUTS
says how many cuts at a COMMIT are wanted in all: they are shared out among the stories of tests/crash.
"""

import itertools
import json
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from flask import template_rendered
from sqlalchemy.exc import DBAPIError

from booking.extensions import db
from booking.models import Booking, Night
from booking.services import staff
from tests.conftest import _on_server, _open_shop
from tests.crash.stories import STORIES
from tests.crash.teller import ComeAgain, Teller
from tests.havoc.people import ADA, PASSWORD
from tests.havoc.proxy import CUTS, Fate, Proxy
from tests.support.crowd import rush
from tests.support.figures import note_figures
from tests.support.servers import FakeStripe, wait_until
from tests.support.shop import Shop, Visitor, fields_of

pytestmark = pytest.mark.postgresql

SEED = int(os.environ.get("LINK_SEED", "20261121"))
WANTED = int(os.environ.get("LINK_CUTS", "120"))
MOST_CUTS_OF_A_STEP = 4
PASSING = "Payment on its way"
BOOKED, ENDED = '"Booked: ', '"Cancelled: '
COME_BACK = "The shop cannot answer just now. Please try again in a moment."
# How these end depends on when each thing is done, and a cut makes it be done later: a letter that is tried while the
# mail server refuses, a refund that is sent early enough to fail before the story ends.
TIMED = ("mail is down", "a refund that fails later")


@pytest.fixture
def proxy(postgres_server: str) -> Iterator[Proxy]:
    """A link to the server that can be made to fail."""
    proxy = Proxy(int(postgres_server.split("|")[0].rpartition(":")[2]))
    yield proxy
    proxy.close()


def _through(proxy: Proxy, url: str) -> str:
    server, _, name = url.rpartition("/")
    return f"{server.rpartition(':')[0]}:{proxy.port}/{name}"


# --- whole stories, cut at their commits ----------------------------------------------------------------------------


@dataclass
class Narrator:
    """Tells stories over the bad link, each in a database of its own."""

    server: str
    template: str
    proxy: Proxy
    stripe: FakeStripe
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _undisturbed: dict[str, Any] = field(default_factory=dict)

    def tell(self, story: str, chance: random.Random | None) -> dict[str, Any]:
        """Tell a story; a step that was cut is taken again, as people and machines do. What came of it."""
        name = f"link_{os.getpid()}_{next(self._numbers)}"
        _on_server(self.server, f"CREATE DATABASE {name} TEMPLATE {self.template}")
        self.stripe.post("reset")
        try:
            return self._tell(story, chance, name)
        finally:
            self.proxy.decide = lambda: Fate.PASS
            _on_server(self.server, f"DROP DATABASE {name} WITH (FORCE)")

    def undisturbed(self, story: str) -> dict[str, Any]:
        """How it ends over a good link."""
        if story not in self._undisturbed:
            self._undisturbed[story] = self.tell(story, None)
        return self._undisturbed[story]

    def _tell(self, story: str, chance: random.Random | None, name: str) -> dict[str, Any]:
        folder = self.folder / name
        folder.mkdir()
        teller = Teller(folder, _through(self.proxy, f"{self.server}/{name}"), self.stripe.url)
        self.proxy.decide = _by(chance, teller)
        while not self._comes_to_its_end(teller, story):
            pass
        with teller.app.app_context():
            db.engine.dispose()
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))

    @staticmethod
    def _comes_to_its_end(teller: Teller, story: str) -> bool:
        try:
            teller.tell(STORIES[story])
        except (DBAPIError, ComeAgain):
            return False
        return True


def _by(chance: random.Random | None, teller: Teller) -> Callable[[], Fate]:
    """Cut two commits of three; not so often at one step that people would lose patience."""
    cuts_of: Counter[int] = Counter()

    def decide() -> Fate:
        step = teller.memory.data["step"]
        if chance is None or cuts_of[step] >= MOST_CUTS_OF_A_STEP or chance.random() < 0.35:
            return Fate.PASS
        cuts_of[step] += 1
        return chance.choice(CUTS)

    return decide


@pytest.fixture
def narrator(postgres_server: str, proxy: Proxy, stripe: FakeStripe, tmp_path: Path) -> Narrator:
    server, template = postgres_server.split("|")
    return Narrator(server, template, proxy, stripe, tmp_path)


def test_stories_that_are_cut_at_their_commits_end_as_if_nothing_had_happened(narrator: Narrator) -> None:
    chance, copies = random.Random(SEED), 0
    stories = chance.sample(sorted(STORIES), len(STORIES))

    for story in itertools.cycle(stories):
        if narrator.proxy.cuts >= WANTED:
            break
        expected, found = narrator.undisturbed(story), narrator.tell(story, chance)
        where = f"{story!r}, LINK_SEED={SEED}, after {dict(narrator.proxy.fates)}"
        assert _unnumbered(found["broken"]) <= _unnumbered(expected["broken"]), where
        assert (found["differences"], found["lost"]) == ([], []), where
        if story not in TIMED:
            assert (found["bookings"], found["club"]) == (expected["bookings"], expected["club"]), where
            assert _lasting(found["letters"]) == _lasting(expected["letters"]), where
            assert set(found["letters"]) <= set(expected["letters"]), where
        copies = max(copies, found["most_copies"])
    fates = {f"cut_{fate}": narrator.proxy.fates[fate] for fate in CUTS}
    note_figures("cut_at_commit", cuts=narrator.proxy.cuts, **fates, most_copies_of_a_letter=copies)


def _lasting(letters: list[str]) -> list[str]:
    """Without what was so for a while: after a cut it is not true any more when its turn comes, and is not sent.

    So it is with a stay that was cancelled since: nobody is told any more that it is booked.
    """
    cancelled = {letter.replace(ENDED, BOOKED) for letter in letters if ENDED in letter}
    return [letter for letter in letters if PASSING not in letter and letter not in cancelled]


def _unnumbered(lines: list[str]) -> set[str]:
    """A cut uses up numbers of rows."""
    return {re.sub(r"\d+", "N", line.partition(": ")[2]) for line in lines}


# --- one guest, and a crowd -----------------------------------------------------------------------------------------


@pytest.fixture
def linked_shop(postgres_url: str, stripe: FakeStripe, proxy: Proxy) -> Iterator[Shop]:
    """A shop that reaches its database over the bad link."""
    yield from _open_shop(_through(proxy, postgres_url), stripe)


def _ready(shop: Shop, number: int) -> tuple[Visitor, dict[str, str]]:
    visitor = Visitor(shop.url)
    return visitor, visitor.review_form("harbour-loft", shop.stay(nights=1, ahead=20 + number))


def _press(guest: tuple[Visitor, dict[str, str]]) -> requests.Response:
    visitor, form = guest
    return visitor.post("/stays/harbour-loft/review", form)


def _nth(number: int, fate: Fate) -> Callable[[], Fate]:
    count = itertools.count(1)
    return lambda: fate if next(count) == number else Fate.PASS


def test_a_click_that_was_cut_at_any_of_its_commits_is_clicked_again_and_has_one_hold(
    linked_shop: Shop, proxy: Proxy
) -> None:
    shop = linked_shop
    assert _press(_ready(shop, 0)).status_code == 303
    commits = 3  # the hold; what to do next; the session
    rounds = list(itertools.product(range(1, commits + 1), CUTS))

    for number, (commit, fate) in enumerate(rounds, start=1):
        guest = _ready(shop, number)
        proxy.decide = _nth(commit, fate)
        cut, again = _press(guest), _press(guest)
        assert (cut.status_code, cut.headers.get("Retry-After")) == (503, "30"), (commit, fate)
        assert COME_BACK in cut.text
        assert again.status_code == 303, (commit, fate)

    assert proxy.cuts == len(rounds)
    assert shop.count(Booking) == shop.count(Night) == len(shop.stripe.sessions()) == len(rounds) + 1


def test_a_commit_that_arrives_after_the_second_click_has_begun_is_the_one_that_counts(
    linked_shop: Shop, proxy: Proxy, postgres_url: str
) -> None:
    """The guest is told to come back, does so at once, and meets the shadow of the first click: a row not yet there."""
    assert _press(_ready(linked_shop, 0)).status_code == 303
    guest = _ready(linked_shop, 1)
    proxy.decide = _nth(1, Fate.LATE)
    cut = _press(guest)
    assert linked_shop.count(Booking) == 1

    again = _again_while_it_is_late(lambda: _press(guest).status_code, proxy, postgres_url)

    assert (cut.status_code, again) == (503, 303)
    assert linked_shop.count(Booking) == linked_shop.count(Night) == len(linked_shop.stripe.sessions()) == 2


def test_an_event_that_is_sent_again_before_its_commit_arrives_has_one_effect(
    linked_shop: Shop, proxy: Proxy, postgres_url: str
) -> None:
    shop = linked_shop
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    (event,) = shop.stripe.events("checkout.session.completed")
    proxy.decide = _nth(1, Fate.LATE)
    cut = shop.stripe.resend(event["id"])[0]["status"]
    assert shop.state(booking_id) == ("pending", "unpaid")

    again = _again_while_it_is_late(lambda: shop.stripe.resend(event["id"])[0]["status"], proxy, postgres_url)

    assert (cut, again) == (503, 200)
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.payments(booking_id)) == 1
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]


def _again_while_it_is_late(act: Callable[[], int], proxy: Proxy, url: str) -> int:
    """Do something once more, and let the late commit arrive when this waits for it; the status of the second time."""

    def arrive() -> None:
        wait_until(lambda: _is_anybody_blocked(url), what="the second to meet the first")
        proxy.late.set()

    status = rush(lambda one: one(), [act, arrive])[0]
    # On a machine that stood still for as long as the shop waits for a lock, it is asked for a third time.
    return act() if status == 503 else status


def _is_anybody_blocked(url: str) -> bool:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        return connection.execute(query).fetchone() != (0,)


def test_after_all_connections_are_cut_the_next_visitors_notice_nothing(linked_shop: Shop, proxy: Proxy) -> None:
    pages = ["/", "/stays", "/stays/harbour-loft"] * 3
    rush(lambda path: requests.get(linked_shop.url + path, timeout=30), pages)
    assert proxy.cut_all() > 0

    answers = rush(lambda path: requests.get(linked_shop.url + path, timeout=30), pages)

    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * len(pages)


def test_a_connection_that_dies_after_a_page_has_read_its_last_does_not_take_the_answer_back(
    linked_shop: Shop, proxy: Proxy
) -> None:
    with template_rendered.connected_to(lambda *_, **__: proxy.cut_all(), linked_shop.app):
        answers = [requests.get(linked_shop.url + path, timeout=30) for path in ("/", "/stays/harbour-loft")]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_while_the_server_is_gone_guests_and_staff_alike_are_asked_to_come_back(
    linked_shop: Shop, proxy: Proxy
) -> None:
    with linked_shop.app.app_context():
        staff.create_staff(linked_shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    grace, ada = Visitor(linked_shop.url), Visitor(linked_shop.url)
    ada.post("/admin/login", {**fields_of(ada.get("/admin/login").text), "email": ADA, "password": PASSWORD})
    asked = [(grace, "/stays"), (grace, "/stays/harbour-loft"), (ada, "/admin/"), (ada, "/admin/bookings")]

    proxy.is_down = True
    proxy.cut_all()
    meanwhile = [visitor.get(path) for visitor, path in asked]
    proxy.is_down = False

    assert [(page.status_code, page.headers.get("Retry-After")) for page in meanwhile] == [(503, "30")] * 4
    assert all(COME_BACK in page.text for page in meanwhile)
    assert [visitor.get(path).status_code for visitor, path in asked] == [200] * 4


def test_a_link_that_stalls_makes_guests_wait_and_costs_nobody_a_booking(linked_shop: Shop, proxy: Proxy) -> None:
    guests = [_ready(linked_shop, number) for number in range(5)]
    proxy.flowing.clear()

    def press_and_release(number: int) -> requests.Response:
        if number < len(guests):
            return _press(guests[number])
        wait_until(lambda: proxy.waiting, what="somebody who waits")
        proxy.flowing.set()
        return requests.get(linked_shop.url, timeout=30)

    rush(press_and_release, range(len(guests) + 1))

    # A guest whose new connection was held up for longer than the shop's patience was asked to come back.
    assert [_press(guest).status_code for guest in guests] == [303] * len(guests)
    assert linked_shop.count(Booking) == len(linked_shop.stripe.sessions()) == len(guests)


def test_a_link_that_stalls_and_then_breaks_is_answered_with_come_back(linked_shop: Shop, proxy: Proxy) -> None:
    requests.get(linked_shop.url, timeout=30)
    proxy.flowing.clear()

    def get_or_break(is_to_break: bool) -> requests.Response | None:
        if not is_to_break:
            return requests.get(f"{linked_shop.url}/stays/harbour-loft", timeout=30)
        wait_until(lambda: proxy.waiting, what="somebody who waits")
        proxy.cut_all()
        proxy.flowing.set()
        return None

    page, _ = rush(get_or_break, [False, True])

    assert isinstance(page, requests.Response)
    # Where the cut met no more than the pool's own question whether the link is alive, the page never knew.
    assert page.status_code in (200, 503)
    assert requests.get(f"{linked_shop.url}/stays/harbour-loft", timeout=30).status_code == 200


def test_a_page_that_finds_every_connection_in_use_asks_to_come_back(linked_shop: Shop) -> None:
    with linked_shop.app.app_context():
        pool: Any = db.engine.pool
        pool._timeout = 0.1
        in_use = [db.engine.connect() for _ in range(pool.size() + pool._max_overflow)]

        page = requests.get(f"{linked_shop.url}/stays", timeout=30)
        for connection in in_use:
            connection.close()

    assert (page.status_code, page.headers.get("Retry-After")) == (503, "30")
    assert COME_BACK in page.text
    assert requests.get(f"{linked_shop.url}/stays", timeout=30).status_code == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can be asked")
def test_a_server_that_vanished_without_a_word_is_given_up_within_half_a_minute(linked_shop: Shop) -> None:
    """Otherwise a page that waits for one hangs until the system gives up: a quarter of an hour, or two."""
    with linked_shop.app.app_context(), db.engine.connect() as connection:
        descriptor = os.dup(connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr]
    with socket.socket(fileno=descriptor) as wire:
        wait, idle, interval, count = (
            wire.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    assert 0 < wait <= 30_000
    assert idle + interval * count <= 30
