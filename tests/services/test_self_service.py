"""What guests change of their own booking, on both databases; and what two of them at once come to."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.database import transaction
from booking.domain.errors import BookingNotFound, TooManyTries, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import CancelReason, Source
from booking.models import Booking
from booking.models.instance import LinkPurpose
from booking.services import access, reservations, self_service
from booking.services.resending import resend_confirmation
from booking.services.self_service import Details, RefundChanged, cancel_as_guest, change_details
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.shop import Shop

TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def booked(shop: Shop) -> Iterator[int]:
    """A booking that is paid, thirty days ahead."""
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    with shop.app.app_context():
        yield booking_id


@pytest.fixture
def small_booked(small_shop: Shop) -> Iterator[int]:
    """The same on SQLite alone."""
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    with small_shop.app.app_context():
        yield booking_id


def go_to(shop: Shop, booking_id: int, days_before: int) -> None:
    """Move the shop's clock to some days before arrival; Stripe's stays, so that signatures stay young."""
    shop.clock.offset += shop.booking(booking_id).arrive - shop.clock.today() - timedelta(days=days_before)


def due(shop: Shop, booking_id: int) -> Money:
    found = self_service._look(shop.runtime, booking_id)
    assert found is not None
    return found.back


# --- details --------------------------------------------------------------------------------------------------------


def test_changed_details_are_one_step_that_names_fields_and_never_what_was_typed(shop: Shop, booked: int) -> None:
    details = Details("Grace B. Hopper", "+49 171 5550123", "17:30", "We come by boat")

    assert change_details(shop.runtime, booked, details) == ("name", "telephone", "arrival time", "message")
    assert change_details(shop.runtime, booked, details) == ()

    booking = shop.booking(booked)
    assert (booking.guest_name, booking.arrival_time) == ("Grace B. Hopper", "17:30")
    (step,) = [step for step in shop.timeline(booked) if step.kind == "details_changed"]
    assert step.note == "name, telephone, arrival time, message"
    assert step.source is Source.WEB


@pytest.mark.parametrize("time", ["14:30", "15:15", "25:00", "x"])
def test_a_time_that_the_house_does_not_offer_is_refused(small_shop: Shop, small_booked: int, time: str) -> None:
    with pytest.raises(TransitionRefused):
        change_details(small_shop.runtime, small_booked, Details("Grace", "", time, ""))

    assert small_shop.booking(small_booked).arrival_time == ""


@pytest.mark.parametrize("days_before", [-4, -40])
def test_after_the_stay_nothing_can_be_changed(small_shop: Shop, small_booked: int, days_before: int) -> None:
    go_to(small_shop, small_booked, days_before)

    with pytest.raises(TransitionRefused):
        change_details(small_shop.runtime, small_booked, Details("Grace", "", "", ""))


def test_a_cancelled_booking_cannot_be_changed(small_shop: Shop, small_booked: int) -> None:
    cancel_as_guest(small_shop.runtime, small_booked, due(small_shop, small_booked), TOKEN)

    with pytest.raises(TransitionRefused):
        change_details(small_shop.runtime, small_booked, Details("Grace", "", "", ""))


# --- address --------------------------------------------------------------------------------------------------------


def test_a_corrected_address_takes_every_old_link_back_and_gets_the_confirmation(shop: Shop, booked: int) -> None:
    with transaction() as session:
        token = access.mint_link(session, session.get_one(Booking, booked), LinkPurpose.BOOKING, shop.clock.now())
    assert access.peek_link(token, shop.clock.now())

    self_service.change_email(shop.runtime, booked, "hopper@example.org", "ada@example.org")

    assert not access.peek_link(token, shop.clock.now())
    assert access.open_link(shop.runtime, token) is None
    assert shop.booking(booked).guest_email == "hopper@example.org"
    shop.work()
    assert shop.mailer.subjects_to("hopper@example.org")
    assert shop.causes(booked, "address_changed") == ["staff"]
    assert "hopper" not in " ".join(step.note for step in shop.timeline(booked))


def test_the_same_address_again_changes_nothing(small_shop: Shop, small_booked: int) -> None:
    self_service.change_email(small_shop.runtime, small_booked, "grace@example.org", "ada@example.org")

    assert small_shop.causes(small_booked, "address_changed") == []


# --- the confirmation once more -------------------------------------------------------------------------------------


def test_two_clicks_in_one_minute_are_one_mail_and_one_step(shop: Shop, booked: int) -> None:
    now = shop.clock.now()
    shop.clock.offset += now.replace(second=1, microsecond=0) + timedelta(minutes=1) - now

    resend_confirmation(shop.runtime, booked)
    resend_confirmation(shop.runtime, booked)
    assert shop.mails(booked).count("confirmed") == 2  # the first one, and one more

    shop.clock.offset += timedelta(minutes=1)
    resend_confirmation(shop.runtime, booked)

    assert shop.mails(booked).count("confirmed") == 3
    assert shop.causes(booked, "confirmation_resent") == ["web", "web"]


def test_a_fourth_mail_within_an_hour_is_refused(small_shop: Shop, small_booked: int) -> None:
    object.__setattr__(small_shop.runtime.settings, "rate_limits", True)
    for _ in range(3):
        resend_confirmation(small_shop.runtime, small_booked)

    with pytest.raises(TooManyTries):
        resend_confirmation(small_shop.runtime, small_booked)


def test_what_is_not_confirmed_has_no_confirmation(small_shop: Shop) -> None:
    placed = small_shop.place(small_shop.stay())

    with small_shop.app.app_context(), pytest.raises(TransitionRefused):
        resend_confirmation(small_shop.runtime, placed.booking_id)

    assert small_shop.mails(placed.booking_id) == []


# --- cancelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days_before", "percent"), [(30, 100), (4, 50), (1, 0)])
def test_a_guest_gets_back_what_the_terms_give_on_that_day(
    shop: Shop, booked: int, days_before: int, percent: int
) -> None:
    go_to(shop, booked, days_before)
    back = shop.booking(booked).amount.percent(percent)
    assert due(shop, booked) == back

    cancel_as_guest(shop.runtime, booked, back, TOKEN)

    booking = shop.booking(booked)
    assert (str(booking.status), str(booking.cancel_reason)) == ("cancelled", "guest")
    assert [refund.amount for refund in shop.refunds(booked)] == ([back] if percent else [])
    assert shop.nights(booked) == []
    assert booking.calendar_sequence == 1
    assert shop.mails(booked).count("cancelled") == 1


@pytest.mark.parametrize("days_before", [30, 1])
def test_a_double_click_cancels_once_and_refunds_once(shop: Shop, booked: int, days_before: int) -> None:
    go_to(shop, booked, days_before)
    back = due(shop, booked)

    def click(_number: int) -> None:
        with shop.app.app_context():
            cancel_as_guest(shop.runtime, booked, back, TOKEN)

    answers = rush(click, range(6))

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(shop.refunds(booked)) == (1 if back.minor else 0)
    assert shop.causes(booked, "cancelled") == ["web"]
    assert shop.mails(booked).count("cancelled") == 1


def test_guest_and_staff_cancelling_at_once_refund_once(shop: Shop, booked: int) -> None:
    back = due(shop, booked)

    def cancel(number: int) -> None:
        with shop.app.app_context():
            if number % 2:
                cancel_as_guest(shop.runtime, booked, back, TOKEN)
            else:
                cause = Cause(Source.STAFF, "ada@example.org")
                reservations.cancel_booking(shop.runtime, booked, CancelReason.STAFF, cause, back, f"staff-{number}")

    answers = rush(cancel, range(4))

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(error) for error in refused} <= {TransitionRefused}
    assert len(shop.refunds(booked)) == 1
    assert len(shop.causes(booked, "cancelled")) == 1


def test_less_than_the_page_said_is_asked_again_and_nothing_is_cancelled(shop: Shop, booked: int) -> None:
    go_to(shop, booked, 7)
    shown = due(shop, booked)
    shop.clock.offset += timedelta(days=1)

    with pytest.raises(RefundChanged) as refused:
        cancel_as_guest(shop.runtime, booked, shown, TOKEN)

    assert refused.value.details["cancelling"].back.minor * 2 == shown.minor
    assert shop.state(booked) == ("confirmed", "paid")
    assert shop.refunds(booked) == []


def test_money_that_staff_sent_back_in_between_is_asked_again(small_shop: Shop, small_booked: int) -> None:
    found = self_service._look(small_shop.runtime, small_booked)
    reservations.refunds.order_refund(small_shop.runtime, small_booked, Money(100, "eur"), "ada@example.org", "s" * 32)

    with pytest.raises(RefundChanged):
        self_service._cancel(small_shop.runtime, small_booked, found, TOKEN)

    assert small_shop.booking(small_booked).status == "confirmed"


def test_unpaid_nights_are_let_go_with_nothing_charged(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    with shop.app.app_context():
        cancel_as_guest(shop.runtime, booking_id, Money(0, "eur"), TOKEN)

    assert shop.state(booking_id) == ("cancelled", "unpaid")
    assert shop.nights(booking_id) == []
    assert shop.attempts(booking_id)[-1].status == "expired"


def test_a_disputed_payment_is_for_the_house(small_shop: Shop, small_booked: int) -> None:
    with transaction() as session:
        session.get_one(Booking, small_booked).disputed = True

    with pytest.raises(TransitionRefused):
        cancel_as_guest(small_shop.runtime, small_booked, Money(0, "eur"), TOKEN)

    with transaction() as session:
        session.get_one(Booking, small_booked).disputed = False


def test_another_currency_than_the_bookings_is_no_agreement(small_shop: Shop, small_booked: int) -> None:
    with pytest.raises(RefundChanged):
        cancel_as_guest(small_shop.runtime, small_booked, Money(0, "usd"), TOKEN)


def test_a_booking_that_is_not_there_cannot_be_cancelled(small_shop: Shop) -> None:
    with small_shop.app.app_context(), pytest.raises(BookingNotFound):
        cancel_as_guest(small_shop.runtime, 99, Money(0, "eur"), TOKEN)


def test_two_bookings_cancelled_with_one_token_do_not_meet(small_shop: Shop, small_booked: int) -> None:
    other = small_shop.book(small_shop.stay(ahead=60), browser="other")
    small_shop.pay(other)

    for booking_id in (small_booked, other):
        cancel_as_guest(small_shop.runtime, booking_id, due(small_shop, booking_id), TOKEN)

    assert [len(small_shop.refunds(booking_id)) for booking_id in (small_booked, other)] == [1, 1]
