"""Which plans can be, and which memberships give the members' rate at which moment."""

from datetime import UTC, datetime, timedelta

import pytest

from booking.domain.club import (
    PAST_DUE_GRACE,
    UNHEARD_GRACE,
    Interval,
    MemberStatus,
    PlanTerms,
    Standing,
    find_plan_problem,
)
from booking.domain.money import Money

BEGIN = datetime(2027, 3, 1, 12, tzinfo=UTC)
END = BEGIN + timedelta(days=31)
SECOND = timedelta(seconds=1)


def _gives(status: MemberStatus, at: datetime, cancels_at: datetime | None = None) -> bool:
    return Standing(status, BEGIN, END, cancels_at).is_entitled(at)


@pytest.mark.parametrize(
    ("status", "gives"),
    [
        ("active", True), ("trialing", True), ("past_due", True), ("unpaid", False), ("canceled", False),
        ("paused", False), ("incomplete", False), ("incomplete_expired", False),
    ],
)  # fmt: skip
def test_what_each_state_gives(status: str, gives: bool) -> None:
    assert _gives(MemberStatus(status), BEGIN + SECOND) is gives


def test_every_state_of_stripes_is_decided() -> None:
    assert len(MemberStatus) == 8


def test_past_due_gives_the_rate_for_a_week_from_the_beginning_of_the_period_that_was_not_paid() -> None:
    assert timedelta(days=7) == PAST_DUE_GRACE
    assert _gives(MemberStatus.PAST_DUE, BEGIN + PAST_DUE_GRACE - SECOND)
    assert not _gives(MemberStatus.PAST_DUE, BEGIN + PAST_DUE_GRACE)


@pytest.mark.parametrize("status", [MemberStatus.ACTIVE, MemberStatus.TRIALING])
def test_cancelled_it_ends_with_its_period_to_the_second(status: MemberStatus) -> None:
    assert _gives(status, END - SECOND, END)
    assert not _gives(status, END, END)


def test_a_period_that_is_long_over_and_of_which_nobody_told_gives_nothing() -> None:
    assert _gives(MemberStatus.ACTIVE, END + UNHEARD_GRACE - SECOND)
    assert not _gives(MemberStatus.ACTIVE, END + UNHEARD_GRACE)


NAME = ("name", "Give the plan a name of at most 80 letters.")
PRICE = ("price", "A plan costs something, in amounts that this currency can be paid in.")
TRIAL = ("trial_days", "A trial lasts from 0 to 90 days.")
SAVED = ("off_share", "What members save is more than nothing and less than everything.")


@pytest.mark.parametrize(
    ("name", "price", "trial_days", "off_share", "problem"),
    [
        ("Friends of the house", Money(990, "eur"), 14, 1000, None),
        ("F", Money(1, "eur"), 0, 1, None),
        ("F" * 80, Money(100, "isk"), 90, 9_999, None),
        (" " + "F" * 80 + " ", Money(1, "jpy"), 1, 1000, None),
        ("", Money(990, "eur"), 14, 1000, NAME),
        ("   ", Money(990, "eur"), 14, 1000, NAME),
        ("F" * 81, Money(990, "eur"), 14, 1000, NAME),
        ("Friends", Money(0, "eur"), 14, 1000, PRICE),
        ("Friends", Money(-990, "eur"), 14, 1000, PRICE),
        ("Friends", Money(150, "isk"), 14, 1000, PRICE),
        ("Friends", Money(1005, "kwd"), 14, 1000, PRICE),
        ("Friends", Money(990, "eur"), -1, 1000, TRIAL),
        ("Friends", Money(990, "eur"), 91, 1000, TRIAL),
        ("Friends", Money(990, "eur"), 14, 0, SAVED),
        ("Friends", Money(990, "eur"), 14, 10_000, SAVED),
    ],
)
def test_a_plan_that_cannot_be_says_which_field_is_wrong_and_why(
    name: str, price: Money, trial_days: int, off_share: int, problem: tuple[str, str] | None
) -> None:
    assert find_plan_problem(PlanTerms(name, price, Interval.MONTH, trial_days, off_share)) == problem
