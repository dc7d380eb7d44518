"""Cards that guests let the house save: kept, charged when something is due, never twice, and forgotten."""

from datetime import timedelta

import pytest
import requests

from booking.domain.errors import TransitionRefused
from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.domain.states import AttemptChannel, AttemptStatus, CancelReason, DueKind, DueStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.queries.guest import find_guest_booking
from booking.services import balances, cards, charges, fees, no_shows, reconciliation, reservations, verification
from booking.services.charges import Try
from booking.services.fees import FeeWish
from booking.services.timeline import Cause
from tests.support.cards import (
    ALWAYS_ASKS,
    DAMAGE,
    SAYS_NO,
    TWO_DAYS,
    allow_no_show,
    book_with_card,
    cards_of,
    come_to,
    consent_of,
    dues_of,
    eur,
    keep_cards,
    note_no_show,
    owe,
    swap_card,
    sweep,
)
from tests.support.plans import ask_for_deposit
from tests.support.shop import Shop

ADA = "ada@example.org"
TIMER = Cause(Source.TIMER)


@pytest.fixture
def keeping(shop: Shop) -> Shop:
    keep_cards(shop)
    return shop


def _charge(shop: Shop, due_id: int) -> Try:
    with shop.app.app_context():
        return charges.charge_due(shop.runtime, due_id, TIMER)


def test_a_shop_that_keeps_no_cards_asks_for_none_and_saves_none(shop: Shop) -> None:
    booking_id = book_with_card(shop)

    assert consent_of(shop, booking_id) is None
    assert cards_of(shop, booking_id) == []
    assert "setup_future_usage" not in shop.attempts(booking_id)[0].params["payment_intent_data"]


def test_the_card_of_the_first_payment_is_kept_with_the_words_that_were_agreed_to(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)

    (card,) = cards_of(keeping, booking_id)
    consent = consent_of(keeping, booking_id)
    assert (card.brand, card.last4, card.is_default) == ("visa", "4242", True)
    assert consent is not None
    assert consent.text == ["For damage that you or your guests cause: €200.00 at most. You are told the reason."]
    assert consent.damage_minor == DAMAGE
    assert keeping.broken_promises() == []


def test_a_guest_who_read_other_words_agreed_to_nothing_and_no_card_is_kept(keeping: Shop) -> None:
    placed = keeping.place(keeping.stay())  # its form carries no name of any words
    keeping.check_out(placed.booking_id)
    keeping.pay(placed.booking_id)
    keeping.work()

    assert keeping.state(placed.booking_id) == ("confirmed", "paid")
    assert consent_of(keeping, placed.booking_id) is None
    assert cards_of(keeping, placed.booking_id) == []


