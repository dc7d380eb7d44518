"""Stripe's catalogue and subscriptions: the part of the gateway that stripe_gateway.py takes its billing from."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from booking.domain.club import Interval, MemberStatus
from booking.domain.money import Money
from booking.gateways.billing import (
    Bill,
    CatalogPrice,
    CatalogTag,
    MembershipOrder,
    MemberTag,
    Params,
    PriceOrder,
    SubscriptionEvidence,
    SubscriptionNews,
)

PURPOSE = "membership"


class StripeBilling:
    """What StripeGateway can do of billing. It brings the client: `_call` and `_walk`."""

    def _call(self, ask: Callable[[Any], Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _walk(self, kind: Callable[[Any], Any], since: datetime, **more: Any) -> Iterator[dict[str, Any]]:
        raise NotImplementedError

    # --- the catalogue ---

    def product_params(self, tag: CatalogTag, name: str) -> Params:
        """https://docs.stripe.com/api/products/create."""
        return {"name": name, "metadata": _metadata(tag)}

    def make_product(self, params: Params, idempotency_key: str) -> str:
        options: Any = {"idempotency_key": idempotency_key}
        return str(self._call(lambda api: api.products.create(params, options))["id"])

    def change_product(self, product_id: str, params: Params, idempotency_key: str) -> None:
        options: Any = {"idempotency_key": idempotency_key}
        self._call(lambda api: api.products.update(product_id, params, options))

    def find_product(self, errand: str, since: datetime) -> str | None:
        """Stripe's list alone: its search may be minutes behind (https://docs.stripe.com/search#data-freshness)."""
        products = self._walk(lambda api: api.products, since)
        return next((str(product["id"]) for product in products if _tag(product).errand == errand), None)

    def price_params(self, order: PriceOrder) -> Params:
        """https://docs.stripe.com/products-prices/manage-prices#lookup-keys."""
        return {
            "product": order.product_id,
            "currency": order.amount.currency,
            "unit_amount": order.amount.minor,
            "recurring": {"interval": order.interval.value},
            "lookup_key": order.lookup_key,
            "transfer_lookup_key": True,
            "metadata": _metadata(order.tag),
        }

    def make_price(self, params: Params, idempotency_key: str) -> CatalogPrice:
        options: Any = {"idempotency_key": idempotency_key}
        return _read_price(self._call(lambda api: api.prices.create(params, options)))

    def retire_price(self, price_id: str, idempotency_key: str) -> None:
        options: Any = {"idempotency_key": idempotency_key}
        self._call(lambda api: api.prices.update(price_id, {"active": False}, options))

    def find_price(self, lookup_key: str) -> CatalogPrice | None:
        params: Any = {"lookup_keys": [lookup_key], "active": True, "limit": 1}
        found = self._call(lambda api: api.prices.list(params=params))["data"]
        return _read_price(found[0]) if found else None

    # --- memberships ---

    def membership_params(self, order: MembershipOrder) -> Params:
        """https://docs.stripe.com/payments/subscriptions. Metadata of a session is not copied to its subscription."""
        tag = order.tag
        metadata = {"app": tag.app, "purpose": PURPOSE, "account": tag.account, "plan": tag.plan}
        metadata["attempt"] = tag.attempt
        trial = {"trial_period_days": order.trial_days} if order.trial_days else {}
        return {
            "mode": "subscription",
            "line_items": [{"price": order.price_id, "quantity": 1}],
            "client_reference_id": tag.attempt,
            "metadata": metadata,
            "subscription_data": {"metadata": metadata, **trial},
            "customer": order.customer_id,
            "expires_at": int(order.expires_at.timestamp()),
            "locale": order.language,
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }

    def look_up_subscription(self, subscription_id: str) -> SubscriptionEvidence:
        params: Any = {"expand": ["latest_invoice"]}
        return _read_subscription(self._call(lambda api: api.subscriptions.retrieve(subscription_id, params=params)))

    def list_subscriptions(self, since: datetime) -> Iterator[SubscriptionEvidence]:
        found = self._walk(lambda api: api.subscriptions, since, status="all", expand=["data.latest_invoice"])
        yield from map(_read_subscription, found)

    def list_bills(self, customer_id: str, limit: int) -> list[Bill]:
        params: Any = {"customer": customer_id, "limit": limit}
        page = self._call(lambda api: api.invoices.list(params=params))
        return [_read_bill(invoice) for invoice in page["data"] if invoice.get("status") != "draft"]

    def portal_params(self, customer_id: str, return_url: str, language: str) -> Params:
        """https://docs.stripe.com/api/customer_portal/sessions/create."""
        return {"customer": customer_id, "return_url": return_url, "locale": language}

    def open_portal(self, params: Params, idempotency_key: str) -> str:
        options: Any = {"idempotency_key": idempotency_key}
        return str(self._call(lambda api: api.billing_portal.sessions.create(params, options))["url"])


