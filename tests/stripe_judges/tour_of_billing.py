"""The part of the tour that goes past subscriptions, invoices and the portal."""

from tests.stripe_judges.tourist import CHALLENGED, DAY, SHOP, Tourist


def subscriptions(guide: Tourist) -> None:
    api = guide.api
    customer = guide.customer().id
    begun = guide.subscription(customer, metadata={"a": "b"}, expand=["latest_invoice.payments"])
    api.subscriptions.update(begun.id, params={"cancel_at_period_end": True})
    api.subscriptions.update(begun.id, params={"cancel_at_period_end": False, "metadata": {"a": "c"}})
    api.subscriptions.retrieve(begun.id, params={"expand": ["latest_invoice", "default_payment_method", "customer"]})
    api.subscriptions.list(params={"customer": customer, "status": "active"})
    trial = guide.subscription(customer, trial_period_days=7)
    waiting = guide.subscription(api.customers.create().id, payment_behavior="default_incomplete")
    guide.advance(5 * DAY)
    guide.advance(33 * DAY)
    api.subscriptions.retrieve(waiting.id)
    api.subscriptions.cancel(trial.id)
    leaving = guide.subscription(customer, cancel_at_period_end=True)
    guide.advance(32 * DAY)
    api.subscriptions.retrieve(leaving.id)
    resumed = guide.subscription(customer, trial_period_days=1)
    api.invoices.create_preview(params={"customer": customer, "subscription": resumed.id})


def subscription_that_pauses(guide: Tourist) -> None:
    api = guide.api
    customer = api.customers.create()
    pause = {"end_behavior": {"missing_payment_method": "pause"}}
    trial = guide.subscription(customer.id, trial_period_days=1, trial_settings=pause)
    guide.advance(2 * DAY)
    card = api.payment_methods.attach("pm_card_visa", params={"customer": customer.id})
    api.customers.update(customer.id, params={"invoice_settings": {"default_payment_method": card.id}})
    api.subscriptions.resume(trial.id)


def subscriptions_in_trouble(guide: Tourist) -> None:
    api = guide.api
    customer = api.customers.create()
    poor = api.payment_methods.attach("pm_card_chargeCustomerFail", params={"customer": customer.id})
    with guide.refused():
        guide.subscription(customer.id, default_payment_method=poor.id, payment_behavior="error_if_incomplete")
    guide.subscription(customer.id, default_payment_method=poor.id, payment_behavior="allow_incomplete")
    asking = api.payment_methods.attach(CHALLENGED, params={"customer": customer.id})
    with guide.refused():
        guide.subscription(customer.id, default_payment_method=asking.id, payment_behavior="error_if_incomplete")
    guide.subscription(customer.id, default_payment_method=poor.id, trial_period_days=1)
    guide.advance(2 * DAY)
    guide.advance(30 * DAY)


def invoices(guide: Tourist) -> None:
    api = guide.api
    customer = guide.customer().id
    line = {"customer": customer, "amount": 1500, "currency": "eur", "description": "Late check-out"}
    kept = api.invoice_items.create(params=line)
    api.invoice_items.retrieve(kept.id)
    api.invoice_items.update(kept.id, params={"description": "Very late check-out"})
    api.invoice_items.list(params={"customer": customer})
    invoice = api.invoices.create(params={"customer": customer, "metadata": {"a": "b"}})
    api.invoice_items.create(params={**line, "invoice": invoice.id})
    api.invoices.update(invoice.id, params={"description": "Extras"})
    api.invoices.finalize_invoice(invoice.id)
    api.invoices.pay(invoice.id)
    api.invoices.retrieve(invoice.id, params={"expand": ["payments", "customer"]})
    api.invoices.line_items.list(invoice.id)
    api.invoices.list(params={"customer": customer, "status": "paid"})
    api.invoice_items.delete(api.invoice_items.create(params=line).id)
    api.invoice_items.create(params=line)
    void = api.invoices.create(params={"customer": customer, "pending_invoice_items_behavior": "include"})
    api.invoices.finalize_invoice(void.id)
    api.invoices.void_invoice(void.id)
    paid = api.invoice_payments.list(params={"invoice": invoice.id}).data[0]
    api.invoice_payments.retrieve(paid.id, params={"expand": ["payment.payment_intent"]})
    by_mail = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 7}
    sent = api.invoices.create(params=by_mail)
    api.invoice_items.create(params={**line, "invoice": sent.id})
    api.invoices.send_invoice(sent.id)
    api.invoices.mark_uncollectible(sent.id)
    api.invoices.delete(api.invoices.create(params={"customer": customer}).id)


def portal(guide: Tourist) -> None:
    api = guide.api
    features = {"invoice_history": {"enabled": True}}
    made = api.billing_portal.configurations.create(params={"features": features})
    api.billing_portal.configurations.update(made.id, params={"metadata": {"a": "b"}})
    api.billing_portal.configurations.retrieve(made.id)
    api.billing_portal.configurations.list()
    customer = guide.customer().id
    api.billing_portal.sessions.create(params={"customer": customer, "return_url": f"{SHOP}/account"})
