"""Deposits and balances: what is owed is written with the confirmation, paid once, and never lost. Both databases."""

import uuid
from datetime import timedelta
from unittest import mock

import pytest
from sqlalchemy import update

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import PlanChanged, TransitionRefused
from booking.domain.money import Money
from booking.domain.payment_plans import PAY_IN_FULL, PaymentPlan, PlanKind
from booking.domain.states import (
    AttemptPurpose,
    AttemptStatus,
    CancelReason,
    ChangeStatus,
    DueKind,
    DueStatus,
    PaymentMethod,
    RefundReason,
    Source,
)
from booking.gateways.payments import GatewayUnavailable
from booking.models import Due
from booking.services import balances, changes, reconciliation, reservations, self_service, verification
from booking.services.balances import TakenMoney
from booking.services.changes import ChangeWish
from booking.services.checkout import HandoffOutcome
from booking.services.reservations import PlaceRequest
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.plans import (
    ADA,
    DAYS_BEFORE,
    ask_for_deposit,
    balance_of,
    book_with_deposit,
    dues_of,
    go_to_noon,
    pay_balance,
    start_balance,
    write_about_balances,
)
from tests.support.shop import GRACE, Shop

STAFF = Cause(Source.STAFF, ADA)
DAY = timedelta(days=1)


@pytest.fixture
def owing(shop: Shop) -> Shop:
    """Booking 1 has paid its deposit, and its balance is due in some weeks."""
    book_with_deposit(shop)
    return shop


def _settled(shop: Shop) -> None:
    """The worker has nothing left to do, the ledger agrees with Stripe's, and every promise is kept."""
    shop.work()
    shop.stripe.settle_down()
    with shop.app.app_context():
        assert verification.compare_with_stripe(shop.runtime).differences == ()
    assert shop.broken_promises() == []


def _cancel(shop: Shop, refund: Money | None = None) -> None:
    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, 1, CancelReason.STAFF, STAFF, refund, uuid.uuid4().hex)


def _change(shop: Shop, *, more: int = 0, later: int = 0) -> ChangeStatus:
    stay = shop.booking(1).stay
    wish = ChangeWish(Stay(stay.arrive + DAY * later, stay.leave + DAY * (later + more)), 2, keeps_price=False)
    with shop.app.app_context():
        total = changes.preview_change(shop.runtime, 1, wish).quote.total
        return changes.change_stay(shop.runtime, 1, wish, total, uuid.uuid4().hex, ADA)


# --- booking --------------------------------------------------------------------------------------------------------


def test_a_deposit_confirms_the_stay_and_the_balance_is_owed_from_the_same_moment(owing: Shop) -> None:
    booking, (attempt,) = owing.booking(1), owing.attempts(1)
    due = balance_of(owing, 1)

    assert owing.state(1) == ("confirmed", "paid")
    assert (attempt.purpose, attempt.amount_minor) == (AttemptPurpose.DEPOSIT, booking.amount.percent(30).minor)
    assert (due.kind, due.status) == (DueKind.BALANCE, DueStatus.OPEN)
    assert attempt.amount_minor + due.amount_minor == booking.amount_minor
    assert due.due_on == booking.arrive - timedelta(days=DAYS_BEFORE)
    _settled(owing)


def test_the_booking_keeps_the_words_and_the_moment_of_the_consent(owing: Shop) -> None:
    plan = owing.booking(1).plan

    assert plan is not None
    assert "You pay €" in plan["text"][0]
    assert plan["agreed_at"]
    assert plan["language"] == "en"


def test_the_confirmation_says_what_was_paid_and_what_is_owed(owing: Shop) -> None:
    owing.work()

    (letter,) = [one for one in owing.mailer.letters if one.to == GRACE.email]
    assert "you have paid €" in letter.text
    assert "The balance of €" in letter.text
    assert "booked and paid" not in letter.text


def test_a_stay_that_is_near_is_paid_in_full_at_once(shop: Shop) -> None:
    booking_id = book_with_deposit(shop, ahead=DAYS_BEFORE + 1)

    (attempt,) = shop.attempts(booking_id)
    assert (attempt.purpose, attempt.amount_minor) == (AttemptPurpose.BOOKING, shop.booking(booking_id).amount_minor)
    assert dues_of(shop, booking_id) == []
    assert shop.booking(booking_id).plan is None


