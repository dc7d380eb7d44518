"""The papers of an answer to a bank: what stands in each, word for word, and what is known of a file from outside."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.evidence import SentLetter
from booking.domain.papers import (
    ADDED,
    FILE_FIELDS,
    MADE,
    MEDIA_TYPES,
    MOST_PAGES,
    PAPER_WORDS,
    Paper,
    PaperKind,
    Part,
    chosen_papers,
    count_pages,
    draft_papers,
    ending_of,
)
from tests.domain.disputed_stay import AGREED, AT, CASE, SHOWN

PDF, JPEG, PNG = b"%PDF-1.7\n", b"\xff\xd8\xff\xe0JFIF", b"\x89PNG\r\n\x1a\n..."
LETTERS = (
    SentLetter(AGREED + timedelta(minutes=4), "Your stay is booked", "Dear Grace,\n\nyou are expected.\n[link]"),
    SentLetter(AGREED + timedelta(days=30), "Tomorrow", "The key is under the seal."),
)


def papers(**changes: Any) -> dict[PaperKind, Paper]:
    return {paper.kind: paper for paper in draft_papers(replace(CASE, **changes))}


def test_every_paper_that_the_shop_makes_is_drafted_under_its_title_and_names_booking_and_house() -> None:
    drafted = draft_papers(CASE)

    assert [(paper.kind, paper.title, paper.most_pages) for paper in drafted] == [
        (PaperKind.TERMS, "The terms as the guest read them", 3),
        (PaperKind.VOUCHER, "Booking voucher: the stay, its price and its payment", 3),
        (PaperKind.MAILS, "The e-mails sent to the guest", 9),
        (PaperKind.TIMELINE, "What happened, with times", 4),
    ]
    assert {paper.foot for paper in drafted} == {"Booking H7K2M9QX, Seal Harbour Stays"}


def test_the_paper_of_the_terms_says_how_they_were_shown_and_each_of_them_on_a_line() -> None:
    words = ("Kostenlose Stornierung bis 7 Tage vor der Anreise.", "Später: keine Erstattung.")

    assert papers(words=words)[PaperKind.TERMS].parts == (
        Part("How and when they were shown", (SHOWN,)),
        Part(
            "The terms",
            (
                "Cancelled on or before Fri 5 March 2027: 477.00 EUR back.",
                "Cancelled on or before Wed 10 March 2027: 238.50 EUR back.",
                "Cancelled later, or not cancelled: nothing back.",
                "",
                "In the words that the guest read:",
                *words,
            ),
        ),
    )


def test_the_voucher_tells_guest_stay_price_payment_and_what_became_of_them() -> None:
    assert papers()[PaperKind.VOUCHER].parts == (
        Part(
            "Guest",
            (
                "Grace Hopper",
                "grace@example.org",
                "Booking reference H7K2M9QX.",
                f"Confirmed on {AT}, 13:33 (Europe/Berlin).",
            ),
        ),
        Part(
            "Stay, price and payment",
            (
                "A stay of 3 nights for 2 guests: Harbour Loft, Seal Harbour Stays, 1 Quay.",
                "Arrival Fri 12 March 2027, departure Mon 15 March 2027. Booking reference H7K2M9QX.",
                "",
                "Weekend night: 2 x 164.00 EUR = 328.00 EUR",
                "Night: 1 x 128.00 EUR = 128.00 EUR",
                "Tourist tax: 6 x 3.50 EUR = 21.00 EUR",
                "Total: 477.00 EUR",
                f"Paid on {AT}, 13:33 (Europe/Berlin): 477.00 EUR",
            ),
        ),
        Part(
            "Cancelling",
            (
                f"The guest did not cancel this booking. It was confirmed on {AT}, 13:33, and from then on nobody "
                "else could book these nights.",
            ),
        ),
        Part(
            "Refunds",
            (
                "Paid: 477.00 EUR. Sent back: 0.00 EUR.",
                "The booking was not cancelled, and the terms give money back only for cancelling in time.",
            ),
        ),
    )


def test_a_voucher_has_no_line_for_what_is_not_known_of_the_guest() -> None:
    guest = papers(confirmed_at=None, guest_name="")[PaperKind.VOUCHER].parts[0]

    assert guest == Part("Guest", ("grace@example.org", "Booking reference H7K2M9QX."))


def test_the_mails_are_listed_and_follow_word_for_word_after_what_the_guest_wrote() -> None:
    assert papers(letters=LETTERS, message="We arrive late.\nIs that fine?")[PaperKind.MAILS].parts == (
        Part(
            "Sent to grace@example.org. Times are those of Europe/Berlin.",
            (f"{AT}, 13:34: confirmation of the booking, with dates, price and cancellation terms",),
        ),
        Part("What the guest wrote when booking", ("We arrive late.", "Is that fine?")),
        Part(f"E-mail of {AT}, 13:34: Your stay is booked", ("Dear Grace,", "", "you are expected.", "[link]")),
        Part("E-mail of Wed 3 March 2027, 13:30: Tomorrow", ("The key is under the seal.",)),
    )


def test_where_nothing_was_sent_and_nothing_written_the_paper_of_the_mails_says_so() -> None:
    assert papers(mails=(), message="")[PaperKind.MAILS].parts == (
        Part("Sent to grace@example.org. Times are those of Europe/Berlin.", ("No e-mail was sent.",)),
    )


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            CASE.steps,
            (
                f'{AT}, 13:30: the guest chose the dates, gave name and e-mail address and pressed "Book and pay"',
                f"{AT}, 13:30: the booking was confirmed",
            ),
        ),
        ((), ("Nothing was recorded.",)),
        (((AGREED, "card_declined"),), ("Nothing was recorded.",)),
    ],
)
def test_the_timeline_tells_what_concerns_the_stay_or_that_nothing_did(
    steps: tuple[tuple[Any, str], ...], told: tuple[str, ...]
) -> None:
    heading = "Recorded by our system. Times are those of Europe/Berlin."

    assert papers(steps=steps)[PaperKind.TIMELINE].parts == (Part(heading, told),)


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (PDF, "pdf"),
        (JPEG, "jpg"),
        (PNG, "png"),
        (b"GIF89a", None),
        (b"Dear bank, %PDF-", None),
        (b"", None),
    ],
)
def test_what_a_file_is_shows_in_how_it_begins(content: bytes, ending: str | None) -> None:
    assert ending_of(content) == ending
    assert ending is None or ending in MEDIA_TYPES


@pytest.mark.parametrize(
    ("content", "pages"),
    [
        (PDF + b"/Type /Pages /Kids [1 0 R] /Type /Page\n", 1),
        (PDF + b"/Type /Page\n" * 3 + b"/Type/Page>>", 4),
        (PDF + b"everything is packed, no page can be seen", 1),
        (JPEG + b"/Type /Page\n" * 3, 1),
        (PNG, 1),
    ],
)
def test_pages_are_counted_where_they_can_be_seen_and_there_is_one_at_least(content: bytes, pages: int) -> None:
    assert count_pages(content) == pages


def test_an_answer_names_its_papers_by_our_numbers_among_its_texts() -> None:
    texts = {"refund_policy": "7", "receipt": "12", "customer_signature": "", "customer_name": "Grace Hopper"}

    assert chosen_papers(texts) == {PaperKind.TERMS: 7, PaperKind.INVOICE: 12}
    assert chosen_papers({}) == {}


def test_each_paper_is_made_or_added_and_has_words_and_a_field_of_its_own_at_stripe() -> None:
    assert set(MADE) == set(MOST_PAGES) == set(PaperKind) - set(ADDED)
    assert set(PAPER_WORDS) == set(FILE_FIELDS) == set(PaperKind)
    assert len(set(FILE_FIELDS.values())) == len(PaperKind)
