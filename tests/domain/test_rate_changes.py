"""rate_changes.py: what staff may ask of the prices, and in which words, at which field, they hear why it cannot be."""

from dataclasses import replace
from datetime import date

import pytest

from booking.domain.errors import RateRefused
from booking.domain.rate_changes import (
    MOST_MINOR,
    CouponChange,
    DayPrices,
    DiscountChange,
    Draft,
    ExtraChange,
    FeeChange,
    MoreGuests,
    PlainPrices,
    SeasonChange,
    TaxChange,
    TouristTaxChange,
)
from booking.domain.rates import Per, TaxPart

JUNE, AUGUST = date(2037, 6, 1), date(2037, 8, 31)
PLAIN = PlainPrices(15000, 17500, 4000, {"6": 9900})
SUMMER = SeasonChange("Summer", JUNE, AUGUST, 19800, {"4": 24000}, {"de": "Sommer"})
WEEKS = DiscountChange("Whole weeks", 1000, 7)
LATE = DiscountChange("Late", 1000, max_lead=7)
DOG = FeeChange("Dog", 2500)
BREAKFAST = ExtraChange("Breakfast", 1200, Per.GUEST_NIGHT)
VAT = TaxChange("VAT", 700, ["room"], True)
SPRING = CouponChange("SPRING", off_share=1000)
LODGING = TouristTaxChange(250, "guest", 16, 7)

NAMELESS = "Give it a name: guests see it beside the amount."
LONG_NAME = "Use at most 60 characters."
FREE, NEGATIVE = "Type more than 0.", "An amount cannot be negative."
TOO_MUCH = "At most 999999.99 can be paid at once."
NO_SHARE, ABOVE_WHOLE = "Type more than 0 %.", "More than 100 % is not possible."
LONG_OVER, FAR_AWAY = "That is long over.", "That is too far away."
TURNED = "The last night is before the first."
NO_PART = "Choose at least one part of the price."
NO_CODE = "Use 3 to 20 letters from A to Z, digits and hyphens."


def refusal(draft: Draft, currency: str = "eur") -> tuple[str, str] | None:
    """The field to correct and what is wrong with it; None where nothing is."""
    try:
        draft.check(currency)
    except RateRefused as refused:
        return str(refused.details["field"]), refused.user_message
    return None


def numbers(least: int, most: int) -> str:
    return f"Type a number from {least} to {most}."


