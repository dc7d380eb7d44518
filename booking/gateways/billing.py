"""What services know of the provider's catalogue and of its subscriptions: a protocol and its frozen values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from booking.domain.club import Interval, MemberStatus
from booking.domain.money import Money

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogTag:
    """Our metadata on products and prices."""

    app: str = ""
    plan: str = ""
    errand: str = ""


@dataclass(frozen=True, slots=True)
class CatalogPrice:
    """A price as the provider has it. `amount` and `interval` are None where it is none that a plan could have."""

    price_id: str
    product_id: str
    amount: Money | None
    interval: Interval | None
    tag: CatalogTag


@dataclass(frozen=True, slots=True)
class PriceOrder:
    """What a price is wanted for: so much for each interval, under a name of ours."""

    tag: CatalogTag
    product_id: str
    lookup_key: str
    amount: Money
    interval: Interval


@dataclass(frozen=True, slots=True)
class MemberTag:
    """Our metadata on a subscription. Every field may be missing or anybody's."""

    app: str = ""
    account: str = ""
    plan: str = ""
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class SubscriptionNews:
    """An event that is about a subscription: no more than which one, and whose. The rest is asked for."""

    subscription_id: str
    tag: MemberTag


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice of a subscription. `reason` is the provider's word for what it was made for."""

    invoice_id: str
    status: str
    reason: str
    amount: Money
    made_at: datetime
    number: str = ""
    page: str = ""  # where the provider shows it


@dataclass(frozen=True, slots=True)
class SubscriptionEvidence:
    """A subscription as the provider shows it when asked. `bill` is its newest invoice."""

    subscription_id: str
    customer_id: str
    livemode: bool
    tag: MemberTag
    status: MemberStatus
    price: Money
    interval: Interval | None
    period_start: datetime
    period_end: datetime
    cancels_at: datetime | None
    trial_end: datetime | None
    ended_at: datetime | None
    bill: Bill | None


@dataclass(frozen=True, slots=True)
class MembershipOrder:
    """What a Checkout Session for a membership is wanted for, and by whom."""

    tag: MemberTag
    price_id: str
    trial_days: int
    customer_id: str
    expires_at: datetime
    success_url: str
    cancel_url: str
    language: str = "en"


class BillingGateway(Protocol):
    """Products, prices and subscriptions. Calls raise GatewayUnavailable or GatewayRefused, as all do."""

    def product_params(self, tag: CatalogTag, name: str) -> Params:
        """The exact parameters to freeze before make_product. Pure: asks nobody."""
        ...

    def make_product(self, params: Params, idempotency_key: str) -> str:
        """Put something into the catalogue; its id."""
        ...

    def change_product(self, product_id: str, params: Params, idempotency_key: str) -> None:
        """Give a product another name, or take it off sale."""
        ...

    def find_product(self, errand: str, since: datetime) -> str | None:
        """The id of the product that an errand of ours has made since then, if it has."""
        ...

    def price_params(self, order: PriceOrder) -> Params:
        """The exact parameters to freeze before make_price; its lookup key moves to it from any older price. Pure."""
        ...

    def make_price(self, params: Params, idempotency_key: str) -> CatalogPrice:
        """Give a product a price. Prices never change: another amount is another price."""
        ...

    def retire_price(self, price_id: str, idempotency_key: str) -> None:
        """Nobody can buy at this price any more. Who has subscribed at it goes on."""
        ...

    def find_price(self, lookup_key: str) -> CatalogPrice | None:
        """The price on sale that has this name now, whatever it was made for."""
        ...

    def membership_params(self, order: MembershipOrder) -> Params:
        """The exact parameters to freeze before open_checkout. Pure: asks nobody."""
        ...

    def look_up_subscription(self, subscription_id: str) -> SubscriptionEvidence:
        """A subscription as it is now, with its newest invoice."""
        ...

    def list_subscriptions(self, since: datetime) -> Iterator[SubscriptionEvidence]:
        """Every subscription that was begun since then, ended ones too; ours or not: the caller looks at the tag."""
        ...

    def list_bills(self, customer_id: str, limit: int) -> list[Bill]:
        """So many invoices of a customer, newest first; drafts are left out."""
        ...

    def portal_params(self, customer_id: str, return_url: str, language: str) -> Params:
        """The exact parameters to freeze before open_portal. Pure: asks nobody."""
        ...

    def open_portal(self, params: Params, idempotency_key: str) -> str:
        """The address of a page where a customer sees to their own subscription. It is a secret, for minutes."""
        ...
