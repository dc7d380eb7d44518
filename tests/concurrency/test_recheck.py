"""Two guests and one night, as a hold ends: one has paid, and the news of it meets the other who takes the night.

`RECHECK_PAIRS` says how many pairs (15 on each database by default); `RECHECK_SEED` replays what was drawn by lot.
"""

import itertools
import json
import os
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable
from booking.services.reservations import Placed
from tests.concurrency.truth import find_truth, kind_of
from tests.support.crowd import rush
from tests.support.figures import note_figures
from tests.support.gunicorn import gunicorn_shop
from tests.support.hostile import request_of, send, sign
from tests.support.servers import FakeStripe
from tests.support.shop import LINUS, Shop

pytestmark = [pytest.mark.race, pytest.mark.gunicorn]

PAIRS = int(os.environ.get("RECHECK_PAIRS", "15"))
SEED = int(os.environ.get("RECHECK_SEED", "1"))
# Pairs that hold nights at the same time: their holds end one after the other, and the last before its session does.
AT_A_TIME = 100
APART = timedelta(seconds=10)
PATIENCE_SECONDS = 120
# After so many refusals he only waits for the news that is on its way.
MOST_TRIES = 5


class News(StrEnum):
    """When the shop hears of Grace's payment."""

    FIRST = "before Linus asks"
    AT_ONCE = "as Linus asks"
    SECOND_TRY = "when Linus was refused once, or has the page"
    BEFORE_HE_PAYS = "when Linus has the page"
    LAST = "when Linus is confirmed"


@dataclass
class Pair:
    """Grace, who has paid in time, and Linus, who wants the same night."""

    number: int
    stay: Stay
    grace: int
    news: News
    gap: timedelta
    may_come: threading.Event = field(default_factory=threading.Event)
    has_come: threading.Event = field(default_factory=threading.Event)


@pytest.mark.parametrize("batch", range(-(-PAIRS // AT_A_TIME)))
def test_paid_at_the_end_of_the_hold_exactly_one_of_two_gets_the_night(
    database_url: str, stripe: FakeStripe, tmp_path: Path, batch: int
) -> None:
    print(f"replay with RECHECK_SEED={SEED} RECHECK_PAIRS={PAIRS}")
    lot = random.Random(f"{SEED} {batch}")
    with gunicorn_shop(database_url, stripe, tmp_path, module="tests.concurrency.moved:app") as shop:
        stripe.drop_webhooks()  # the test brings the news
        pairs = [_paid_in_time(shop, number, lot) for number in range(min(AT_A_TIME, PAIRS - batch * AT_A_TIME))]
        for pair in pairs:
            _meet(shop, pair)
        while shop.work():
            pass
        truth = find_truth(shop)

        winners = Counter(booking.arrive for booking in truth.confirmed)
        assert winners == Counter(pair.stay.arrive for pair in pairs)
        assert truth.sold_twice() == truth.astray() == truth.unfinished() == []
        won = Counter("grace" if shop.state(pair.grace)[0] == "confirmed" else "linus" for pair in pairs)
        assert set(won) == {"grace", "linus"}
        assert len(truth.refunds) == won["linus"]
        code, words = truth.verify()
        assert code == 0, words
    note_figures(f"recheck_{kind_of(database_url)}", part=str(batch), pairs=len(pairs), **won)


def _paid_in_time(shop: Shop, number: int, lot: random.Random) -> Pair:
    """Grace holds a night and has paid; the shop has not heard of it. The next hold ends a little later."""
    shop.clock.offset += APART
    stay = shop.stay(nights=1, ahead=30 + number)
    grace = shop.book(stay, browser=f"grace-{number}")
    shop.stripe.pay(shop.session_of(grace), wait=False)
    news = lot.choice(list(News))
    return Pair(number, stay, grace, news, timedelta(milliseconds=lot.uniform(-50, 50)))


def _meet(shop: Shop, pair: Pair) -> None:
    """Set the clocks to some milliseconds before or after the end of the hold, and let both go."""
    ends_at = shop.booking(pair.grace).hold_until
    assert ends_at is not None
    shop.clock.offset += ends_at + pair.gap - shop.clock.now()
    if pair.news in (News.FIRST, News.AT_ONCE):
        pair.may_come.set()
    answers = rush(lambda act: act(), [partial(_bring_news, shop, pair), partial(_want_the_night, shop, pair)])
    assert [error for error in answers if isinstance(error, Exception)] == []


def _bring_news(shop: Shop, pair: Pair) -> None:
    assert pair.may_come.wait(PATIENCE_SECONDS)
    _tell(shop, pair.grace)
    pair.has_come.set()


def _want_the_night(shop: Shop, pair: Pair) -> None:
    """Linus asks until the night is his, or Grace's for good; then he pays."""
    if pair.news is News.FIRST:
        assert pair.has_come.wait(PATIENCE_SECONDS)
    placed = _ask_until_it_is_decided(shop, pair)
    if pair.news is not News.LAST:
        pair.may_come.set()
    if placed is not None:
        shop.stripe.pay(shop.session_of(placed.booking_id), wait=False)
        _tell(shop, placed.booking_id)
    pair.may_come.set()


def _ask_until_it_is_decided(shop: Shop, pair: Pair) -> Placed | None:
    for tries in itertools.count():
        if tries == MOST_TRIES and pair.may_come.is_set():
            assert pair.has_come.wait(PATIENCE_SECONDS)
        is_decided = pair.has_come.is_set()
        placed = _ask(shop, pair)
        if placed or is_decided:
            return placed
        if pair.news is News.SECOND_TRY:
            pair.may_come.set()
    return None


def _ask(shop: Shop, pair: Pair) -> Placed | None:
    try:
        placed = shop.place(pair.stay, LINUS, browser=f"linus-{pair.number}")
        shop.check_out(placed.booking_id)
    except DatesUnavailable:
        return None
    return placed


def _tell(shop: Shop, booking_id: int) -> None:
    """Bring Stripe's event of a payment to the server."""
    about = {"object": shop.session_of(booking_id), "type": "checkout.session.completed"}
    (event,) = shop.stripe.get("events", **about)
    body = json.dumps(event).encode()
    answer = send(shop.url, request_of("POST", body, sign(body)), seconds=PATIENCE_SECONDS)
    assert (answer.status, answer.json) == (200, {"status": "success"})
