"""What a stay costs: one pure function, used by search, stay page, review, mail and refund alike."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.money import Money, step
from booking.domain.rates import WHOLE, Discount, Fee, LineKind, Party, RateCard, Tax
from booking.domain.words import say


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a guest tells and chooses beside nights and number of guests. Nothing of it is the rule."""

    child_ages: tuple[int, ...] = ()
    extras: Mapping[str, int] = field(default_factory=dict)  # the key of each chosen extra, and how many of it
    code: str = ""

    def __bool__(self) -> bool:
        return bool(self.child_ages or self.extras or self.code)

    def party(self, guests: int) -> Party:
        """Who comes, of so many guests. Raises StayRuleBroken where nobody of age would be among them."""
        if guests > 0 and len(self.child_ages) >= guests:
            raise StayRuleBroken(say("At least one adult must stay."), field="child_ages")
        return Party(guests - len(self.child_ages), self.child_ages)

    def as_json(self) -> dict[str, Any]:
        """The form in which they are frozen with a booking."""
        return {"child_ages": list(self.child_ages), "extras": dict(sorted(self.extras.items())), "code": self.code}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Wishes":
        """Frozen wishes, read back; bookings of older versions have none."""
        if not data:
            return cls()
        return cls(tuple(data["child_ages"]), dict(data["extras"]), data["code"])


@dataclass(frozen=True, slots=True)
class Ask:
    """What a price is asked for. `lead` is the number of days from today to the day of arrival."""

    stay: Stay
    party: Party
    lead: int = 0
    extras: Mapping[str, int] = field(default_factory=dict)  # the key of each chosen extra, and how many of it
    coupon: Coupon | None = None
    member_off: int = 0  # what a member of the club saves on the nights, in hundredths of a percent

    @classmethod
    def by(
        cls,
        stay: Stay,
        guests: int,
        today: date,
        wishes: Wishes | None = None,
        coupon: Coupon | None = None,
        member_off: int = 0,
    ) -> "Ask":
        """Of so many guests on a day of the property's own; `coupon` is what is left of a code that was wished for.

        Raises StayRuleBroken where the wishes are of children alone.
        """
        wishes = wishes or Wishes()
        return cls(stay, wishes.party(guests), (stay.arrive - today).days, wishes.extras, coupon, member_off)


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """`quantity` times `unit`; the product is stored too, so that nobody multiplies again. Discounts are negative."""

    kind: LineKind
    quantity: int
    unit: Money
    total: Money
    name: str = ""  # of the season, fee, discount or tax, in the host's words


