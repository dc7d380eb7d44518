"""Papers as PDF: the same bytes each time, no more pages than asked for, and no letter lost."""

import re

import pytest

from booking.config import ROOT
from booking.domain.papers import LARGEST_TOGETHER, MADE, MOST_PAGES, MOST_PAGES_TOGETHER, Paper, PaperKind, Part
from booking.gateways import paper_writer
from booking.gateways.paper_writer import build_paper_writer

FONT = ROOT / "static/fonts/dejavu-sans.ttf"


def paper(*lines: str) -> Paper:
    return Paper(PaperKind.VOUCHER, "Voucher", "Booking H7K2M9QX", (Part("Stay", lines),))


def test_the_same_paper_is_the_same_pdf() -> None:
    write = build_paper_writer(FONT)

    one, two, other = write(paper("Grace")), write(paper("Grace")), write(paper("Linus"))

    assert one == two
    assert one.content != other.content
    assert one.content.startswith(b"%PDF-")
    assert (one.pages, len(one.content) < LARGEST_TOGETHER / len(MADE)) == (1, True)


def test_a_long_paper_is_cut_and_says_so() -> None:
    write = build_paper_writer(FONT)

    written = write(paper(*(f"line {number}" for number in range(1_000))))

    assert written.pages == MOST_PAGES[PaperKind.VOUCHER]
    assert len(re.findall(rb"/Type /Page\b", written.content)) == written.pages
    rows = paper_writer._cut([(12, "x")] * 1_000, 1)
    assert (len(rows), rows[-1][1]) == (
        paper_writer._ROWS,
        f"... and {1_001 - len(rows)} more lines, left out for length.",
    )


@pytest.mark.parametrize("text", ["x" * 900, "lorem ipsum " * 90, "", "a\tb\x00c"])
def test_no_row_is_wider_than_the_page_and_no_word_is_lost(text: str) -> None:
    face = paper_writer._load(FONT)

    rows = list(paper_writer._wrapped(text, 12, face))

    assert all(paper_writer._fits(words, 12, face) for _size, words in rows)
    assert "".join(words for _, words in rows).replace(" ", "") == re.sub(r"[\s\x00]", "", text)


def test_names_of_many_tongues_are_drawn_and_a_letter_without_a_shape_is_named() -> None:
    face = paper_writer._load(FONT)

    assert paper_writer._drawable("Łukasz Ångström Ελένη Иван 張", face) == "Łukasz Ångström Ελένη Иван [U+5F35]"


def test_all_papers_together_are_what_the_strictest_bank_reads() -> None:
    assert sum(MOST_PAGES.values()) <= MOST_PAGES_TOGETHER
