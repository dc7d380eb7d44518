"""Scenarios 3, 4, 14, 16, 17: two who want the same nights, and money that comes when nobody expects it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from booking.domain.errors import DatesUnavailable, PriceChanged, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import AttemptStatus, BookingStatus, CancelReason, RefundReason, Source
from booking.extensions import db
from booking.models import Listing, Night
from booking.services import checkout, reservations
from booking.services.checkout import HandoffOutcome
from booking.services.timeline import Cause
from tests.support.shop import GRACE, LINUS, Shop, Visitor, add_listing

WEB, STAFF = Cause(Source.WEB), Cause(Source.STAFF, "ada@example.org")


def _let_linus_take_over(shop: Shop) -> tuple[int, int]:
    """Grace's hold has run out on our clock, Linus has the nights, and Grace's session is still open at Stripe."""
    stay = shop.stay()
    grace = shop.book(stay, GRACE, "grace")
    _run_ahead(shop, minutes=50)
    linus = shop.book(stay, LINUS, "linus")
    return grace, linus


def _run_ahead(shop: Shop, **duration: float) -> None:
    """Only the shop's clock: Stripe's sessions stay open."""
    shop.clock.offset += timedelta(**duration)


def test_scenario_03_two_pay_for_the_same_nights_one_is_confirmed_and_one_refunded_once(shop: Shop) -> None:
    grace, linus = _let_linus_take_over(shop)

    shop.pay(linus)
    shop.pay(grace)
    lines = shop.work() + shop.work()
    shop.stripe.settle_down()

    assert shop.state(linus) == ("confirmed", "paid")
    assert shop.state(grace) == ("cancelled", "refunded")
    assert shop.booking(grace).cancel_reason is CancelReason.DATES_UNAVAILABLE
    assert [refund.reason for refund in shop.refunds(grace)] == [RefundReason.DATES_UNAVAILABLE]
    assert len(shop.stripe.created("/v1/refunds")) == 1
    assert shop.mails(grace).count("dates_gone") == 1
    assert any("refund" in line for line in lines)
    assert len(shop.mailer.subjects_to(GRACE.email)) == len(set(shop.mailer.subjects_to(GRACE.email)))


def test_scenario_03_the_log_names_the_conflict(small_shop: Shop, caplog) -> None:
    caplog.set_level("INFO", logger="booking")
    grace, linus = _let_linus_take_over(small_shop)
    small_shop.pay(linus)

    small_shop.pay(grace)

    assert f"Booking {grace} cancelled due to availability conflict" in caplog.messages


def test_late_money_with_the_nights_still_free_confirms_the_expired_booking(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    _run_ahead(shop, hours=3)
    with shop.app.app_context():
        shop.stripe.post(
            "faults", [{"kind": "status_500", "method": m, "path_prefix": "/v1/", "times": 99} for m in _ANY]
        )
        reservations.expire_holds(shop.runtime)
    assert shop.state(booking_id) == ("expired", "unpaid")
    shop.stripe.post("faults", [])
    (completed,) = shop.stripe.events("checkout.session.completed")

    shop.stripe.resend(completed["id"])

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.nights(booking_id)) == 3


_ANY = ("GET", "POST")


def test_late_money_moves_the_guest_to_an_equal_unit_before_anything_is_refunded(shop: Shop) -> None:
    shop.listing_id = add_listing(shop.app, "boathouse", units=2)
    stay = shop.stay()
    grace = shop.book(stay, GRACE, "grace")
    first_unit = shop.booking(grace).unit_id
    _run_ahead(shop, minutes=50)
    linus = shop.book(stay, LINUS, "linus")
    assert shop.booking(linus).unit_id == first_unit
    shop.pay(linus)

    shop.pay(grace)

    assert shop.state(grace) == ("confirmed", "paid")
    assert shop.booking(grace).unit_id != first_unit
    assert {night.unit_id for night in shop.nights(grace)} == {shop.booking(grace).unit_id}
    assert shop.refunds(grace) == []


@pytest.mark.usefixtures("patience")
def test_scenario_04_twenty_guests_submit_the_same_nights_at_once(shop: Shop) -> None:
    stay = shop.stay()
    visitors = [Visitor(shop.url) for _ in range(20)]
    forms = [visitor.review_form("harbour-loft", stay) for visitor in visitors]

    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].post("/stays/harbour-loft/review", pair[1]), zip(visitors, forms, strict=True)
            )
        )

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [303] + [409] * 19
    assert len(shop.bookings()) == 1
    assert len(shop.stripe.sessions()) == 1
    assert all("Nothing was charged" in answer.text for answer in answers if answer.status_code == 409)


def test_scenario_14_staff_cancels_while_the_bank_confirms_and_the_money_goes_back(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), method="sepa_debit", wait=False)
    (completed,) = shop.stripe.events("checkout.session.completed")
    shop.stripe.release([completed["id"]])
    assert shop.state(booking_id) == ("pending", "processing")
    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, STAFF, None, "form-1")
    assert shop.state(booking_id) == ("cancelled", "processing")
    (intent_id,) = {event["data"]["object"]["payment_intent"] for event in [completed]}
    shop.stripe.post(f"payments/{intent_id}/settle", {"outcome": "succeeded"})
    shop.stripe.release()

    shop.work()
    assert shop.state(booking_id) == ("cancelled", "refund_pending")
    (refund,) = shop.refunds(booking_id)
    shop.stripe.post(f"refunds/{refund.stripe_refund_id}", {"status": "succeeded"})
    shop.stripe.release()

    assert shop.state(booking_id) == ("cancelled", "refunded")
    assert shop.booking(booking_id).cancel_reason is CancelReason.STAFF
    assert [refund.reason for refund in shop.refunds(booking_id)] == [RefundReason.ALREADY_CANCELLED]
    assert "late_refund" in shop.mails(booking_id)


def test_scenario_14_guest_lets_go_after_having_paid_in_another_tab_and_keeps_the_stay(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)

    with shop.app.app_context():
        status = checkout.abandon_checkout(shop.runtime, booking_id, WEB)

    assert status is BookingStatus.CONFIRMED
    assert shop.causes(booking_id, "confirmed") == ["reconcile"]


@pytest.mark.parametrize(("cause", "reason"), [(WEB, CancelReason.GUEST), (STAFF, CancelReason.STAFF)])
def test_letting_go_frees_the_nights_only_after_stripe_ended_the_session(
    shop: Shop, cause: Cause, reason: CancelReason
) -> None:
    stay = shop.stay()
    booking_id = shop.book(stay)

    with shop.app.app_context():
        checkout.abandon_checkout(shop.runtime, booking_id, cause)
    shop.stripe.settle_down()

    assert shop.state(booking_id) == ("cancelled", "unpaid")
    assert shop.booking(booking_id).cancel_reason is reason
    assert shop.stripe.get("state")["sessions"][0]["status"] == "expired"
    assert shop.place(stay, LINUS, "linus").booking_id


def test_letting_go_keeps_the_nights_while_stripe_does_not_answer(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.post("faults", [{"kind": "status_500", "path_prefix": "/v1/checkout/sessions", "times": 9}])

    with shop.app.app_context(), pytest.raises(Exception, match="APIError"):
        checkout.abandon_checkout(shop.runtime, booking_id, WEB)

    assert shop.state(booking_id) == ("pending", "unpaid")
    assert len(shop.nights(booking_id)) == 3


def test_scenario_16_two_tabs_and_two_clicks_share_one_hold_and_one_session(shop: Shop) -> None:
    stay = shop.stay()
    first = shop.book(stay)

    second = shop.book(stay)

    assert first == second
    assert len(shop.stripe.sessions()) == 1
    assert [attempt.number for attempt in shop.attempts(first)] == [1]


def test_scenario_16_a_session_too_old_to_finish_in_is_ended_before_the_next_is_handed_out(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    old = shop.session_of(booking_id)
    shop.pass_time(minutes=32)

    handoff = shop.check_out(booking_id)
    shop.stripe.settle_down()

    statuses = {row["id"]: row["status"] for row in shop.stripe.get("state")["sessions"]}
    first, second = shop.attempts(booking_id)
    assert handoff.outcome is HandoffOutcome.PAY
    assert (statuses[old], statuses[second.session_id]) == ("expired", "open")
    assert (first.status, second.status) == (AttemptStatus.EXPIRED, AttemptStatus.OPEN)
    assert shop.state(booking_id) == ("pending", "unpaid")
    assert shop.booking(booking_id).hold_until > shop.clock.now()


def test_scenario_16_the_old_session_turns_out_to_be_paid_and_counts(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    shop.pass_time(minutes=32)

    handoff = shop.check_out(booking_id)

    assert handoff.outcome is HandoffOutcome.CONFIRMED
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.stripe.sessions()) == 1


def test_a_second_payment_for_one_booking_is_refunded_by_itself(shop: Shop, monkeypatch) -> None:
    booking_id = shop.book(shop.stay())
    first = shop.session_of(booking_id)
    shop.pass_time(minutes=32)
    # The accident this guards against: the old session is not ended, so that both can be paid.
    monkeypatch.setattr("booking.services.attempts.end_given_up", lambda *_: False)
    shop.check_out(booking_id)
    shop.stripe.pay(shop.session_of(booking_id))
    shop.stripe.pay(first)
    shop.stripe.settle_down()

    shop.work()

    assert shop.booking(booking_id).status is BookingStatus.CONFIRMED
    assert [refund.reason for refund in shop.refunds(booking_id)] == [RefundReason.DUPLICATE]
    assert (
        sum(payment.amount_minor for payment in shop.payments(booking_id)) == 2 * shop.booking(booking_id).amount_minor
    )
    assert "duplicate_refund" in shop.mails(booking_id)


def test_a_guest_who_changes_the_dates_is_not_kept_out_by_their_own_hold(shop: Shop) -> None:
    first = shop.book(shop.stay(nights=3))

    second = shop.book(shop.stay(nights=4))

    assert first != second
    assert shop.booking(first).status is BookingStatus.CANCELLED
    assert len(shop.nights(second)) == 4


def test_scenario_17_price_changed_after_the_session_was_made_the_frozen_price_is_good(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    _raise_price(shop)

    shop.pay(booking_id)

    assert shop.state(booking_id) == ("confirmed", "paid")


def test_price_changed_before_the_button_was_pressed_nothing_is_held(shop: Shop) -> None:
    stay = shop.stay()
    shown = shop.total(stay)
    _raise_price(shop)

    request = reservations.PlaceRequest(shop.listing_id, stay, 2, GRACE, "grace", shown)
    with shop.app.app_context(), pytest.raises(PriceChanged) as refusal:
        reservations.place_booking(shop.runtime, request)

    assert refusal.value.details == {"shown": shown, "total": shop.total(stay)}
    assert shop.bookings() == []


def _raise_price(shop: Shop) -> None:
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        listing.nightly_minor, listing.weekend_minor = 20000, 20000
        db.session.commit()


def test_wrong_amount_is_never_confirmed_and_keeps_the_nights(shop: Shop) -> None:
    shop.breaks = ("I9",)  # the row is changed by hand, so that the payment does not fit it
    booking_id = shop.book(shop.stay())
    with shop.app.app_context():
        attempt = db.session.get_one(reservations.attempts.Attempt, shop.attempts(booking_id)[0].id)
        attempt.amount_minor += 1
        db.session.commit()

    shop.pay(booking_id)

    booking = shop.booking(booking_id)
    assert (booking.status, booking.needs_review) == (BookingStatus.PENDING, True)
    assert [night.hold_until for night in shop.nights(booking_id)] == [None] * 3
    assert shop.mails(booking_id) == ["needs_review"]
    _run_ahead(shop, days=2)
    with shop.app.app_context():
        assert reservations.expire_holds(shop.runtime) == []


def test_money_that_needs_review_can_be_sent_back_by_cancelling(shop: Shop) -> None:
    shop.breaks = ("I9",)  # the row is changed by hand, so that the payment does not fit it
    booking_id = shop.book(shop.stay())
    with shop.app.app_context():
        db.session.get_one(reservations.attempts.Attempt, shop.attempts(booking_id)[0].id).amount_minor += 1
        db.session.commit()
    shop.pay(booking_id)

    with shop.app.app_context():
        refund = shop.booking(booking_id).amount
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, STAFF, refund, "form-1")
    shop.work()

    assert shop.state(booking_id) == ("cancelled", "refunded")
    assert not shop.booking(booking_id).needs_review


def test_delayed_method_keeps_its_nights_for_days_and_then_confirms(shop: Shop) -> None:
    stay = shop.stay()
    booking_id = shop.book(stay)
    answer = shop.pay(booking_id, method="sepa_debit")
    shop.stripe.settle_down()
    assert shop.state(booking_id) == ("pending", "processing")
    _run_ahead(shop, days=3)
    with pytest.raises(DatesUnavailable):
        shop.place(stay, LINUS, "linus")
    with shop.app.app_context():
        assert reservations.expire_holds(shop.runtime) == []

    shop.stripe.post(f"payments/{answer['payment_intent']['id']}/settle", {"outcome": "succeeded"})
    shop.stripe.settle_down()

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.mails(booking_id)[0] == "payment_processing"


def test_delayed_method_that_fails_frees_the_nights_and_tells_the_guest(shop: Shop) -> None:
    stay = shop.stay()
    booking_id = shop.book(stay)
    answer = shop.pay(booking_id, method="sepa_debit")

    shop.stripe.post(f"payments/{answer['payment_intent']['id']}/settle", {"outcome": "failed"})
    shop.stripe.settle_down()

    assert shop.state(booking_id) == ("cancelled", "failed")
    assert shop.booking(booking_id).cancel_reason is CancelReason.PAYMENT_FAILED
    assert shop.nights(booking_id) == []
    assert "payment_failed" in shop.mails(booking_id)


def test_session_that_ends_after_a_decline_is_a_failed_payment_in_either_order_of_events(shop: Shop) -> None:
    for number, decline_first in enumerate((True, False)):
        booking_id = shop.book(shop.stay(ahead=30 + 5 * number), browser=f"grace-{number}")
        shop.stripe.hold_webhooks()
        shop.stripe.pay(shop.session_of(booking_id), card="4000000000000002", wait=False)
        shop.stripe.post("clock", {"advance": 2200})
        declined = shop.stripe.events("payment_intent.payment_failed")[-1]["id"]
        expired = shop.stripe.events("checkout.session.expired")[-1]["id"]

        shop.stripe.release([declined, expired] if decline_first else [expired, declined])

        assert shop.state(booking_id) == ("cancelled", "failed")
        assert shop.nights(booking_id) == []
        shop.clock.offset = timedelta(seconds=shop.stripe.get("clock")["offset"])


def test_session_that_ends_with_no_try_expires_the_booking(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    shop.pass_time(minutes=36)

    assert shop.state(booking_id) == ("expired", "unpaid")
    assert shop.nights(booking_id) == []
    assert shop.mails(booking_id) == []


def test_cancelling_twice_with_one_form_refunds_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    refund = Money(10000, "eur")

    with shop.app.app_context():
        for _ in range(2):
            reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, STAFF, refund, "form-1")
        with pytest.raises(TransitionRefused):
            reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, STAFF, refund, "form-2")
    shop.work()

    assert shop.state(booking_id) == ("cancelled", "partially_refunded")
    assert [row.amount_minor for row in shop.refunds(booking_id)] == [10000]
    assert shop.count(Night) == 0
