"""Nights are let go only when nobody can pay for them, however clicks and payments cross. Found by simulation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from booking.domain.errors import TransitionRefused
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.models import Booking
from booking.services import attempts, checkout, reconciliation, reservations, verification
from booking.services.checkout import HandoffOutcome
from booking.services.timeline import Cause
from tests.support.shop import Shop, patched

STAFF, WEB = Cause(Source.STAFF, "ada@example.org"), Cause(Source.WEB)


def _open_sessions(shop: Shop) -> list[str]:
    sessions = shop.stripe_client().checkout.sessions.list().to_dict()["data"]
    return [session["id"] for session in sessions if session["status"] == "open"]


@contextmanager
def _once(target: Any, name: str, *, before: Callable[[], object] = int, after: Callable[[], object] = int) -> Iterator:
    """Have something else happen just before or after the first call of a function."""
    real, calls = getattr(target, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) > 1:
            return real(*args, **kwargs)
        before()
        answer = real(*args, **kwargs)
        after()
        return answer

    with patched(target, name, call):
        yield


def _cancel(shop: Shop, booking_id: int) -> None:
    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, STAFF, None, "one form")


def test_guest_who_presses_pay_while_staff_cancels_has_no_page_left_to_pay_on(small_shop: Shop) -> None:
    small_shop.stripe.drop_webhooks()  # the end of the first session is not told before the second click
    booking_id = small_shop.book(small_shop.stay())

    with _once(small_shop.runtime.payments, "expire_checkout", after=lambda: small_shop.check_out(booking_id)):
        _cancel(small_shop, booking_id)

    assert small_shop.state(booking_id) == ("cancelled", "unpaid")
    assert len(small_shop.attempts(booking_id)) == 2
    assert _open_sessions(small_shop) == []


def test_guest_who_presses_pay_in_one_tab_and_lets_go_in_another_has_no_page_left(small_shop: Shop) -> None:
    small_shop.stripe.drop_webhooks()  # the end of the first session is not told before the second click
    booking_id = small_shop.book(small_shop.stay())

    with (
        _once(small_shop.runtime.payments, "expire_checkout", after=lambda: small_shop.check_out(booking_id)),
        small_shop.app.app_context(),
    ):
        status = checkout.abandon_checkout(small_shop.runtime, booking_id, WEB)

    assert status is BookingStatus.CANCELLED
    assert _open_sessions(small_shop) == []


def test_slow_money_that_comes_while_staff_cancels_is_not_kept_for_a_stay_that_is_gone(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id, method="sepa_debit")
    intent_id = small_shop.attempts(booking_id)[0].payment_intent_id

    def money_comes() -> None:
        small_shop.stripe.post(f"payments/{intent_id}/settle", {"outcome": "succeeded"})
        small_shop.stripe.settle_down()

    with _once(attempts, "end_sessions", after=money_comes), pytest.raises(TransitionRefused, match="paid just now"):
        _cancel(small_shop, booking_id)

    assert small_shop.state(booking_id) == ("confirmed", "paid")


def test_slow_payment_in_a_session_that_was_being_given_up_keeps_its_nights(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    first = small_shop.session_of(booking_id)
    small_shop.pass_time(minutes=31)

    def pay_slowly() -> None:
        small_shop.stripe.pay(first, method="sepa_debit")

    with _once(small_shop.runtime.payments, "expire_checkout", before=pay_slowly):
        handoff = small_shop.check_out(booking_id)

    assert handoff.outcome is HandoffOutcome.PROCESSING
    assert small_shop.booking(booking_id).hold_until is None
    assert [str(attempt.status) for attempt in small_shop.attempts(booking_id)] == ["processing", "superseded"]


def test_cancelling_what_needs_review_ends_the_page_that_is_still_open(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    with small_shop.app.app_context():
        db.session.get_one(Booking, booking_id).needs_review = True
        db.session.commit()

    _cancel(small_shop, booking_id)

    assert small_shop.state(booking_id)[0] == "cancelled"
    assert _open_sessions(small_shop) == []


def test_payment_that_was_heard_of_days_late_is_no_difference_to_stripe(small_shop: Shop) -> None:
    small_shop.stripe.post("delivery", {"mode": "drop"})
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    small_shop.pass_time(days=2)

    with small_shop.app.app_context():
        reconciliation.reconcile(small_shop.runtime)
        found = verification.compare_with_stripe(small_shop.runtime)

    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert found.differences == ()
