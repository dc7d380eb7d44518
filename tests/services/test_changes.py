"""Other dates or guests for a confirmed booking: at once, or when the difference is paid; never half of it."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, PriceChanged, StayRuleBroken, TransitionRefused
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.states import AttemptStatus, CancelReason, ChangeStatus, PaymentStatus, RefundReason, Source
from booking.extensions import db
from booking.gateways.payments import EvidenceState, GatewayRefused, GatewayUnavailable
from booking.models import Payment, StayChange, Unit
from booking.services import changes, moves, reconciliation, reservations, verification
from booking.services.attempts import settle_now
from booking.services.changes import ChangeWish
from booking.services.checkout import HandoffOutcome
from booking.services.instance import get_identity
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.shop import LINUS, Shop

ADA = "ada@example.org"
STAFF = Cause(Source.STAFF, ADA)
DAY = timedelta(days=1)


@pytest.fixture
def booked(shop: Shop) -> Shop:
    """Booking 1 is paid: three nights for two."""
    shop.pay(shop.book(shop.stay()))
    return shop


def _wish(shop: Shop, *, later: int = 0, more: int = 0, guests: int = 2, keeps_price: bool = False) -> ChangeWish:
    stay = shop.stay()
    return ChangeWish(Stay(stay.arrive + DAY * later, stay.leave + DAY * (later + more)), guests, keeps_price)


def _change(shop: Shop, wish: ChangeWish, token: str = "", **changed: Any) -> ChangeStatus:
    with shop.app.app_context():
        shown = (
            changes.preview_change(shop.runtime, 1, wish).quote.total if "shown" not in changed else changed["shown"]
        )
        return changes.change_stay(shop.runtime, 1, wish, shown, token or uuid.uuid4().hex, ADA)


def _change_row(shop: Shop) -> StayChange:
    (change,) = shop._read(select(StayChange).where(StayChange.id == 1))
    return change


def _nights(shop: Shop) -> dict[Any, bool]:
    """Each night of the booking, and whether it is kept for good."""
    return {night.day: night.hold_until is None for night in shop.nights(1)}


def _as_before(shop: Shop, stay: Stay) -> None:
    assert shop.booking(1).stay == stay
    assert _nights(shop) == dict.fromkeys(stay, True)
    assert shop.state(1)[0] == "confirmed"


def _settled(shop: Shop) -> None:
    """The worker has nothing left to do, and the ledger agrees with Stripe's."""
    shop.work()
    shop.stripe.settle_down()
    with shop.app.app_context():
        assert verification.compare_with_stripe(shop.runtime).differences == ()
    assert shop.broken_promises() == []


# --- at once --------------------------------------------------------------------------------------------------------


def test_the_same_price_is_changed_at_once_and_no_money_moves(booked: Shop) -> None:
    wish = _wish(booked, later=1, more=2, keeps_price=True)
    total = booked.booking(1).amount

    assert _change(booked, wish) is ChangeStatus.DONE

    _as_before(booked, wish.stay)
    booking = booked.booking(1)
    assert (booking.amount, booking.calendar_sequence) == (total, 1)
    assert Quote.from_json(booking.quote).total == total
    assert booked.mails(1)[-1] == "stay_changed"
    assert booked.refunds(1) == []
    step = booked.timeline(1)[-1]
    assert (step.kind, step.actor) == ("stay_changed", ADA)
    _settled(booked)


def test_what_it_costs_less_goes_back_in_the_same_transaction(booked: Shop) -> None:
    wish, before = _wish(booked, more=-1), booked.booking(1).amount

    assert _change(booked, wish) is ChangeStatus.DONE

    after = booked.booking(1).amount
    (refund,) = booked.refunds(1)
    assert (refund.amount, refund.reason, refund.requested_by) == (before - after, RefundReason.CHANGE, ADA)
    assert booked.state(1) == ("confirmed", "refund_pending")
    _as_before(booked, wish.stay)
    _settled(booked)
    assert booked.state(1) == ("confirmed", "partially_refunded")
    assert booked.mails(1)[-2:] == ["stay_changed", "refund_sent"]


