"""What staff may change of the prices: each change as one value that can say, in plain words, why it cannot be.

Fields have the names of the columns that they become.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from booking.domain.errors import RateRefused
from booking.domain.money import Money, exponent, step
from booking.domain.rates import WHOLE, Per, TaxPart

# What the payment provider moves at once, in minor units: https://docs.stripe.com/currencies
MOST_MINOR = 99_999_999
LONGEST_NAME = 60
LONGEST_SEASON = 731
MOST_DAYS_AT_ONCE = 62
MOST_NIGHTS = 365
MOST_LEAD = 730
MOST_OF_AN_EXTRA = 20
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,19}", re.ASCII)


class Draft:
    """A change that nobody has agreed to yet."""

    __slots__ = ()

    def check(self, currency: str) -> None:
        """Raises RateRefused, which names the field to correct."""
        raise NotImplementedError

    @property
    def values(self) -> dict[str, Any]:
        """The columns that it writes."""
        return {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PlainPrices(Draft):
    """What a night costs outside all seasons, and cleaning once a stay."""

    nightly_minor: int
    weekend_minor: int
    cleaning_minor: int = 0
    weekday_minor: Mapping[str, int] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """Nights cost something."""
        check_amount(self.nightly_minor, currency, "nightly_minor")
        check_amount(self.weekend_minor, currency, "weekend_minor")
        check_amount(self.cleaning_minor, currency, "cleaning_minor", least=0)
        _check_weekdays(self.weekday_minor, currency)


@dataclass(frozen=True, slots=True)
class MoreGuests(Draft):
    """For how many the price of a night is, and what each one above them pays a night."""

    included_guests: int | None
    more_guests_minor: int = 0

    def check(self, currency: str) -> None:
        """Where somebody pays more there is a price for it."""
        check_amount(self.more_guests_minor, currency, "more_guests_minor", least=0)
        if self.included_guests is None:
            _refuse_if(self.more_guests_minor > 0, "included_guests", "Say for how many guests a night is.")
            return
        _check_number(self.included_guests, 1, 99, "included_guests")


@dataclass(frozen=True, slots=True)
class TouristTaxChange(Draft):
    """What the place asks of its guests; nothing where the amount is 0."""

    tourist_tax_minor: int
    tourist_tax_per: str = Per.GUEST_NIGHT.value
    tourist_tax_from_age: int = 0
    tourist_tax_most_nights: int | None = None

    def check(self, currency: str) -> None:
        """Ages and nights are within reason."""
        check_amount(self.tourist_tax_minor, currency, "tourist_tax_minor", least=0)
        _refuse_if(self.tourist_tax_per not in set(Per), "tourist_tax_per", "Choose what it is counted by.")
        _check_number(self.tourist_tax_from_age, 0, 18, "tourist_tax_from_age")
        _check_number(self.tourist_tax_most_nights, 1, MOST_NIGHTS, "tourist_tax_most_nights")


@dataclass(frozen=True, slots=True)
class DayPrices(Draft):
    """The price of a night, or of each of several in a row."""

    first_on: date
    last_on: date
    nightly_minor: int

    def check(self, currency: str) -> None:
        """Not so many that it should have been a season."""
        _check_order(self.first_on, self.last_on)
        nights = (self.last_on - self.first_on).days + 1
        too_many = f"Set at most {MOST_DAYS_AT_ONCE} nights at once; for more, a season is the better way."
        _refuse_if(nights > MOST_DAYS_AT_ONCE, "last_on", too_many)
        check_amount(self.nightly_minor, currency, "nightly_minor")


@dataclass(frozen=True, slots=True)
class SeasonChange(Draft):
    """A season, new or changed."""

    name: str
    first_on: date
    last_on: date
    nightly_minor: int
    weekday_minor: Mapping[str, int] = field(default_factory=dict)
    translations: Mapping[str, str] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """Days in order, nights that cost something."""
        _check_name(self)
        _check_order(self.first_on, self.last_on)
        is_long = (self.last_on - self.first_on).days >= LONGEST_SEASON
        _refuse_if(is_long, "last_on", "A season can last two years at most.")
        check_amount(self.nightly_minor, currency, "nightly_minor")
        _check_weekdays(self.weekday_minor, currency)


@dataclass(frozen=True, slots=True)
class DiscountChange(Draft):
    """A discount, new or changed."""

    name: str
    off: int
    min_nights: int = 1
    min_lead: int | None = None
    max_lead: int | None = None
    translations: Mapping[str, str] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """It leaves something to pay, and asks for something that can be."""
        _check_name(self)
        _check_share(self.off, "off")
        _refuse_if(self.off == WHOLE, "off", "A discount must leave something to pay: less than 100 %.")
        _check_number(self.min_nights, 1, MOST_NIGHTS, "min_nights")
        _check_number(self.min_lead, 1, MOST_LEAD, "min_lead")
        _check_number(self.max_lead, 0, MOST_LEAD, "max_lead")
        if self.min_lead is not None and self.max_lead is not None:
            nobody = "Nobody can book so early and so late at once: type at least the days of the field before."
            _refuse_if(self.max_lead < self.min_lead, "max_lead", nobody)
        is_for_all = self.min_nights == 1 and self.min_lead is None and self.max_lead is None
        _refuse_if(
            is_for_all, "min_nights", "Every stay would get this. Ask for some nights, or for days before arrival."
        )


@dataclass(frozen=True, slots=True)
class FeeChange(Draft):
    """A fee, new or changed."""

    name: str
    amount_minor: int
    per: Per = Per.STAY
    translations: Mapping[str, str] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """It has a name and costs something."""
        _check_name(self)
        check_amount(self.amount_minor, currency, "amount_minor")


@dataclass(frozen=True, slots=True)
class ExtraChange(Draft):
    """An extra, new or changed."""

    name: str
    amount_minor: int
    per: Per = Per.STAY
    most: int = 1
    translations: Mapping[str, str] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """It has a name and costs something."""
        _check_name(self)
        check_amount(self.amount_minor, currency, "amount_minor")
        _check_number(self.most, 1, MOST_OF_AN_EXTRA, "most")


@dataclass(frozen=True, slots=True)
class TaxChange(Draft):
    """A tax, new or changed."""

    name: str
    share: int
    parts: Sequence[str]
    is_included: bool
    translations: Mapping[str, str] = field(default_factory=dict)

    def check(self, currency: str) -> None:
        """It is laid on something."""
        _check_name(self)
        _check_share(self.share, "share")
        known = set(self.parts) <= set(TaxPart)
        _refuse_if(not self.parts or not known, "parts", "Choose at least one part of the price.")


@dataclass(frozen=True, slots=True)
class CouponChange(Draft):
    """A code, new or changed."""

    code: str
    off_minor: int = 0
    off_share: int = 0
    min_nights: int = 1
    first_on: date | None = None
    last_on: date | None = None
    until_on: date | None = None
    most_uses: int | None = None

    def check(self, currency: str) -> None:
        """A code that people can type, which takes off one thing."""
        wrong = "Use 3 to 20 letters from A to Z, digits and hyphens."
        _refuse_if(not _CODE.fullmatch(self.code), "code", wrong)
        both = "Give an amount or a percentage, not both."
        _refuse_if(bool(self.off_minor and self.off_share), "off_minor", both)
        _refuse_if(not self.off_minor and not self.off_share, "off_minor", "Give an amount or a percentage.")
        check_amount(self.off_minor, currency, "off_minor", least=0)
        if self.off_share:
            _check_share(self.off_share, "off_share")
        _check_number(self.min_nights, 1, MOST_NIGHTS, "min_nights")
        _check_number(self.most_uses, 1, 100_000, "most_uses")
        if self.first_on and self.last_on:
            _check_order(self.first_on, self.last_on)


def check_amount(minor: int, currency: str, name: str, *, least: int = 1) -> None:
    """Refuse an amount that no price can be, or that cannot be paid exactly. Raises RateRefused."""
    _refuse_if(minor < 0, name, "An amount cannot be negative.")
    _refuse_if(minor < least, name, "Type more than 0.")
    _refuse_if(minor > MOST_MINOR, name, f"At most {Money(MOST_MINOR, currency).major} can be paid at once.")
    if not Money(minor, currency).is_movable:
        no_coin = f"Nobody can pay a part of 1 {currency.upper()}: leave out the decimals."
        rounded = f"Of the {exponent(currency)} decimals of {currency.upper()} the last must be 0."
        raise RateRefused(no_coin if step(currency) == 100 else rounded, field=name)


def _check_weekdays(prices: Mapping[str, int], currency: str) -> None:
    for weekday, minor in prices.items():
        check_amount(minor, currency, f"weekday_{weekday}")


def _check_name(draft: Any) -> None:
    _refuse_if(not draft.name, "name", "Give it a name: guests see it beside the amount.")
    for name, text in (("name", draft.name), *((f"name_{code}", word) for code, word in draft.translations.items())):
        _refuse_if(len(text) > LONGEST_NAME, name, f"Use at most {LONGEST_NAME} characters.")


def _check_share(share: int, name: str) -> None:
    _refuse_if(share <= 0, name, "Type more than 0 %.")
    _refuse_if(share > WHOLE, name, "More than 100 % is not possible.")


def _check_order(first: date, last: date) -> None:
    _refuse_if(first.year < _FIRST_YEAR, "first_on", "That is long over.")
    _refuse_if(last < first, "last_on", "The last night is before the first.")
    _refuse_if(last.year > _LAST_YEAR, "last_on", "That is too far away.")


def _check_number(number: int | None, least: int, most: int, name: str) -> None:
    _refuse_if(number is not None and not least <= number <= most, name, f"Type a number from {least} to {most}.")


def _refuse_if(is_wrong: bool, name: str, words: str) -> None:
    if is_wrong:
        raise RateRefused(words, field=name)
