"""domain/spreadsheet: nothing in a file is ever a formula, nothing is lost, and a long file is written bit by bit."""

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.spreadsheet import BYTE_ORDER_MARK, ROWS_AT_ONCE, harmless, write_sheet
from booking.domain.states import BookingStatus

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x.test?"&A1)', "=cmd|' /C calc'!A0", "\u22121"]
WIDE = ["\uff1d1", "\uff0b1", "\uff0d1", "\uff20A", "\ufe621", "\u207a1"]


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), delimiter=delimiter))


def cell(value: object) -> str:
    return read("".join(write_sheet(["head"], [[value]])))[1][0]


@pytest.mark.parametrize("before", ["", " ", "   ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e"])
@pytest.mark.parametrize("text", FORMULAS + WIDE)
def test_a_formula_is_a_text_that_begins_with_an_apostrophe(before: str, text: str) -> None:
    assert cell(before + text) == "'" + before + text


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\0=1", "\tplain", "\rplain", "\0plain", "\n=1", "\x1b[0m"])
def test_signs_that_readers_drop_are_no_way_around(text: str) -> None:
    assert harmless(text).startswith("'")
    assert harmless(text).replace("'", "") == text


@pytest.mark.parametrize("text", ["Grace Hopper", "O'Neill", "a=b", "1-2", "x@y.org", "", "Ödegård", "3;4", "李", "🏠"])
def test_what_begins_no_formula_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_no_cell_of_a_reader_that_splits_elsewhere_is_a_formula() -> None:
    text = 'x;=1;y\t@A\n-2\r\n+3\r=4;"=5'

    assert harmless(text) == "x;'=1;y\t'@A\n'-2\r\n'+3\r'=4;\"=5"


@given(st.lists(st.text("=+-@;,\t\r\n\0\"' a1\uff1d\u200b", max_size=12), min_size=1, max_size=4))
def test_every_text_comes_back_whole_and_never_as_a_formula(texts: list[str]) -> None:
    row = read("".join(write_sheet(["head"], [texts])))[1]

    assert [found.replace("'", "") for found in row] == [text.replace("'", "") for text in texts]
    for found in row:
        assert not found.lstrip(" \u200b").startswith(("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d"))


def test_numbers_stay_numbers_and_days_are_iso() -> None:
    moment = datetime(2027, 3, 1, 14, 5, 9, 250, tzinfo=timezone(timedelta(hours=2)))
    row = [-2, Decimal("-420.00"), Decimal("1.230"), date(2027, 3, 1), moment, None, True, False, BookingStatus.PENDING]

    piece = "".join(write_sheet(["head"], [row])).split("\r\n")[1]

    assert piece == '-2,-420.00,1.230,"2027-03-01","2027-03-01T12:05:09Z","","yes","no","pending"'


@pytest.fixture
def far_away() -> Iterator[None]:
    """A machine whose own clock is nine hours ahead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_moments_are_written_in_utc_wherever_the_machine_stands() -> None:
    assert cell(datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01-01T00:00:00Z"


def test_the_file_is_rfc_4180_with_a_mark_for_excel() -> None:
    text = "".join(write_sheet(["Name", "Note"], [['Grace "Amazing"', "two\nlines, one comma"]]))

    assert text == BYTE_ORDER_MARK + '"Name","Note"\r\n"Grace ""Amazing""","two\nlines, one comma"\r\n'


def test_no_more_than_one_piece_of_a_long_table_is_in_memory() -> None:
    taken = 0

    def rows():
        nonlocal taken
        for taken in range(1, 10_001):
            yield [taken]

    pieces = write_sheet(["Number"], rows())

    assert next(pieces).startswith(BYTE_ORDER_MARK)
    assert taken == 0
    for number, piece in enumerate(pieces, start=1):
        assert taken == number * ROWS_AT_ONCE
        assert piece.count("\r\n") == ROWS_AT_ONCE
    assert taken == 10_000