def test_a_plan_that_changes_between_page_and_button_takes_no_money(shop: Shop) -> None:
    stay = shop.stay(ahead=60)
    request = PlaceRequest(shop.listing_id, stay, 2, GRACE, "grace", shop.total(stay))
    ask_for_deposit(shop)

    with shop.app.app_context(), pytest.raises(PlanChanged):
        reservations.place_booking(shop.runtime, request)

    assert shop.bookings() == []


def test_a_booking_keeps_the_plan_that_its_guest_agreed_to(owing: Shop) -> None:
    before = balance_of(owing, 1).amount_minor

    ask_for_deposit(owing, PAY_IN_FULL)
    pay_balance(owing, 1)

    assert balance_of(owing, 1).amount_minor == before
    _settled(owing)


def test_a_hold_of_another_plan_is_not_used_again(shop: Shop) -> None:
    stay = shop.stay(ahead=60)
    first = shop.book(stay)
    ask_for_deposit(shop)

    second = shop.book(stay)

    assert second != first
    assert shop.state(first)[0] == "cancelled"
    shop.pay(second)
    assert balance_of(shop, second).status is DueStatus.OPEN


def test_a_second_deposit_is_a_duplicate_and_owes_no_second_balance(shop: Shop) -> None:
    booking_id = book_with_deposit(shop)
    session_id = shop.session_of(booking_id)

    shop.come_back(session_id)
    shop.come_back(session_id)

    assert len(dues_of(shop, booking_id)) == 1
    _settled(shop)


# --- paying the balance ---------------------------------------------------------------------------------------------


def test_the_balance_is_paid_through_the_one_door(owing: Shop) -> None:
    pay_balance(owing, 1)

    attempt = owing.attempts(1)[-1]
    assert (attempt.purpose, attempt.status) == (AttemptPurpose.BALANCE, AttemptStatus.PAID)
    assert balance_of(owing, 1).status is DueStatus.PAID
    assert sum(payment.amount_minor for payment in owing.payments(1)) == owing.booking(1).amount_minor
    assert owing.state(1) == ("confirmed", "paid")
    assert owing.mails(1)[-1] == "balance_paid"
    _settled(owing)


def test_two_clicks_lead_to_one_session(owing: Shop) -> None:
    first, second = start_balance(owing, 1), start_balance(owing, 1)

    assert first.url == second.url
    assert len(owing.attempts(1)) == 2


def test_two_clicks_at_once_lead_to_one_session(owing: Shop) -> None:
    rush(lambda _number: start_balance(owing, 1), range(2))

    balance = [attempt for attempt in owing.attempts(1) if attempt.due_id]
    assert len([attempt for attempt in balance if attempt.session_id]) == 1


def test_a_session_that_ran_out_is_followed_by_another(owing: Shop) -> None:
    start_balance(owing, 1)
    owing.pass_time(minutes=40)

    assert start_balance(owing, 1).outcome is HandoffOutcome.PAY
    owing.pay(1)

    assert balance_of(owing, 1).status is DueStatus.PAID
    _settled(owing)


def test_a_declined_card_leaves_the_balance_owed_and_the_stay_confirmed(owing: Shop) -> None:
    pay_balance(owing, 1, "4000000000000002")
    owing.pass_time(minutes=40)

    assert balance_of(owing, 1).status is DueStatus.OPEN
    assert owing.state(1) == ("confirmed", "paid")


def test_without_webhooks_the_reconciler_finds_the_payment(owing: Shop) -> None:
    start_balance(owing, 1)
    owing.stripe.drop_webhooks()
    owing.pay(1)
    assert balance_of(owing, 1).status is DueStatus.OPEN

    with owing.app.app_context():
        reconciliation.reconcile(owing.runtime)

    assert balance_of(owing, 1).status is DueStatus.PAID
    _settled(owing)


def test_nobody_is_led_to_pay_what_is_paid(owing: Shop) -> None:
    pay_balance(owing, 1)

    assert start_balance(owing, 1).outcome is HandoffOutcome.CONFIRMED


# --- the worker writes ----------------------------------------------------------------------------------------------


