"""Which unit fits, and which stays nearby are free."""

from datetime import date

from booking.domain.availability import fitting_units, longest_free_part, nearest_stays
from booking.domain.dates import Stay


def march(*days):
    return dict.fromkeys((date(2027, 3, day) for day in days), True)


def stay(arrive, leave):
    return Stay(date(2027, 3, arrive), date(2027, 3, leave))


def test_a_unit_fits_when_every_night_is_free_and_the_day_of_leaving_may_be_taken():
    taken = {1: march(12), 2: march(15), 3: march(14)}

    assert fitting_units(taken, stay(12, 15)) == [2]


def test_nearest_stays_come_by_distance_and_the_later_one_first():
    taken = march(12, 13)

    near = nearest_stays(lambda at: None if any(night in taken for night in at) else at, stay(12, 14), 10)

    assert near == [stay(14, 16), stay(10, 12), stay(15, 17)]


def test_nearest_stays_finds_nothing_beyond_its_reach_and_survives_the_end_of_all_dates():
    assert nearest_stays(lambda wanted: None, stay(12, 14), 10) == []
    last = Stay(date(9999, 12, 29), date(9999, 12, 31))
    assert nearest_stays(lambda wanted: wanted, last, 1) == [last.shifted(-1)]


def test_nearest_stays_asks_no_further_than_it_must():
    asked = []

    near = nearest_stays(lambda wanted: asked.append(wanted) or wanted, stay(12, 14), 10, most=2)

    assert near == asked == [stay(13, 15), stay(11, 13)]


def test_the_longest_free_part_lies_in_one_unit_and_is_the_earliest_of_equals():
    taken = {1: march(12, 15), 2: march(14)}

    assert longest_free_part(taken, stay(12, 17)) == stay(12, 14)
    assert longest_free_part({1: march(13)}, stay(12, 17)) == stay(14, 17)
    assert longest_free_part({1: march(16)}, stay(12, 17)) == stay(12, 16)


def test_nothing_is_free_in_part_where_every_night_is_taken_or_no_unit_is_there():
    assert longest_free_part({1: march(12, 13)}, stay(12, 14)) is None
    assert longest_free_part({}, stay(12, 14)) is None
