"""Sentences with gaps, as they read in plain English: in logs, on the command line and on the pages of the staff."""

from datetime import date

import pytest

from booking.domain.words import Said, say, say_count, spoken, spoken_weekdays

FRIDAY = date(2027, 3, 5)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (say("Choose a date to arrive."), "Choose a date to arrive."),
        (say("Nobody arrives on {days}.", days=frozenset({6})), "Nobody arrives on Sunday."),
        (say("Arrive on {days}.", days=frozenset({5, 0})), "Arrive on Monday or Saturday."),
        (say("Free until {day}.", day=FRIDAY), "Free until Fri 5 March 2027."),
        (say("{name} costs {sum} more.", name="{count} cots", sum=12), "{count} cots costs 12 more."),
        (say("There were {count} of them.", count=1), "There were 1 of them."),
        (say_count("{count} night", "{count} nights", 1), "1 night"),
        (say_count("{count} night", "{count} nights", 2), "2 nights"),
        (say_count("{count} night", "{count} nights", 0), "0 nights"),
        (
            say_count("{count} night until {day}", "{count} nights until {day}", 3, day=FRIDAY),
            "3 nights until Fri 5 March 2027",
        ),
    ],
)
def test_a_sentence_reads_in_english_with_every_gap_filled(sentence: Said, words: str) -> None:
    assert str(sentence) == words


def test_a_sentence_keeps_its_facts_for_readers_of_other_languages() -> None:
    assert say("Until {day}.", day=FRIDAY) == Said("Until {day}.", None, {"day": FRIDAY})
    assert say_count("{count} night", "{count} nights", 2) == Said("{count} night", "{count} nights", {"count": 2})


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (FRIDAY, "Fri 5 March 2027"),
        (date(2027, 12, 31), "Fri 31 December 2027"),
        (date(2028, 2, 29), "Tue 29 February 2028"),
    ],
)
def test_a_date_is_spoken_without_zeros_before_it(day: date, words: str) -> None:
    assert spoken(day) == words


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({0}, "Monday"),
        ({6, 0}, "Monday or Sunday"),
        ({6, 4, 5}, "Friday, Saturday or Sunday"),
        (range(7), "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday or Sunday"),
    ],
)
def test_days_of_the_week_are_told_in_their_order(days: set[int], words: str) -> None:
    assert spoken_weekdays(frozenset(days)) == words
