"""Codes: until when, how often and for which nights one is taken, and why not, in the words that the guest reads."""

from datetime import date

import pytest

from booking.domain.coupons import Coupon, find_refusal
from booking.domain.dates import Stay

TODAY = date(2027, 1, 1)
FOUR_NIGHTS = Stay(date(2027, 3, 12), date(2027, 3, 16))


@pytest.mark.parametrize(
    ("coupon", "uses"),
    [
        (Coupon("X"), 99),
        (Coupon("X", until=TODAY), 0),
        (Coupon("X", most_uses=5), 4),
        (Coupon("X", min_nights=4), 0),
        (Coupon("X", first=date(2027, 3, 12)), 0),
        (Coupon("X", last=date(2027, 3, 15)), 0),
    ],
)
def test_a_code_is_good_up_to_its_last_use_and_its_last_day(coupon: Coupon, uses: int) -> None:
    assert find_refusal(coupon, FOUR_NIGHTS, TODAY, uses) is None


@pytest.mark.parametrize(
    ("coupon", "uses", "words"),
    [
        (Coupon("X", until=date(2026, 12, 31)), 0, "This code could be used until Thu 31 December 2026."),
        (Coupon("X", most_uses=5), 5, "This code has been used up."),
        (Coupon("X", most_uses=0), 0, "This code has been used up."),
        (Coupon("X", min_nights=5), 0, "This code is for stays of at least 5 nights."),
        (Coupon("X", first=date(2027, 3, 13)), 0, "This code is for nights from Sat 13 March 2027 on."),
        (Coupon("X", last=date(2027, 3, 14)), 0, "This code is for nights up to Sun 14 March 2027."),
    ],
)
def test_a_code_is_refused_in_words(coupon: Coupon, uses: int, words: str) -> None:
    assert str(find_refusal(coupon, FOUR_NIGHTS, TODAY, uses)) == words


def test_translators_find_the_words_about_nights_for_one_and_for_many() -> None:
    refusal = find_refusal(Coupon("X", min_nights=5), FOUR_NIGHTS, TODAY, 0)

    assert refusal is not None
    assert refusal.one == "This code is for stays of at least {count} night."
    assert refusal.many == "This code is for stays of at least {count} nights."
