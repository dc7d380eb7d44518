"""Workers, staff and guest want the same due paid at the same moment: the card is charged, or the page paid, once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from booking.domain.errors import TransitionRefused
from booking.domain.states import AttemptStatus, DueKind, DueStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import Due
from booking.services import attempts, balances, charges, fees, reconciliation
from booking.services.charges import Try
from booking.services.checkout import HandoffOutcome
from booking.services.fees import FeeWish
from booking.services.timeline import Cause
from tests.support.cards import book_with_card, dues_of, keep_cards, note_no_show, owe
from tests.support.crowd import rush
from tests.support.plans import ask_for_deposit
from tests.support.shop import Shop

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]
STAFF = ("ada@example.org", "bea@example.org")
BY_WORKER = Cause(Source.TIMER)
ROUNDS = 4


def _owing(shop: Shop) -> tuple[int, int]:
    """A booking whose guest has left a card, and something that is due today."""
    keep_cards(shop)
    booking_id = book_with_card(shop)
    return booking_id, owe(shop, booking_id, shop.clock.today())


def _charge(shop: Shop, due_id: int) -> Try:
    with shop.app.app_context():
        return charges.charge_due(shop.runtime, due_id, BY_WORKER)


def _charged(shop: Shop) -> list[int]:
    """What Stripe has taken beside the first payment, oldest first."""
    intents = shop.stripe_client().payment_intents.list(params={"limit": 100}).data
    return [intent.amount_received for intent in intents if intent.status == "succeeded"][::-1][1:]


# --- workers --------------------------------------------------------------------------------------------------------


def test_twenty_workers_who_find_the_same_due_charge_it_once(shop: Shop) -> None:
    booking_id, due_id = _owing(shop)

    answers = rush(lambda _number: _charge(shop, due_id), range(20))

    shop.stripe.settle_down()
    assert answers.count(Try.PAID) == 1
    assert set(answers) <= {Try.PAID, Try.UNDER_WAY, Try.NOT_OWED}
    assert _charged(shop) == [4200]
    assert [payment.amount_minor for payment in shop.payments(booking_id)][1:] == [4200]
    assert dues_of(shop, booking_id)[0].status is DueStatus.PAID
    assert shop.broken_promises() == []


def test_control_without_the_look_for_another_and_its_index_the_card_is_charged_more_than_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id, due_id = _owing(shop)
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_attempt_due_id_live"))
    monkeypatch.setattr(attempts, "find_live", lambda *_args, **_more: None)
    _meet_at_stripe(shop, monkeypatch)

    rush(lambda _number: _charge(shop, due_id), range(2))

    assert _charged(shop) == [4200, 4200]
    shop.stripe.settle_down()
    assert len(shop.payments(booking_id)) == 3
    shop.breaks = ("I2", "I4", "I9")


def _meet_at_stripe(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two charges wait for one another before they go out."""
    both, real = threading.Barrier(2), shop.runtime.payments.open_charge

    def open_charge(params: dict[str, Any], key: str) -> Any:
        both.wait(timeout=30)
        return real(params, key)

    monkeypatch.setattr(shop.runtime.payments, "open_charge", open_charge)


# --- staff ----------------------------------------------------------------------------------------------------------


def _no_show(shop: Shop) -> tuple[int, int]:
    """A guest who paid a deposit, left a card and did not come; the booking, and how much may be charged for it."""
    keep_cards(shop)
    ask_for_deposit(shop)
    booking_id = book_with_card(shop, stay=shop.stay(ahead=40))
    with shop.app.app_context():
        charges.stop_trying(shop.runtime, dues_of(shop, booking_id)[0].id, STAFF[0])
    note_no_show(shop, booking_id)
    with shop.app.app_context():
        return booking_id, fees.read_limit(booking_id, DueKind.NO_SHOW_FEE).minor


def _click(shop: Shop, booking_id: int, minor: int, clicks: int) -> list[Try | Exception]:
    """Both have the page of the fee open; half of the clicks are of each, in turn."""
    amount = shop.booking(booking_id).amount * 0
    wanted = type(amount)(minor, amount.currency)

    def press(number: int) -> Try:
        who = STAFF[number % 2]
        wish = FeeWish(DueKind.NO_SHOW_FEE, wanted, "Nobody came", f"form of {who}")
        with shop.app.app_context():
            return fees.charge_fee(shop.runtime, booking_id, wish, who)

    return rush(press, range(clicks))


def _fees(shop: Shop, booking_id: int) -> list[Due]:
    return [due for due in dues_of(shop, booking_id) if due.kind is DueKind.NO_SHOW_FEE]