def test_a_balance_is_announced_and_charged_on_its_day_and_never_again(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_on = keeping.clock.today() + timedelta(days=5)
    owe(keeping, booking_id, due_on)

    assert sweep(keeping) == []
    come_to(keeping, due_on - TWO_DAYS)
    sweep(keeping)
    assert keeping.mails(booking_id).count("charge_announced") == 1
    come_to(keeping, due_on)
    sweep(keeping)
    assert sweep(keeping) == []

    (due,) = dues_of(keeping, booking_id)
    assert due.status is DueStatus.PAID
    assert [payment.amount_minor for payment in keeping.payments(booking_id)][1:] == [4200]
    assert len(keeping.stripe_client().payment_intents.list().data) == 2
    assert keeping.broken_promises() == []


def test_a_card_that_is_refused_is_tried_on_days_0_2_and_4_and_then_staff_is_told(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    swap_card(keeping, booking_id, SAYS_NO)
    due_on = keeping.clock.today() + timedelta(days=1)
    owe(keeping, booking_id, due_on)

    tried = []
    for day in range(8):
        come_to(keeping, due_on + timedelta(days=day))
        before = len(keeping.attempts(booking_id))
        sweep(keeping)
        if len(keeping.attempts(booking_id)) > before:
            tried.append(day)

    assert tried == [0, 2, 4]
    assert {one.status for one in keeping.attempts(booking_id)[1:]} == {AttemptStatus.FAILED}
    assert keeping.mails(booking_id).count("charge_failed") == 3
    assert keeping.mails(booking_id).count("staff_charge_failed") == 1
    assert dues_of(keeping, booking_id)[0].status is DueStatus.OPEN
    assert keeping.state(booking_id) == ("confirmed", "paid")
    assert keeping.broken_promises() == []


def test_a_card_whose_bank_wants_its_owner_is_not_tried_again_and_the_guest_is_asked_to_pay(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    swap_card(keeping, booking_id, ALWAYS_ASKS)
    owe(keeping, booking_id, keeping.clock.today())

    sweep(keeping)
    come_to(keeping, keeping.clock.today() + TWO_DAYS)
    sweep(keeping)

    (attempt,) = [one for one in keeping.attempts(booking_id) if one.channel is AttemptChannel.OFF_SESSION]
    assert (attempt.status, attempt.decline_code) == (AttemptStatus.FAILED, "authentication_required")
    letter = next(one for one in keeping.mailer.letters if "could not be charged" in one.subject)
    assert "Your bank wants you to confirm this payment yourself." in letter.text
    assert keeping.mails(booking_id).count("staff_charge_failed") == 1


def test_two_who_charge_the_same_at_once_charge_it_once(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())

    outcomes = {_charge(keeping, due_id), _charge(keeping, due_id)}

    assert outcomes == {Try.PAID, Try.NOT_OWED}
    assert len(keeping.stripe_client().payment_intents.list().data) == 2


def test_an_answer_that_is_missing_is_looked_up_and_the_card_is_charged_once(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())
    keeping.stripe.post("delivery", {"mode": "hold"})
    keeping.stripe.post("faults", [_trouble("status_500_after_effect")])

    assert _charge(keeping, due_id) is Try.UNKNOWN
    assert _charge(keeping, due_id) is Try.UNDER_WAY
    keeping.stripe.post("faults", [])
    keeping.pass_time(minutes=6)
    _reconcile(keeping)

    assert dues_of(keeping, booking_id)[0].status is DueStatus.PAID
    assert len(keeping.payments(booking_id)) == 2
    assert len(keeping.stripe_client().payment_intents.list().data) == 2


def test_a_charge_that_never_reached_stripe_counts_as_no_try_and_is_made_later(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())
    keeping.stripe.post("faults", [_trouble("status_500")])

    assert _charge(keeping, due_id) is Try.UNKNOWN
    keeping.stripe.post("faults", [])
    keeping.pass_time(minutes=6)
    _reconcile(keeping)
    assert keeping.attempts(booking_id)[-1].status is AttemptStatus.EXPIRED
    sweep(keeping)

    assert dues_of(keeping, booking_id)[0].status is DueStatus.PAID
    assert len(keeping.payments(booking_id)) == 2


def test_a_balance_of_a_cancelled_booking_is_not_charged(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())
    _cancel(keeping, booking_id)

    assert _charge(keeping, due_id) is Try.NOT_OWED
    assert sweep(keeping) == []


def test_a_card_that_the_guest_removed_is_charged_no_more_and_stripe_forgets_it(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())
    (card,) = cards_of(keeping, booking_id)

    with keeping.app.app_context():
        for _ in range(2):
            cards.remove_card(keeping.runtime, booking_id, card.id, Cause(Source.WEB))
    keeping.work()

    assert _charge(keeping, due_id) is Try.NO_CARD
    (card,) = cards_of(keeping, booking_id)
    assert card.detached_at is not None
    assert keeping.stripe_client().payment_methods.retrieve(card.payment_method_id).customer is None


def test_a_card_is_forgotten_although_stripe_replays_an_error_for_the_first_key(
    keeping: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id = book_with_card(keeping)
    (card,) = cards_of(keeping, booking_id)
    gateway, broken = keeping.runtime.payments, set[str]()
    detach = gateway.detach_card

    def replay(method_id: str, key: str) -> None:
        broken.add(min(broken, default=key))  # the first
        if key in broken:
            raise GatewayUnavailable("the stored error")
        detach(method_id, key)

    monkeypatch.setattr(gateway, "detach_card", replay)
    with keeping.app.app_context():
        cards.remove_card(keeping.runtime, booking_id, card.id, Cause(Source.WEB))
    keeping.work()
    keeping.clock.offset += timedelta(minutes=10)
    keeping.work()

    assert cards_of(keeping, booking_id)[0].detached_at is not None


def test_a_card_of_another_booking_cannot_be_removed_or_chosen(keeping: Shop) -> None:
    first, second = book_with_card(keeping), book_with_card(keeping, stay=keeping.stay(ahead=60))
    (card,) = cards_of(keeping, first)

    with keeping.app.app_context():
        with pytest.raises(TransitionRefused):
            cards.remove_card(keeping.runtime, second, card.id, Cause(Source.WEB))
        with pytest.raises(TransitionRefused):
            cards.choose_card(keeping.runtime, second, card.id)

    assert cards_of(keeping, first)[0].removed_at is None


def test_cards_are_forgotten_30_days_after_the_stay(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    leave = keeping.booking(booking_id).leave

    come_to(keeping, leave + timedelta(days=20))
    assert _forget(keeping) == []
    come_to(keeping, leave + timedelta(days=32))
    _forget(keeping)
    keeping.work()

    assert cards_of(keeping, booking_id)[0].detached_at is not None


# --- fees -----------------------------------------------------------------------------------------------------------


def _fee(shop: Shop, booking_id: int, kind: DueKind, minor: int, token: str = "a" * 32) -> Try:
    with shop.app.app_context():
        return fees.charge_fee(shop.runtime, booking_id, FeeWish(kind, eur(minor), "A broken window", token), ADA)


def test_damage_is_charged_at_once_told_with_its_reason_and_a_double_click_is_one(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)

    assert _fee(keeping, booking_id, DueKind.DAMAGE, 15_000) is Try.PAID
    assert _fee(keeping, booking_id, DueKind.DAMAGE, 15_000) is Try.UNDER_WAY
    keeping.work()

    assert [payment.amount_minor for payment in keeping.payments(booking_id)][1:] == [15_000]
    assert "A broken window" in next(one.text for one in keeping.mailer.letters if "will be charged" in one.subject)
    assert keeping.broken_promises() == []


def test_no_more_is_charged_for_damage_than_the_guest_agreed_to_in_all(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    _fee(keeping, booking_id, DueKind.DAMAGE, 15_000)

    with pytest.raises(TransitionRefused, match="more than may be charged"):
        _fee(keeping, booking_id, DueKind.DAMAGE, 5_001, "b" * 32)

    assert len(keeping.payments(booking_id)) == 2


def test_a_fee_for_not_coming_needs_the_note_that_nobody_came_and_stays_within_the_terms(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    allow_no_show(keeping, booking_id, 9_000)
    with pytest.raises(TransitionRefused, match="noted that nobody came"):
        _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, 5_000)
    note_no_show(keeping, booking_id)

    # All of the price is here: by the terms nothing more is owed, whatever was agreed to.
    with pytest.raises(TransitionRefused, match="more than may be charged"):
        _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, 5_000)


def test_without_a_saved_card_nothing_can_be_charged(keeping: Shop) -> None:
    placed = keeping.place(keeping.stay())
    keeping.check_out(placed.booking_id)
    keeping.pay(placed.booking_id)

    with pytest.raises(TransitionRefused, match="no saved card"):
        _fee(keeping, placed.booking_id, DueKind.DAMAGE, 100)


def test_staff_can_stop_the_tries_try_at_once_and_send_the_link(keeping: Shop) -> None:
    booking_id = book_with_card(keeping)
    due_id = owe(keeping, booking_id, keeping.clock.today())
    with keeping.app.app_context():
        charges.stop_trying(keeping.runtime, due_id, ADA)
        charges.stop_trying(keeping.runtime, due_id, ADA)
    assert sweep(keeping) == []

    with keeping.app.app_context():
        charges.send_link(keeping.runtime, due_id, "c" * 32, ADA)
        charges.send_link(keeping.runtime, due_id, "c" * 32, ADA)
        assert charges.try_now(keeping.runtime, due_id, ADA) is Try.PAID
        with pytest.raises(TransitionRefused):
            charges.send_link(keeping.runtime, due_id, "d" * 32, ADA)

    assert keeping.mails(booking_id).count("pay_due") == 1
    assert dues_of(keeping, booking_id)[0].status is DueStatus.PAID


# --- helpers --------------------------------------------------------------------------------------------------------


def _trouble(kind: str) -> dict[str, object]:
    return {"kind": kind, "path_prefix": "/v1/payment_intents", "times": 9}


def _reconcile(shop: Shop) -> None:
    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)
    shop.work()


def _cancel(shop: Shop, booking_id: int) -> None:
    with shop.app.app_context():
        reservations.cancel_booking(
            shop.runtime, booking_id, CancelReason.STAFF, Cause(Source.STAFF, ADA), None, "e" * 32
        )


def _forget(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return cards.forget_old_cards(shop.runtime)


# --- with a plan: a deposit now, the balance by card ------------------------------------------------------------------


def test_the_balance_of_a_plan_is_charged_to_the_card_of_its_deposit_as_the_guest_was_told(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    (due,), consent = dues_of(keeping, booking_id), consent_of(keeping, booking_id)
    assert consent is not None
    assert consent.text[0].startswith("The rest of the price, ")

    for days in (-8, -3, 0):
        come_to(keeping, due.due_on + timedelta(days=days))
        _write_about_balances(keeping)
        sweep(keeping)

    booking = keeping.booking(booking_id)
    assert sum(payment.amount_minor for payment in keeping.payments(booking_id)) == booking.amount_minor
    assert dues_of(keeping, booking_id)[0].status is DueStatus.PAID
    mails = keeping.mails(booking_id)
    assert mails.count("charge_announced") == mails.count("balance_paid") == 1
    assert not {"balance_due", "balance_reminder", "balance_overdue"} & set(mails)
    assert _verify_with_stripe(keeping) == []


def test_whoever_has_a_card_saved_is_told_everywhere_that_the_balance_is_charged_to_it(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    (due,) = dues_of(keeping, booking_id)

    plan = keeping.booking(booking_id).plan
    assert plan is not None
    assert "is charged with it" in plan["text"][1]
    letter = next(one for one in keeping.mailer.letters if one.subject.startswith("Booked"))
    for told in (letter.text, letter.html):
        assert f"Your saved card is charged with €{due.amount_minor / 100:.2f} on" in told
        assert "nothing is taken" not in told
    assert _waits_for_card(keeping, booking_id)

    with keeping.app.app_context():
        charges.stop_trying(keeping.runtime, due.id, ADA)
    assert not _waits_for_card(keeping, booking_id)


def test_whoever_has_agreed_to_no_card_pays_the_balance_themselves(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = keeping.book(keeping.stay(ahead=40))  # its form carries no name of any words
    keeping.pay(booking_id)
    keeping.work()

    plan = keeping.booking(booking_id).plan
    assert plan is not None
    assert "Nothing is taken by itself." in plan["text"][1]
    letter = next(one for one in keeping.mailer.letters if one.subject.startswith("Booked"))
    assert "nothing is taken by itself" in letter.text
    assert not _waits_for_card(keeping, booking_id)


def _waits_for_card(shop: Shop, booking_id: int) -> bool:
    """Whether the guest's page says that the balance is charged to the saved card."""
    reference = shop.booking(booking_id).reference
    with shop.app.app_context():
        found = find_guest_booking(db.session(), reference, shop.clock.now())
    assert found is not None
    return found.waits_for_card


def test_a_bank_that_wants_its_guest_is_satisfied_on_stripes_page_and_the_balance_is_paid_once(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    swap_card(keeping, booking_id, ALWAYS_ASKS)
    (due,) = dues_of(keeping, booking_id)
    come_to(keeping, due.due_on)
    sweep(keeping)
    assert keeping.mails(booking_id).count("charge_failed") == 1

    with keeping.app.app_context():
        assert balances.start_due(keeping.runtime, due.id).url
    session_id = keeping.attempts(booking_id)[-1].session_id
    intent = keeping.stripe.pay(session_id, "4000002760003184", wait=False)["payment_intent"]["id"]
    requests.post(f"{keeping.stripe.url}/c/3ds/{intent}", {"answer": "complete"}, allow_redirects=False, timeout=30)
    keeping.stripe.settle_down()
    come_to(keeping, due.due_on + timedelta(days=4))
    sweep(keeping)

    assert dues_of(keeping, booking_id)[0].status is DueStatus.PAID
    assert len(keeping.payments(booking_id)) == 2
    assert _verify_with_stripe(keeping) == []


def test_while_the_guest_has_a_page_open_the_card_waits_and_staff_may_end_that_page(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    (due,) = dues_of(keeping, booking_id)
    come_to(keeping, due.due_on)
    with keeping.app.app_context():
        balances.start_due(keeping.runtime, due.id)
    assert _charge(keeping, due.id) is Try.UNDER_WAY

    with keeping.app.app_context():
        assert charges.try_now(keeping.runtime, due.id, ADA) is Try.PAID

    assert [one.status for one in keeping.attempts(booking_id)][1:] == [AttemptStatus.EXPIRED, AttemptStatus.PAID]
    assert len(keeping.payments(booking_id)) == 2


def test_a_page_that_was_paid_a_moment_before_counts_and_the_card_is_left_alone(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    (due,) = dues_of(keeping, booking_id)
    come_to(keeping, due.due_on)
    with keeping.app.app_context():
        balances.start_due(keeping.runtime, due.id)
    keeping.stripe.post("delivery", {"mode": "hold"})
    keeping.stripe.pay(keeping.attempts(booking_id)[-1].session_id, wait=False)

    with keeping.app.app_context():
        assert charges.try_now(keeping.runtime, due.id, ADA) is Try.NOT_OWED

    assert len(keeping.payments(booking_id)) == 2
    assert len(keeping.stripe_client().payment_intents.list().data) == 2


def test_who_did_not_come_with_a_deposit_paid_is_charged_what_the_terms_leave_and_no_more(keeping: Shop) -> None:
    ask_for_deposit(keeping)
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    booking = keeping.booking(booking_id)
    with keeping.app.app_context():
        charges.stop_trying(keeping.runtime, dues_of(keeping, booking_id)[0].id, ADA)
    note_no_show(keeping, booking_id)
    with keeping.app.app_context():
        limit = fees.read_limit(booking_id, DueKind.NO_SHOW_FEE)
    paid = keeping.payments(booking_id)[0].amount_minor

    assert 0 < limit.minor <= booking.amount_minor - paid
    with pytest.raises(TransitionRefused, match="more than may be charged"):
        _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, limit.minor + 1)
    assert _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, limit.minor) is Try.PAID
    with keeping.app.app_context():
        assert fees.read_limit(booking_id, DueKind.NO_SHOW_FEE).minor == 0


def test_the_fee_for_not_coming_takes_the_place_of_the_balance(keeping: Shop) -> None:
    ask_for_deposit(keeping, PaymentPlan(PlanKind.DEPOSIT, 30, 0))
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    booking, (balance,) = keeping.booking(booking_id), dues_of(keeping, booking_id)
    come_to(keeping, booking.arrive)
    with keeping.app.app_context():
        no_shows.mark_no_show(keeping.runtime, booking_id, eur(0), False, ADA, "d" * 32)
        assert charges.charge_due_cards(keeping.runtime) == []
        balances.start_due(keeping.runtime, balance.id)
        limit = fees.read_limit(booking_id, DueKind.NO_SHOW_FEE)

    assert _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, limit.minor) is Try.PAID
    for _ in range(3):
        come_to(keeping, keeping.clock.today() + TWO_DAYS)
        sweep(keeping)

    ended = {due.kind: due.status for due in dues_of(keeping, booking_id)}
    assert ended == {DueKind.BALANCE: DueStatus.WAIVED, DueKind.NO_SHOW_FEE: DueStatus.PAID}
    assert keeping.attempts(booking_id)[1].status is AttemptStatus.EXPIRED
    assert sum(payment.amount_minor for payment in keeping.payments(booking_id)) <= booking.amount_minor
    assert _verify_with_stripe(keeping) == []


def test_while_the_bank_works_on_the_balance_no_fee_is_charged(keeping: Shop) -> None:
    ask_for_deposit(keeping, PaymentPlan(PlanKind.DEPOSIT, 30, 0))
    booking_id = book_with_card(keeping, stay=keeping.stay(ahead=40))
    (balance,) = dues_of(keeping, booking_id)
    come_to(keeping, keeping.booking(booking_id).arrive)
    note_no_show(keeping, booking_id)
    keeping.stripe.post("faults", [_trouble("status_500_after_effect")])
    keeping.stripe.post("delivery", {"mode": "hold"})
    assert _charge(keeping, balance.id) is Try.UNKNOWN

    with pytest.raises(TransitionRefused):
        _fee(keeping, booking_id, DueKind.NO_SHOW_FEE, 5_000)

    assert [due.kind for due in dues_of(keeping, booking_id)] == [DueKind.BALANCE]


def _write_about_balances(shop: Shop) -> None:
    with shop.app.app_context():
        balances.write_about_balances(shop.runtime)


def _verify_with_stripe(shop: Shop) -> list[str]:
    """What `flask verify --stripe` finds."""
    with shop.app.app_context():
        found = verification.compare_with_stripe(shop.runtime)
    return [*shop.broken_promises(), *found.differences]
