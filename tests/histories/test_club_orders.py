"""News of memberships in every order, late, twice or in between: the row is always what Stripe has in the end.

An event of a subscription or of an invoice only says that it is time to ask, so no order can lead elsewhere. What is
compared is the whole row but for the times at which somebody looked, and whether the wish to join is over.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any

import pytest

from booking.services import joining, memberships
from booking.services.guest_accounts import Member
from tests.histories.stage import Stage
from tests.simulation.stripe_model import Event, EventState

GUEST = Member(1, "guest1@example.org", "en")
ORDERS = int(os.environ.get("CLUB_ORDERS", "24"))
STORMS = int(os.environ.get("CLUB_STORMS", "10"))
ROW = "SELECT status, price_minor, off_share, period_start, period_end, cancels_at, ended_at IS NULL FROM membership"
AN_HOUR = 3600


class Club:
    """One guest who joins, and what Stripe makes of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.model = stage, stage.stripe.club
        self.subscription_id = ""

    def join(self) -> None:
        url = self.stage.do(lambda: joining.join(self.stage.runtime, GUEST, 1, "I join.", "en"))
        self.subscription_id = self.model.pay(url.rpartition("/")[2])["id"]

    def fail(self) -> None:
        self.model.renew(self.subscription_id, is_good=False)

    def renew(self) -> None:
        self.model.renew(self.subscription_id, is_good=True)

    def recover(self) -> None:
        self.model.end_dunning(self.subscription_id, came=True)

    def give_up(self) -> None:
        self.model.end_dunning(self.subscription_id, came=False)

    def leave(self) -> None:
        self.model.leave(self.subscription_id)

    def end(self) -> None:
        self.model.end(self.subscription_id)


Life = tuple[Callable[[Club], None], ...]
LIVES: dict[str, Life] = {
    "joined": (Club.join,),
    "renewed": (Club.join, Club.renew),
    "the card failed": (Club.join, Club.fail),
    "the card failed and paid later": (Club.join, Club.fail, Club.recover),
    "the card failed for good": (Club.join, Club.fail, Club.give_up),
    "left in the portal": (Club.join, Club.leave),
    "left, and the period is over": (Club.join, Club.renew, Club.leave, Club.renew),
    "ended by hand": (Club.join, Club.end),
}


@contextmanager
def _club() -> Iterator[Club]:
    stage = Stage()
    stage.weather = replace(stage.weather, club=True)
    with stage.begun():
        yield Club(stage)


def _row(stage: Stage) -> list[Any]:
    found = stage.house.rows(ROW)
    wishes = stage.house.rows("SELECT status FROM joining")
    return [*found, *wishes]


def _live(club: Club, life: Life) -> list[Event]:
    """All of it happens at Stripe, an hour apart, and nobody is told."""
    for happen in life:
        happen(club)
        club.stage.pass_time(AN_HOUR)
    return list(club.stage.stripe.events)


def _tell(club: Club, events: list[Event]) -> None:
    for event in events:
        club.stage.deliver(event)
        club.stage.pass_time(1)


def _end_of(life: Life) -> list[Any]:
    """Each event is told once, as soon as it came to pass."""
    with _club() as club:
        for happen in life:
            happen(club)
            _tell(club, club.stage.stripe.due_events())
            club.stage.pass_time(AN_HOUR)
        return _row(club.stage)


def _orders(count: int) -> list[tuple[int, ...]]:
    every = list(permutations(range(count))) if count <= 7 else [tuple(range(count)), tuple(range(count))[::-1]]
    return every[:: max(1, len(every) // ORDERS)]


@pytest.mark.parametrize("name", LIVES)
def test_events_of_a_membership_in_every_order_end_in_the_same_row(name: str) -> None:
    """Nobody hears anything until all is over; then every event comes, in one order after the other."""
    life, tried = LIVES[name], 0
    expected = _end_of(life)
    with _club() as club:
        count = len(_live(club, life))
    for order in _orders(count):
        with _club() as club:
            events = _live(club, life)
            _tell(club, [events[number] for number in order])
            assert _row(club.stage) == expected, order
            tried += 1
    assert tried >= min(6, ORDERS)


@pytest.mark.parametrize("name", LIVES)
def test_a_storm_of_them_ends_in_the_same_row(name: str) -> None:
    """Each event three times, in between or late, and some never; then the worker's own look."""
    life = LIVES[name]
    expected = _end_of(life)
    for seed in range(STORMS):
        with _club() as club:
            _blow(club, life, Random(f"{name} {seed}"))
            assert _row(club.stage) == expected, seed


def _blow(club: Club, life: Life, dice: Random) -> None:
    on_their_way: list[Event] = []
    seen, loss = 0, dice.choice((0.0, 0.3, 1.0))
    for happen in life:
        happen(club)
        fresh, seen = club.stage.stripe.events[seen:], len(club.stage.stripe.events)
        on_their_way += [event for event in fresh for _ in range(3) if dice.random() >= loss]
        dice.shuffle(on_their_way)
        told, on_their_way = on_their_way[: dice.randint(0, 3)], on_their_way[3:]
        _tell(club, told)
        if dice.random() < 0.2:
            club.stage.reconcile(at_once=dice.random() < 0.5)
        club.stage.pass_time(AN_HOUR)
    _tell(club, on_their_way)
    if loss:
        club.stage.reconcile()
    for event in club.stage.stripe.events:
        event.state = EventState.TOLD


def test_with_webhooks_off_the_workers_own_looks_end_in_the_same_row() -> None:
    for name, life in LIVES.items():
        with _club() as club:
            _live(club, life)
            club.stage.reconcile()
            assert _row(club.stage) == _end_of(life), name


def test_control_a_shop_that_believes_what_an_event_shows_ends_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the row were written from the event's own object, which is how it was then."""
    life = LIVES["the card failed"]
    with _club() as club:
        events = _live(club, life)
        shown = {event.id: event.payload["data"]["object"]["status"] for event in events}
        real = memberships.ask

        def believe(runtime: Any, evidence: Any, identity: Any) -> Any:
            news = real(runtime, evidence, identity)
            if news is None or news.subscription is None or told[0] not in ("past_due", "active"):
                return news
            return replace(news, subscription=replace(news.subscription, status=told[0]))

        monkeypatch.setattr(memberships, "ask", believe)
        rows = set()
        for order in (events, events[::-1]):
            for event in order:
                told = [shown[event.id]]
                club.stage.deliver(event)
                club.stage.pass_time(1)
            rows.add(str(_row(club.stage)))
            club.stage.house.raw.execute("DELETE FROM webhook_event")
    assert len(rows) == 2
