"""Amounts of money: integers in minor units with a currency. Words and symbols belong to the `money` filter."""

from dataclasses import dataclass
from decimal import Decimal

# https://docs.stripe.com/currencies: amounts of these currencies are sent without decimals...
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
# ... and of these with three. ISK and UGX count as two-decimal there although they have no minor coin.
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
_COINLESS = frozenset("isk ugx".split())


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum: always a fault of ours, never of a guest."""


def exponent(currency: str) -> int:
    """How many decimals the payment provider counts for a currency."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest amount that can be moved: no hundredth of a króna, and of three decimals the last must be 0."""
    if currency in _COINLESS:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents for EUR, yen for JPY) of a lower-case ISO 4217 `currency`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("money is counted in integers")
        if len(self.currency) != 3 or not self.currency.islower():
            raise ValueError(f"not a lower-case currency code: {self.currency!r}")

    @property
    def major(self) -> Decimal:
        """The amount as people write it, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @property
    def is_movable(self) -> bool:
        """Whether the payment provider can charge or refund exactly this: https://docs.stripe.com/currencies."""
        return self.minor % step(self.currency) == 0

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor * times, self.currency)

    def percent(self, percent: int) -> "Money":
        """That many hundredths, rounded half up to the smallest amount that can be moved."""
        return self.share(percent * 100)

    def share(self, hundredths: int) -> "Money":
        """That many hundredths of a percent, rounded half up to the smallest amount that can be moved."""
        whole = 10_000 * step(self.currency)
        return Money((self.minor * hundredths + whole // 2) // whole * step(self.currency), self.currency)

    def _same(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other


def parse_major(text: str, currency: str) -> Money | None:
    """What a person typed as an amount ("140", "140.50", "140,50"), or None if it is no exact amount."""
    cleaned = text.strip().replace(",", ".")
    if not cleaned or not cleaned.isascii() or set(cleaned) - set("0123456789.") or cleaned.count(".") > 1:
        return None
    if len(cleaned) > 15 or cleaned == ".":
        return None
    # "1,200" in euros is a slip of somebody who meant thousands, not one euro twenty.
    if len(cleaned.partition(".")[2]) > exponent(currency):
        return None
    return Money(int(Decimal(cleaned).scaleb(exponent(currency))), currency)
