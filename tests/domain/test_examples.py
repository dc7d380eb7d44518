"""The examples that staff is shown: which stays they are of, and that they hold what a change is about."""

from datetime import date, timedelta

import pytest

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.examples import Point, make_examples
from booking.domain.rates import Fee, LineKind, Prices, RateCard

TODAY = date(2027, 3, 1)
CARD = RateCard(
    "eur",
    Prices(10000),
    extras=(Fee(LineKind.EXTRA, 1200, key="1"), Fee(LineKind.EXTRA, 900), Fee(LineKind.EXTRA, 500, key="2")),
)


def test_examples_are_a_weekend_a_week_where_the_change_is_and_a_long_stay() -> None:
    point = Point("Loft", "High season", date(2027, 3, 15), Coupon("SPRING", off_share=1000), "2")

    examples = make_examples(CARD, 4, TODAY, point)

    assert [(example.title, example.listing, example.stay) for example in examples] == [
        ("Next weekend, 2 guests", "Loft", Stay(date(2027, 3, 5), date(2027, 3, 7))),
        ("A week from the first night of High season, 2 guests", "Loft", Stay(date(2027, 3, 15), date(2027, 3, 22))),
        ("Four weeks, 4 guests", "Loft", Stay(date(2027, 4, 30), date(2027, 5, 28))),
    ]
    assert [example.quote.guests for example in examples] == [2, 2, 4]
    for example in examples:
        lines = {line.kind: line.total.minor for line in example.quote.lines}
        assert lines[LineKind.EXTRA] == 500
        assert lines[LineKind.COUPON] == -1000 * example.stay.nights


def test_where_the_change_is_about_no_night_code_or_extra_the_examples_hold_none() -> None:
    examples = make_examples(CARD, 1, TODAY, Point("Loft"))

    assert [example.title for example in examples] == [
        "Next weekend, 1 guest",
        "A week, 1 guest",
        "Four weeks, 1 guest",
    ]
    assert examples[1].stay == Stay(date(2027, 3, 31), date(2027, 4, 7))
    assert {line.kind for example in examples for line in example.quote.lines} == {LineKind.NIGHT}


@pytest.mark.parametrize(("begun", "title"), [(0, "A week from the first night of High season"), (3, "A week")])
def test_the_example_of_a_season_that_has_begun_is_a_week_from_today(begun: int, title: str) -> None:
    point = Point("Loft", "High season", TODAY - timedelta(days=begun))

    week = make_examples(CARD, 2, TODAY, point)[1]

    assert (week.title, week.stay.arrive) == (f"{title}, 2 guests", TODAY)


@pytest.mark.parametrize(("today", "friday"), [(4, 5), (5, 12), (6, 12)])
def test_next_weekend_begins_on_the_first_friday_after_today(today: int, friday: int) -> None:
    weekend = make_examples(CARD, 2, date(2027, 3, today), Point("Loft"))[0]

    assert weekend.stay == Stay(date(2027, 3, friday), date(2027, 3, friday + 2))