def read_subscription_news(data: Mapping[str, Any]) -> SubscriptionNews:
    """What an event of a subscription is about."""
    return SubscriptionNews(str(data["id"]), _member_tag(data))


def read_invoice_news(data: Mapping[str, Any]) -> SubscriptionNews:
    """Which subscription an event of an invoice is about; an empty id where it is about none.

    Since the version basil that stands under `parent`: https://docs.stripe.com/api/invoices/object.
    """
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return SubscriptionNews(_id_of(details.get("subscription")) or "", _member_tag(details))


def _member_tag(data: Mapping[str, Any]) -> MemberTag:
    metadata = data.get("metadata") or {}
    if metadata.get("purpose") != PURPOSE:
        return MemberTag()
    return MemberTag(*(str(metadata.get(name, "")) for name in ("app", "account", "plan", "attempt")))


def _read_subscription(data: Mapping[str, Any]) -> SubscriptionEvidence:
    """Since the version basil the period stands on the item: https://docs.stripe.com/api/subscription_items/object."""
    item, bill = data["items"]["data"][0], data.get("latest_invoice")
    price = _read_price(item["price"])
    ends_by_itself = item["current_period_end"] if data.get("cancel_at_period_end") else None
    return SubscriptionEvidence(
        subscription_id=str(data["id"]),
        customer_id=_id_of(data["customer"]) or "",
        livemode=bool(data["livemode"]),
        tag=_member_tag(data),
        status=MemberStatus(data["status"]),
        price=price.amount or Money(0, str(data["currency"])),
        interval=price.interval,
        period_start=_moment(item["current_period_start"]),
        period_end=_moment(item["current_period_end"]),
        cancels_at=_instant(data.get("cancel_at") or ends_by_itself),
        trial_end=_instant(data.get("trial_end")),
        ended_at=_instant(data.get("ended_at")),
        bill=_read_bill(bill) if isinstance(bill, Mapping) else None,
    )


def _read_bill(data: Mapping[str, Any]) -> Bill:
    return Bill(
        invoice_id=str(data["id"]),
        status=str(data.get("status")),
        reason=str(data.get("billing_reason") or ""),
        amount=Money(int(data["total"]), str(data["currency"])),
        made_at=_moment(data["created"]),
        number=str(data.get("number") or ""),
        page=str(data.get("hosted_invoice_url") or ""),
    )


def _id_of(value: Any) -> str | None:
    """The id of something that is an id, an expanded object, or nothing."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else None


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _instant(seconds: Any) -> datetime | None:
    return None if seconds is None else _moment(seconds)


def _metadata(tag: CatalogTag) -> dict[str, str]:
    return {"app": tag.app, "purpose": PURPOSE, "plan": tag.plan, "errand": tag.errand}


def _tag(data: Mapping[str, Any]) -> CatalogTag:
    metadata = data.get("metadata") or {}
    return CatalogTag(*(str(metadata.get(name, "")) for name in ("app", "plan", "errand")))


def _read_price(data: Mapping[str, Any]) -> CatalogPrice:
    amount, recurring = data.get("unit_amount"), data.get("recurring") or {}
    is_plain = recurring.get("interval") in set(Interval) and recurring.get("interval_count", 1) == 1
    return CatalogPrice(
        price_id=str(data["id"]),
        product_id=str(data["product"]),
        amount=None if amount is None else Money(int(amount), str(data["currency"])),
        interval=Interval(recurring["interval"]) if is_plain else None,
        tag=_tag(data),
    )
