"""What a guest pays with: a card or a bank account, and the PaymentMethod made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fakestripe import cards
from fakestripe.ids import scramble
from fakestripe.store import Record
from fakestripe.world import World

EMPTY_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


@dataclass(frozen=True)
class Billing:
    """The billing details typed on the page."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: dict[str, str | None] = field(default_factory=dict)
    tax_id: str | None = None

    def show(self) -> dict[str, Any]:
        return {
            "address": {**EMPTY_ADDRESS, **self.address},
            "email": self.email,
            "name": self.name,
            "phone": self.phone,
            "tax_id": self.tax_id,
        }


@dataclass(frozen=True)
class Instrument:
    """`number` is the card number, or the IBAN for `sepa_debit`."""

    method: str
    number: str
    exp_month: int = 12
    exp_year: int = 2034
    billing: Billing = field(default_factory=Billing)
    allow_redisplay: str = "unspecified"
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def last4(self) -> str:
        return self.number[-4:]


def make_payment_method(world: World, instrument: Instrument) -> Record:
    """Keep a PaymentMethod. Our `_number` says later what the card does; it is never shown."""
    details = _card(instrument) if instrument.method == "card" else _sepa(instrument)
    record = {
        "id": world.ids.new("pm_"),
        "object": "payment_method",
        "allow_redisplay": instrument.allow_redisplay,
        "billing_details": instrument.billing.show(),
        instrument.method: details,
        "created": world.clock.timestamp(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": dict(instrument.metadata),
        "type": instrument.method,
        "_number": instrument.number,
    }
    world.store.put("payment_method", record)
    return record


def resolve(world: World, token_or_id: str) -> Record | None:
    """The stored PaymentMethod of this id; a test token such as `pm_card_visa` makes a new one."""
    method = world.store.get("payment_method", token_or_id)
    if method is None and token_or_id in cards.BY_TOKEN:
        return make_payment_method(world, Instrument("card", cards.BY_TOKEN[token_or_id].number))
    return method


def charge_details(method: Record, *, authenticated: bool) -> dict[str, Any]:
    """The `payment_method_details` of a charge."""
    if method["type"] == "sepa_debit":
        return {"type": "sepa_debit", "sepa_debit": _charged_sepa(method["sepa_debit"])}
    return {"type": "card", "card": _charged_card(method["card"], authenticated)}


def setup_details(method: Record, *, authenticated: bool) -> dict[str, Any]:
    """The `payment_method_details` of an attempt to set a method up."""
    if method["type"] == "sepa_debit":
        return {"type": "sepa_debit", "sepa_debit": {}}
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    card = method["card"]
    secure = _three_d_secure() if authenticated else None
    if secure:
        secure.pop("exemption_indicator")
    shown = {**{key: card[key] for key in kept}, "network": card["brand"], "three_d_secure": secure, "wallet": None}
    return {"type": "card", "card": shown}


def _charged_sepa(account: Record) -> Record:
    shown = {key: account[key] for key in ("bank_code", "branch_code", "country", "fingerprint")}
    return {**shown, "last4": account["last4"], "mandate": None}


def _charged_card(card: Record, authenticated: bool) -> Record:
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    return {
        **{key: card[key] for key in kept},
        "amount_authorized": None,
        "authorization_code": None,
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "regulated_status": "unregulated",
        "three_d_secure": _three_d_secure() if authenticated else None,
        "wallet": None,
    }


def _card(instrument: Instrument) -> Record:
    rule = cards.rule_for(instrument.number)
    return {
        "brand": rule.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if rule.decline is cards.WRONG_CVC else "pass",
        },
        "country": rule.country,
        "display_brand": rule.brand,
        "exp_month": instrument.exp_month,
        "exp_year": instrument.exp_year,
        "fingerprint": scramble(instrument.number, 16),
        "funding": rule.funding,
        "generated_from": None,
        "last4": instrument.last4,
        "networks": {"available": [rule.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _sepa(instrument: Instrument) -> Record:
    return {
        "bank_code": instrument.number[4:9],
        "branch_code": "",
        "country": instrument.number[:2],
        "fingerprint": scramble(instrument.number, 16),
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": instrument.last4,
    }


def _three_d_secure() -> Record:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
