"""A tour past every operation of fakestripe and through the states of its objects, for the judges to listen to."""

import io
from collections.abc import Callable

from tests.stripe_judges.tour_of_billing import (
    invoices,
    portal,
    subscription_that_pauses,
    subscriptions,
    subscriptions_in_trouble,
)
from tests.stripe_judges.tourist import CHALLENGED, DAY, DECLINED, PNG, SHOP, Tourist


def sessions(guide: Tourist) -> None:
    api, simulated = guide.api, guide.simulated
    session = guide.session(customer_email="grace@example.com", metadata={"booking": "7"}, client_reference_id="7")
    api.checkout.sessions.update(session.id, params={"metadata": {"booking": "8"}})
    api.checkout.sessions.line_items.list(session.id)
    simulated.pay(session.id, card="4000000000000002")
    paid = simulated.pay(session.id)
    api.checkout.sessions.retrieve(session.id, params={"expand": ["payment_intent.latest_charge", "line_items"]})
    with guide.refused():
        api.checkout.sessions.expire(session.id)
    api.checkout.sessions.expire(guide.session().id)
    api.checkout.sessions.list(params={"payment_intent": paid["payment_intent"]["id"], "created": {"gte": 1}})
    challenged = guide.session(payment_intent_data={"capture_method": "manual", "metadata": {"a": "b"}})
    simulated.pay(challenged.id, card="4000002760003184", authenticate="fail")
    simulated.pay(challenged.id, card="4000002760003184", authenticate="complete")


def delayed_sessions(guide: Tourist) -> None:
    for outcome in ("succeeded", "failed"):
        session = guide.session()
        intent = guide.simulated.post(f"sessions/{session.id}/pay", {"method": "sepa_debit"})["payment_intent"]
        guide.simulated.post(f"payments/{intent['id']}/settle", {"outcome": outcome})


