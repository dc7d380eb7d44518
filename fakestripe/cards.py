"""Finds the test card or account behind a number, a token or an IBAN.

The cards themselves are in `testcards.py`; source: docs.stripe.com/testing.
"""

from __future__ import annotations

from fakestripe.cardtypes import (
    AUTHENTICATION_REQUIRED,
    NOT_HANDLED,
    REAL_CARD,
    WRONG_CVC,
    WRONG_NUMBER,
    Decline,
    TestAccount,
    TestCard,
)
from fakestripe.testcards import ACCOUNTS, ACCOUNTS_PAGE, CARDS, PAGES

__all__ = [
    "ACCOUNTS",
    "ACCOUNTS_PAGE",
    "AUTHENTICATION_REQUIRED",
    "CARDS",
    "NOT_HANDLED",
    "PAGES",
    "WRONG_CVC",
    "Decline",
    "TestAccount",
    "TestCard",
]
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {token: card for card in CARDS for token in card.tokens}
BY_CARD_TOKEN = {f"tok_{name}": card for card in CARDS for name in card.names}
BY_IBAN = {account.iban: account for account in ACCOUNTS}


def grouped() -> list[tuple[str, str, list[TestCard]]]:
    """Each group of cards with its heading and the Stripe page it comes from."""
    return [(title, page, [card for card in CARDS if card.group == title]) for title, page in PAGES.items()]


def rule_for(number: str) -> TestCard:
    """What this card does. A number Stripe did not publish is declined, as in its sandbox."""
    if number in BY_NUMBER:
        return BY_NUMBER[number]
    decline = REAL_CARD if passes_luhn(number) else WRONG_NUMBER
    return TestCard(number, "Not a test card", brand=brand_of(number), decline=decline)


def brand_of(number: str) -> str:
    first = {"3": "amex", "4": "visa", "5": "mastercard", "2": "mastercard", "6": "discover"}
    return first.get(number[:1], "unknown")


def passes_luhn(number: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812)."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