def test_a_guest_is_asked_reminded_and_staff_is_told(owing: Shop) -> None:
    due_on, told = balance_of(owing, 1).due_on, []
    for before in (8, 7, 3, 2, 0, -1):
        go_to_noon(owing, due_on - before * DAY)
        told.append([line.partition(": ")[2] for line in write_about_balances(owing)])

    assert told == [[], ["balance due"], [], ["balance reminder"], [], ["balance overdue"]]
    assert owing.state(1)[0] == "confirmed"
    subjects = " | ".join(owing.mailer.subjects_to(GRACE.email))
    assert "Please pay €" in subjects
    assert "Reminder: €" in subjects


def test_each_mail_is_asked_for_once(owing: Shop) -> None:
    go_to_noon(owing, balance_of(owing, 1).due_on - 5 * DAY)

    assert len(write_about_balances(owing)) == 1
    assert write_about_balances(owing) == []


def test_who_has_paid_is_not_asked(owing: Shop) -> None:
    pay_balance(owing, 1)
    go_to_noon(owing, owing.booking(1).arrive)

    assert write_about_balances(owing) == []


# --- the end of a booking -------------------------------------------------------------------------------------------


def test_a_cancellation_takes_the_balance_with_it(owing: Shop) -> None:
    _cancel(owing, owing.payments(1)[0].amount)

    assert balance_of(owing, 1).status is DueStatus.WAIVED
    _settled(owing)
    assert owing.state(1) == ("cancelled", "refunded")


def test_a_guest_who_cancels_in_time_gets_exactly_what_was_paid(owing: Shop) -> None:
    paid = owing.payments(1)[0].amount
    with owing.app.app_context():
        self_service.cancel_as_guest(owing.runtime, 1, paid, uuid.uuid4().hex)

    (refund,) = owing.refunds(1)
    assert refund.amount == paid
    assert balance_of(owing, 1).status is DueStatus.WAIVED
    _settled(owing)


def test_money_for_the_balance_of_a_cancelled_stay_goes_back_in_full(owing: Shop) -> None:
    start_balance(owing, 1)
    _cancel(owing)

    owing.pay(1)

    (refund,) = owing.refunds(1)
    assert (refund.amount_minor, refund.reason) == (balance_of(owing, 1).amount_minor, RefundReason.ALREADY_CANCELLED)
    _settled(owing)


# --- staff ----------------------------------------------------------------------------------------------------------


def test_staff_gives_a_balance_up_and_no_page_is_left_to_pay_it(owing: Shop) -> None:
    start_balance(owing, 1)
    with owing.app.app_context():
        assert balances.waive_due(owing.runtime, balance_of(owing, 1).id, ADA) is DueStatus.WAIVED
        assert balances.waive_due(owing.runtime, 1, ADA) is DueStatus.WAIVED

    assert owing.attempts(1)[-1].status is AttemptStatus.EXPIRED
    assert owing.state(1) == ("confirmed", "paid")
    _settled(owing)


def test_a_balance_that_is_paid_in_the_moment_of_giving_up_stays_paid(owing: Shop) -> None:
    start_balance(owing, 1)
    owing.stripe.drop_webhooks()
    owing.pay(1)

    with owing.app.app_context():
        assert balances.waive_due(owing.runtime, balance_of(owing, 1).id, ADA) is DueStatus.PAID
    _settled(owing)


def test_the_house_takes_the_balance_itself(owing: Shop) -> None:
    due = balance_of(owing, 1)
    start_balance(owing, 1)
    with owing.app.app_context():
        balances.take_due(owing.runtime, due.id, TakenMoney(PaymentMethod.CASH, due.amount, "R 7"), ADA)
        with pytest.raises(TransitionRefused):
            balances.take_due(owing.runtime, due.id, TakenMoney(PaymentMethod.CASH, due.amount), ADA)

    assert balance_of(owing, 1).status is DueStatus.PAID
    assert [payment.method for payment in owing.payments(1)] == [PaymentMethod.STRIPE, PaymentMethod.CASH]
    _settled(owing)


