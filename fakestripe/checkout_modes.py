"""What a guest's way to pay is used for, by the session's mode: paid, kept, or subscribed with.

Source: docs.stripe.com/payments/checkout/how-checkout-works, docs.stripe.com/payments/save-and-reuse
and docs.stripe.com/payments/checkout/free-trials.

`attempt()` gives the PaymentIntent or SetupIntent that was tried; `finish()` makes what comes of
its success. Both may be called many times for one session until one attempt succeeds.
"""

from __future__ import annotations

from typing import Any

from fakestripe import basket, customers, guests, invoices, payments, prices, setups, subscriptions
from fakestripe.billing import lines, shapes
from fakestripe.events import emit
from fakestripe.store import Record
from fakestripe.world import World

INTENTS = {"pi": "payment_intent", "seti": "setup_intent"}


def needs_method(session: Record) -> bool:
    """Whether the page asks for a card: not when nothing is due and nothing is to be kept."""
    if session["mode"] == "setup":
        return True
    return bool(session["amount_total"]) or session["payment_method_collection"] == "always"


def begin(world: World, session: Record) -> None:
    """In setup mode the SetupIntent is there from the start; a PaymentIntent comes with the first attempt."""
    if session["mode"] == "setup":
        fields = session["_setup_intent_data"]
        session["setup_intent"] = _new_setup(world, session, **fields)["id"]


def attempt(world: World, session: Record, method: Record, base: str) -> Record | None:
    """Try this method. What happened is told by the intent's status; None: nothing was left to pay."""
    session["_customer"] = _customer(world, session)
    if session["mode"] == "setup":
        return _set_up(world, session, _get(world, session["setup_intent"]), method, base)
    if not session["amount_total"]:
        return _set_up(world, session, _trial_setup(world, session), method, base)
    if session["mode"] == "payment":
        return _pay(world, session, method, base)
    return _pay_subscription(world, session, method)


def finish(world: World, session: Record, intent: Record | None) -> None:
    """What a completed session names; a subscription that begins free begins here."""
    session["_customer"] = session["customer"] = session["customer"] or _customer(world, session)
    method = world.store.get("payment_method", intent["payment_method"]) if intent else None
    if session["mode"] == "subscription":
        _finish_subscription(world, session, method)
    if method:
        _mark_redisplay(world, session, method)
    if session["customer"]:
        _update_customer(world, session)


def abandon(world: World, session: Record) -> None:
    """The session expired: what waits for the guest is ended."""
    subscription = world.store.get("subscription", session.get("_subscription") or "")
    if subscription:
        subscriptions.abandon(world, subscription)
    intent = intent_of(world, session)
    if intent is None or intent["status"] == "canceled":
        return
    if intent["object"] == "setup_intent":
        setups.cancel(world, intent, "abandoned")
    else:
        payments.cancel(world, intent, "expired")


def give_invoice(world: World, session: Record, intent: Record) -> None:
    """A receipt in the shape of a paid invoice (docs.stripe.com/receipts?payment-ui=checkout#paid-invoices)."""
    if session["mode"] != "payment" or not _gives_invoice(session):
        return
    customer = world.store.get("customer", session["customer"])
    assert customer is not None
    given = {name: value for name, value in session["invoice_creation"]["invoice_data"].items() if value}
    items = [_bill_once(world, session, line) for line in _bought(world, session)]
    invoice = invoices.create(
        world, customer, session["currency"], [], items, billing_reason="manual", _base=_base(session), **given
    )
    invoice = invoices.mark_paid(world, invoices.finalize(world, invoice, paid_by=intent))
    session["invoice"] = invoice["id"]


def _bought(world: World, session: Record) -> list[Record]:
    return [line for line in basket.contents(world, session["id"])["data"] if line["quantity"]]


def _gives_invoice(session: Record) -> bool:
    return bool((session["invoice_creation"] or {}).get("enabled"))


def _base(session: Record) -> str:
    return str(session["_page"]).partition("/c/pay/")[0]


def intent_of(world: World, session: Record) -> Record | None:
    """The intent that a guest's attempts go to, if there has been one."""
    intent_id = session["payment_intent"] or session["setup_intent"] or session.get("_intent")
    return _get(world, intent_id) if intent_id else None


def find_intent(world: World, intent_id: str) -> Record | None:
    """A PaymentIntent or SetupIntent, by the beginning of its id."""
    kind = INTENTS.get(intent_id.partition("_")[0])
    return world.store.get(kind, intent_id) if kind else None


def _get(world: World, intent_id: str) -> Record:
    intent = find_intent(world, intent_id)
    assert intent is not None, f"{intent_id} vanished"
    return intent


def _challenge(base: str, intent: Record) -> str:
    return f"{base}/c/3ds/{intent['id']}"


def _pay(world: World, session: Record, method: Record, base: str) -> Record:
    intent = _payment(world, session)
    world.store.put("checkout.session", session)
    if session["_guest"]["save"] and session["_customer"]:
        # Not documented: how Stripe marks the payment of a guest who ticked the box.
        intent["setup_future_usage"] = intent["setup_future_usage"] or "on_session"
    return payments.confirm(world, intent, method, _challenge(base, intent))


