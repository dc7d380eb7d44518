"""domain/payment_plans.py: deposits and balances add up, in every kind of currency, on every day."""

import json
from datetime import UTC, date, datetime, timedelta

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
    agreed_at,
    paid_in_full,
    plan_in_words,
    schedule_in_words,
    smallest_charge,
)

CURRENCIES = st.sampled_from(("eur", "usd", "jpy", "krw", "kwd", "isk", "ugx", "huf", "czk", "sek", "clp"))
DAYS = st.dates(date(2026, 1, 1), date(2030, 1, 1))
TODAY, ARRIVE = date(2027, 3, 1), date(2027, 6, 1)
DUE_ON = date(2027, 5, 18)  # 14 days before
THIRTY = PaymentPlan(PlanKind.DEPOSIT, 30, 14)
LATER = PaymentPlan(PlanKind.RESERVE_NOW_PAY_LATER, 0, 14)
PLANS = st.builds(PaymentPlan, st.sampled_from(PlanKind), st.integers(0, 100), st.integers(0, 400))


def euros(minor: int) -> Money:
    return Money(minor, "eur")


def test_a_deposit_is_its_percent_and_the_balance_the_rest_until_its_day() -> None:
    found = THIRTY.schedule(euros(42000), ARRIVE, TODAY)

    assert found == Schedule(PlanKind.DEPOSIT, euros(12600), euros(29400), DUE_ON)
    assert found.is_split
    assert found.total == euros(42000)


def test_a_guarantee_leaves_the_whole_price_to_its_day() -> None:
    found = LATER.schedule(euros(42000), ARRIVE, TODAY)

    assert found == Schedule(PlanKind.RESERVE_NOW_PAY_LATER, euros(0), euros(42000), DUE_ON)
    assert found.is_split
    assert found.is_guaranteed


@pytest.mark.parametrize(("days", "is_near"), [(16, True), (17, False)])
def test_a_guarantee_for_a_stay_that_is_near_is_paid_in_full(days: int, is_near: bool) -> None:
    found = LATER.schedule(euros(42000), TODAY + timedelta(days=days), TODAY)

    assert (found == paid_in_full(euros(42000))) is is_near


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


def test_a_plan_that_a_booking_kept_long_ago_still_reads() -> None:
    kept = {"kind": "deposit", "now_minor": 12600, "later_minor": 29400, "currency": "eur", "due_on": "2027-05-18"}
    in_full = {"kind": "pay_in_full", "now_minor": 42000, "later_minor": 0, "currency": "eur", "due_on": None}
    found = [Schedule.from_json(data) for data in (kept, in_full)]

    assert found == [THIRTY.schedule(euros(42000), ARRIVE, TODAY), paid_in_full(euros(42000))]
    assert [schedule.as_json() for schedule in found] == [kept, in_full]


def test_it_is_known_when_a_guest_agreed_to_a_plan() -> None:
    assert agreed_at({"agreed_at": "2027-03-01T12:30:00+00:00"}) == datetime(2027, 3, 1, 12, 30, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("currency", "least"),
    [
        ("eur", 50),
        ("gbp", 30),
        ("jpy", 50),
        ("huf", 17500),
        ("zar", 2000),
        ("clp", 5000),
        ("isk", 2000),
        ("kwd", 20000),
    ],
)
def test_the_least_that_can_be_charged_is_what_stripe_names_or_twenty_or_five_thousand_where_it_names_none(
    currency: str, least: int
) -> None:
    assert smallest_charge(currency) == Money(least, currency)
    assert smallest_charge(currency).is_movable


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


@pytest.mark.parametrize(
    ("schedule", "from_card", "words"),
    [
        (
            Schedule(PlanKind.DEPOSIT, euros(12600), euros(29400), DUE_ON),
            False,
            [f"You pay {euros(12600)} now, and the balance of {euros(29400)} until Tue 18 May 2027.",
             "We write to you before that day with a link to pay. Nothing is taken by itself."],
        ),
        (
            Schedule(PlanKind.DEPOSIT, euros(12600), euros(29400), DUE_ON),
            True,
            [f"You pay {euros(12600)} now, and the balance of {euros(29400)} until Tue 18 May 2027.",
             "On that day the card that you let the house save is charged with it.",
             "We write to you before that day. Until then you can also pay in another way."],
        ),
        (
            Schedule(PlanKind.RESERVE_NOW_PAY_LATER, euros(0), euros(42000), DUE_ON),
            False,
            [f"You pay nothing now. Your card is charged with {euros(42000)} on Tue 18 May 2027.",
             "We write to you before that day. Until then you can also pay in another way."],
        ),
        (paid_in_full(euros(42000)), False, []),
        (paid_in_full(euros(42000)), True, []),
    ],
)  # fmt: skip
def test_a_guest_reads_what_is_paid_now_what_later_and_whether_a_card_is_charged(
    schedule: Schedule, from_card: bool, words: list[str]
) -> None:
    assert [str(said) for said in schedule_in_words(schedule, from_card=from_card)] == words


def test_unless_a_guest_let_the_house_save_a_card_no_card_is_charged() -> None:
    told = [str(said) for said in schedule_in_words(THIRTY.schedule(euros(42000), ARRIVE, TODAY))]

    assert told[-1].endswith("Nothing is taken by itself.")


NEAR_DEPOSIT = "A stay that is so near that its balance would be due within 3 days is paid in full at once."
NEAR_CARD = "A stay that is so near that this day is less than 3 days away is paid in full at once."


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (PAY_IN_FULL, ["You pay the whole price when you book."]),
        (THIRTY, ["You pay 30 percent when you book, and the rest until 14 days before arrival.", NEAR_DEPOSIT]),
        (
            PaymentPlan(PlanKind.DEPOSIT, 50, 1),
            ["You pay 50 percent when you book, and the rest until 1 day before arrival.", NEAR_DEPOSIT],
        ),
        (
            LATER,
            ["You pay nothing when you book, but leave a card. It is charged 14 days before arrival.", NEAR_CARD],
        ),
        (
            PaymentPlan(PlanKind.RESERVE_NOW_PAY_LATER, 0, 1),
            ["You pay nothing when you book, but leave a card. It is charged 1 day before arrival.", NEAR_CARD],
        ),
    ],
)
def test_a_plan_is_told_before_any_dates_are_chosen(plan: PaymentPlan, words: list[str]) -> None:
    assert [str(said) for said in plan_in_words(plan)] == words


def test_a_plan_at_the_beginning_of_the_calendar_falls_back_to_paying_at_once() -> None:
    assert not THIRTY.schedule(euros(42000), date(1, 1, 5), date(1, 1, 1)).is_split