def test_another_amount_than_is_owed_is_not_taken(owing: Shop) -> None:
    due = balance_of(owing, 1)
    less = Money(due.amount_minor - 1, due.currency)
    with owing.app.app_context(), pytest.raises(TransitionRefused):
        balances.take_due(owing.runtime, due.id, TakenMoney(PaymentMethod.CASH, less), ADA)

    assert balance_of(owing, 1).status is DueStatus.OPEN
    assert len(owing.payments(1)) == 1


def test_without_stripes_word_nothing_is_given_up(owing: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    start_balance(owing, 1)
    silent = mock.Mock(side_effect=GatewayUnavailable("no answer"))
    monkeypatch.setattr(owing.runtime.payments._inner, "expire_checkout", silent)  # type: ignore[attr-defined]
    with owing.app.app_context(), pytest.raises(GatewayUnavailable):
        balances.waive_due(owing.runtime, balance_of(owing, 1).id, ADA)

    assert balance_of(owing, 1).status is DueStatus.OPEN


# --- changes --------------------------------------------------------------------------------------------------------


def test_what_a_change_costs_more_goes_into_the_balance(owing: Shop) -> None:
    before, due = owing.booking(1).amount, balance_of(owing, 1)

    assert _change(owing, more=1) is ChangeStatus.DONE

    after, now = owing.booking(1).amount, balance_of(owing, 1)
    assert after.minor > before.minor
    assert now.amount - due.amount == after - before
    assert len(owing.payments(1)) == 1
    pay_balance(owing, 1)
    _settled(owing)


def test_what_a_change_costs_less_comes_off_the_balance(owing: Shop) -> None:
    before, due = owing.booking(1).amount, balance_of(owing, 1)

    assert _change(owing, more=-1) is ChangeStatus.DONE

    assert balance_of(owing, 1).amount - due.amount == owing.booking(1).amount - before
    assert owing.refunds(1) == []
    _settled(owing)


def test_a_page_with_the_old_balance_is_ended_before_the_change(owing: Shop) -> None:
    start_balance(owing, 1)

    _change(owing, more=1)

    assert owing.attempts(1)[-1].status is AttemptStatus.EXPIRED
    pay_balance(owing, 1)
    assert balance_of(owing, 1).status is DueStatus.PAID
    _settled(owing)


def test_the_last_day_moves_with_the_stay(owing: Shop) -> None:
    before = balance_of(owing, 1).due_on

    _change(owing, later=5)

    assert balance_of(owing, 1).due_on == before + 5 * DAY


def test_a_balance_too_small_for_the_difference_refuses_the_change(shop: Shop) -> None:
    ask_for_deposit(shop, PaymentPlan(PlanKind.DEPOSIT, 99, 14))
    shop.pay(shop.book(shop.stay(ahead=60)))
    before = shop.booking(1).amount

    with pytest.raises(TransitionRefused, match="too small"):
        _change(shop, more=-1)

    assert shop.booking(1).amount == before
    _settled(shop)


def test_after_the_balance_a_change_is_paid_as_ever(owing: Shop) -> None:
    pay_balance(owing, 1)

    assert _change(owing, more=1) is ChangeStatus.OPEN

    owing.pay(1)
    assert balance_of(owing, 1).status is DueStatus.PAID
    _settled(owing)


# --- promises -------------------------------------------------------------------------------------------------------


def _told(shop: Shop) -> list[str]:
    """What `flask verify` says."""
    shop.breaks = ("I2",)
    with shop.app.app_context():
        return [line for proof in verification.verify(shop.runtime) for line in proof.problems]


def _put(shop: Shop, **values: object) -> None:
    with shop.app.app_context(), transaction() as session:
        session.execute(update(Due).values(**values))


def test_flask_verify_names_parts_that_do_not_come_to_the_price(owing: Shop) -> None:
    _put(owing, amount_minor=100)

    assert any("its parts come to" in line for line in _told(owing))


def test_flask_verify_names_a_balance_that_is_paid_without_money(owing: Shop) -> None:
    _put(owing, status=DueStatus.PAID)

    told = _told(owing)
    assert any("no payment of its amount came" in line for line in told)
    assert any("is confirmed with" in line for line in told)


def test_flask_verify_names_a_balance_that_outlives_its_booking(owing: Shop) -> None:
    _cancel(owing)
    _put(owing, status=DueStatus.OPEN)

    assert any("is still owed for it" in line for line in _told(owing))