@dataclass(frozen=True, slots=True)
class IncludedTax:
    """How much of the total is a tax that the prices hold already. `share` is in hundredths of a percent."""

    name: str
    share: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """The itemised price of one stay. Its lines always sum to its total; what is included is told beside them."""

    nights: int
    guests: int
    lines: tuple[QuoteLine, ...]
    total: Money
    included: tuple[IncludedTax, ...] = ()
    glossary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the names above in other languages

    def name_in(self, language: str, name: str) -> str:
        """One of the host's names in a language, or as it was first written where nobody translated it."""
        return self.glossary.get(language, {}).get(name, name)

    def as_json(self) -> dict[str, Any]:
        """The form in which a quote is frozen with a booking."""
        return {
            "nights": self.nights,
            "guests": self.guests,
            "currency": self.total.currency,
            "total_minor": self.total.minor,
            "lines": [_line_as_json(line) for line in self.lines],
            "included": [
                {"name": tax.name, "share": tax.share, "amount_minor": tax.amount.minor} for tax in self.included
            ],
            "glossary": {language: dict(words) for language, words in self.glossary.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Quote":
        """A frozen quote, read back; those of older versions have neither names nor included taxes."""
        currency = data["currency"]
        return cls(
            data["nights"],
            data["guests"],
            tuple(_line_from_json(row, currency) for row in data["lines"]),
            Money(data["total_minor"], currency),
            tuple(
                IncludedTax(row["name"], row["share"], Money(row["amount_minor"], currency))
                for row in data.get("included", ())
            ),
            data.get("glossary", {}),
        )


def quote(card: RateCard, ask: Ask) -> Quote:
    """The itemised price of a stay; lines of nothing are left out, the total has everything in it.

    No sum hangs on the order in which seasons, discounts, fees or taxes were written down.
    """
    room = [*_nights(card, ask.stay), *_more_guests(card, ask)]
    room += _discounts(card, ask, _sum(room, card.currency))
    room += _member(ask, _sum(room, card.currency))
    room += _coupon(ask, _sum(room, card.currency))
    lines = [*room, *_fees(card, ask), *_tourist_tax(card, ask)]
    lines += _taxes_on_top(card, lines)
    lines = [line for line in lines if line.total.minor]
    total, included = _sum(lines, card.currency), _included(card, lines)
    names = {line.name for line in lines} | {tax.name for tax in included}
    return Quote(ask.stay.nights, ask.party.guests, tuple(lines), total, included, _glossary(card, names))


def _glossary(card: RateCard, names: set[str]) -> dict[str, dict[str, str]]:
    """What the names of this quote are in other languages."""
    told = {
        language: {name: word for name, word in words.items() if name in names}
        for language, words in card.glossary.items()
    }
    return {language: words for language, words in told.items() if words}


def agreed(by_rates: Quote, total: Money) -> Quote:
    """The same stay at a total that was agreed: one more line makes up the difference, so the parts still sum.

    Taxes that the prices hold are told in proportion. A tax laid on top stays what the rates make it.
    """
    if total == by_rates.total:
        return by_rates
    difference = total - by_rates.total
    line = QuoteLine(LineKind.AGREED, 1, difference, difference)
    included = tuple(
        replace(tax, amount=_in_proportion(tax.amount, total, by_rates.total)) for tax in by_rates.included
    )
    return replace(by_rates, lines=(*by_rates.lines, line), total=total, included=included)


def _in_proportion(amount: Money, part: Money, whole: Money) -> Money:
    smallest = step(amount.currency)
    exact = Fraction(amount.minor * part.minor, whole.minor)
    return Money(int(exact / smallest + Fraction(1, 2)) * smallest, amount.currency)


# --- lines ----------------------------------------------------------------------------------------------------------


def _nights(card: RateCard, stay: Stay) -> Iterator[QuoteLine]:
    """A line for each kind of night, in the order in which the guest sleeps them."""
    for night, count in Counter(card.nights(stay)).items():
        yield _line(card, night.kind, count, night.minor, night.name)


def _more_guests(card: RateCard, ask: Ask) -> Iterator[QuoteLine]:
    if card.included_guests is not None:
        more = max(ask.party.guests - card.included_guests, 0)
        yield _line(card, LineKind.MORE_GUESTS, more * ask.stay.nights, card.more_guests_minor)


def _discounts(card: RateCard, ask: Ask, room: Money) -> Iterator[QuoteLine]:
    """The best discount for the length of the stay, and the best for its lead; together never more than the room."""
    left = room
    for is_about_lead in (False, True):
        held = [each for each in card.discounts if each.is_about_lead is is_about_lead and _holds(each, ask)]
        if best := max(held, key=lambda each: (each.off, each.name), default=None):
            off = min(room.share(best.off), left, key=lambda money: money.minor)
            left -= off
            yield _line(card, LineKind.DISCOUNT, 1, -off.minor, best.name)


def _holds(discount: Discount, ask: Ask) -> bool:
    return discount.holds(ask.stay.nights, ask.lead)


def _member(ask: Ask, room: Money) -> Iterator[QuoteLine]:
    """After the discounts that everybody has, before the code of one guest. Its name is the percentage."""
    if ask.member_off:
        off = room.share(ask.member_off)
        yield QuoteLine(LineKind.MEMBER, 1, off * -1, off * -1, f"{ask.member_off / 100:g}")


def _coupon(ask: Ask, room: Money) -> Iterator[QuoteLine]:
    if ask.coupon:
        off = ask.coupon.off(room)
        yield QuoteLine(LineKind.COUPON, 1, off * -1, off * -1, ask.coupon.code)


def _fees(card: RateCard, ask: Ask) -> Iterator[QuoteLine]:
    nights, guests = ask.stay.nights, ask.party.guests
    for fee in card.fees:
        yield _fee_line(card, fee, fee.count(nights, guests))
    for extra in card.extras:
        yield _fee_line(card, extra, extra.count(nights, guests) * min(ask.extras.get(extra.key, 0), extra.most))


def _fee_line(card: RateCard, fee: Fee, quantity: int) -> QuoteLine:
    return _line(card, fee.kind, quantity, fee.amount_minor, fee.name)


def _tourist_tax(card: RateCard, ask: Ask) -> Iterator[QuoteLine]:
    if card.tourist_tax:
        count = card.tourist_tax.count(ask.party, ask.stay.nights)
        yield _line(card, LineKind.TOURIST_TAX, count, card.tourist_tax.amount_minor)


def _line(card: RateCard, kind: LineKind, quantity: int, unit_minor: int, name: str = "") -> QuoteLine:
    unit = Money(unit_minor, card.currency)
    return QuoteLine(kind, quantity, unit, unit * quantity, name)


def _sum(lines: Iterable[QuoteLine], currency: str) -> Money:
    return sum((line.total for line in lines), Money(0, currency))


# --- taxes ----------------------------------------------------------------------------------------------------------


def _taxes_on_top(card: RateCard, lines: Sequence[QuoteLine]) -> list[QuoteLine]:
    on_top = [tax for tax in card.taxes if not tax.is_included]
    return [_line(card, LineKind.TAX, 1, _tax_of(card, tax, lines), tax.name) for tax in on_top]


def _included(card: RateCard, lines: Sequence[QuoteLine]) -> tuple[IncludedTax, ...]:
    taxes = [(tax, Money(_tax_of(card, tax, lines), card.currency)) for tax in card.taxes if tax.is_included]
    return tuple(IncludedTax(tax.name, tax.share, amount) for tax, amount in taxes if amount.minor)


def _tax_of(card: RateCard, tax: Tax, lines: Sequence[QuoteLine]) -> int:
    """A tax on the net price of all lines that it is laid on: rounded once, half up, to an amount that can be moved."""
    net = Fraction(sum(_net(card, line) for line in lines if line.kind in tax.on))
    smallest = step(card.currency)
    return int(net * tax.share / WHOLE / smallest + Fraction(1, 2)) * smallest


def _net(card: RateCard, line: QuoteLine) -> Fraction:
    held = sum(tax.share for tax in card.taxes if tax.is_included and line.kind in tax.on)
    return Fraction(line.total.minor * WHOLE, WHOLE + held)


# --- frozen with a booking ------------------------------------------------------------------------------------------


def _line_as_json(line: QuoteLine) -> dict[str, Any]:
    return {
        "kind": line.kind.value,
        "quantity": line.quantity,
        "unit_minor": line.unit.minor,
        "total_minor": line.total.minor,
        "name": line.name,
    }


def _line_from_json(row: dict[str, Any], currency: str) -> QuoteLine:
    unit, total = Money(row["unit_minor"], currency), Money(row["total_minor"], currency)
    return QuoteLine(LineKind(row["kind"]), row["quantity"], unit, total, row.get("name", ""))