def test_one_form_is_one_change(booked: Shop) -> None:
    wish = _wish(booked, more=-1)
    with booked.app.app_context():
        total = changes.preview_change(booked.runtime, 1, wish).quote.total

    answers = rush(lambda _number: _change(booked, wish, "form-1", shown=total), range(4))

    assert answers == [ChangeStatus.DONE] * 4
    assert len(booked.refunds(1)) == 1


def test_an_equal_unit_is_taken_where_the_own_one_is_not_free(booked: Shop) -> None:
    with booked.app.app_context():
        db.session.add(Unit(listing_id=1, name="Unit 2", position=2))
        db.session.commit()
    stay = booked.stay()
    rival = booked.book(Stay(stay.leave, stay.leave + DAY * 2), LINUS, "linus")
    booked.pay(rival)
    assert booked.booking(rival).unit_id == 1

    _change(booked, _wish(booked, later=1, keeps_price=True))

    assert booked.booking(1).unit_id == 2
    assert {night.unit_id for night in booked.nights(1)} == {2}
    _settled(booked)


@pytest.mark.parametrize("what", ["same", "rule", "taken", "price", "pending", "waiting"])
def test_what_cannot_be_is_refused_and_nothing_is_touched(booked: Shop, what: str) -> None:
    stay, refusal = booked.stay(), {"same": StayRuleBroken, "rule": StayRuleBroken, "taken": DatesUnavailable}
    wish = _wish(booked, later=1, guests=40 if what == "rule" else 2)
    if what == "same":
        wish = _wish(booked)
    if what == "taken":
        booked.pay(booked.book(Stay(stay.leave, stay.leave + DAY), LINUS, "linus"))
    if what == "waiting":
        _change(booked, _wish(booked, more=1))
    if what == "pending":
        with booked.app.app_context():
            reservations.cancel_booking(booked.runtime, 1, CancelReason.STAFF, STAFF, None, "form")
    wrong = {"shown": Money(1, "eur")} if what == "price" else {}

    with pytest.raises(PriceChanged if what == "price" else refusal.get(what, TransitionRefused)):
        _change(booked, wish, **wrong)

    assert booked.booking(1).stay == stay


# --- it costs more --------------------------------------------------------------------------------------------------


@pytest.fixture
def offered(booked: Shop) -> Shop:
    """One night more, for which Grace has still to pay."""
    assert _change(booked, _wish(booked, more=1)) is ChangeStatus.OPEN
    return booked


def test_the_new_night_is_held_beside_the_old_ones_and_the_stay_is_as_it_was(offered: Shop) -> None:
    stay = offered.stay()

    assert offered.booking(1).stay == stay
    assert _nights(offered) == {**dict.fromkeys(stay, True), stay.leave: False}
    first, second = offered.attempts(1)
    change = _change_row(offered)
    assert (first.change_id, second.change_id, second.amount_minor) == (None, 1, change.difference.minor)
    assert second.params["metadata"]["purpose"] == "balance"
    assert second.status is AttemptStatus.OPEN
    assert offered.state(1) == ("confirmed", "paid")
    assert offered.mails(1)[-1] == "pay_difference"
    with pytest.raises(DatesUnavailable):
        offered.place(Stay(stay.leave, stay.leave + DAY), LINUS, "linus")
    assert offered.broken_promises() == []
    offered.work()
    assert "Still to pay" in offered.mailer.letters[-1].text


def test_paid_in_time_the_nights_are_swapped_with_the_payment(offered: Shop) -> None:
    total = _change_row(offered).amount

    offered.pay(1)

    booking = offered.booking(1)
    assert (booking.amount, booking.leave) == (total, offered.stay().leave + DAY)
    _as_before(offered, booking.stay)
    assert [payment.amount_minor for payment in offered.payments(1)] == [
        attempt.amount_minor for attempt in offered.attempts(1)
    ]
    assert offered.booking(1).payment_status is PaymentStatus.PAID
    assert _change_row(offered).status is ChangeStatus.DONE
    assert offered.causes(1, "stay_changed") == ["webhook"]
    assert offered.causes(1, "confirmed") == ["webhook"]
    assert offered.mails(1)[-2:] == ["stay_changed", "staff_stay_changed"]
    _settled(offered)


