"""Test cards and bank accounts, and what each makes happen.

Source: docs.stripe.com/testing (cards by brand, declined payments, 3D Secure, disputes, refunds)
and docs.stripe.com/payments/sepa-debit/accept-a-payment (test IBANs).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a bank said no, with the words Stripe gives for it."""

    code: str
    message: str
    decline_code: str | None = None


GENERIC = Decline("card_declined", "Your card was declined.", "generic_decline")
INSUFFICIENT = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
LOST = Decline("card_declined", "Your card was declined.", "lost_card")
STOLEN = Decline("card_declined", "Your card was declined.", "stolen_card")
EXPIRED = Decline("expired_card", "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
WRONG_NUMBER = Decline("incorrect_number", "Your card number is incorrect.")
REAL_CARD = Decline(
    "card_declined",
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
    "test_mode_live_card",
)


@dataclass(frozen=True)
class TestCard:
    """One published card. `refund` is "pending" or "fails", `dispute` the reason of one."""

    number: str
    what: str
    brand: str = "visa"
    country: str = "US"
    decline: Decline | None = None
    three_d_secure: bool = False
    dispute: str | None = None
    refund: str | None = None
    tokens: tuple[str, ...] = ()

    @property
    def spaced(self) -> str:
        digits = self.number
        if len(digits) == 15:
            return f"{digits[:4]} {digits[4:10]} {digits[10:]}"
        return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


CARDS = (
    TestCard("4242424242424242", "Pays", tokens=("pm_card_visa",)),
    TestCard("5555555555554444", "Pays (Mastercard)", "mastercard", tokens=("pm_card_mastercard",)),
    TestCard("378282246310005", "Pays (American Express)", "amex", tokens=("pm_card_amex",)),
    TestCard("4000002760000016", "Pays (Visa, Germany)", country="DE", tokens=("pm_card_de",)),
    TestCard("4000002030000002", "Pays (Visa, Czech Republic)", country="CZ"),
    TestCard(
        "4000000000000002",
        "Declined: generic_decline",
        decline=GENERIC,
        tokens=("pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"),
    ),
    TestCard(
        "4000000000009995",
        "Declined: insufficient_funds",
        decline=INSUFFICIENT,
        tokens=(
            "pm_card_chargeDeclinedInsufficientFunds",
            "pm_card_visa_chargeDeclinedInsufficientFunds",
        ),
    ),
    TestCard(
        "4000000000009987",
        "Declined: lost_card",
        decline=LOST,
        tokens=("pm_card_visa_chargeDeclinedLostCard",),
    ),
    TestCard(
        "4000000000009979",
        "Declined: stolen_card",
        decline=STOLEN,
        tokens=("pm_card_visa_chargeDeclinedStolenCard",),
    ),
    TestCard(
        "4000000000000069",
        "Declined: expired_card",
        decline=EXPIRED,
        tokens=("pm_card_chargeDeclinedExpiredCard",),
    ),
    TestCard(
        "4000000000000127",
        "Declined: incorrect_cvc",
        decline=WRONG_CVC,
        tokens=("pm_card_chargeDeclinedIncorrectCvc",),
    ),
    TestCard(
        "4000000000000119",
        "Declined: processing_error",
        decline=PROCESSING,
        tokens=("pm_card_chargeDeclinedProcessingError",),
    ),
    TestCard(
        "4000002500003155",
        "3-D Secure; later, without the guest, only until it is set up",
        three_d_secure=True,
        tokens=("pm_card_authenticationRequiredOnSetup",),
    ),
    TestCard(
        "4000002760003184",
        "3-D Secure always",
        country="DE",
        three_d_secure=True,
        tokens=("pm_card_authenticationRequired",),
    ),
    TestCard(
        "4000000000003220",
        "3-D Secure 2 must be completed",
        country="IE",
        three_d_secure=True,
        tokens=("pm_card_threeDSecure2Required", "pm_card_threeDSecureRequired"),
    ),
    TestCard(
        "4000008400001629",
        "3-D Secure, then declined: generic_decline",
        decline=GENERIC,
        three_d_secure=True,
        tokens=("pm_card_threeDSecureRequiredChargeDeclined",),
    ),
    TestCard(
        "4000008260003178",
        "3-D Secure, then declined: insufficient_funds",
        country="GB",
        decline=INSUFFICIENT,
        three_d_secure=True,
        tokens=("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
    ),
    TestCard(
        "4000000000000259",
        "Pays, then disputed as fraudulent",
        dispute="fraudulent",
        tokens=("pm_card_createDispute",),
    ),
    TestCard(
        "4000000000002685",
        "Pays, then disputed: product not received",
        dispute="product_not_received",
        tokens=("pm_card_createDisputeProductNotReceived",),
    ),
    TestCard(
        "4000000000007726",
        "Pays; its refund is pending at first, then succeeds",
        refund="pending",
        tokens=("pm_card_pendingRefund",),
    ),
    TestCard(
        "4000000000005126",
        "Pays; its refund succeeds at first, then fails",
        refund="fails",
        tokens=("pm_card_refundFail",),
    ),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {token: card for card in CARDS for token in card.tokens}


@dataclass(frozen=True)
class TestAccount:
    """A SEPA account that pays or fails after some seconds of the simulator's clock."""

    iban: str
    what: str
    outcome: str
    seconds: int

    @property
    def spaced(self) -> str:
        return " ".join(self.iban[i : i + 4] for i in range(0, len(self.iban), 4))


ACCOUNTS = (
    TestAccount("AT321904300235473204", "Pays after three minutes", "succeeded", 180),
    TestAccount("AT611904300234573201", "Pays at once", "succeeded", 0),
    TestAccount("AT051904300235473205", "Fails after three minutes", "failed", 180),
    TestAccount("AT861904300235473202", "Fails at once", "failed", 0),
)
BY_IBAN = {account.iban: account for account in ACCOUNTS}


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