def test_twenty_clicks_of_two_people_on_a_no_show_fee_charge_it_once(shop: Shop) -> None:
    booking_id, limit = _no_show(shop)

    answers = _click(shop, booking_id, limit, 20)

    shop.stripe.settle_down()
    assert answers.count(Try.PAID) == 1
    assert answers.count(Try.UNDER_WAY) == 9  # the same form once more
    assert [type(answer) for answer in answers].count(TransitionRefused) == 10  # the other one's: too much in all
    assert [(due.amount_minor, due.status) for due in _fees(shop, booking_id)] == [(limit, DueStatus.PAID)]
    assert _charged(shop) == [limit]
    assert shop.broken_promises() == []


def test_control_without_the_look_at_what_was_asked_for_both_people_charge(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id, limit = _no_show(shop)
    monkeypatch.setattr(fees, "find_limit", lambda _session, booking, _kind: booking.amount)

    _click(shop, booking_id, limit, 20)

    assert _charged(shop) == [limit, limit]
    assert {due.requested_by for due in _fees(shop, booking_id)} == set(STAFF)
    assert any(line.startswith("I25: ") for line in shop.broken_promises())
    shop.breaks = ("I25",)  # what the control broke is not held against the shop


# --- worker, staff and the guest ------------------------------------------------------------------------------------


def _guest(shop: Shop, due_id: int) -> str:
    """The guest goes to Stripe's page and pays there, if there is one to pay on."""
    with shop.app.app_context():
        handoff = balances.start_due(shop.runtime, due_id)
    if handoff.outcome is not HandoffOutcome.PAY:
        return str(handoff.outcome)
    return _pay(shop, str(handoff.url).rpartition("/")[2])


def _pay(shop: Shop, session_id: str) -> str:
    """Type a card; a page that was ended meanwhile takes none."""
    try:
        shop.stripe.pay(session_id, wait=False)
    except AssertionError:
        return "too late"
    return "paid on the page"


def _staff(shop: Shop, due_id: int) -> Try:
    with shop.app.app_context():
        return charges.try_now(shop.runtime, due_id, STAFF[0])


ACTS: tuple[Callable[[Shop, int], object], ...] = (_guest, _charge, _staff)


@pytest.mark.parametrize("is_told", [True, False])
def test_while_the_guest_pays_on_the_page_worker_and_staff_charge_nothing_twice(shop: Shop, is_told: bool) -> None:
    """Once with Stripe's events, once with all of them lost: what was paid is found before a card is charged."""
    keep_cards(shop)
    booking_id = book_with_card(shop)
    if not is_told:
        shop.stripe.drop_webhooks()

    for number in range(ROUNDS):
        minor = 1000 + number
        due_id = owe(shop, booking_id, shop.clock.today(), minor, DueKind.DAMAGE)
        answers = rush(lambda act, due_id=due_id: act(shop, due_id), ACTS * 2)  # type: ignore[misc]
        errors = [answer for answer in answers if isinstance(answer, Exception)]
        assert [error for error in errors if not isinstance(error, GatewayUnavailable)] == []
        _finish(shop, due_id)
        assert _charged(shop)[number:] == [minor], answers

    assert {due.status for due in dues_of(shop, booking_id)} == {DueStatus.PAID}
    assert [payment.amount_minor for payment in shop.payments(booking_id)][1:] == [1000 + n for n in range(ROUNDS)]
    assert shop.refunds(booking_id) == []
    assert shop.broken_promises() == []


def _finish(shop: Shop, due_id: int) -> None:
    """What the worker does by itself: it looks at Stripe, and charges what nobody has paid."""
    shop.stripe.settle_down()
    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)
    _staff(shop, due_id)
    shop.stripe.settle_down()


def test_control_with_a_page_that_is_not_ended_first_the_guest_pays_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id, due_id = _owing(shop)
    shop.stripe.drop_webhooks()
    with shop.app.app_context():
        session_id = str(balances.start_due(shop.runtime, due_id).url).rpartition("/")[2]

    def believe(_runtime: Any, _booking_id: int, _cause: Cause) -> bool:
        for attempt in shop.attempts(booking_id):
            if attempt.status is AttemptStatus.SUPERSEDED:
                _forget(shop, attempt.id)
        return False

    monkeypatch.setattr(attempts, "end_given_up", believe)
    rush(lambda act: act(), [lambda: _staff(shop, due_id), lambda: _pay(shop, session_id)])

    assert _charged(shop) == [4200, 4200]


def _forget(shop: Shop, attempt_id: int) -> None:
    """As if Stripe had been asked to end its page."""
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE attempt SET status = 'expired' WHERE id = :id"), {"id": attempt_id})
