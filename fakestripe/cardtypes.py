"""What there is to say about a test card or test account, and the declines that banks give.

Words and codes: docs.stripe.com/declines/codes and docs.stripe.com/error-codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a bank said no, with the words Stripe gives for it. `blocked` means Stripe itself did."""

    code: str
    message: str
    decline_code: str | None = None
    blocked: bool = False


GENERIC = Decline("card_declined", "Your card was declined.", "generic_decline")
INSUFFICIENT = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
LOST = Decline("card_declined", "Your card was declined.", "lost_card")
STOLEN = Decline("card_declined", "Your card was declined.", "stolen_card")
VELOCITY = Decline(
    "card_declined",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "card_velocity_exceeded",
)
BLOCKED = Decline("card_declined", "Your card was declined.", "fraudulent", blocked=True)
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
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)
NOT_HANDLED = Decline(
    "card_declined",
    "Your card was declined. This transaction requires authentication, which the integration does not handle.",
    "authentication_not_handled",
)


@dataclass(frozen=True)
class TestCard:
    """One published card. `refund` is "pending" or "fails", `dispute` the reason of one.

    `off_session` says what a card with 3-D Secure does without the guest: it "asks" each time,
    asks "until_set_up", or is "free". `saves` marks a card that is declined but can be saved.
    `names` are those of its tokens: `pm_card_<name>` and `tok_<name>`.
    """

    number: str
    what: str
    group: str = ""
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    three_d_secure: bool = False
    three_d_secure_on_request: bool = False
    off_session: str = "asks"
    saves: bool = False
    dispute: str | None = None
    inquiry: bool = False
    refund: str | None = None
    available_at_once: bool = False
    names: tuple[str, ...] = ()

    @property
    def spaced(self) -> str:
        digits = self.number
        if len(digits) == 15:
            return f"{digits[:4]} {digits[4:10]} {digits[10:]}"
        return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(f"pm_card_{name}" for name in self.names)

    @property
    def refuses_saving(self) -> bool:
        """Most cards that are declined cannot be attached to a customer either."""
        return self.decline is not None and not self.saves

    def asks(self, *, off_session: bool, set_up: bool, requested: bool = False) -> bool:
        """Whether the bank wants the guest to authenticate this payment."""
        if not off_session:
            return self.three_d_secure or (requested and self.three_d_secure_on_request)
        if not self.three_d_secure or self.off_session == "free":
            return False
        return self.off_session == "asks" or not set_up


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
