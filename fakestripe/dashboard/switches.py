"""The buttons: which calls make sense for an object in its state, and for the simulator as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fakestripe import cards, delivery, disputes
from fakestripe.faults import KINDS
from fakestripe.store import Record
from fakestripe.world import World

HOUR = 3600
LEAPS = (("1 hour", HOUR), ("1 day", 24 * HOUR), ("1 week", 7 * 24 * HOUR), ("31 days", 31 * 24 * HOUR))


@dataclass(frozen=True)
class Field:
    """Something to choose or type before pressing. `type` says how its value is sent: text, number or flag."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""
    type: str = "text"


@dataclass(frozen=True)
class Switch:
    """One button: the call it makes, and the fields that complete the call's body."""

    label: str
    path: str
    body: Any = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    look: str = "quiet"
    method: str = "POST"


def of(kind: str, record: Record) -> list[Switch]:
    """What can be done to this object now."""
    makers = {
        "checkout.session": _of_session,
        "payment_intent": _of_payment,
        "charge": _of_charge,
        "refund": _of_refund,
        "dispute": _of_dispute,
        "event": _of_event,
        "_delivery": _of_delivery,
        "webhook_endpoint": _of_endpoint,
        "subscription": _of_subscription,
        "invoice": _of_invoice,
        "setup_intent": _of_setup,
    }
    return makers[kind](record) if kind in makers else []


def _of_session(session: Record) -> list[Switch]:
    if session["status"] != "open":
        return []
    pay = f"/_fake/sessions/{session['id']}/pay"
    switches = []
    if "card" in session["payment_method_types"]:
        chosen = Field("card", "Test card", tuple((card.number, f"{card.spaced}: {card.what}") for card in cards.CARDS))
        label = "Save this card" if session["mode"] == "setup" else "Pay with this card"
        switches.append(Switch(label, pay, {"wait": False}, (chosen,), look=""))
    if "sepa_debit" in session["payment_method_types"]:
        ibans = tuple((account.iban, f"{account.spaced}: {account.what}") for account in cards.ACCOUNTS)
        body = {"wait": False, "method": "sepa_debit"}
        switches.append(Switch("Pay from this account", pay, body, (Field("iban", "Test account", ibans),)))
    return [*switches, Switch("Expire", f"/v1/checkout/sessions/{session['id']}/expire", look="danger")]


def _of_payment(intent: Record) -> list[Switch]:
    path, status = f"/v1/payment_intents/{intent['id']}", intent["status"]
    settle = f"/_fake/payments/{intent['id']}/settle"
    if status == "processing":
        return [
            Switch("Let it succeed", settle, {"outcome": "succeeded"}, look=""),
            Switch("Let it fail", settle, {"outcome": "failed"}, look="danger"),
        ]
    if status == "requires_capture":
        return [Switch("Capture", f"{path}/capture", look=""), Switch("Cancel", f"{path}/cancel", look="danger")]
    if status == "succeeded":
        return [Switch("Refund all that is left", "/v1/refunds", {"payment_intent": intent["id"]}, look="danger")]
    return [] if status == "canceled" or intent.get("_session") else [Switch("Cancel", f"{path}/cancel", look="danger")]


def _of_charge(charge: Record) -> list[Switch]:
    if charge["status"] != "succeeded" or charge["refunded"]:
        return []
    return [Switch("Refund all that is left", "/v1/refunds", {"charge": charge["id"]}, look="danger")]


def _of_refund(refund: Record) -> list[Switch]:
    path, switches = f"/_fake/refunds/{refund['id']}", []
    if refund["status"] in ("pending", "requires_action"):
        switches.append(Switch("Let it succeed", path, {"status": "succeeded"}, look=""))
    if refund["status"] in ("pending", "requires_action", "succeeded"):
        switches.append(Switch("Let it fail", path, {"status": "failed"}, look="danger"))
    return switches


def _of_dispute(dispute: Record) -> list[Switch]:
    path = f"/_fake/disputes/{dispute['id']}"
    if dispute["status"] in disputes.INQUIRY:
        return [
            Switch("Make it a chargeback", path, {"status": "needs_response"}, look="danger"),
            Switch("End the inquiry", path, {"status": "won"}),
        ]
    if dispute["status"] not in disputes.OPEN:
        return []
    return [
        Switch("Win it", path, {"status": "won"}, look=""),
        Switch("Lose it", path, {"status": "lost"}, look="danger"),
    ]


def _of_event(event: Record) -> list[Switch]:
    path = f"/_fake/events/{event['id']}/resend"
    return [
        Switch("Send again", path, look=""),
        Switch("Send five times at once", path, {"times": 5, "concurrency": 5}),
    ]


