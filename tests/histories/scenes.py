"""What guests, staff, banks and Stripe do in one booking of a history, scene by scene.

At each `yield` anything else may happen; what is done between two of them is done in one breath. No scene waits for
news: where staff decides something, the guest's return page has told the shop of the payment before.
"""

from collections.abc import Callable, Iterator

from booking.domain.states import CancelReason
from tests.histories.stage import Stage
from tests.simulation.stripe_model import Record

Scenes = Iterator[None]
Play = Callable[[Stage, str, int], Scenes]
HOLD_IS_OVER = 50 * 60
NIGHTS, RIVAL = 2, "'s rival"
# What becomes of a refund is told by its amount, so that it does not depend on when it was sent.
ARRIVES, COMES_BACK, REFUSED, CALLED_OFF = 1000, 1500, 900, 700


def ends_of(refund: Record) -> tuple[str, ...]:
    """What the bank makes of a refund that is on its way."""
    bad = {COMES_BACK: ("succeeded", "failed"), REFUSED: ("failed",), CALLED_OFF: ("canceled",)}
    return bad.get(refund["amount"], ("succeeded",))


def paid(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = stage.book(guest, first, NIGHTS)
    yield
    stage.stripe.pay(session_id)


def left(stage: Stage, guest: str, first: int) -> Scenes:
    stage.book(guest, first, NIGHTS)
    yield


def declined_then_paid(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = stage.book(guest, first, NIGHTS)
    yield
    stage.stripe.decline(session_id)
    yield
    stage.stripe.pay(session_id)


def declined_then_left(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = stage.book(guest, first, NIGHTS)
    yield
    stage.stripe.decline(session_id)


def slow_and_came(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay_slowly(session_id)
    yield
    stage.stripe.end_slow_payment(session_id, came=True)


def slow_and_failed(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay_slowly(session_id)
    yield
    stage.stripe.end_slow_payment(session_id, came=False)


def slow_and_cancelled(stage: Stage, guest: str, first: int) -> Scenes:
    """Staff cancels while the money is on its way."""
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay_slowly(session_id)
    yield
    stage.come_back(session_id)
    stage.cancel(stage.booking_of(session_id), 0)
    yield
    stage.stripe.end_slow_payment(session_id, came=True)


def lost(stage: Stage, guest: str, first: int) -> Scenes:
    """Paid without anybody knowing; then the hold was over, and somebody else took the nights and paid."""
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay(session_id)
    stage.pass_time(HOLD_IS_OVER)
    rival = stage.book(f"{guest}{RIVAL}", first + 1)
    stage.stripe.pay(rival)
    stage.come_back(rival)
    yield


def contested(stage: Stage, guest: str, first: int) -> Scenes:
    """As `lost`, but nobody heard of the second payment either: who is heard of first may get the nights."""
    stage.stripe.pay(stage.book(guest, first, NIGHTS))
    stage.pass_time(HOLD_IS_OVER)
    stage.stripe.pay(stage.book(f"{guest}{RIVAL}", first, NIGHTS))
    yield


def odd_amount(stage: Stage, guest: str, first: int) -> Scenes:
    """Staff looks, and sends back what nobody had asked for."""
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay(session_id, amount=1234)
    yield
    stage.come_back(session_id)
    stage.cancel(stage.booking_of(session_id), 1234)
    yield


def sent_back(stage: Stage, guest: str, first: int) -> Scenes:
    """Two equal parts, and one that the guest's bank sends back again."""
    return _send_back(stage, guest, first, (ARRIVES,), (ARRIVES, COMES_BACK))


def sent_back_twice(stage: Stage, guest: str, first: int) -> Scenes:
    """The first refund is refused by the bank, so that staff sends another."""
    return _send_back(stage, guest, first, (REFUSED,), (ARRIVES,))


def _send_back(stage: Stage, guest: str, first: int, *scenes: tuple[int, ...]) -> Scenes:
    booking_id = stage.booking_of(_known(stage, guest, first))
    yield
    for amounts in scenes:
        for minor in amounts:
            stage.send_back(booking_id, minor)
        yield


def cancelled(stage: Stage, guest: str, first: int) -> Scenes:
    session_id = _known(stage, guest, first)
    booking_id = stage.booking_of(session_id)
    yield
    stage.cancel(booking_id, stage.charge_of(session_id)["amount_captured"], CancelReason.GUEST)
    yield


def refunded_by_hand(stage: Stage, guest: str, first: int) -> Scenes:
    """In Stripe's dashboard, twice; one of them never arrives."""
    session_id = stage.book(guest, first, NIGHTS)
    stage.stripe.pay(session_id)
    yield
    stage.stripe.refund(stage.charge_of(session_id), ARRIVES, {})
    yield
    stage.stripe.refund(stage.charge_of(session_id), CALLED_OFF, {})


def _disputed(*, won: bool, is_inquiry: bool = False) -> Play:
    def disputed(stage: Stage, guest: str, first: int) -> Scenes:
        session_id = stage.book(guest, first, NIGHTS)
        stage.stripe.pay(session_id)
        yield
        dispute = stage.dispute(session_id, is_inquiry=is_inquiry)
        yield
        stage.stripe.end_dispute(dispute["id"], won=won)

    return disputed


def escalated(stage: Stage, guest: str, first: int) -> Scenes:
    """The bank asks first, and takes the money afterwards; it was partly refunded before."""
    session_id = _known(stage, guest, first)
    stage.send_back(stage.booking_of(session_id), ARRIVES)
    stage.work()
    yield
    dispute = stage.dispute(session_id, is_inquiry=True)
    yield
    stage.escalate(dispute)
    yield
    stage.stripe.end_dispute(dispute["id"], won=False)


def _refund_meets_dispute(*, won: bool) -> Play:
    def refund_meets_dispute(stage: Stage, guest: str, first: int) -> Scenes:
        """Staff sends money back in the moment in which the bank takes it: it waits, and goes out or is called off."""
        session_id = _known(stage, guest, first)
        yield
        stage.send_back(stage.booking_of(session_id), ARRIVES)
        dispute = stage.dispute(session_id)
        yield
        stage.stripe.end_dispute(dispute["id"], won=won)

    return refund_meets_dispute


def charged(stage: Stage, guest: str, first: int) -> Scenes:
    """The card that was kept pays for damage, the answer is lost, and a part of it goes back."""
    booking_id = stage.booking_of(_known(stage, guest, first, leaves_card=True))
    stage.work()
    yield
    intent = stage.charge(booking_id, 5000)
    yield
    stage.stripe.refund(stage.stripe.charges[intent["latest_charge"]], ARRIVES, {})
    yield


def charged_in_vain(stage: Stage, guest: str, first: int) -> Scenes:
    """The card is refused; the guest pays on Stripe's page instead."""
    booking_id = stage.booking_of(_known(stage, guest, first, leaves_card=True))
    stage.work()
    yield
    stage.charge(booking_id, 5000, is_good=False)
    yield


def _known(stage: Stage, guest: str, first: int, *, leaves_card: bool = False) -> str:
    """Booked, paid, and told to the shop by the return page."""
    session_id = stage.book(guest, first, NIGHTS, leaves_card=leaves_card)
    stage.stripe.pay(session_id)
    stage.come_back(session_id)
    return session_id


# In these time runs long, so they come before all others of a history: they may not let the sessions of others run out.
LONG: tuple[Play, ...] = (lost, contested)
KINDS: tuple[Play, ...] = (
    paid, left, declined_then_paid, declined_then_left, slow_and_came, slow_and_failed, slow_and_cancelled, lost,
    odd_amount, sent_back, sent_back_twice, cancelled, refunded_by_hand, _disputed(won=True), _disputed(won=False),
    _disputed(won=False, is_inquiry=True), escalated, _refund_meets_dispute(won=True), _refund_meets_dispute(won=False),
    charged, charged_in_vain,
)  # fmt: skip