@pytest.mark.parametrize(
    ("draft", "field", "words"),
    [
        (replace(PLAIN, nightly_minor=0), "nightly_minor", FREE),
        (replace(PLAIN, weekend_minor=0), "weekend_minor", FREE),
        (replace(PLAIN, cleaning_minor=-1), "cleaning_minor", NEGATIVE),
        (replace(PLAIN, weekday_minor={"6": 0}), "weekday_6", FREE),
        (MoreGuests(2, -1), "more_guests_minor", NEGATIVE),
        (MoreGuests(None, 1), "included_guests", "Say for how many guests a night is."),
        (MoreGuests(0, 100), "included_guests", numbers(1, 99)),
        (MoreGuests(100, 100), "included_guests", numbers(1, 99)),
        (replace(LODGING, tourist_tax_minor=-1), "tourist_tax_minor", NEGATIVE),
        (replace(LODGING, tourist_tax_per="year"), "tourist_tax_per", "Choose what it is counted by."),
        (replace(LODGING, tourist_tax_from_age=-1), "tourist_tax_from_age", numbers(0, 18)),
        (replace(LODGING, tourist_tax_from_age=19), "tourist_tax_from_age", numbers(0, 18)),
        (replace(LODGING, tourist_tax_most_nights=0), "tourist_tax_most_nights", numbers(1, 365)),
        (replace(LODGING, tourist_tax_most_nights=366), "tourist_tax_most_nights", numbers(1, 365)),
        (DayPrices(JUNE, date(2037, 5, 31), 100), "last_on", TURNED),
        (
            DayPrices(JUNE, date(2037, 8, 2), 100),
            "last_on",
            "Set at most 62 nights at once; for more, a season is the better way.",
        ),
        (DayPrices(JUNE, JUNE, 0), "nightly_minor", FREE),
        (replace(SUMMER, name=""), "name", NAMELESS),
        (replace(SUMMER, name="x" * 61), "name", LONG_NAME),
        (replace(SUMMER, translations={"de": "x" * 61}), "name_de", LONG_NAME),
        (replace(SUMMER, last_on=date(2037, 5, 31)), "last_on", TURNED),
        (replace(SUMMER, last_on=date(2039, 6, 2)), "last_on", "A season can last two years at most."),
        (replace(SUMMER, last_on=date(2200, 1, 1)), "last_on", FAR_AWAY),
        (replace(SUMMER, last_on=date.max), "last_on", FAR_AWAY),
        (replace(SUMMER, first_on=date(1999, 12, 31)), "first_on", LONG_OVER),
        (replace(SUMMER, first_on=date.min), "first_on", LONG_OVER),
        (replace(SUMMER, nightly_minor=0), "nightly_minor", FREE),
        (replace(SUMMER, nightly_minor=-1), "nightly_minor", NEGATIVE),
        (replace(SUMMER, nightly_minor=MOST_MINOR + 1), "nightly_minor", TOO_MUCH),
        (replace(SUMMER, weekday_minor={"4": 0}), "weekday_4", FREE),
        (replace(WEEKS, name=""), "name", NAMELESS),
        (replace(WEEKS, off=0), "off", NO_SHARE),
        (replace(WEEKS, off=10_001), "off", ABOVE_WHOLE),
        (replace(WEEKS, off=10_000), "off", "A discount must leave something to pay: less than 100 %."),
        (replace(WEEKS, min_nights=0), "min_nights", numbers(1, 365)),
        (replace(WEEKS, min_nights=366), "min_nights", numbers(1, 365)),
        (replace(WEEKS, min_lead=0), "min_lead", numbers(1, 730)),
        (replace(WEEKS, min_lead=731), "min_lead", numbers(1, 730)),
        (replace(WEEKS, max_lead=-1), "max_lead", numbers(0, 730)),
        (replace(WEEKS, max_lead=731), "max_lead", numbers(0, 730)),
        (
            replace(WEEKS, min_lead=8, max_lead=7),
            "max_lead",
            "Nobody can book so early and so late at once: type at least the days of the field before.",
        ),
        (
            replace(WEEKS, min_nights=1),
            "min_nights",
            "Every stay would get this. Ask for some nights, or for days before arrival.",
        ),
        (replace(DOG, name=""), "name", NAMELESS),
        (replace(DOG, amount_minor=0), "amount_minor", FREE),
        (replace(BREAKFAST, name=""), "name", NAMELESS),
        (replace(BREAKFAST, amount_minor=0), "amount_minor", FREE),
        (replace(BREAKFAST, most=0), "most", numbers(1, 20)),
        (replace(BREAKFAST, most=21), "most", numbers(1, 20)),
        (replace(VAT, name=""), "name", NAMELESS),
        (replace(VAT, share=0), "share", NO_SHARE),
        (replace(VAT, share=10_001), "share", ABOVE_WHOLE),
        (replace(VAT, parts=[]), "parts", NO_PART),
        (replace(VAT, parts=["room", "roof"]), "parts", NO_PART),
        (replace(SPRING, code="A B"), "code", NO_CODE),
        (replace(SPRING, code="\u0391\u0392\u0393"), "code", NO_CODE),
        (replace(SPRING, off_minor=500), "off_minor", "Give an amount or a percentage, not both."),
        (replace(SPRING, off_share=0), "off_minor", "Give an amount or a percentage."),
        (CouponChange("SPRING", MOST_MINOR + 1), "off_minor", TOO_MUCH),
        (CouponChange("SPRING", -1), "off_minor", NEGATIVE),
        (replace(SPRING, off_share=10_001), "off_share", ABOVE_WHOLE),
        (replace(SPRING, off_share=-1), "off_share", NO_SHARE),
        (replace(SPRING, min_nights=0), "min_nights", numbers(1, 365)),
        (replace(SPRING, min_nights=366), "min_nights", numbers(1, 365)),
        (replace(SPRING, most_uses=0), "most_uses", numbers(1, 100_000)),
        (replace(SPRING, most_uses=100_001), "most_uses", numbers(1, 100_000)),
        (replace(SPRING, first_on=AUGUST, last_on=JUNE), "last_on", TURNED),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_in_plain_words(draft: Draft, field: str, words: str) -> None:
    assert refusal(draft) == (field, words)


@pytest.mark.parametrize(
    "draft",
    [
        PlainPrices(1, 1),
        PlainPrices(MOST_MINOR, MOST_MINOR, MOST_MINOR, {"6": MOST_MINOR}),
        MoreGuests(None),
        MoreGuests(1),
        MoreGuests(99, 1),
        TouristTaxChange(0),
        *(TouristTaxChange(100, per.value, 18, 1) for per in Per),
        TouristTaxChange(100, "guest", 0, 365),
        DayPrices(JUNE, JUNE, 1),
        DayPrices(JUNE, date(2037, 8, 1), 100),
        SeasonChange("x" * 60, JUNE, JUNE, 1, translations={"de": "x" * 60}),
        replace(SUMMER, last_on=date(2039, 6, 1)),
        replace(SUMMER, first_on=date(2000, 1, 1), last_on=date(2000, 1, 1)),
        replace(SUMMER, first_on=date(2199, 12, 31), last_on=date(2199, 12, 31)),
        replace(WEEKS, off=1, min_nights=2),
        replace(WEEKS, off=9_999, min_nights=365),
        replace(LATE, max_lead=0),
        replace(LATE, min_lead=1, max_lead=1),
        replace(LATE, max_lead=730),
        DiscountChange("Early", 1000, min_lead=730),
        DOG,
        replace(BREAKFAST, most=1),
        replace(BREAKFAST, most=20),
        replace(VAT, share=1),
        replace(VAT, share=10_000, parts=list(TaxPart)),
        CouponChange("A-1", 1),
        replace(SPRING, code="A" * 20, off_share=1, min_nights=365),
        replace(SPRING, off_share=10_000, most_uses=1),
        replace(SPRING, first_on=JUNE, most_uses=100_000),
        replace(SPRING, last_on=JUNE, until_on=JUNE),
        replace(SPRING, first_on=JUNE, last_on=JUNE),
    ],
)
def test_what_can_just_be_is_not_refused(draft: Draft) -> None:
    assert refusal(draft) is None


@pytest.mark.parametrize(
    ("currency", "minor", "words"),
    [
        ("isk", 1_890_150, "Nobody can pay a part of 1 ISK: leave out the decimals."),
        ("kwd", 12_345, "Of the 3 decimals of KWD the last must be 0."),
    ],
)
def test_an_amount_that_nobody_can_pay_is_refused(currency: str, minor: int, words: str) -> None:
    assert refusal(replace(SUMMER, nightly_minor=minor), currency) == ("nightly_minor", words)
    assert refusal(replace(DOG, amount_minor=minor), currency) == ("amount_minor", words)
    assert refusal(PlainPrices(minor, minor), currency) == ("nightly_minor", words)


@pytest.mark.parametrize(("currency", "minor"), [("isk", 1_890_100), ("kwd", 12_340), ("jpy", 12_345), ("huf", 1)])
def test_an_amount_that_can_be_paid_is_not(currency: str, minor: int) -> None:
    assert refusal(replace(DOG, amount_minor=minor), currency) is None


def test_a_change_writes_the_columns_that_its_fields_are_named_after() -> None:
    assert DOG.values == {"name": "Dog", "amount_minor": 2500, "per": Per.STAY, "translations": {}}
    assert MoreGuests(None).values == {"included_guests": None, "more_guests_minor": 0}
