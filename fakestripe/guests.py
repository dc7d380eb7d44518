"""What a guest tells the payment page besides how to pay, and where the session shows it.

Source: docs.stripe.com/api/checkout/sessions/object (customer_details, collected_information, consent,
custom_fields).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from fakestripe.instruments import EMPTY_ADDRESS
from fakestripe.store import Record


@dataclass(frozen=True)
class Guest:
    """`address` is the billing address; `shipping` has a `name` and an `address`."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: dict[str, str | None] = field(default_factory=dict)
    terms_accepted: bool = False
    promotions: bool = False
    save: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    shipping: Record | None = None
    business_name: str | None = None
    individual_name: str | None = None


def keep(session: Record, guest: Guest) -> Record:
    """The guest as a record. Whoever paid without a page has things sent to the billing address."""
    kept = asdict(guest)
    if not session["shipping_address_collection"]:
        kept["shipping"] = None
    elif not kept["shipping"]:
        kept["shipping"] = {"name": guest.name or "", "address": guest.address}
    return kept


def told(session: Record) -> Record:
    """The parts of a session that the guest's words fill in."""
    guest = session["_guest"]
    return {
        "collected_information": _collected(session, guest),
        "consent": _consent(session, guest),
        "custom_fields": _answered(session["custom_fields"], guest["answers"]),
        "customer_details": _customer_details(guest),
    }


def full(address: dict[str, str | None]) -> Record:
    return {**EMPTY_ADDRESS, **address}


def billing_address(guest: Record) -> Record | None:
    """For a customer; None where none was typed."""
    return full(guest["address"]) if any(guest["address"].values()) else None


def shipping(guest: Record) -> Record | None:
    """As a PaymentIntent has it."""
    given = guest["shipping"]
    if given is None:
        return None
    sent = {"address": full(given["address"]), "name": given["name"], "phone": guest["phone"]}
    return {**sent, "carrier": None, "tracking_number": None}


def _customer_details(guest: Record) -> Record:
    return {
        "address": full(guest["address"]),
        "business_name": guest["business_name"],
        "email": guest["email"],
        "individual_name": guest["individual_name"],
        "name": guest["name"],
        "phone": guest["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _collected(session: Record, guest: Record) -> Record | None:
    if not session["shipping_address_collection"] and not session.get("name_collection"):
        return None
    given = guest["shipping"]
    return {
        "business_name": guest["business_name"],
        "individual_name": guest["individual_name"],
        "shipping_details": {"address": full(given["address"]), "name": given["name"]} if given else None,
    }


def _consent(session: Record, guest: Record) -> Record | None:
    wanted = session["consent_collection"]
    if not wanted:
        return None
    asked_promotions = wanted["promotions"] == "auto"
    promotions = ("opt_in" if guest["promotions"] else "opt_out") if asked_promotions else None
    terms = "accepted" if wanted["terms_of_service"] == "required" else None
    return {"promotions": promotions, "terms_of_service": terms}


def _answered(fields: list[Record], answers: dict[str, str]) -> list[Any]:
    """Custom fields with what the guest typed into them."""
    filled = []
    for custom in fields:
        inner = {**custom[custom["type"]], "value": answers.get(custom["key"])}
        filled.append({**custom, custom["type"]: inner})
    return filled