def _of_delivery(record: Record) -> list[Switch]:
    if record["status"] not in delivery.OPEN:
        return []
    path = f"/_fake/deliveries/{record['id']}"
    hold = [Switch("Hold it", path, {"mode": "hold"})] if record["status"] == "pending" else []
    return [
        Switch("Send it now", path, {"mode": "normal"}, look=""),
        *hold,
        Switch("Drop it", path, {"mode": "drop"}, look="danger"),
    ]


def _of_endpoint(endpoint: Record) -> list[Switch]:
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    enabled = endpoint["status"] == "enabled"
    roll = Switch(
        "Roll its secret, both for a day", f"/_fake/endpoints/{endpoint['id']}/roll", {"expires_in": 24 * HOUR}
    )
    toggle = Switch("Disable" if enabled else "Enable", path, {"disabled": "true" if enabled else "false"})
    return [roll, toggle, Switch("Delete", path, look="danger", method="DELETE")]


def _of_subscription(subscription: Record) -> list[Switch]:
    path = f"/v1/subscriptions/{subscription['id']}"
    if subscription["status"] in ("canceled", "incomplete_expired"):
        return []
    stops = subscription["cancel_at_period_end"]
    label = "Go on after this period" if stops else "Cancel when the period ends"
    return [
        Switch(label, path, {"cancel_at_period_end": "false" if stops else "true"}),
        Switch("Cancel now", path, look="danger", method="DELETE"),
    ]


def _of_invoice(invoice: Record) -> list[Switch]:
    path = f"/v1/invoices/{invoice['id']}"
    if invoice["status"] == "draft":
        return [Switch("Finalize", f"{path}/finalize", look="")]
    if invoice["status"] != "open":
        return []
    return [Switch("Try to collect", f"{path}/pay", look=""), Switch("Void", f"{path}/void", look="danger")]


def _of_setup(setup: Record) -> list[Switch]:
    if setup["status"] in ("succeeded", "canceled") or setup.get("_session"):
        return []
    return [Switch("Cancel", f"/v1/setup_intents/{setup['id']}/cancel", look="danger")]


def clock() -> list[Switch]:
    return [Switch(f"+ {words}", "/_fake/clock", {"advance": seconds}) for words, seconds in LEAPS]


def until(world: World, due_at: float) -> Switch:
    """Move the clock to a moment; a little beyond, because whole seconds are compared."""
    return Switch("Go there", "/_fake/clock", {"advance": round(max(0.0, due_at - world.clock.now()) + 1, 3)})


def deliveries(world: World) -> Switch:
    """How events go out from now on, with what holds at the moment filled in."""
    rules = delivery.rules(world)
    modes = tuple((mode, mode) for mode in delivery.MODES)
    fields = (
        Field("mode", "Mode", modes, rules["mode"]),
        Field("duplicate", "Extra copies", value=str(rules["duplicate"]), type="number"),
        Field("delay_ms", "Delay (ms)", value=str(rules["delay_ms"]), type="number"),
        Field("reorder", "Out of order", value="yes" if rules["reorder"] else "", type="flag"),
    )
    return Switch("Deliver this way", "/_fake/delivery", fields=fields, look="")


def held() -> list[Switch]:
    return [
        Switch("Send what is held", "/_fake/delivery/flush"),
        Switch("Send it in reverse", "/_fake/delivery/flush", {"order": "reverse"}),
    ]


def faults(world: World) -> list[Switch]:
    """Order one more fault; or take back those that wait."""
    waiting = world.faults.show()
    fields = (
        Field("kind", "Fault", tuple((kind, kind.replace("_", " ")) for kind in KINDS)),
        Field("method", "Method", tuple((method, method) for method in ("POST", "GET", "DELETE"))),
        Field("path_prefix", "Path begins with", value="/v1/checkout/sessions"),
        Field("times", "Times", value="1", type="number"),
        Field("seconds", "Seconds", value="30", type="number"),
    )
    order = Switch("Order this fault", "/_fake/faults", [*waiting, {}], fields, look="")
    return [order, Switch("Take all back", "/_fake/faults", [])] if waiting else [order]


def endpoint() -> Switch:
    address = Field("url", "Send events to", value="http://127.0.0.1:8000/webhooks/stripe")
    return Switch("Set the endpoint", "/_fake/webhook", fields=(address,), look="")


def reset() -> Switch:
    return Switch("Yes, forget everything", "/_fake/reset", look="danger")
