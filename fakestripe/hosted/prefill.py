"""Test cards that fill the payment page in by a link (`?card=...`), so that nobody needs a script or a good memory."""

from __future__ import annotations

from collections.abc import Mapping

from fakestripe import cards
from fakestripe.store import Record

# What a hurried tester wants to see, by number, as the page words it.
SUGGESTED = (
    ("4242424242424242", "pays"),
    ("4000000000009995", "insufficient funds"),
    ("4000000000000002", "declined"),
    ("4000002760003184", "3-D Secure"),
    ("4000000000000259", "pays, then disputed"),
)
ANYBODY = {
    "cardExpiry": "12 / 34",
    "cardCvc": "123",
    "billingName": "Grace Hopper",
    "billingCountry": "CZ",
    "billingPostalCode": "110 00",
    "billingAddressLine1": "Dlouhá 1",
    "billingLocality": "Praha",
    "phone": "+420 123 456 789",
}


def typed_by_link(session: Record, asked: Mapping[str, str], email: str | None) -> dict[str, str]:
    """A filled-in form for a published card or account; an empty one for anything else."""
    card = cards.BY_NUMBER.get(asked.get("card", ""))
    account = cards.BY_IBAN.get(asked.get("iban", ""))
    methods = session["payment_method_types"]
    someone = {**ANYBODY, "email": email or "grace@example.com"}
    if card and "card" in methods:
        return {**someone, "method": "card", "cardNumber": card.spaced}
    if account and "sepa_debit" in methods:
        return {**someone, "method": "sepa_debit", "iban": account.spaced}
    return {}
