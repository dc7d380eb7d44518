"""The lists of the dashboard: which kinds of records there are, and what of them is shown in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fakestripe.store import Record


@dataclass(frozen=True)
class Column:
    """One column. `show` is how: id, money, stamp, when, or text. A `minor` one may go on a small screen."""

    title: str
    field: str
    show: str = "text"
    minor: bool = False


@dataclass(frozen=True)
class Section:
    """One list, of one kind of record. Those that are not `main` wait behind "More"."""

    key: str
    title: str
    kind: str
    columns: tuple[Column, ...]
    main: bool = True


def _columns(*given: str) -> tuple[Column, ...]:
    """From "Title: field show", with a star for a minor one."""
    return tuple(_column(text) for text in given)


def _column(text: str) -> Column:
    title, _, rest = text.partition(": ")
    field, _, show = rest.partition(" ")
    return Column(title.rstrip("*"), field, show or "text", title.endswith("*"))


CREATED = "Created: created when"
SECTIONS = (
    Section(
        "sessions",
        "Checkout Sessions",
        "checkout.session",
        _columns(
            "Session: id id",
            "Amount: amount_total money",
            "Status: status stamp",
            "Payment: payment_status stamp",
            "Mode*: mode",
            CREATED,
        ),
    ),
    Section(
        "payments",
        "Payments",
        "payment_intent",
        _columns("Payment: id id", "Amount: amount money", "Status: status stamp", "Customer*: customer id", CREATED),
    ),
    Section(
        "refunds",
        "Refunds",
        "refund",
        _columns(
            "Refund: id id", "Amount: amount money", "Status: status stamp", "Payment*: payment_intent id", CREATED
        ),
    ),
    Section(
        "disputes",
        "Disputes",
        "dispute",
        _columns(
            "Dispute: id id",
            "Amount: amount money",
            "Status: status stamp",
            "Reason*: reason",
            "Answer by*: evidence_details.due_by when",
            CREATED,
        ),
    ),
    Section(
        "customers",
        "Customers",
        "customer",
        _columns("Customer: id id", "Name: name", "Email: email", CREATED),
    ),
    Section(
        "subscriptions",
        "Subscriptions",
        "subscription",
        _columns("Subscription: id id", "Status: status stamp", "Customer*: customer id", CREATED),
    ),
    Section(
        "invoices",
        "Invoices",
        "invoice",
        _columns("Invoice: id id", "Total: total money", "Status: status stamp", "Customer*: customer id", CREATED),
    ),
    Section(
        "events",
        "Events",
        "event",
        _columns("Event: id id", "Type: type", "About*: data.object.id id", CREATED),
    ),
    Section(
        "deliveries",
        "Deliveries",
        "_delivery",
        _columns(
            "Delivery: id id", "Event: type", "Status: status stamp", "Answers: answers", "Next try*: next_at when"
        ),
    ),
    Section(
        "requests",
        "Requests",
        "_request",
        _columns("Call: call", "Answer: status", "Request: id id", "At: at when"),
    ),
    Section(
        "charges",
        "Charges",
        "charge",
        _columns(
            "Charge: id id",
            "Amount: amount money",
            "Status: status stamp",
            "Given back*: amount_refunded money",
            CREATED,
        ),
        main=False,
    ),
    Section(
        "methods",
        "Payment methods",
        "payment_method",
        _columns("Method: id id", "Type: type", "Card: card.last4", "Customer*: customer id", CREATED),
        main=False,
    ),
    Section(
        "setups",
        "Set-ups",
        "setup_intent",
        _columns("Set-up: id id", "Status: status stamp", "Customer*: customer id", CREATED),
        main=False,
    ),
    Section(
        "balance",
        "Balance",
        "balance_transaction",
        _columns(
            "Transaction: id id",
            "Amount: amount money",
            "Fee*: fee money",
            "Net: net money",
            "Type: type",
            "Status: status stamp",
        ),
        main=False,
    ),
    Section(
        "payouts",
        "Payouts",
        "payout",
        _columns("Payout: id id", "Amount: amount money", "Status: status stamp", CREATED),
        main=False,
    ),
    Section("products", "Products", "product", _columns("Product: id id", "Name: name", CREATED), main=False),
    Section(
        "prices",
        "Prices",
        "price",
        _columns("Price: id id", "Amount: unit_amount money", "Product*: product id", "Key: lookup_key", CREATED),
        main=False,
    ),
    Section(
        "items",
        "Invoice items",
        "invoiceitem",
        _columns(
            "Item: id id", "Amount: amount money", "Customer*: customer id", "Invoice: invoice id", "Date: date when"
        ),
        main=False,
    ),
    Section(
        "portals",
        "Portal sessions",
        "billing_portal.session",
        _columns("Session: id id", "Customer: customer id", CREATED),
        main=False,
    ),
    Section(
        "endpoints",
        "Endpoints",
        "webhook_endpoint",
        _columns("Endpoint: id id", "Address: url", "Status: status stamp", CREATED),
        main=False,
    ),
)
BY_KEY = {section.key: section for section in SECTIONS}
BY_KIND = {section.kind: section for section in SECTIONS}


def value(record: Record, path: str) -> Any:
    """What lies at a dotted path, or None where the path ends early."""
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