def sessions_of_other_modes(guide: Tourist) -> None:
    api, simulated = guide.api, guide.simulated
    customer = guide.customer()
    setup = guide.session(mode="setup", currency="eur", customer=customer.id, line_items=[])
    simulated.pay(setup.id)
    api.checkout.sessions.retrieve(setup.id, params={"expand": ["setup_intent.payment_method", "customer"]})
    monthly = guide.price(recurring={"interval": "month"}).id
    for data in ({}, {"trial_period_days": 7}):
        lines = [{"price": monthly, "quantity": 1}]
        member = guide.session(
            mode="subscription", line_items=lines, subscription_data={"metadata": {"a": "b"}, **data}
        )
        simulated.pay(member.id)
        api.checkout.sessions.retrieve(member.id, params={"expand": ["subscription", "invoice", "line_items"]})
    known = guide.session(customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    simulated.pay(known.id)
    simulated.pay(guide.session(customer_creation="always").id)
    guide.session(after_expiration={"recovery": {"enabled": True}})
    guide.advance(DAY + 1)


def hosted_page_of_the_cli(guide: Tourist) -> None:
    session = guide.session()
    guide.raw("GET", f"/v1/payment_pages/{session.id}")
    method = guide.api.payment_methods.create(params={"type": "card", "card": {"token": "tok_visa"}}).id
    form = {"payment_method": method, "expected_amount": 42000}
    guide.raw("POST", f"/v1/payment_pages/{session.id}/confirm", form)
    newest = guide.api.events.list(params={"limit": 1}).data[0].id
    guide.raw("POST", f"/v1/events/{newest}/retry", {})
    guide.raw("POST", "/v1/stripecli/sessions", {"device_name": "laptop", "websocket_features[]": "webhooks"})


def payments(guide: Tourist) -> None:
    api = guide.api
    begun = api.payment_intents.create(params={"amount": 5000, "currency": "usd", "metadata": {"a": "b"}})
    api.payment_intents.update(begun.id, params={"amount": 6000, "description": "Two nights"})
    api.payment_intents.confirm(begun.id, params={"payment_method": "pm_card_visa", "return_url": f"{SHOP}/ok"})
    api.payment_intents.retrieve(begun.id, params={"expand": ["latest_charge.balance_transaction", "payment_method"]})
    described = {"type": "card", "card": {"token": "tok_visa"}}
    filtered = {"amount": 5000, "currency": "eur", "allowed_payment_method_types": ["card"]}
    api.payment_intents.create(params={**filtered, "payment_method_data": described, "confirm": True})
    held = guide.payment(capture_method="manual")
    api.payment_intents.capture(held.id, params={"amount_to_capture": 1000})
    api.payment_intents.cancel(guide.payment(capture_method="manual").id)
    api.payment_intents.cancel(api.payment_intents.create(params={"amount": 5000, "currency": "usd"}).id)
    with guide.refused():
        guide.payment(DECLINED)
    guide.payment(CHALLENGED, return_url=f"{SHOP}/ok", automatic_payment_methods={"enabled": True})
    with guide.refused():
        api.payment_intents.create(params={"amount": 5000, "currency": "eur", "payment_method_types": ["card"]})
    api.payment_intents.list(params={"limit": 3})


def saved_cards(guide: Tourist) -> None:
    api = guide.api
    customer = api.customers.create(params={"name": "Grace", "email": "grace@example.com"})
    guide.payment(customer=customer.id, setup_future_usage="off_session", return_url=f"{SHOP}/ok")
    method = api.customers.payment_methods.list(customer.id).data[0]
    api.customers.payment_methods.retrieve(customer.id, method.id)
    guide.payment(method.id, customer=customer.id, off_session=True)
    asking = api.payment_methods.attach(CHALLENGED, params={"customer": customer.id})
    with guide.refused():
        guide.payment(asking.id, customer=customer.id, off_session=True)


def charges(guide: Tourist) -> None:
    api = guide.api
    paid = guide.payment(description="Two nights")
    api.charges.update(paid.latest_charge, params={"metadata": {"booking": "7"}, "description": "Three nights"})
    api.charges.retrieve(paid.latest_charge, params={"expand": ["balance_transaction", "refunds", "customer"]})
    api.charges.list(params={"payment_intent": paid.id})
    api.charges.capture(guide.payment(capture_method="manual").latest_charge)


def refunds(guide: Tourist) -> None:
    api, simulated = guide.api, guide.simulated
    paid = guide.payment()
    refund = api.refunds.create(params={"payment_intent": paid.id, "amount": 1000, "reason": "requested_by_customer"})
    api.refunds.update(refund.id, params={"metadata": {"why": "rain"}})
    api.refunds.retrieve(refund.id, params={"expand": ["charge", "balance_transaction", "payment_intent"]})
    with guide.refused():
        api.refunds.create(params={"charge": paid.latest_charge, "amount": 42000})
    api.refunds.create(params={"charge": paid.latest_charge})
    with guide.refused():
        api.refunds.create(params={"charge": paid.latest_charge})
    api.refunds.list(params={"payment_intent": paid.id})
    waiting = api.refunds.create(params={"payment_intent": guide.payment().id})
    simulated.post(f"refunds/{waiting.id}", {"status": "failed", "failure_reason": "lost_or_stolen_card"})
    canceled = api.refunds.create(params={"payment_intent": guide.payment().id, "amount": 1000})
    simulated.post(f"refunds/{canceled.id}", {"status": "requires_action"})
    api.refunds.cancel(canceled.id)


def customers(guide: Tourist) -> None:
    api = guide.api
    address = {"line1": "1 Quay", "city": "Galway", "country": "IE", "postal_code": "H91"}
    customer = api.customers.create(params={"email": "grace@example.com", "address": address, "phone": "+3531"})
    api.customers.update(customer.id, params={"name": "Grace Hopper", "metadata": {"a": "b"}})
    api.customers.retrieve(customer.id)
    api.customers.list(params={"email": "grace@example.com"})
    api.customers.delete(customer.id)
    api.customers.retrieve(customer.id)


def payment_methods(guide: Tourist) -> None:
    api = guide.api
    customer = api.customers.create()
    billing = {"name": "Grace", "email": "grace@example.com"}
    card = {"token": "tok_visa"}
    method = api.payment_methods.create(params={"type": "card", "card": card, "billing_details": billing})
    api.payment_methods.attach(method.id, params={"customer": customer.id})
    api.payment_methods.update(method.id, params={"metadata": {"a": "b"}, "billing_details": {"name": "G. Hopper"}})
    api.payment_methods.retrieve(method.id, params={"expand": ["customer"]})
    api.payment_methods.list(params={"customer": customer.id, "type": "card"})
    api.payment_methods.detach(method.id)


def refused_ibans(guide: Tourist) -> None:
    with guide.refused():
        guide.api.payment_methods.create(params={"type": "sepa_debit", "sepa_debit": {"iban": "DE00"}})


def setups(guide: Tourist) -> None:
    api = guide.api
    customer = api.customers.create()
    setup = api.setup_intents.create(params={"customer": customer.id, "usage": "off_session"})
    api.setup_intents.update(setup.id, params={"metadata": {"a": "b"}})
    confirmed = {"payment_method": "pm_card_visa", "return_url": f"{SHOP}/ok"}
    api.setup_intents.confirm(setup.id, params=confirmed)
    api.setup_intents.retrieve(setup.id, params={"expand": ["payment_method", "customer", "latest_attempt"]})
    api.setup_intents.cancel(api.setup_intents.create(params={"customer": customer.id}).id)
    asked = api.setup_intents.create(params={"customer": customer.id})
    api.setup_intents.confirm(asked.id, params={"payment_method": CHALLENGED, "return_url": f"{SHOP}/ok"})
    with guide.refused():
        refused = api.setup_intents.create(params={"customer": customer.id})
        api.setup_intents.confirm(refused.id, params={"payment_method": DECLINED, "return_url": f"{SHOP}/ok"})
    api.setup_intents.list(params={"customer": customer.id})
    api.setup_attempts.list(params={"setup_intent": asked.id})


def catalogue(guide: Tourist) -> None:
    api = guide.api
    product = api.products.create(params={"name": "Sauna", "metadata": {"a": "b"}, "images": [f"{SHOP}/s.png"]})
    api.products.update(product.id, params={"description": "By the hour"})
    price = api.prices.create(params={"product": product.id, "currency": "eur", "unit_amount": 900, "lookup_key": "s"})
    again = {"product": product.id, "currency": "eur", "unit_amount": 1200, "lookup_key": "s"}
    api.prices.create(params={**again, "transfer_lookup_key": True})
    api.prices.update(price.id, params={"active": False, "nickname": "old"})
    api.prices.retrieve(price.id, params={"expand": ["product"]})
    api.prices.list(params={"lookup_keys": ["s"], "active": True})
    api.products.retrieve(product.id)
    api.products.list(params={"active": True})
    api.products.delete(api.products.create(params={"name": "Kayak", "shippable": False}).id)


def disputes(guide: Tourist) -> None:
    api, simulated = guide.api, guide.simulated
    lost, won, asked = (
        _dispute(guide, card)
        for card in ("pm_card_createDispute", "pm_card_createDispute", "pm_card_createDisputeInquiry")
    )
    api.disputes.retrieve(won, params={"expand": ["charge", "payment_intent"]})
    api.disputes.update(won, params={"evidence": {"product_description": "Three nights"}, "metadata": {"a": "b"}})
    with io.BytesIO(PNG) as picture:
        receipt = api.files.create(params={"purpose": "dispute_evidence", "file": picture})
    api.files.list(params={"purpose": "dispute_evidence"})
    api.files.retrieve(receipt.id)
    api.disputes.update(
        won, params={"evidence": {"receipt": receipt.id, "uncategorized_text": "winning_evidence"}, "submit": True}
    )
    guide.advance(DAY)
    api.disputes.close(lost)
    api.disputes.retrieve(asked)
    api.disputes.list(params={"limit": 3})
    simulated.post(f"disputes/{_dispute(guide, 'pm_card_createDispute')}", {"status": "lost"})


def _dispute(guide: Tourist, card: str) -> str:
    charge = guide.payment(card).latest_charge
    guide.advance(60)
    return next(one.id for one in guide.api.disputes.list().data if one.charge == charge)


def books(guide: Tourist) -> None:
    api = guide.api
    guide.payment()
    guide.advance(3 * DAY)
    api.balance.retrieve()
    (payout,) = guide.simulated.post("payouts", {})
    api.payouts.retrieve(payout["id"], params={"expand": ["balance_transaction"]})
    api.payouts.list(params={"status": "paid", "created": {"gte": 1}})
    api.balance_transactions.list(params={"payout": payout["id"], "expand": ["data.source"]})
    newest = api.balance_transactions.list(params={"type": "charge", "limit": 2}).data[0]
    api.balance_transactions.retrieve(newest.id, params={"expand": ["source"]})
    guide.advance(9 * DAY)
    api.balance.retrieve()
    account = api.accounts.retrieve_current()
    api.accounts.retrieve(account.id)


def events(guide: Tourist) -> None:
    api = guide.api
    guide.payment()
    newest = api.events.list(params={"types": ["charge.succeeded"], "created": {"gte": 1}}).data
    api.events.retrieve(newest[0].id)
    api.events.list(params={"delivery_success": True})


def endpoints(guide: Tourist) -> None:
    api = guide.api
    made = {"url": f"{SHOP}/hooks", "enabled_events": ["charge.succeeded"], "description": "Shop"}
    endpoint = api.webhook_endpoints.create(params=made)
    api.webhook_endpoints.update(endpoint.id, params={"disabled": True, "metadata": {"a": "b"}})
    api.webhook_endpoints.retrieve(endpoint.id)
    api.webhook_endpoints.list()
    api.webhook_endpoints.delete(endpoint.id)


def errors(guide: Tourist) -> None:
    raw = guide.raw
    raw("GET", "/v1/charges/ch_none")
    raw("GET", "/v1/nothing")
    raw("PUT", "/v1/charges")
    raw("POST", "/v1/refunds", {"surprise": "1"})
    raw("POST", "/v1/refunds", "{}", Content_Type="application/json")
    raw("GET", "/v1/charges", Authorization="")
    raw("GET", "/v1/charges", Authorization="Bearer sk_live_0123456789")
    raw("GET", "/v1/charges", Stripe_Version="yesterday")
    raw("GET", "/v1/charges?limit=many")
    for kind in ("status_429", "status_500", "status_500_after_effect"):
        guide.simulated.post("faults", [{"kind": kind, "method": "POST"}])
        raw("POST", "/v1/customers", {"name": "Grace"})
    raw("POST", "/v1/customers", {"name": "Grace"}, Idempotency_Key="one")
    raw("POST", "/v1/customers", {"name": "Alan"}, Idempotency_Key="one")


STOPS: list[Callable[[Tourist], None]] = [
    sessions,
    delayed_sessions,
    sessions_of_other_modes,
    hosted_page_of_the_cli,
    payments,
    saved_cards,
    charges,
    refunds,
    customers,
    payment_methods,
    refused_ibans,
    setups,
    catalogue,
    subscriptions,
    subscription_that_pauses,
    subscriptions_in_trouble,
    invoices,
    portal,
    disputes,
    books,
    events,
    endpoints,
    errors,
]