def test_cancelled_after_that_both_payments_go_back(offered: Shop) -> None:
    offered.pay(1)
    amount = offered.booking(1).amount

    with offered.app.app_context():
        reservations.cancel_booking(offered.runtime, 1, CancelReason.STAFF, STAFF, amount, "form")
    _settled(offered)

    assert offered.state(1) == ("cancelled", "refunded")
    assert sum(refund.amount_minor for refund in offered.refunds(1)) == amount.minor
    assert len(offered.refunds(1)) == 2


def test_a_second_payment_of_the_difference_goes_back(offered: Shop) -> None:
    offered.pay(1)
    evidence_of = offered.attempts(1)[1]
    with offered.app.app_context():
        paid = offered.runtime.payments.look_up_checkout(evidence_of.session_id)
        identity = get_identity(offered.runtime)
        again = replace(paid, payment_intent_id="pi_again", charge_id="ch_again")
        assert settle_now(offered.runtime, again, Cause(Source.RECONCILE), identity).outcome == "duplicate"
        assert settle_now(offered.runtime, again, Cause(Source.RECONCILE), identity).outcome == "already"
    assert [refund.reason for refund in offered.refunds(1)] == [RefundReason.DUPLICATE]
    assert offered.broken_promises() == []


def test_not_paid_in_time_the_stay_is_as_it_was_and_the_guest_hears_of_it(offered: Shop) -> None:
    stay = offered.booking(1).stay

    offered.pass_time(hours=25)

    assert _change_row(offered).status is ChangeStatus.LAPSED
    _as_before(offered, stay)
    assert offered.mails(1)[-1] == "change_off"
    assert len(offered.payments(1)) == 1


def test_without_webhooks_the_sweep_ends_it(offered: Shop) -> None:
    booked_stay = offered.booking(1).stay
    offered.stripe.drop_webhooks()
    offered.pass_time(hours=25)
    assert _change_row(offered).status is ChangeStatus.OPEN

    with offered.app.app_context():
        (line,) = changes.lapse_overdue(offered.runtime)
        assert changes.lapse_overdue(offered.runtime) == []

    assert line == "booking 1: change 1 lapsed"
    _as_before(offered, booked_stay)


def test_paid_with_webhooks_off_the_reconciler_swaps_the_nights(offered: Shop) -> None:
    offered.stripe.drop_webhooks()
    offered.stripe.pay(offered.session_of(1), wait=False)

    with offered.app.app_context():
        reconciliation.reconcile(offered.runtime)

    assert _change_row(offered).status is ChangeStatus.DONE
    assert offered.causes(1, "stay_changed") == ["reconcile"]
    _settled(offered)


def test_money_for_nights_that_are_gone_goes_back_in_full_and_the_stay_is_untouched(offered: Shop) -> None:
    stay = offered.booking(1).stay
    offered.stripe.drop_webhooks()
    offered.stripe.pay(offered.session_of(1), wait=False)
    offered.clock.offset += timedelta(hours=25)  # the hold is over, and nobody has heard of the payment
    rival = offered.place(Stay(stay.leave, stay.leave + DAY), LINUS, "linus").booking_id

    with offered.app.app_context():
        reconciliation.reconcile(offered.runtime, at_once=False)
    offered.work()

    (refund,) = offered.refunds(1)
    assert (refund.reason, refund.amount) == (RefundReason.DATES_UNAVAILABLE, offered.payments(1)[1].amount)
    _as_before(offered, stay)
    assert "change_off" in offered.mails(1)
    assert len(offered.nights(rival)) == 1
    assert offered.broken_promises() == []


def test_late_money_finds_its_nights_again_where_they_are_still_free(offered: Shop) -> None:
    offered.stripe.drop_webhooks()
    offered.stripe.pay(offered.session_of(1), wait=False)
    offered.clock.offset += timedelta(hours=25)

    with offered.app.app_context():
        changes.lapse_overdue(offered.runtime)

    assert _change_row(offered).status is ChangeStatus.DONE
    assert offered.broken_promises() == []


