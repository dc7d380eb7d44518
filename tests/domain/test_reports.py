"""domain/reports: figures worked out by hand, and sums that hold whatever the stays are."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.reports import (
    Figures,
    KeptMoney,
    Place,
    SoldStay,
    TaxFigures,
    UnitNights,
    house_figures,
    spread,
    tourist_tax,
)

LOFT, CABIN = 1, 2
MARCH, APRIL = date(2027, 3, 1), date(2027, 4, 1)
SPRING = [MARCH + timedelta(days=number) for number in range(61)]  # March and April


def sold(arrive: date, nights: int, currency: str = "eur", listing: int = LOFT, **lines: int) -> SoldStay:
    """A stay with a line of one for each kind of price."""
    stay = Stay(arrive, arrive + timedelta(days=nights))
    made = [
        QuoteLine(LineKind(kind), 1, Money(minor, currency), Money(minor, currency)) for kind, minor in lines.items()
    ]
    total = Money(sum(lines.values()), currency)
    return SoldStay(listing, stay, 2, Quote(nights, 2, tuple(made), total), frozenset(stay))


def unit(*stays: SoldStay, closed: tuple[date, ...] = (), since: date | None = date(2020, 1, 1)) -> UnitNights:
    nights = frozenset(day for stay in stays for day in stay.nights)
    return UnitNights(LOFT, "eur", since, nights, frozenset(closed))


def test_one_stay_in_one_month() -> None:
    """Four nights for 480.00 and 60.00 of cleaning; a unit has 31 nights in March: 480/4, 480/31, 4/31."""
    stay = sold(date(2027, 3, 8), 4, night=48000, cleaning=6000, tourist_tax=2800)

    march = house_figures([stay], [], [unit(stay)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert march == Figures(sold=4, available=31, room=48000, other=6000)
    assert march.average_rate == 12000
    assert march.per_available == 1548  # 15.4838...
    assert march.occupancy == Decimal("12.9")  # 12.903...
    assert march.revenue == 54000


def test_a_stay_over_the_end_of_a_month_is_divided_night_by_night_and_to_the_cent() -> None:
    """Seven nights for 1000.00 from 29 March: three in March, four in April. 100000 = 7 * 14285 + 5, so the first five
    nights have a cent more: 3 * 142.86 = 428.58, and 571.42 are left. What is paid once belongs to the first month.
    """
    stay = sold(date(2027, 3, 29), 7, night=100000, cleaning=6000)

    figures = house_figures([stay], [], [unit(stay)], SPRING)

    march, april = figures[Place(MARCH, LOFT, "eur")], figures[Place(APRIL, LOFT, "eur")]
    assert (march.sold, march.room, march.other) == (3, 42858, 6000)
    assert (april.sold, april.room, april.other) == (4, 57142, 0)
    assert march.room + april.room == 100000


def test_nights_on_which_clocks_change_are_nights_like_others() -> None:
    """Clocks go forward on 28 March 2027 in Europe: Saturday to Monday is two nights all the same."""
    stay = sold(date(2027, 3, 27), 2, night=30000)

    march = house_figures([stay], [], [unit(stay)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert (march.sold, march.available, march.average_rate) == (2, 31, 15000)


def test_units_of_one_listing_can_be_sold_side_by_side() -> None:
    """Two lofts have 62 nights in March, and 60 of them are left where one of the two is closed for two."""
    closed = (date(2027, 3, 2), date(2027, 3, 3))

    figures = house_figures([], [], [unit(), unit(closed=closed)], SPRING)

    assert figures[Place(MARCH, LOFT, "eur")] == Figures(available=60)


def test_a_leap_day_is_a_night() -> None:
    february = [date(2028, 2, 1) + timedelta(days=number) for number in range(29)]
    stay = sold(date(2028, 2, 28), 2, night=20000)

    figures = house_figures([stay], [], [unit(stay)], february)

    assert figures[Place(date(2028, 2, 1), LOFT, "eur")] == Figures(sold=2, available=29, room=20000)


def test_discounts_lower_the_rate_and_taxes_are_no_revenue() -> None:
    """Two nights for 300.00, 10 % off, 50.00 breakfast, 20.00 VAT on top, 7.00 tourist tax: 270.00 and 50.00 earned."""
    stay = sold(date(2027, 3, 8), 2, night=30000, discount=-3000, extra=5000, tax=2000, tourist_tax=700)

    march = house_figures([stay], [], [unit(stay)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert (march.room, march.other, march.revenue, march.average_rate) == (27000, 5000, 32000, 13500)


def test_closed_nights_are_not_available_unless_somebody_slept_there() -> None:
    stay = sold(date(2027, 3, 1), 2, night=20000)
    closed = (date(2027, 3, 2), date(2027, 3, 3), date(2027, 3, 4))

    march = house_figures([stay], [], [unit(stay, closed=closed)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert (march.sold, march.available) == (2, 29)


def test_a_unit_counts_from_the_day_it_was_entered_and_on_nights_it_was_sold_before() -> None:
    """Entered on 21 March: eleven nights of March, and two that were sold before it."""
    stay = sold(date(2027, 3, 5), 2, night=20000)

    march = house_figures([stay], [], [unit(stay, since=date(2027, 3, 21))], SPRING)[Place(MARCH, LOFT, "eur")]

    assert march.available == 13


def test_a_unit_off_sale_counts_on_sold_nights_alone() -> None:
    stay = sold(date(2027, 3, 5), 2, night=20000)

    march = house_figures([stay], [], [unit(stay, since=None)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert (march.available, march.occupancy) == (2, Decimal("100.0"))


def test_a_cancelled_booking_sells_no_night_and_leaves_what_was_kept() -> None:
    """120.00 of a cancelled stay were kept: revenue of the month of arrival, but no rate and no night."""
    kept = KeptMoney(LOFT, date(2027, 3, 31), Money(12000, "eur"))

    march = house_figures([], [kept], [unit()], SPRING)[Place(MARCH, LOFT, "eur")]

    assert march == Figures(available=31, kept=12000)
    assert (march.revenue, march.average_rate, march.per_available, march.occupancy) == (12000, None, 0, Decimal("0.0"))


def test_what_went_back_while_the_guest_stayed_lowers_revenue_and_not_the_rate() -> None:
    stay = sold(date(2027, 3, 8), 2, night=20000)
    refunded = SoldStay(stay.listing_id, stay.stay, 2, stay.quote, stay.nights, refunded_minor=5000)

    march = house_figures([refunded], [], [unit(stay)], SPRING)[Place(MARCH, LOFT, "eur")]

    assert (march.revenue, march.average_rate, march.sold) == (15000, 10000, 2)


def test_two_currencies_are_never_added_up() -> None:
    euros, yen = sold(date(2027, 3, 8), 2, night=20000), sold(date(2027, 3, 10), 2, "jpy", night=42000)

    figures = house_figures([euros, yen], [], [unit(euros)], SPRING)

    assert figures[Place(MARCH, LOFT, "eur")].room == 20000
    assert figures[Place(MARCH, LOFT, "jpy")] == Figures(sold=2, room=42000)
    assert figures[Place(MARCH, LOFT, "jpy")].occupancy is None


def test_what_lies_outside_the_days_is_not_counted() -> None:
    stay = sold(date(2027, 2, 27), 4, night=40000, cleaning=6000)
    kept = KeptMoney(LOFT, date(2027, 2, 27), Money(100, "eur"))

    figures = house_figures([stay], [kept], [], SPRING)

    assert figures == {Place(MARCH, LOFT, "eur"): Figures(sold=2, room=20000)}


def test_nights_that_are_not_kept_are_not_sold() -> None:
    stay = sold(date(2027, 3, 8), 3, night=30000)
    short = SoldStay(LOFT, stay.stay, 2, stay.quote, frozenset([date(2027, 3, 8)]))

    assert house_figures([short], [], [], SPRING)[Place(MARCH, LOFT, "eur")].sold == 1


def test_tourist_tax_by_nights_of_persons() -> None:
    """Two adults and a child who is spared, 30 March to 3 April: 4 nights, 12 of persons, 8 taxed at 3.50 = 28.00.
    Half of the nights lie in March: 4 taxed, 14.00."""
    line = QuoteLine(LineKind.TOURIST_TAX, 8, Money(350, "eur"), Money(2800, "eur"))
    stay = Stay(date(2027, 3, 30), date(2027, 4, 3))
    family = SoldStay(LOFT, stay, 3, Quote(4, 3, (line,), Money(2800, "eur")), frozenset(stay))

    figures = tourist_tax([family], SPRING)

    assert figures[Place(MARCH, LOFT, "eur")] == TaxFigures(1, 2, 6, 4, 1400)
    assert figures[Place(APRIL, LOFT, "eur")] == TaxFigures(0, 2, 6, 4, 1400)
    assert figures[Place(MARCH, LOFT, "eur")].exempt == 2


def test_tourist_tax_with_a_cap_is_divided_without_losing_a_cent() -> None:
    """Capped at 10 nights of persons and 33.33 in all, over seven nights: 10 = 7 + 3, 3333 = 7 * 476 + 1."""
    line = QuoteLine(LineKind.TOURIST_TAX, 10, Money(333, "eur"), Money(3333, "eur"))
    stay = Stay(date(2027, 3, 29), date(2027, 4, 5))
    capped = SoldStay(LOFT, stay, 2, Quote(7, 2, (line,), Money(3333, "eur")), frozenset(stay))

    figures = tourist_tax([capped], SPRING)

    assert figures[Place(MARCH, LOFT, "eur")] == TaxFigures(1, 3, 6, 6, 1429)
    assert figures[Place(APRIL, LOFT, "eur")] == TaxFigures(0, 4, 8, 4, 1904)


def test_a_stay_that_owes_no_tourist_tax_is_exempt() -> None:
    figures = tourist_tax([sold(date(2027, 3, 8), 3, night=30000)], SPRING)

    assert figures[Place(MARCH, LOFT, "eur")] == TaxFigures(1, 3, 6, 0, 0)


@pytest.mark.parametrize(
    ("whole", "nights", "parts"),
    [(10, 3, [4, 3, 3]), (0, 2, [0, 0]), (2, 3, [1, 1, 0]), (-10, 3, [-4, -3, -3]), (420, 1, [420])],
)
def test_an_amount_is_spread_as_equally_as_whole_numbers_can_be(whole: int, nights: int, parts: list[int]) -> None:
    assert list(spread(whole, Stay(MARCH, MARCH + timedelta(days=nights))).values()) == parts


STAYS = st.builds(
    sold,
    st.dates(date(2027, 3, 1), date(2027, 4, 10)),
    st.integers(1, 20),
    st.sampled_from(["eur", "jpy"]),
    st.sampled_from([LOFT, CABIN]),
    night=st.integers(1, 10**7),
    cleaning=st.integers(0, 10**5),
    discount=st.integers(-(10**6), 0),
    tourist_tax=st.integers(0, 10**4),
)


@given(st.lists(STAYS, max_size=6))
def test_all_places_together_are_exactly_what_was_sold(stays: list[SoldStay]) -> None:
    figures, taxes = house_figures(stays, [], [], SPRING), tourist_tax(stays, SPRING)

    for currency in ("eur", "jpy"):
        mine = [stay for stay in stays if stay.currency == currency]
        total = sum((found for place, found in figures.items() if place.currency == currency), Figures())
        assert total.room == sum(stay.room_minor for stay in mine)
        assert total.other == sum(stay.other_minor for stay in mine)
        assert total.sold == sum(stay.stay.nights for stay in mine)
        owed = sum(found.amount for place, found in taxes.items() if place.currency == currency)
        assert owed == sum(stay.tourist_tax_minor for stay in mine)
