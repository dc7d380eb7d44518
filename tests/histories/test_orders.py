"""R3: whoever brings the news of one booking first, and in whatever order the others follow, the end is the same.

Five ways lead to the one door: the webhook, the guest's redirect, the poll of the page they are on, the reconciler, and
a click of staff. Here they come in all 120 orders, with the process killed at a boundary in between, and all at once
in fifty threads on both databases. `ORDERS` says in how many of the orders the less common stories are told (8 by
default, `make torture` asks for 120), `ORDER_DEATHS` how many deaths are tried (24 by default, 2,880 are all of them).
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import pytest
from sqlalchemy import select

from booking.domain.dates import Stay
from booking.domain.states import Source
from booking.extensions import DATABASE_AWAY, db
from booking.models import Attempt
from booking.services import attempts, checkout, reconciliation, webhooks
from booking.services.reservations import GuestDetails
from booking.services.timeline import Cause
from tests.histories.final_state import PASSING, State, differences, final_state, state_hash, without_letters
from tests.histories.stage import STAFF, Stage
from tests.simulation.checks import check_end
from tests.support.crowd import rush
from tests.support.hostile import sign
from tests.support.shop import LINUS, Shop

SOME_ORDERS = int(os.environ.get("ORDERS", "8"))
DEATHS = int(os.environ.get("ORDER_DEATHS", "24"))
WAYS = ("webhook", "redirect", "poll", "reconcile", "staff")
ALL_ORDERS = list(permutations(WAYS))
A_STAFF_CLICK = Cause(Source.STAFF, STAFF)
HOLD_IS_OVER = 50 * 60


@dataclass(frozen=True)
class Story:
    """What came to pass at Stripe before anybody here heard of it, and how it must end."""

    happen: Callable[[Stage], str]  # gives the session that the news is about
    status: str
    payment_status: str
    letters: tuple[str, ...]  # to the guest
    pays_later: bool = False  # a card is left, and nothing is paid yet


def _paid(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.pay(session_id)
    return session_id


def _paid_and_hold_over(stage: Stage) -> str:
    session_id = _paid(stage)
    stage.pass_time(HOLD_IS_OVER)
    return session_id


def _paid_and_lost(stage: Stage) -> str:
    """Somebody else has taken the nights and paid for them, and has been told that they are theirs."""
    session_id = _paid_and_hold_over(stage)
    rival = stage.book("Linus", first=1)
    stage.stripe.pay(rival)
    stage.come_back(rival)
    return session_id


def _paid_what_nobody_asked_for(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.pay(session_id, amount=100)
    return session_id


def _paid_after_staff_cancelled(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.pay_slowly(session_id)
    stage.come_back(session_id)
    stage.cancel(stage.booking_of(session_id), 0)
    stage.stripe.end_slow_payment(session_id, came=True)
    return session_id


def _never_came(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.pay_slowly(session_id)
    stage.stripe.end_slow_payment(session_id, came=False)
    return session_id


def _declined_and_over(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.decline(session_id)
    stage.pass_time(HOLD_IS_OVER)
    return session_id


def _card_left(stage: Stage) -> str:
    session_id = stage.book("Grace", first=0, nights=2)
    stage.stripe.pay(session_id)
    return session_id


def _card_left_and_lost(stage: Stage) -> str:
    """Somebody else has left a card for them, and been told that they are theirs."""
    session_id = _card_left(stage)
    stage.pass_time(HOLD_IS_OVER)
    rival = stage.book("Linus", first=1)
    stage.stripe.pay(rival)
    stage.come_back(rival)
    return session_id


STORIES = {
    "paid": Story(_paid, "confirmed", "paid", ("confirmed",)),
    "paid, and the hold is over": Story(_paid_and_hold_over, "confirmed", "paid", ("confirmed",)),
    "paid, and the nights are somebody else's": Story(
        _paid_and_lost, "cancelled", "refunded", ("dates_gone", "refund_sent")
    ),
    "paid what nobody asked for": Story(_paid_what_nobody_asked_for, "pending", "paid", ()),
    "paid after staff had cancelled": Story(
        _paid_after_staff_cancelled, "cancelled", "refunded",
        ("cancelled", "late_refund", "refund_sent"),
    ),
    "a slow payment that never came": Story(_never_came, "cancelled", "failed", ("payment_failed",)),
    "declined, and the session is over": Story(_declined_and_over, "cancelled", "failed", ()),
    "a card is left": Story(_card_left, "confirmed", "unpaid", ("confirmed",), pays_later=True),
    "a card is left, and the nights are somebody else's": Story(
        _card_left_and_lost, "cancelled", "unpaid", ("dates_gone",), pays_later=True
    ),
}  # fmt: skip
COMMON, LOST = "paid", "paid, and the nights are somebody else's"
BOUNDARIES = 12  # what the five ways have at least, until one of them has brought the news
ASKS, LETS_GO = "asks Stripe", "lets the nights go"


def _ways(stage: Stage, session_id: str, click: str) -> dict[str, Callable[[], object]]:
    """The five ways to the one door, for one session."""
    booking_id = stage.booking_of(session_id)

    def ask() -> object:
        (attempt_id,) = stage.house.rows("SELECT id FROM attempt WHERE session_id = ?", session_id)[0]
        return attempts.ask_stripe(stage.runtime, attempt_id, A_STAFF_CLICK)

    def let_go() -> object:
        return checkout.abandon_checkout(stage.runtime, booking_id, A_STAFF_CLICK)

    return {
        "webhook": stage.deliver_all,
        "redirect": lambda: _open_page(stage, session_id),
        "poll": lambda: stage.come_back(session_id),
        "reconcile": stage.reconcile,
        "staff": lambda: stage.do(ask if click == ASKS else let_go),
    }


def _open_page(stage: Stage, session_id: str) -> None:
    answer = stage.house.app.test_client().get("/pay/return", query_string={"session_id": session_id})
    assert answer.status_code == 200


def _tell(story: Story, order: tuple[str, ...], click: str = ASKS, dies_at: int | None = None) -> tuple[Stage, State]:
    """One story with the news of it in one order; the end of it, once all has come to rest."""
    stage = Stage(pays_later=story.pays_later)
    with stage.begun():
        session_id = story.happen(stage)
        ways = _ways(stage, session_id, click)
        stage.dies_at = dies_at
        for way in order:
            stage.survive(ways[way])
        stage.dies_at = None
        if stage.deaths:
            stage.pass_time(6 * 60)  # until a lease of the dead is over
        stage.settle_down()
        check_end(stage)
        state = without_letters(stage.do(lambda: final_state(db.session())), *PASSING)
        _check(stage, story, state)
    return stage, state


def _check(stage: Stage, story: Story, state: State) -> None:
    """One posting, and each letter once: a letter that comes again after a death has the same Message-ID."""
    (booking,) = state["bookings"]["Grace"]
    assert booking[:2] == [story.status, story.payment_status]
    assert len(state["payments"].get("Grace", [])) == (story.payment_status not in ("failed", "unpaid"))
    assert len(state["cards"].get("Grace", [])) == story.pays_later
    sent = {letter.message_id: letter.subject for letter in stage.letters if letter.to.startswith("Grace")}
    assert sorted(kind for kind in sent.values() if kind not in PASSING) == sorted(story.letters)
    assert len(stage.letters) == len({letter.message_id for letter in stage.letters}) or stage.deaths


def _compare(story: Story, orders: list[tuple[str, ...]], click: str) -> None:
    _, expected = _tell(story, WAYS, click)
    for order in orders:
        _, state = _tell(story, order, click)
        assert state_hash(state) == state_hash(expected), (order, differences(expected, state))


@pytest.mark.parametrize("half", [0, 1])
def test_news_in_every_order_comes_to_the_same_end(half: int) -> None:
    """Half of the orders with staff asking Stripe, half with staff letting the nights go, which asks Stripe first."""
    _compare(STORIES[COMMON], ALL_ORDERS[half::2], ASKS if half else LETS_GO)


@pytest.mark.parametrize("name", [name for name in STORIES if name != COMMON])
def test_news_of_less_common_stories_in_many_orders_comes_to_the_same_end(name: str) -> None:
    _compare(STORIES[name], ALL_ORDERS[:: max(1, len(ALL_ORDERS) // SOME_ORDERS)], ASKS)


@pytest.mark.parametrize("name", [COMMON, LOST])
def test_a_death_at_any_boundary_between_the_news_changes_nothing_of_the_end(name: str) -> None:
    """Before and after each commit and each call: what the dead had not committed, the others bring."""
    story, deaths, tried = STORIES[name], 0, _spread(DEATHS // 2)
    _, expected = _tell(story, WAYS)
    for order, boundary in tried:
        stage, state = _tell(story, order, dies_at=boundary)
        deaths += stage.deaths
        assert state_hash(state) == state_hash(expected), (order, boundary, differences(expected, state))
    assert deaths > len(tried) // 2


def _spread(count: int) -> list[tuple[tuple[str, ...], int]]:
    """So many pairs of an order and a boundary, from all of them in even steps."""
    pairs = [(order, boundary) for order in ALL_ORDERS for boundary in range(BOUNDARIES)]
    return pairs[:: max(1, len(pairs) // count)]


# --- all at once ----------------------------------------------------------------------------------------------------

FIRST, SECOND = (GuestDetails(name, f"{name.lower()}@example.org") for name in ("Hedy", "Mary"))


@pytest.mark.race
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("is_lost", [False, True])
def test_fifty_bringers_of_the_same_news_at_once_leave_what_one_leaves(shop: Shop, is_lost: bool) -> None:
    """Hedy's news is brought by one webhook, Mary's by fifty threads in five ways; their ends must be alike."""
    shop.stripe.drop_webhooks()
    stay, later = shop.stay(ahead=28), shop.stay(ahead=56)  # the same days of the week cost the same
    _bring(shop, "webhook", _pay_unheard(shop, FIRST, is_lost, stay))
    session_id = _pay_unheard(shop, SECOND, is_lost, later)

    answers = rush(lambda way: _bring(shop, way, session_id), WAYS * 10)

    busy = [way for way, answer in zip(WAYS * 10, answers, strict=True) if isinstance(answer, DATABASE_AWAY)]
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert [error for error in errors if not isinstance(error, DATABASE_AWAY)] == []
    for way in busy:  # a lock or a connection was not to be had in time: Stripe, the guest or the worker comes again
        _bring(shop, way, session_id)
    _finish(shop)
    with shop.app.app_context():
        state = without_letters(final_state(db.session()), *PASSING)
    for part in ("bookings", "attempts", "payments", "refunds", "letters"):
        assert state[part].get(FIRST.name) == state[part].get(SECOND.name), part
    wanted = ("dates_gone", "refund_sent", "staff_dates_gone") if is_lost else ("confirmed", "new_booking")
    assert [letter[0] for letter in state["letters"][SECOND.name]] == sorted(wanted)
    assert len(state["payments"][SECOND.name]) == 1
    assert len(state["refunds"].get(SECOND.name, [])) == is_lost


def _pay_unheard(shop: Shop, guest: GuestDetails, is_lost: bool, stay: Stay) -> str:
    """A session that was paid without anybody here knowing; with somebody else in its nights by now, or not."""
    session_id = shop.session_of(shop.book(stay, guest, guest.name))
    shop.stripe.pay(session_id, wait=False)
    if is_lost:
        shop.pass_time(seconds=HOLD_IS_OVER)
        rival = shop.book(stay, LINUS, f"a rival of {guest.name}")
        shop.stripe.pay(shop.session_of(rival), wait=False)
        shop.come_back(shop.session_of(rival))
    return session_id


def _bring(shop: Shop, way: str, session_id: str) -> object:
    """The news of one session, in one of the five ways."""
    if way == "redirect":
        answer = shop.come_back(session_id)
        assert answer.status_code in (200, 503)
        return answer
    with shop.app.app_context():
        if way == "webhook":
            body = _completed(shop, session_id)
            return webhooks.receive_event(shop.runtime, body, sign(body))
        if way == "poll":
            return checkout.finish_return(shop.runtime, session_id)
        if way == "reconcile":
            return reconciliation.reconcile(shop.runtime)
        attempt_id = db.session.scalars(select(Attempt.id).where(Attempt.session_id == session_id)).one()
        db.session.rollback()
        return attempts.ask_stripe(shop.runtime, attempt_id, A_STAFF_CLICK)


def _completed(shop: Shop, session_id: str) -> bytes:
    events = shop.stripe.events("checkout.session.completed")
    (event,) = [event for event in events if event["data"]["object"]["id"] == session_id]
    return json.dumps(event).encode()


def _finish(shop: Shop) -> None:
    """What the worker does afterwards; refunds succeed at once."""
    for _ in range(3):
        shop.work()
        with shop.app.app_context():
            reconciliation.reconcile(shop.runtime)
