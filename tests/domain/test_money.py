"""Money is integers of one currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.money import CurrencyMismatch, Money, exponent, parse_major

MINOR = st.integers(-(10**12), 10**12)


@given(MINOR, MINOR)
def test_adding_and_taking_away_are_exact(a: int, b: int) -> None:
    assert Money(a, "eur") + Money(b, "eur") - Money(b, "eur") == Money(a, "eur")


def test_three_nights_cost_three_times_one() -> None:
    assert Money(12850, "eur") * 3 == Money(38550, "eur")


@given(st.integers(0, 10**9), st.integers(0, 100))
def test_a_percentage_is_never_more_than_the_whole_and_off_by_less_than_one_unit(minor: int, percent: int) -> None:
    part = Money(minor, "eur").percent(percent).minor

    assert 0 <= part <= minor
    assert abs(part - Decimal(minor) * percent / 100) <= Decimal("0.5")


def test_two_currencies_never_meet() -> None:
    with pytest.raises(CurrencyMismatch, match=r"^eur and usd$"):
        Money(1, "eur") + Money(1, "usd")
    with pytest.raises(CurrencyMismatch, match=r"^eur and usd$"):
        Money(1, "eur") - Money(1, "usd")


@pytest.mark.parametrize("minor", [1.0, "1", None, True])
def test_only_integers_are_money(minor: object) -> None:
    with pytest.raises(TypeError, match=r"^money is counted in integers$"):
        Money(minor, "eur")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["EUR", "eu", "euros", ""])
def test_only_lower_case_codes_are_currencies(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("currency", "decimals", "major"),
    [("eur", 2, "12.34"), ("jpy", 0, "1234"), ("kwd", 3, "1.234"), ("isk", 2, "12.34")],
)
def test_decimals_are_those_that_stripe_counts(currency: str, decimals: int, major: str) -> None:
    assert exponent(currency) == decimals
    assert Money(1234, currency).major == Decimal(major)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("140", "eur", 14000),
        ("140.5", "eur", 14050),
        ("140,50", "eur", 14050),
        (" 0.01 ", "eur", 1),
        ("500", "jpy", 500),
        ("1.234", "kwd", 1234),
        ("9" * 15, "jpy", 10**15 - 1),
    ],
)
def test_typed_amounts_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_major(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("", "eur"), (".", "eur"), ("1.005", "eur"), ("1,200", "eur"), ("5.0", "jpy"), ("1e3", "eur"), ("-5", "eur"),
     ("1..", "eur"), ("X", "eur"), ("9" * 16, "jpy"),
     ("1.2.3", "eur"), ("１２", "eur"), ("9" * 40, "eur"), ("nan", "eur"), ("1 000", "eur")],
)  # fmt: skip
def test_what_is_no_exact_amount_is_not_guessed_at(text: str, currency: str) -> None:
    assert parse_major(text, currency) is None


@pytest.mark.parametrize(
    ("minor", "currency", "half"),
    [(2667, "eur", 1334), (45003, "jpy", 22502), (123690, "kwd", 61850), (5670300, "isk", 2835200), (100, "ugx", 100)],
)
def test_a_part_is_rounded_to_what_can_be_moved(minor: int, currency: str, half: int) -> None:
    part = Money(minor, currency).percent(50)

    assert part == Money(half, currency)
    assert part.is_movable
    assert Money(minor, currency).percent(100) == Money(minor, currency)


def test_a_hundredth_of_a_krona_and_a_thousandth_of_a_dinar_cannot_be_moved() -> None:
    assert not Money(1050, "isk").is_movable
    assert not Money(1005, "kwd").is_movable
    assert Money(1005, "eur").is_movable