def _payment(world: World, session: Record) -> Record:
    """Made at the first attempt, as Stripe does, and used again by later ones."""
    if session["payment_intent"]:
        # The guest may have changed the order since a first attempt.
        return {**_get(world, session["payment_intent"]), "amount": session["amount_total"]}
    intent = payments.create(
        world,
        session["amount_total"],
        session["currency"],
        payment_method_types=session["payment_method_types"],
        customer=session["_customer"],
        _session=session["id"],
        **_card_options(session),
        **{"shipping": guests.shipping(session["_guest"]), **session["_payment_intent_data"]},
    )
    session["payment_intent"] = intent["id"]
    return intent


def _new_setup(world: World, session: Record, **fields: Any) -> Record:
    return setups.create(
        world,
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        _session=session["id"],
        **_card_options(session),
        **fields,
    )


def _card_options(session: Record) -> dict[str, Any]:
    """docs.stripe.com/payments/3d-secure: a session may ask for it where the bank would not."""
    asked = session["payment_method_options"]["card"]["request_three_d_secure"]
    return {} if asked == "automatic" else {"payment_method_options": session["payment_method_options"]}


def _trial_setup(world: World, session: Record) -> Record:
    """Nothing is due now, so the card is only checked and kept for what comes."""
    if not session.get("_intent"):
        session["_intent"] = _new_setup(world, session)["id"]
    return _get(world, session["_intent"])


def _set_up(world: World, session: Record, setup: Record, method: Record, base: str) -> Record:
    world.store.put("checkout.session", session)
    setup["customer"] = session["_customer"]
    return setups.confirm(world, setup, method, _challenge(base, setup))


def _pay_subscription(world: World, session: Record, method: Record) -> Record | None:
    """The first attempt begins the subscription, later ones pay the first invoice of the same."""
    subscription = world.store.get("subscription", session.get("_subscription") or "")
    if subscription:
        subscription = subscriptions.pay_again(world, subscription, method)
    else:
        subscription = _subscribe(world, session, method)
    session["_intent"] = subscription["_intent"]
    world.store.put("checkout.session", session)
    if subscription["_intent"] is None:
        return None
    intent = {**_get(world, subscription["_intent"]), "_session": session["id"]}
    world.store.put("payment_intent", intent)
    return intent


def _subscribe(world: World, session: Record, method: Record | None) -> Record:
    """The subscription with its first invoice, on which one-time prices are as well."""
    bought = _bought(world, session)
    for line in bought:
        # docs.stripe.com/api/checkout/sessions/create: one-time prices are on the initial invoice only.
        if not line["price"]["recurring"]:
            _bill_once(world, session, line)
    data = session["_subscription_data"]
    subscription = subscriptions.start(
        world,
        customer=session["_customer"],
        items=[{"price": line["price"], "quantity": line["quantity"]} for line in bought if line["price"]["recurring"]],
        method=method,
        metadata=data["metadata"],
        trial_days=data.get("trial_period_days"),
        description=data.get("description"),
        challenge_base=_base(session),
        session_id=session["id"],
        **{name: data[name] for name in ("trial_end", "trial_settings") if name in data},
    )
    session["_subscription"] = subscription["id"]
    return subscription


def _bill_once(world: World, session: Record, line: Record) -> Record:
    """A line of the session as an invoice item, for the next invoice of the customer."""
    item = shapes.invoice_item(
        world,
        session["customer"] or session["_customer"],
        session["currency"],
        prices.amount(line["price"], line["quantity"]),
        description=line["description"],
        pricing=lines.pricing(line["price"]),
        quantity=line["quantity"],
        quantity_decimal=str(line["quantity"]),
    )
    world.store.put("invoiceitem", item)
    emit(world, "invoiceitem.created", item)
    return item


def _finish_subscription(world: World, session: Record, method: Record | None) -> None:
    if not session.get("_subscription"):
        _subscribe(world, session, method)
    subscription = world.store.get("subscription", session["_subscription"])
    assert subscription is not None
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"])


def _customer(world: World, session: Record) -> str | None:
    """The session's customer; made from what the guest typed where the session asks for one."""
    known = session["customer"] or session.get("_customer")
    if known or not (session["customer_creation"] == "always" or _gives_invoice(session)):
        return known
    guest = session["_guest"]
    customer = customers.create(
        world,
        address=guests.billing_address(guest),
        email=guest["email"],
        name=guest["name"],
        phone=guest["phone"],
        shipping=_shipping_of_customer(guest),
    )
    return str(customer["id"])


def _update_customer(world: World, session: Record) -> None:
    """An email that was missing is kept; name and address only where `customer_update` says so."""
    guest, wanted = session["_guest"], session["_customer_update"]
    customer = world.store.get("customer", session["customer"])
    if customer is None or customer.get("deleted"):
        return
    changes: Record = {}
    if not customer["email"]:
        changes["email"] = guest["email"]
    if wanted.get("name") == "auto":
        changes["name"] = guest["name"]
    if wanted.get("address") == "auto":
        changes["address"] = guests.billing_address(guest)
    if wanted.get("shipping") == "auto":
        changes["shipping"] = _shipping_of_customer(guest)
    customers.update(world, customer, changes)


def _shipping_of_customer(guest: Record) -> Record | None:
    sent = guests.shipping(guest)
    return {name: sent[name] for name in ("address", "name", "phone")} if sent else None


def _mark_redisplay(world: World, session: Record, method: Record) -> None:
    """How a kept card may be shown again: as the session says, always if the guest ticked the box."""
    wished = session["_guest"]["save"] and session["customer"]
    redisplay = "always" if wished else session["_allow_redisplay"]
    if redisplay and method["allow_redisplay"] != redisplay:
        method["allow_redisplay"] = redisplay
        world.store.put("payment_method", method)
