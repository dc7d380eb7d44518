"""The corners of going to Stripe: refusals, holds that were lost, answers that never come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking.database import transaction
from booking.domain.errors import BookingNotFound, DatesUnavailable, ListingNotFound, TooManyHolds
from booking.domain.money import Money
from booking.domain.states import AttemptStatus, BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.gateways.payments import GatewayConflict, GatewayRefused, GatewayUnavailable
from booking.models import Attempt, Booking, Listing, Night
from booking.services import checkout, instance, reservations, reviews, timeline
from booking.services.checkout import HandoffOutcome
from booking.services.timeline import Cause
from tests.support.shop import GRACE, LINUS, Shop, add_listing, make_settings

WEB = Cause(Source.WEB)


def _raise(error: Exception):
    def call(*_args, **_kwargs):
        raise error

    return call


def test_stripe_that_refuses_the_session_is_told_to_staff_and_to_the_guest(shop: Shop, monkeypatch) -> None:
    placed = shop.place(shop.stay())
    refusal = GatewayRefused("no", reason="account_invalid")
    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "open_checkout", _raise(refusal))
        with pytest.raises(GatewayRefused):
            shop.check_out(placed.booking_id)
    assert shop.mails(placed.booking_id) == ["checkout_refused"]

    handoff = shop.check_out(placed.booking_id)

    assert handoff.outcome is HandoffOutcome.PAY
    assert [row.status for row in shop.attempts(placed.booking_id)] == [AttemptStatus.EXPIRED, AttemptStatus.OPEN]


@pytest.mark.parametrize("error", [GatewayConflict("key"), GatewayRefused("too old", reason="parameter_invalid")])
def test_a_key_or_parameters_past_their_time_open_the_next_attempt(shop: Shop, monkeypatch, error: Exception) -> None:
    placed = shop.place(shop.stay())
    shop.pass_time(minutes=2)
    first_key = shop.attempts(placed.booking_id)[0].idempotency_key
    real = shop.runtime.payments._inner.open_checkout

    def refuse_the_first(params, key):
        if key == first_key:
            raise error
        return real(params, key)

    monkeypatch.setattr(shop.runtime.payments._inner, "open_checkout", refuse_the_first)

    assert shop.check_out(placed.booking_id).outcome is HandoffOutcome.PAY
    assert len(shop.attempts(placed.booking_id)) == 2


def test_stripe_that_refuses_every_key_ends_as_no_answer(small_shop: Shop, monkeypatch) -> None:
    placed = small_shop.place(small_shop.stay())
    monkeypatch.setattr(small_shop.runtime.payments._inner, "open_checkout", _raise(GatewayConflict("key")))

    with pytest.raises(GatewayUnavailable):
        small_shop.check_out(placed.booking_id)


def test_a_lost_hold_is_told_and_leaves_the_other_guest_alone(shop: Shop) -> None:
    stay = shop.stay()
    grace = shop.book(stay, GRACE, "grace")
    shop.clock.offset += timedelta(minutes=50)
    linus = shop.book(stay, LINUS, "linus")

    with pytest.raises(DatesUnavailable):
        shop.check_out(grace)

    assert len(shop.nights(linus)) == 3
    assert shop.attempts(grace)[0].status is AttemptStatus.OPEN


def test_a_lost_hold_goes_on_in_an_equal_unit(shop: Shop) -> None:
    shop.listing_id = add_listing(shop.app, "boathouse", units=2)
    stay = shop.stay()
    grace = shop.book(stay, GRACE, "grace")
    shop.clock.offset += timedelta(minutes=50)
    linus = shop.book(stay, LINUS, "linus")

    handoff = shop.check_out(grace)

    assert handoff.outcome is HandoffOutcome.PAY
    assert shop.booking(grace).unit_id != shop.booking(linus).unit_id
    assert {night.unit_id for night in shop.nights(grace)} == {shop.booking(grace).unit_id}


def test_a_click_after_the_end_says_what_it_came_to(shop: Shop) -> None:
    paid, over, debit = (shop.book(shop.stay(ahead=30 * n), browser=f"b{n}") for n in (1, 2, 3))
    shop.pay(paid)
    shop.pay(debit, method="sepa_debit")
    with shop.app.app_context():
        checkout.abandon_checkout(shop.runtime, over, WEB)

    outcomes = [shop.check_out(booking_id).outcome for booking_id in (paid, over, debit)]

    assert outcomes == [HandoffOutcome.CONFIRMED, HandoffOutcome.OVER, HandoffOutcome.PROCESSING]


def test_a_booking_under_review_is_not_sent_to_pay_again(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    with small_shop.app.app_context():
        db.session.get_one(Booking, booking_id).needs_review = True
        db.session.commit()

    assert small_shop.check_out(booking_id).outcome is HandoffOutcome.PROCESSING
    with small_shop.app.app_context():
        assert checkout.abandon_checkout(small_shop.runtime, booking_id, WEB) is not BookingStatus.CANCELLED


def test_unknown_bookings_are_not_found(small_shop: Shop) -> None:
    with small_shop.app.app_context():
        for call in (
            lambda: checkout.start_checkout(small_shop.runtime, 999),
            lambda: checkout.abandon_checkout(small_shop.runtime, 999, WEB),
            lambda: reservations.cancel_booking(small_shop.runtime, 999, CancelReason.STAFF, WEB, None, "f"),
            lambda: reviews.close_review(small_shop.runtime, 999, "ada@example.org", "x"),
        ):
            with pytest.raises(BookingNotFound):
                call()


def test_a_review_closes_only_after_a_decision(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    with small_shop.app.app_context():
        db.session.get_one(Booking, booking_id).needs_review = True
        db.session.commit()
        with pytest.raises(Exception, match="transition_refused"):
            reviews.close_review(small_shop.runtime, booking_id, "ada@example.org", "all is well")


def test_letting_go_of_a_session_that_was_never_opened_frees_the_nights(shop: Shop) -> None:
    placed = shop.place(shop.stay())
    with shop.app.app_context():
        attempt = db.session.get_one(Attempt, shop.attempts(placed.booking_id)[0].id)
        attempt.params = {**attempt.params, "expires_at": 1}
        db.session.commit()

        status = checkout.abandon_checkout(shop.runtime, placed.booking_id, WEB)

    assert status is BookingStatus.CANCELLED
    assert shop.nights(placed.booking_id) == []


def test_staff_cancels_an_unpaid_booking_after_its_session_is_ended(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    cause = Cause(Source.STAFF, "ada@example.org")

    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, cause, None, "form-1")

    assert shop.state(booking_id) == ("cancelled", "unpaid")
    assert shop.booking(booking_id).cancel_reason is CancelReason.STAFF
    assert shop.stripe.get("state")["sessions"][0]["status"] == "expired"


def test_staff_cancelling_a_booking_that_was_just_paid_is_asked_to_look_again(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)

    with shop.app.app_context(), pytest.raises(Exception, match="paid just now"):
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, WEB, None, "form-1")

    assert shop.state(booking_id) == ("confirmed", "paid")


def test_staff_cancelling_after_a_decline_leaves_the_failed_payment_as_the_reason(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id, card="4000000000000002")

    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, WEB, None, "form-1")

    assert shop.state(booking_id) == ("cancelled", "failed")


def test_an_overdue_hold_is_ended_without_stripe_only_once_it_is_surely_over(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    down = [{"kind": "status_500", "method": m, "path_prefix": "/v1/", "times": 99} for m in ("GET", "POST")]
    shop.stripe.post("faults", down)
    shop.clock.offset += timedelta(minutes=50)
    with shop.app.app_context():
        (early,) = reservations.expire_holds(shop.runtime)
    assert shop.state(booking_id)[0] == "pending"

    shop.clock.offset += timedelta(minutes=50)
    with shop.app.app_context():
        (late,) = reservations.expire_holds(shop.runtime)

    assert "did not answer" in early
    assert late == f"booking {booking_id}: expired"
    assert shop.state(booking_id) == ("expired", "unpaid")


def test_an_overdue_hold_that_was_paid_is_confirmed_by_the_sweep(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    shop.pass_time(minutes=50)

    with shop.app.app_context():
        lines = reservations.expire_holds(shop.runtime)

    assert lines == [f"booking {booking_id}: confirmed"]
    assert shop.causes(booking_id, "confirmed") == ["reconcile"]


def test_one_browser_may_hold_three_stays(shop: Shop) -> None:
    for number in range(3):
        shop.place(shop.stay(ahead=30 + 5 * number))

    with pytest.raises(TooManyHolds):
        shop.place(shop.stay(ahead=90))
    assert shop.place(shop.stay(ahead=90), browser="another").booking_id


def test_the_same_stay_again_takes_the_new_details_along(shop: Shop) -> None:
    first = shop.place(shop.stay(), GRACE)
    second = shop.place(shop.stay(), LINUS)

    assert first == second
    assert shop.booking(first.booking_id).guest_email == LINUS.email


def test_the_same_stay_again_after_paying_is_the_booking_that_is_there(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)

    again = shop.place(shop.stay())

    assert (again.booking_id, again.is_confirmed) == (booking_id, True)


def test_a_listing_off_sale_cannot_be_booked(small_shop: Shop) -> None:
    stay = small_shop.stay()
    total = small_shop.total(stay)
    with small_shop.app.app_context():
        db.session.get_one(Listing, small_shop.listing_id).is_active = False
        db.session.commit()
        for listing_id in (small_shop.listing_id, 999):
            request = reservations.PlaceRequest(listing_id, stay, 2, GRACE, "grace", total)
            with pytest.raises(ListingNotFound):
                reservations.place_booking(small_shop.runtime, request)


def test_a_refused_booking_leaves_no_rows(shop: Shop) -> None:
    stay = shop.stay()
    shop.place(stay, GRACE, "grace")

    with pytest.raises(DatesUnavailable):
        shop.place(stay, LINUS, "linus")

    assert (shop.count(Booking), shop.count(Attempt), shop.count(Night)) == (1, 1, 3)


def test_the_order_at_stripe_carries_our_ids_and_no_person(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())

    (call,) = small_shop.stripe.created()

    (attempt,) = small_shop.attempts(booking_id)
    identity = small_shop._read(db.select(instance.Instance))[0].instance_id
    wanted = {"app": identity, "purpose": "booking", "booking_id": str(booking_id), "attempt": attempt.token}
    assert call["params"]["metadata"] == wanted
    assert call["params"]["payment_intent_data"]["metadata"] == wanted
    assert call["params"]["submit_type"] == "book"
    assert call["params"]["success_url"].endswith("/pay/return?session_id={CHECKOUT_SESSION_ID}")
    assert "payment_method_types" not in call["params"]
    assert GRACE.name not in str(call["params"])


def test_a_guest_who_books_in_german_pays_and_comes_back_in_german(small_shop: Shop) -> None:
    small_shop.book(small_shop.stay(), replace(GRACE, language="de"))

    (call,) = small_shop.stripe.created()

    assert call["params"]["locale"] == "de"
    assert "/de/pay/return?session_id={CHECKOUT_SESSION_ID}" in call["params"]["success_url"]
    assert call["params"]["cancel_url"].endswith("/de/pay/cancelled")


def test_the_instance_id_is_made_once_and_a_setting_wins(small_shop: Shop) -> None:
    with small_shop.app.app_context():
        first = instance.get_instance_id(small_shop.runtime)
        again = instance.get_instance_id(small_shop.runtime)
        settings = make_settings("sqlite://", instance_id="of-the-setting")
        other = instance.get_instance_id(replace(small_shop.runtime, settings=settings))

    assert first == again
    assert other == "of-the-setting"


def test_two_processes_that_make_the_instance_id_at_once_agree(small_shop: Shop, monkeypatch) -> None:
    with small_shop.app.app_context():
        monkeypatch.setattr(instance, "_find_kept", lambda: None)
        first = instance._make()
        monkeypatch.undo()

        assert instance._make() == first


def test_a_move_that_somebody_else_made_first_is_refused(shop: Shop) -> None:
    shop.breaks = ("I1", "I7", "I14", "I20")  # a status changed by hand
    booking_id = shop.book(shop.stay())
    with shop.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, booking_id)
        session.execute(db.update(Booking).values(status="expired").execution_options(synchronize_session=False))

        with pytest.raises(Exception, match="transition_refused"):
            timeline.move(
                session, booking, BookingStatus.CONFIRMED, "confirmed", WEB, shop.clock.now(),
                confirmed_at=shop.clock.now(),
            )  # fmt: skip


def test_transactions_do_not_nest(small_shop: Shop) -> None:
    with small_shop.app.app_context(), transaction(), pytest.raises(RuntimeError, match="already open"):
        transaction().__enter__()


def test_a_price_in_another_currency_is_another_price(small_shop: Shop) -> None:
    stay = small_shop.stay()
    dollars = Money(small_shop.total(stay).minor, "usd")
    request = reservations.PlaceRequest(small_shop.listing_id, stay, 2, GRACE, "grace", dollars)

    with small_shop.app.app_context(), pytest.raises(Exception, match="price_changed"):
        reservations.place_booking(small_shop.runtime, request)
