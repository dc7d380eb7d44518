"""The draft of an answer: complete, true of what it was made from, and never longer than Stripe takes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.evidence import (
    FIELDS,
    LONG_FIELDS,
    LONGEST,
    MAIL_WORDS,
    MOST_TOGETHER,
    STEP_WORDS,
    StayCase,
    check_texts,
    days_left,
    draft_texts,
    limit_of,
)
from booking.domain.money import Money
from booking.domain.policy import CancellationTerms
from booking.domain.pricing import Rates, quote
from booking.services.notifications import GuestMail

STAY = Stay(date(2027, 3, 12), date(2027, 3, 15))
AGREED = datetime(2027, 2, 1, 12, 30, tzinfo=UTC)
PAID = Money(47700, "eur")
CASE = StayCase(
    reference="H7K2M9QX",
    guest_name="Grace Hopper",
    guest_email="grace@example.org",
    message="We arrive late.",
    house="Seal Harbour Stays",
    address="1 Quay",
    listing="Harbour Loft",
    stay=STAY,
    guests=2,
    quote=quote(Rates("eur", 12800, 16400, 0, 350), STAY, 2),
    terms=CancellationTerms(7, 2, 50),
    zone=ZoneInfo("Europe/Berlin"),
    agreed_at=AGREED,
    confirmed_at=AGREED + timedelta(minutes=3),
    cancelled_at=None,
    cancel_reason="",
    paid=((AGREED + timedelta(minutes=3), PAID),),
    refunded=(),
    mails=((AGREED + timedelta(minutes=4), "confirmed"),),
    steps=((AGREED, "placed"), (AGREED, "card_declined"), (AGREED, "dispute_opened"), (AGREED, "confirmed")),
)


def draft(**changes: Any) -> dict[str, str]:
    return draft_texts(replace(CASE, **changes))


def test_every_text_that_stripe_takes_is_drafted() -> None:
    texts = draft()

    assert tuple(texts) == FIELDS
    assert all(texts.values())
    assert check_texts(texts) == {}


def test_the_stay_its_price_and_its_payment_are_described_on_the_houses_clock() -> None:
    text = draft()["product_description"]

    assert "3 nights for 2 guests: Harbour Loft, Seal Harbour Stays, 1 Quay." in text
    assert "Weekend night: 2 x 164.00 EUR = 328.00 EUR" in text
    assert "Paid on Mon 1 February 2027, 13:33 (Europe/Berlin): 477.00 EUR" in text


def test_the_terms_stand_there_with_the_time_at_which_they_were_agreed_to() -> None:
    text = draft()["cancellation_policy_disclosure"]

    assert "on Mon 1 February 2027, 13:30 (Europe/Berlin)" in text
    assert "in the confirmation e-mailed to grace@example.org on Mon 1 February 2027, 13:34." in text
    assert "Cancelled on or before Fri 5 March 2027: 477.00 EUR back." in text
    assert "Cancelled on or before Wed 10 March 2027: 238.50 EUR back." in text


def test_a_confirmation_that_never_left_is_not_claimed() -> None:
    texts = draft(mails=())

    assert "e-mailed" not in texts["cancellation_policy_disclosure"]
    assert texts["uncategorized_text"].startswith("No e-mail was sent.")


def test_only_what_concerns_the_stay_is_told_of_the_timeline() -> None:
    text = draft()["access_activity_log"]

    assert text.count("\n") == 2
    assert "declined" not in text
    assert "dispute" not in text


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({}, "cancellation_rebuttal", "The guest did not cancel this booking. It was confirmed on"),
        ({"confirmed_at": None}, "cancellation_rebuttal", "The guest did not cancel this booking."),
        (
            {"cancelled_at": datetime(2027, 3, 8, 12, tzinfo=UTC), "cancel_reason": "guest"},
            "cancellation_rebuttal",
            "by the guest on Mon 8 March 2027, 13:00. By the terms, 238.50 EUR was due back.",
        ),
        (
            {"cancelled_at": AGREED, "cancel_reason": "dates_unavailable"},
            "cancellation_rebuttal",
            "cancelled by itself on Mon 1 February 2027, 13:30: dates unavailable.",
        ),
        ({}, "refund_refusal_explanation", "The booking was not cancelled, and the terms"),
        ({"refunded": (("re_1", PAID),)}, "refund_refusal_explanation", "so that nothing more is due."),
        (
            {
                "cancelled_at": datetime(2027, 3, 8, 12, tzinfo=UTC),
                "cancel_reason": "guest",
                "refunded": (("re_1", Money(23850, "eur")),),
            },
            "refund_refusal_explanation",
            "Refund re_1: 238.50 EUR.\nOn the day of cancelling, the terms gave back 238.50 EUR. Nothing more is due.",
        ),
    ],
)
def test_what_became_of_booking_and_money_is_told_as_it_was(changes: dict[str, Any], name: str, words: str) -> None:
    assert words in draft(**changes)[name]


def test_money_that_is_still_owed_is_not_denied() -> None:
    text = draft(cancelled_at=AGREED, cancel_reason="guest")["refund_refusal_explanation"]

    assert "the terms gave back 477.00 EUR." in text
    assert "Nothing more is due" not in text


def test_a_long_story_is_cut_with_the_number_of_lines_left_out() -> None:
    texts = draft(steps=((AGREED, "placed"),) * 500, mails=((AGREED, "confirmed"),) * 500, message="x" * 2000)

    assert check_texts(texts) == {}
    assert "... and" in texts["access_activity_log"].splitlines()[-1]
    assert texts["uncategorized_text"].endswith("x" * 2000)


def test_every_mail_to_a_guest_has_words() -> None:
    assert set(MAIL_WORDS) == {kind.value for kind in GuestMail}
    assert not [word for word in {**MAIL_WORDS, **STEP_WORDS}.values() if word.endswith(".")]


@given(st.sampled_from(FIELDS), st.integers(0, 3))
def test_a_text_may_be_as_long_as_stripe_takes_and_not_a_character_longer(name: str, over: int) -> None:
    texts = {**dict.fromkeys(FIELDS, ""), name: "x" * (limit_of(name) + over)}

    assert list(check_texts(texts)) == ([name] if over else [])


def test_all_texts_together_have_a_limit_too() -> None:
    texts = {name: "x" * limit_of(name) for name in FIELDS}

    assert sum(map(len, texts.values())) > MOST_TOGETHER
    (words,) = check_texts(texts).values()
    assert "All texts together" in words
    assert check_texts({**texts, LONG_FIELDS[0]: "x" * (LONGEST - 5_000)}) == {}


@pytest.mark.parametrize(("hours", "days"), [(73, 3), (72, 3), (71, 2), (24, 1), (23, 0), (0, 0), (-1, -1)])
def test_days_that_are_left_are_whole_ones(hours: int, days: int) -> None:
    assert days_left(AGREED + timedelta(hours=hours), AGREED) == days
