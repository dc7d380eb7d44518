"""domain/payment_plans.py: deposits and balances add up, in every kind of currency, on every day."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.money import Money, step
from booking.domain.payment_plans import (
    PAY_IN_FULL,
    ROOM_TO_PAY,
    PaymentPlan,
    PlanKind,
    Schedule,
    paid_in_full,
    plan_in_words,
    schedule_in_words,
    smallest_charge,
)

CURRENCIES = st.sampled_from(("eur", "usd", "jpy", "krw", "kwd", "isk", "ugx", "huf", "czk", "sek", "clp"))
DAYS = st.dates(date(2026, 1, 1), date(2030, 1, 1))
TODAY, ARRIVE = date(2027, 3, 1), date(2027, 6, 1)
THIRTY = PaymentPlan(PlanKind.DEPOSIT, 30, 14)
LATER = PaymentPlan(PlanKind.RESERVE_NOW_PAY_LATER, 0, 14)
PLANS = st.builds(PaymentPlan, st.sampled_from(PlanKind), st.integers(0, 100), st.integers(0, 400))


def euros(minor: int) -> Money:
    return Money(minor, "eur")


def test_a_deposit_is_its_percent_and_the_balance_the_rest_until_its_day() -> None:
    found = THIRTY.schedule(euros(42000), ARRIVE, TODAY)

    assert found == Schedule(PlanKind.DEPOSIT, euros(12600), euros(29400), date(2027, 5, 18))
    assert found.is_split
    assert found.total == euros(42000)


def test_a_guarantee_leaves_the_whole_price_to_its_day() -> None:
    found = LATER.schedule(euros(42000), ARRIVE, TODAY)

    assert found == Schedule(PlanKind.RESERVE_NOW_PAY_LATER, euros(0), euros(42000), date(2027, 5, 18))
    assert found.is_split
    assert found.is_guaranteed


@pytest.mark.parametrize(("days", "is_near"), [(16, True), (17, False)])
def test_a_guarantee_for_a_stay_that_is_near_is_paid_in_full(days: int, is_near: bool) -> None:
    found = LATER.schedule(euros(42000), TODAY + timedelta(days=days), TODAY)

    assert (found == paid_in_full(euros(42000))) is is_near


def test_a_guest_reads_that_nothing_is_paid_now_and_what_is_charged_when() -> None:
    told = [str(said) for said in schedule_in_words(LATER.schedule(euros(42000), ARRIVE, TODAY))]

    assert "You pay nothing now." in told[0]
    assert "Until then you can also pay in another way." in told[1]
    assert "It is charged 14 days before arrival." in str(plan_in_words(LATER)[0])
    assert "less than 3 days away" in str(plan_in_words(LATER)[1])


@given(PLANS, CURRENCIES, st.integers(1, 10**8), DAYS, st.integers(-5, 500))
def test_now_and_later_come_to_the_total_and_both_can_be_charged(
    plan: PaymentPlan, currency: str, units: int, today: date, ahead: int
) -> None:
    total = Money(units * step(currency), currency)

    found = plan.schedule(total, today + timedelta(days=ahead), today)

    assert found.now + found.later == total
    assert found.now.is_movable
    assert found.later.is_movable
    assert found.now.minor > 0 or found.is_guaranteed
    assert found.later.minor == 0 or found.later.minor >= smallest_charge(currency).minor
    assert found.later.minor == 0 or found.is_guaranteed or found.now.minor >= smallest_charge(currency).minor
    assert found.is_split == (found.due_on is not None) == bool(found.later.minor)


@given(PLANS, CURRENCIES, st.integers(1, 10**8), DAYS, st.integers(-5, 500))
def test_a_balance_is_never_due_sooner_than_a_person_can_pay_nor_after_arrival(
    plan: PaymentPlan, currency: str, units: int, today: date, ahead: int
) -> None:
    arrive = today + timedelta(days=ahead)

    found = plan.schedule(Money(units * step(currency), currency), arrive, today)

    if found.due_on is not None:
        assert today + ROOM_TO_PAY <= found.due_on <= arrive


@given(PLANS, CURRENCIES, st.integers(1, 10**8), DAYS, st.integers(0, 500))
def test_what_a_booking_keeps_is_read_back_as_it_was(
    plan: PaymentPlan, currency: str, units: int, today: date, ahead: int
) -> None:
    found = plan.schedule(Money(units * step(currency), currency), today + timedelta(days=ahead), today)

    assert Schedule.from_json(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    ("days_until_due", "is_split"),
    [(ROOM_TO_PAY.days - 1, False), (ROOM_TO_PAY.days, True), (0, False), (-1, False)],
)
def test_a_stay_that_is_near_is_paid_in_full_at_once(days_until_due: int, is_split: bool) -> None:
    today = ARRIVE - timedelta(days=14 + days_until_due)

    assert THIRTY.schedule(euros(42000), ARRIVE, today).is_split is is_split


@pytest.mark.parametrize(
    ("total", "percent", "now"),
    [
        (100, 70, 100),  # 30 cents cannot be charged: they are paid with the deposit
        (100, 30, 50),  # nor can a deposit of 30 cents
        (99, 30, 99),
        (150, 50, 75),
    ],
)
def test_what_is_too_little_to_be_charged_joins_the_other_part(total: int, percent: int, now: int) -> None:
    found = PaymentPlan(PlanKind.DEPOSIT, percent, 14).schedule(euros(total), ARRIVE, TODAY)

    assert found.now == euros(now)
    assert found.total == euros(total)


def test_a_hundredth_of_a_krona_is_never_asked_for() -> None:
    found = THIRTY.schedule(Money(1_234_500, "isk"), ARRIVE, TODAY)

    assert (found.now.minor % 100, found.later.minor % 100) == (0, 0)


def test_a_shop_without_a_plan_asks_for_everything_at_once() -> None:
    found = PAY_IN_FULL.schedule(euros(42000), ARRIVE, TODAY)

    assert found == paid_in_full(euros(42000))
    assert found.mark == ""
    assert schedule_in_words(found) == ()


def test_another_plan_has_another_mark() -> None:
    plans = [THIRTY, PaymentPlan(PlanKind.DEPOSIT, 31, 14), PaymentPlan(PlanKind.DEPOSIT, 30, 15), PAY_IN_FULL]

    assert len({plan.schedule(euros(42000), ARRIVE, TODAY).mark for plan in plans}) == len(plans)


def test_the_words_name_amounts_and_the_day() -> None:
    told = " ".join(str(said) for said in schedule_in_words(THIRTY.schedule(euros(42000), ARRIVE, TODAY)))

    assert "until Tue 18 May 2027" in told
    assert "12600" in told
    assert "29400" in told


def test_where_a_card_is_saved_nobody_is_told_that_nothing_is_taken() -> None:
    schedule = THIRTY.schedule(euros(42000), ARRIVE, TODAY)

    alone, with_card = (
        " ".join(map(str, schedule_in_words(schedule, from_card=from_card))) for from_card in (False, True)
    )

    assert "Nothing is taken by itself." in alone
    assert "is charged" not in alone
    assert "On that day the card that you let the house save is charged with it." in with_card
    assert "Nothing is taken" not in with_card
    assert schedule_in_words(paid_in_full(euros(42000)), from_card=True) == ()


def test_a_plan_is_told_before_any_dates_are_chosen() -> None:
    first, near = (str(said) for said in plan_in_words(THIRTY))

    assert first == "You pay 30 percent when you book, and the rest until 14 days before arrival."
    assert near == "A stay that is so near that its balance would be due within 3 days is paid in full at once."
    assert str(plan_in_words(PAY_IN_FULL)[0]) == "You pay the whole price when you book."


def test_a_plan_at_the_beginning_of_the_calendar_falls_back_to_paying_at_once() -> None:
    assert not THIRTY.schedule(euros(42000), date(1, 1, 5), date(1, 1, 1)).is_split