def test_cancelled_while_the_guest_pays_all_of_it_goes_back(offered: Shop) -> None:
    amount = offered.booking(1).amount
    offered.stripe.drop_webhooks()
    offered.stripe.pay(offered.session_of(1), wait=False)
    with offered.app.app_context():
        reservations.cancel_booking(offered.runtime, 1, CancelReason.STAFF, STAFF, amount, "form")
        reconciliation.reconcile(offered.runtime)
    offered.work()

    assert _change_row(offered).status is ChangeStatus.WITHDRAWN
    assert offered.nights(1) == []
    assert sorted(refund.reason for refund in offered.refunds(1)) == ["already_cancelled", "cancellation"]
    assert offered.broken_promises() == []


def test_withdrawn_its_page_is_ended_and_the_nights_are_free(offered: Shop) -> None:
    stay = offered.booking(1).stay

    with offered.app.app_context():
        assert changes.withdraw_change(offered.runtime, 1, ADA) in (ChangeStatus.LAPSED, ChangeStatus.WITHDRAWN)
        assert changes.withdraw_change(offered.runtime, 1, ADA) is None

    assert offered.attempts(1)[1].status is AttemptStatus.EXPIRED
    _as_before(offered, stay)
    assert _change(offered, _wish(offered, more=-1)) is ChangeStatus.DONE


def test_withdrawn_in_the_moment_it_is_paid_it_counts(offered: Shop) -> None:
    offered.stripe.drop_webhooks()
    offered.stripe.pay(offered.session_of(1), wait=False)

    with offered.app.app_context():
        assert changes.withdraw_change(offered.runtime, 1, ADA) is ChangeStatus.DONE

    assert offered.booking(1).leave == offered.stay().leave + DAY
    assert offered.broken_promises() == []


def test_a_wrong_amount_changes_nothing_and_a_person_looks(offered: Shop) -> None:
    stay = offered.booking(1).stay
    with offered.app.app_context():
        attempt = offered.attempts(1)[1]
        open_ = offered.runtime.payments.look_up_checkout(attempt.session_id)
        wrong = replace(open_, state=EvidenceState.PAID, payment_intent_id="pi_w", amount=Money(1, "eur"))
        outcome = settle_now(offered.runtime, wrong, STAFF, get_identity(offered.runtime)).outcome
        assert outcome == "needs_review"
    assert offered.booking(1).needs_review
    assert offered.booking(1).stay == stay


def test_a_guest_who_clicks_late_gets_a_new_page_for_the_same_change(offered: Shop) -> None:
    offered.stripe.drop_webhooks()
    offered.pass_time(hours=23, minutes=52)

    with offered.app.app_context():
        handoff = changes.start_difference(offered.runtime, 1)
        again = changes.start_difference(offered.runtime, 1)

    assert handoff.outcome is HandoffOutcome.PAY
    assert handoff.url == again.url
    assert [attempt.change_id for attempt in offered.attempts(1)] == [None, 1, 1]
    assert offered.broken_promises() == []


def test_a_difference_that_stripe_will_not_take_is_off_again(booked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stay = booked.booking(1).stay

    def refuse(*_args: object) -> None:
        raise GatewayRefused("no", reason="amount_too_small")

    monkeypatch.setattr(booked.runtime.payments._inner, "open_checkout", refuse)
    with pytest.raises(GatewayRefused):
        _change(booked, _wish(booked, more=1))

    assert _change_row(booked).status is ChangeStatus.WITHDRAWN
    _as_before(booked, stay)


def test_a_silent_stripe_is_asked_again_by_the_guests_click(booked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(*_args: object) -> None:
        raise GatewayUnavailable("silence", is_silent=True)

    with monkeypatch.context() as patch:
        patch.setattr(booked.runtime.payments._inner, "open_checkout", silence)
        assert _change(booked, _wish(booked, more=1)) is ChangeStatus.OPEN
    with booked.app.app_context():
        assert changes.start_difference(booked.runtime, 1).outcome is HandoffOutcome.PAY
    booked.pay(1)

    assert _change_row(booked).status is ChangeStatus.DONE
    _settled(booked)


def test_nobody_is_moved_while_the_difference_waits(offered: Shop) -> None:
    with offered.app.app_context():
        db.session.add(Unit(listing_id=1, name="Unit 2", position=2))
        db.session.commit()
        with pytest.raises(TransitionRefused):
            moves.move_booking(offered.runtime, 1, 2, ADA)
    assert offered.count(Payment) == 1
