"""The quote: its lines always sum to its total, and freezing loses nothing."""

import json
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import LineKind, Quote, Rates, night_price, quote

PRICES = st.integers(1, 10**7)
FEES = st.integers(0, 10**6)
RATES = st.builds(Rates, st.sampled_from(["eur", "jpy", "kwd"]), PRICES, PRICES, FEES, FEES)
STAYS = st.builds(
    lambda first, nights: Stay(first, first + timedelta(days=nights)),
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.integers(1, 60),
)


@given(RATES, STAYS, st.integers(1, 12))
def test_lines_sum_to_the_total_and_each_line_to_its_product(rates: Rates, stay: Stay, guests: int) -> None:
    result = quote(rates, stay, guests)

    assert sum(line.total.minor for line in result.lines) == result.total.minor
    assert all(line.unit * line.quantity == line.total for line in result.lines)
    assert all(line.total.minor > 0 for line in result.lines)


@given(RATES, STAYS, st.integers(1, 12))
def test_nights_of_the_quote_are_those_that_the_calendar_prices(rates: Rates, stay: Stay, guests: int) -> None:
    shown = sum((night_price(rates, night.weekday()) for night in stay), Money(0, rates.currency))

    nights = [
        line for line in quote(rates, stay, guests).lines if line.kind in (LineKind.NIGHT, LineKind.WEEKEND_NIGHT)
    ]

    assert sum(line.total.minor for line in nights) == shown.minor
    assert sum(line.quantity for line in nights) == stay.nights


@given(RATES, STAYS, st.integers(1, 12))
def test_a_frozen_quote_is_read_back_the_same(rates: Rates, stay: Stay, guests: int) -> None:
    result = quote(rates, stay, guests)

    assert Quote.from_json(json.loads(json.dumps(result.as_json()))) == result


def test_friday_and_saturday_nights_are_the_weekend() -> None:
    rates = Rates("eur", 12800, 16400, cleaning_minor=5000, tourist_tax_minor=350)

    result = quote(rates, Stay(date(2027, 3, 12), date(2027, 3, 16)), 2)

    assert [(line.kind, line.quantity, line.total.minor) for line in result.lines] == [
        (LineKind.WEEKEND_NIGHT, 2, 32800),
        (LineKind.NIGHT, 2, 25600),
        (LineKind.CLEANING, 1, 5000),
        (LineKind.TOURIST_TAX, 8, 2800),
    ]
    assert result.total == Money(66200, "eur")
    assert (result.nights, result.guests) == (4, 2)


def test_of_a_week_two_nights_are_sold_at_the_price_of_the_weekend() -> None:
    rates = Rates("eur", 100, 999)

    assert [night_price(rates, weekday).minor for weekday in range(7)] == [100, 100, 100, 100, 999, 999, 100]
