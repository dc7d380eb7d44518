"""The draft of an answer: complete, true of what it was made from, and never longer than Stripe takes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

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
    DisputeSums,
    check_texts,
    days_left,
    describe_stay,
    draft_texts,
    limit_of,
    sum_up,
    tell_terms,
)
from booking.domain.money import Money
from booking.domain.pricing import QuoteLine
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms, Grace, Tier
from booking.services.notifications import GuestMail
from tests.domain.disputed_stay import AGREED, AT, CASE, PAID, SHOWN


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


def test_a_price_in_two_parts_is_told_in_the_words_that_the_guest_agreed_to() -> None:
    plan = ("You pay €143.10 now, and the balance of €333.90 until Fri 26 February 2027.",)

    text = describe_stay(replace(CASE, plan=plan))

    assert f"Agreed to when booking: {plan[0]}" in text
    assert "Agreed to when booking" not in describe_stay(CASE)


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


STEPS = (
    "Cancelled on or before Fri 5 March 2027: 477.00 EUR back.\n"
    "Cancelled on or before Wed 10 March 2027: 238.50 EUR back.\n"
    "Cancelled later, or not cancelled: nothing back."
)


def test_a_whole_draft_reads_as_a_bank_will_read_it() -> None:
    assert draft() == {
        "customer_name": "Grace Hopper",
        "customer_email_address": "grace@example.org",
        "service_date": "Fri 12 March 2027 (arrival) to Mon 15 March 2027 (departure)",
        "product_description": (
            "A stay of 3 nights for 2 guests: Harbour Loft, Seal Harbour Stays, 1 Quay.\n"
            "Arrival Fri 12 March 2027, departure Mon 15 March 2027. Booking reference H7K2M9QX.\n"
            "\n"
            "Weekend night: 2 x 164.00 EUR = 328.00 EUR\n"
            "Night: 1 x 128.00 EUR = 128.00 EUR\n"
            "Tourist tax: 6 x 3.50 EUR = 21.00 EUR\n"
            "Total: 477.00 EUR\n"
            f"Paid on {AT}, 13:33 (Europe/Berlin): 477.00 EUR"
        ),
        "cancellation_policy_disclosure": f"{SHOWN}\n\n{STEPS}",
        "refund_policy_disclosure": f"Refunds follow the cancellation terms. {SHOWN}\n\n{STEPS}",
        "cancellation_rebuttal": (
            f"The guest did not cancel this booking. It was confirmed on {AT}, 13:33, and from then on nobody else "
            "could book these nights."
        ),
        "refund_refusal_explanation": (
            "Paid: 477.00 EUR. Sent back: 0.00 EUR.\n"
            "The booking was not cancelled, and the terms give money back only for cancelling in time."
        ),
        "access_activity_log": (
            "What our system recorded of booking H7K2M9QX. Times are those of Europe/Berlin.\n"
            f'{AT}, 13:30: the guest chose the dates, gave name and e-mail address and pressed "Book and pay"\n'
            f"{AT}, 13:30: the booking was confirmed"
        ),
        "uncategorized_text": (
            "E-mails sent to grace@example.org. Times are those of Europe/Berlin.\n"
            f"{AT}, 13:34: confirmation of the booking, with dates, price and cancellation terms\n\n"
            "What the guest wrote when booking:\nWe arrive late."
        ),
    }


def test_what_there_is_nothing_of_leaves_no_trace_in_the_draft() -> None:
    texts = draft(mails=(), message="", confirmed_at=None, address="", paid=())

    assert texts["cancellation_policy_disclosure"].startswith(SHOWN.partition(" The same terms")[0] + "\n\n")
    assert texts["cancellation_rebuttal"] == "The guest did not cancel this booking."
    assert texts["uncategorized_text"] == "No e-mail was sent."
    assert texts["product_description"].startswith("A stay of 3 nights for 2 guests: Harbour Loft, Seal Harbour Stays.")
    assert texts["product_description"].endswith("Total: 477.00 EUR")


def test_one_night_and_one_guest_are_counted_as_one() -> None:
    stay = Stay(date(2027, 3, 12), date(2027, 3, 13))

    assert draft(stay=stay, guests=1)["product_description"].startswith("A stay of 1 night for 1 guest: ")


def test_a_cancellation_by_the_house_is_told_as_one_and_counts_by_the_clock_of_the_house() -> None:
    late = datetime(2027, 3, 5, 23, 30, tzinfo=UTC)  # the day after, where the house stands
    back = ("re_1", Money(20000, "eur"))

    texts = draft(cancelled_at=late, cancel_reason="staff", refunded=(back,))

    assert texts["cancellation_rebuttal"] == (
        "The booking was cancelled by the house on Sat 6 March 2027, 00:30. By the terms, 238.50 EUR was due back."
    )
    assert texts["refund_refusal_explanation"] == (
        "Paid: 477.00 EUR. Sent back: 200.00 EUR.\n"
        "Refund re_1: 200.00 EUR.\n"
        "On the day of cancelling, the terms gave back 238.50 EUR."
    )


def test_money_that_went_back_whole_ends_the_matter() -> None:
    assert draft(refunded=(("re_1", PAID),))["refund_refusal_explanation"] == (
        "Paid: 477.00 EUR. Sent back: 477.00 EUR.\n"
        "Refund re_1: 477.00 EUR.\n"
        "Everything that was paid has been sent back, so that nothing more is due."
    )


@pytest.mark.parametrize(("over", "cut"), [(0, False), (1, True)])
def test_a_log_is_cut_before_the_line_that_goes_beyond_its_room(over: int, cut: bool) -> None:
    steps = ((AGREED, "placed"),) * 10 + ((AGREED, "confirmed"),)
    room = LONGEST - 3_000 - len(draft(steps=steps, reference="")["access_activity_log"])

    lines = draft(steps=steps, reference="R" * (room + over))["access_activity_log"].splitlines()

    assert len(lines) == 12
    assert lines[-1] == ("... and 1 more" if cut else f"{AT}, 13:30: the booking was confirmed")


def test_a_very_long_message_costs_the_end_of_the_list_of_mails() -> None:
    text = draft(mails=((AGREED, "confirmed"),) * 500, message="x" * 6_000)["uncategorized_text"]

    assert len(text) == LONGEST
    assert text.endswith("\n\nWhat the guest wrote when booking:\n" + "x" * 6_000)


def test_what_is_wrong_with_a_text_is_said_beside_it() -> None:
    texts = {**dict.fromkeys(FIELDS, ""), "customer_name": "x" * 5_001, "uncategorized_text": "x" * 20_001}

    assert check_texts(texts) == {
        "customer_name": "At most 5,000 characters.",
        "uncategorized_text": "At most 20,000 characters.",
    }
    assert check_texts(dict.fromkeys(FIELDS, "")) == {
        "customer_name": "Write something: an empty answer loses the dispute."
    }


def test_of_texts_too_long_together_the_longest_is_to_be_shortened() -> None:
    texts = {name: "x" * limit_of(name) for name in FIELDS}
    shorter = {**texts, **{name: "x" * (LONGEST - 1) for name in LONG_FIELDS if name != "cancellation_rebuttal"}}

    assert check_texts(shorter) == {
        "cancellation_rebuttal": "All texts together may have 150,000 characters. Shorten this one first."
    }


def test_the_bank_reads_the_terms_in_the_words_that_the_guest_read() -> None:
    texts = draft(words=("Kostenlose Stornierung bis 7 Tage vor der Anreise.", "Später: keine Erstattung."))

    for name in ("cancellation_policy_disclosure", "refund_policy_disclosure"):
        assert texts[name].endswith(
            "In the words that the guest read:\nKostenlose Stornierung bis 7 Tage vor der Anreise.\n"
            "Später: keine Erstattung."
        )


def test_with_time_for_second_thoughts_and_money_that_always_comes_back_the_terms_say_both() -> None:
    terms = CancellationTerms((Tier(7, 100),), Grace(24), frozenset({LineKind.TOURIST_TAX}))
    booked_late = replace(CASE.deal, terms=terms, booked_at=datetime(2027, 3, 8, 9, 30, tzinfo=UTC))

    told = tell_terms(replace(CASE, deal=booked_late, words=("Nach dem Buchen ist einen Tag lang alles frei.",)))

    assert told == (
        "Cancelled before Tue 9 March 2027, 10:30: 477.00 EUR back.\n"
        "Cancelled later, or not cancelled: 21.00 EUR back.\n"
        "\n"
        "In the words that the guest read:\n"
        "Nach dem Buchen ist einen Tag lang alles frei."
    )


def test_a_line_of_the_price_that_has_a_name_is_told_with_it() -> None:
    line = QuoteLine(LineKind.EXTRA, 2, Money(1450, "eur"), Money(2900, "eur"), "Breakfast")
    deal = replace(CASE.deal, quote=replace(CASE.quote, lines=(line,)))

    assert "\nExtra (Breakfast): 2 x 14.50 EUR = 29.00 EUR\n" in describe_stay(replace(CASE, deal=deal))


@pytest.mark.parametrize(
    ("status", "sums"),
    [
        ("won", DisputeSums("fraudulent", "eur", won=2, won_minor=9000)),
        ("lost", DisputeSums("fraudulent", "eur", lost=2, lost_minor=9000)),
        ("warning_closed", DisputeSums("fraudulent", "eur", ended=2)),
        ("needs_response", DisputeSums("fraudulent", "eur", open=2, at_stake_minor=9000)),
        ("under_review", DisputeSums("fraudulent", "eur", open=2, at_stake_minor=9000)),
    ],
)
def test_disputes_are_counted_by_how_they_ended_and_their_money_is_at_stake_won_or_lost(
    status: str, sums: DisputeSums
) -> None:
    assert sum_up("fraudulent", "eur", status, 2, 9000) == sums
    assert sums.count == 2


def test_disputes_of_one_reason_and_currency_add_up() -> None:
    before = DisputeSums("general", "eur", 1, 2, 3, 4, 10_00, 20_00, 30_00)
    more = DisputeSums("general", "eur", 10, 20, 30, 40, 1_00, 2_00, 3_00)

    assert before + more == DisputeSums("general", "eur", 11, 22, 33, 44, 11_00, 22_00, 33_00)
    assert (before + more).count == 110
