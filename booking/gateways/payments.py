"""What services know of the payment provider: a protocol, its frozen values, its errors. No Stripe object leaves it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from booking.domain.money import Money
from booking.domain.payouts import Payout, PayoutItem
from booking.domain.states import Authentication, RefundStatus
from booking.gateways.billing import BillingGateway, SubscriptionNews


class PaymentGatewayError(Exception):
    """Base of what can go wrong with the provider. Its text is for logs, never for guests."""

    code = "payment_gateway_error"


class GatewayUnavailable(PaymentGatewayError):
    """The outcome is unknown: no answer, a 5xx, a conflict or a rate limit. Ask again with the same key, or look.

    `is_silent` where no answer came at all: whoever asks anything else now waits as long once more.
    """

    code = "gateway_unavailable"

    def __init__(self, message: str, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent
        super().__init__(message)


class GatewayRefused(PaymentGatewayError):
    """A definite no: nothing was done, and asking again gives the same answer. `reason` is the provider's code."""

    code = "gateway_refused"

    def __init__(self, message: str, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


class GatewayConflict(PaymentGatewayError):
    """Two orders that differ came under one key: a fault of ours. The key is burnt."""

    code = "gateway_conflict"


class BadSignature(PaymentGatewayError):
    """The bytes were not signed with one of our secrets, or too long ago, or are no event at all."""

    code = "bad_signature"


class EvidenceState(StrEnum):
    """What an object of the provider proves about one attempt."""

    OPEN = "open"  # can still be paid
    PAID = "paid"
    AUTHORIZED = "authorized"  # a sum is reserved on the card; nothing is charged until it is captured
    PROCESSING = "processing"  # completed with a delayed method; the result comes later
    NOTHING_DUE = "nothing_due"  # completed without payment, which no priced booking may be
    DECLINED = "declined"  # a card was refused; the session goes on
    FAILED = "failed"  # a delayed payment failed
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Tag:
    """Our metadata on an object of the provider. Every field may be missing or anybody's."""

    app: str = ""
    purpose: str = ""
    booking_id: str = ""
    attempt: str = ""
    refund_id: str = ""


@dataclass(frozen=True, slots=True)
class PaymentEvidence:
    """What a verified event, or our own look, says of one attempt. Only a gateway makes these.

    `amount` is what was or will be paid; None where the object does not say. `session_id` is None for evidence from
    a PaymentIntent, `payment_intent_id` None until the guest has tried to pay. `capture_before` is when the bank lets
    an authorised sum go by itself, where the provider says so.
    """

    state: EvidenceState
    tag: Tag
    livemode: bool
    session_id: str | None = None
    payment_intent_id: str | None = None
    charge_id: str | None = None
    amount: Money | None = None
    mode: str = "payment"
    decline_code: str | None = None
    url: str | None = None
    expires_at: datetime | None = None
    capture_before: datetime | None = None
    # With it a browser may pay: for the page that it is made for, and for no log.
    client_secret: str | None = field(default=None, repr=False)
    subscription_id: str | None = None  # what a session of the mode `subscription` has begun


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A card that the provider keeps for a customer: what may be shown of it, and the id to charge it by."""

    payment_method_id: str
    customer_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class RefundEvidence:
    """What the provider says of one refund."""

    refund_id: str
    status: RefundStatus
    amount: Money
    payment_intent_id: str | None
    charge_id: str | None
    tag: Tag
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeEvidence:
    """How much of one charge was captured and refunded, as the provider counts it, and whether its guest confirmed."""

    charge_id: str
    payment_intent_id: str | None
    captured: Money
    refunded: Money
    tag: Tag
    authentication: Authentication | None = None  # None where the object does not say


@dataclass(frozen=True, slots=True)
class DisputeEvidence:
    """What the provider says of one dispute."""

    dispute_id: str
    charge_id: str | None
    payment_intent_id: str | None
    amount: Money
    status: str
    reason: str
    due_by: datetime | None
    is_charge_refundable: bool
    funds_withdrawn: bool | None  # None: this event does not say
    submissions: int = 0  # how often evidence was handed to the bank


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """A bank's early word that a charge may be disputed."""

    charge_id: str | None
    payment_intent_id: str | None


Evidence = PaymentEvidence | RefundEvidence | ChargeEvidence | DisputeEvidence | FraudWarning | SubscriptionNews


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified event. `evidence` is None for types this shop does not handle, and until it is fetched.

    `must_be_fetched` where its object is shown as another version of the provider's API shows it, which nothing here
    can read, or where the event `says_too_little` of it: see fetch_evidence.
    """

    event_id: str
    type: str
    livemode: bool
    object_id: str
    evidence: Evidence | None
    payload: Mapping[str, Any]
    must_be_fetched: bool = False
    says_too_little: bool = False

    @property
    def concerns_the_shop(self) -> bool:
        """Whether it is of a type that this shop handles."""
        return self.evidence is not None or self.must_be_fetched


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a Checkout Session is wanted for. `cancel_url` and `success_url` are absolute."""

    tag: Tag
    amount: Money
    title: str
    description: str
    guest_email: str
    expires_at: datetime
    success_url: str
    cancel_url: str
    language: str = "en"
    saves_card: bool = False  # for charges with nobody there, as the guest was told before
    is_authorised_only: bool = False  # the sum is reserved on the card, to be captured or let go later
    is_guarantee: bool = False  # nothing is paid: a card is kept, to be charged with the amount later


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What a payment without a hosted page is wanted for.

    With `payment_method_id` that card of the customer's is charged at once, with nobody there; without, a browser
    confirms it on a page of ours.
    """

    tag: Tag
    amount: Money
    description: str
    customer_id: str | None = None
    payment_method_id: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """Whom a customer is wanted for. `app` and `token` are ours, opaque."""

    app: str
    token: str
    email: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What a refund is wanted for. `requested_by` is an opaque id of staff, or "system"."""

    tag: Tag
    payment_intent_id: str
    amount: Money
    requested_by: str


@dataclass(frozen=True, slots=True)
class EventEndpoint:
    """An address to which the provider sends events, and in the words of which version of its API."""

    url: str
    is_enabled: bool
    event_types: frozenset[str]
    api_version: str | None  # None: the one that the account has by itself
    must_be_fetched: bool = False  # that version shows objects otherwise than they are read here


@dataclass(frozen=True, slots=True)
class EventNeeds:
    """What this shop has to hear of, and the version of the provider's API that it reads."""

    event_types: frozenset[str]
    api_version: str


Params = dict[str, Any]


class PaymentGateway(BillingGateway, Protocol):
    """The payment provider. Calls raise GatewayUnavailable or GatewayRefused; none belongs in a transaction."""

    def checkout_params(self, order: CheckoutOrder) -> Params:
        """The exact parameters to freeze before open_checkout. Pure: asks nobody."""
        ...

    def open_checkout(self, params: Params, idempotency_key: str) -> PaymentEvidence:
        """Make the session, or get the same one again for the same key. `url` is set on what comes back."""
        ...

    def look_up_checkout(self, session_id: str) -> PaymentEvidence:
        """The session as it is now, with the outcome of its last payment attempt."""
        ...

    def expire_checkout(self, session_id: str, idempotency_key: str) -> PaymentEvidence:
        """End a session so that nobody can pay it; if it was paid meanwhile, say so instead of failing.

        Where the provider will neither end it nor show it, whether it can be paid is unknown: GatewayUnavailable.
        """
        ...

    def list_checkouts(self, since: datetime) -> Iterator[PaymentEvidence]:
        """Every session made since then, ours or not: the caller looks at the tag."""
        ...

    def charge_params(self, order: ChargeOrder) -> Params:
        """The exact parameters to freeze before open_charge. Pure: asks nobody."""
        ...

    def open_charge(self, params: Params, idempotency_key: str) -> PaymentEvidence:
        """Make a payment, or get the same one again for the same key. A card that is refused is DECLINED, no error."""
        ...

    def look_up_charge(self, payment_intent_id: str) -> PaymentEvidence:
        """The payment as it is now, whatever became of it."""
        ...

    def cancel_charge(self, payment_intent_id: str, idempotency_key: str) -> PaymentEvidence:
        """End a payment so that nobody can make it; if it was made meanwhile, say so instead of failing.

        Where the provider will neither end it nor show it, GatewayUnavailable.
        """
        ...

    def list_payments(self, since: datetime) -> Iterator[PaymentEvidence]:
        """Every payment begun since then, ours or not, those of hosted pages too: the caller looks at the tag."""
        ...

    def find_card(self, payment_intent_id: str) -> KeptCard | None:
        """The card of a payment, where the provider keeps it for a customer."""
        ...

    def find_guarantee(self, session_id: str) -> KeptCard | None:
        """The card that a hosted page of mode setup has kept; None where it has kept none."""
        ...

    def detach_card(self, payment_method_id: str, idempotency_key: str) -> None:
        """Have the provider forget a card. One that is no customer's any more is forgotten already."""
        ...

    def list_charges(self, since: datetime) -> Iterator[ChargeEvidence]:
        """Every charge made since then that brought money, ours or not: the caller looks at the tag."""
        ...

    def list_disputes(self, since: datetime) -> Iterator[DisputeEvidence]:
        """Every dispute opened since then, ours or not: it carries no tag, only the payment it is about."""
        ...

    def look_up_dispute(self, dispute_id: str) -> DisputeEvidence:
        """The dispute as it is now, with the number of times that evidence was submitted."""
        ...

    def stage_evidence(self, dispute_id: str, texts: Mapping[str, str], idempotency_key: str) -> DisputeEvidence:
        """Lay a draft down, by the provider's names and its ids of files; empty texts clear what lay there.

        Tells no bank.
        """
        ...

    def submit_evidence(self, dispute_id: str, texts: Mapping[str, str], idempotency_key: str) -> DisputeEvidence:
        """Hand texts to the bank, for good. The provider may take a second submission: the caller must not make one."""
        ...

    def upload_evidence_file(self, name: str, content: bytes, idempotency_key: str) -> str:
        """Lay a PDF down for an answer to a dispute; the provider's id of it. Alone it tells no bank anything."""
        ...

    def find_evidence_file(self, name: str, since: datetime) -> str | None:
        """The provider's id of the file of this name that was laid down since then, if there is one."""
        ...

    def look_up_payment(self, payment_intent_id: str) -> PaymentEvidence:
        """A payment that was captured, as it is now."""
        ...

    def look_up_authorisation(self, payment_intent_id: str) -> PaymentEvidence:
        """A payment that was authorised, as it is now: still so, captured, or let go."""
        ...

    def capture_params(self, amount: Money) -> Params:
        """The exact parameters to freeze before capture_payment. Pure: asks nobody."""
        ...

    def capture_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        """Take what is authorised. A second capture is refused, so that it never happens twice."""
        ...

    def release_params(self) -> Params:
        """The exact parameters to freeze before release_payment. Pure: asks nobody."""
        ...

    def release_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        """Let go what is authorised: nothing is charged. Refused where it was captured or let go before."""
        ...

    def list_new_refunds(self, since: datetime) -> Iterator[RefundEvidence]:
        """Every refund made since then, of whatever payment: those of a dashboard carry no tag of ours."""
        ...

    def refund_params(self, order: RefundOrder) -> Params:
        """The exact parameters to freeze before send_refund. Pure: asks nobody."""
        ...

    def send_refund(self, params: Params, idempotency_key: str) -> RefundEvidence:
        """Send money back, once for each key."""
        ...

    def list_refunds(self, payment_intent_id: str) -> list[RefundEvidence]:
        """Every refund of one payment, ours or made in the dashboard."""
        ...

    def look_up_refunded(self, payment_intent_id: str) -> ChargeEvidence | None:
        """How much of a payment was refunded by the provider's own count; None where it was never charged."""
        ...

    def customer_params(self, order: CustomerOrder) -> Params:
        """The exact parameters to freeze before create_customer. Pure: asks nobody."""
        ...

    def create_customer(self, params: Params, idempotency_key: str) -> str:
        """Make a customer, once for each key; the provider's id of it."""
        ...

    def find_customer(self, email: str, token: str, since: datetime) -> str | None:
        """The provider's id of the customer with our token that was made since then, if there is one."""
        ...

    def list_payouts(self, before: str | None, limit: int) -> list[Payout]:
        """So many payouts to the bank, newest first: the newest of all, or those before one."""
        ...

    def look_up_payout(self, payout_id: str) -> Payout:
        """One payout as it is now."""
        ...

    def list_payout_items(self, payout_id: str) -> Iterator[PayoutItem]:
        """The entries that a payout holds, newest first; the payout's own is not among them."""
        ...

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        """Verify and read one delivery. Asks nobody. Raises BadSignature for anything that is not a signed event."""
        ...

    def parse_event(self, payload: Mapping[str, Any]) -> GatewayEvent:
        """Read an event that was verified before and kept. Raises BadSignature where it is no event."""
        ...

    def fetch_evidence(self, event: GatewayEvent) -> GatewayEvent:
        """The same event with the evidence of its object as it is now, in the version that is read here.

        Raises BadSignature where it is about no object of the provider's.
        """
        ...

    def event_needs(self) -> EventNeeds:
        """What an endpoint of this shop has to send. Asks nobody."""
        ...

    def list_endpoints(self) -> list[EventEndpoint]:
        """Every address to which the provider sends events of this account. A restricted key may not see them."""
        ...
