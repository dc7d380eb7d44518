"""Invoices and invoice items: drafts, totals, how they are paid, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from tests.support.fake_billing import DAY, intent_of, make_customer, make_price, subscribe, use_card


def add_item(api: Any, customer: Any, amount: int = 2000, **changes: Any) -> Any:
    return api.invoice_items.create(
        params={"customer": customer.id, "amount": amount, "currency": "eur", "description": "Late towels", **changes}
    )


def draft(api: Any, customer: Any, **changes: Any) -> Any:
    return api.invoices.create(
        params={"customer": customer.id, "pending_invoice_items_behavior": "include", "currency": "eur", **changes}
    )


def test_waiting_items_are_put_on_the_next_invoice_and_only_once(api: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer, 2000)
    add_item(api, customer, -500)

    invoice = draft(api, customer)

    assert (invoice.status, invoice.total, invoice.amount_due) == ("draft", 1500, 1500)
    assert [line.amount for line in invoice.lines.data] == [2000, -500]
    assert draft(api, customer).total == 0
    assert {item.invoice for item in api.invoice_items.list(params={"customer": customer.id}).data} == {invoice.id}


def test_left_to_itself_a_new_invoice_takes_no_items(api: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)

    assert draft(api, customer, pending_invoice_items_behavior="exclude").total == 0
    assert len(api.invoice_items.list(params={"customer": customer.id, "pending": True}).data) == 1


def test_the_currency_is_the_customers_when_none_is_given(api: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer, currency="usd")

    invoice = api.invoices.create(params={"customer": customer.id, "pending_invoice_items_behavior": "include"})

    assert (invoice.currency, invoice.total) == ("usd", 2000)


def test_finalizing_gives_a_number_a_page_and_a_payment(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    open_ = api.invoices.finalize_invoice(draft(api, customer).id, params={"expand": ["confirmation_secret"]})

    assert (open_.status, open_.number) == ("open", f"{customer.invoice_prefix}-0001")
    assert open_.confirmation_secret.client_secret.startswith("pi_")
    assert "€20.00" in requests.get(open_.hosted_invoice_url, timeout=10).text
    assert intent_of(api, open_.id).amount == 2000
    assert len(sim.events("invoice.finalized")) == 1
    with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
        api.invoices.finalize_invoice(open_.id)


def test_paying_a_draft_finalizes_it_first(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)

    paid = api.invoices.pay(draft(api, customer).id)

    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2000, 0)
    assert paid.status_transitions.paid_at is not None
    listed = api.invoice_payments.list(params={"invoice": paid.id}).data
    assert [(payment.status, payment.amount_paid) for payment in listed] == [("paid", 2000)]
    assert [e["data"]["object"]["id"] for e in sim.events("invoice.paid")] == [paid.id]
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        api.invoices.pay(paid.id)
    assert len(api.charges.list().data) == 1


def test_a_declined_payment_is_a_402_that_leaves_it_open(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    use_card(api, customer, "pm_card_chargeCustomerFail")
    invoice = draft(api, customer)

    with pytest.raises(stripe.CardError) as declined:
        api.invoices.pay(invoice.id)

    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    after = api.invoices.retrieve(invoice.id)
    assert (after.status, after.attempted, after.attempt_count) == ("open", True, 1)
    assert len(sim.events("invoice.payment_failed")) == 1
    assert api.invoices.pay(invoice.id, params={"payment_method": "pm_card_visa"}).status == "paid"


def test_a_card_that_wants_the_guest_says_so_and_is_paid_after(api: Any, sim: Any) -> None:
    customer = make_customer(api, "pm_card_authenticationRequired")
    add_item(api, customer)
    invoice = draft(api, customer)

    with pytest.raises(stripe.CardError) as refused:
        api.invoices.pay(invoice.id)

    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert len(sim.events("invoice.payment_action_required")) == 1
    url = intent_of(api, invoice.id).next_action.redirect_to_url.url
    requests.post(url, data={"answer": "complete"}, timeout=10, allow_redirects=False)
    assert api.invoices.retrieve(invoice.id).status == "paid"


def test_paid_elsewhere_it_takes_no_money_here(api: Any, sim: Any) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)
    invoice = api.invoices.finalize_invoice(draft(api, customer).id)

    paid = api.invoices.pay(invoice.id, params={"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 2000)
    assert api.charges.list().data == []
    assert intent_of(api, invoice.id).status == "canceled"
    assert len(sim.events("invoice.paid")) == 1
    assert sim.events("invoice.payment_succeeded") == []


def test_without_any_card_it_cannot_be_paid(api: Any) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)

    with pytest.raises(stripe.InvalidRequestError, match="default_payment_method"):
        api.invoices.pay(draft(api, customer).id)


def test_a_void_invoice_cannot_be_paid_any_more(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    invoice = api.invoices.finalize_invoice(draft(api, customer).id)

    assert api.invoices.void_invoice(invoice.id).status == "void"

    assert intent_of(api, invoice.id).cancellation_reason == "void_invoice"
    with pytest.raises(stripe.InvalidRequestError, match="voided"):
        api.invoices.pay(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="can't void"):
        api.invoices.void_invoice(invoice.id)


def test_an_uncollectible_invoice_can_still_be_paid(api: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    invoice = api.invoices.finalize_invoice(draft(api, customer).id)

    assert api.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    assert api.invoices.pay(invoice.id).status == "paid"


def test_only_a_draft_can_be_deleted_and_its_items_wait_again(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    item = add_item(api, customer)
    invoice = draft(api, customer)

    assert api.invoices.delete(invoice.id).deleted is True
    assert api.invoice_items.retrieve(item.id).invoice is None
    open_ = api.invoices.finalize_invoice(draft(api, customer).id)
    with pytest.raises(stripe.InvalidRequestError, match="only delete draft"):
        api.invoices.delete(open_.id)


def test_a_draft_can_be_edited_and_an_open_one_only_a_little(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    invoice = draft(api, customer, description="Extras")

    assert api.invoices.update(invoice.id, params={"description": "Towels"}).description == "Towels"
    assert sim.events("invoice.updated")[-1]["data"]["previous_attributes"] == {"description": "Extras"}
    api.invoices.finalize_invoice(invoice.id)
    assert api.invoices.update(invoice.id, params={"metadata": {"room": "4"}}).metadata["room"] == "4"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.invoices.update(invoice.id, params={"description": "Sheets"})
    assert refused.value.code == "invoice_not_editable"


def test_with_auto_advance_it_goes_on_by_itself(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    invoice = draft(api, customer, auto_advance=True)

    sim.post("clock", {"advance": 1800})
    assert api.invoices.retrieve(invoice.id).status == "draft"
    sim.post("clock", {"advance": 1900})

    assert api.invoices.retrieve(invoice.id).status == "paid"


def test_auto_advance_can_be_switched_off_and_on(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer)
    invoice = draft(api, customer, auto_advance=True)

    api.invoices.update(invoice.id, params={"auto_advance": False})
    sim.post("clock", {"advance": DAY})
    assert api.invoices.retrieve(invoice.id).status == "draft"
    api.invoices.update(invoice.id, params={"auto_advance": True})
    sim.post("clock", {"advance": 3700})

    assert api.invoices.retrieve(invoice.id).status == "paid"


def test_an_invoice_that_is_sent_is_due_some_day(api: Any, sim: Any) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)
    invoice = draft(api, customer, collection_method="send_invoice", days_until_due=7)

    sent = api.invoices.send_invoice(invoice.id)
    sim.post("clock", {"advance": 7 * DAY + 60})

    assert (sent.status, sent.due_date) == ("open", invoice.created + 7 * DAY)
    assert [len(sim.events(f"invoice.{word}")) for word in ("sent", "overdue")] == [1, 1]


def test_what_is_below_the_smallest_charge_waits_in_the_balance(api: Any) -> None:
    customer = make_customer(api)
    add_item(api, customer, 30)

    small = api.invoices.finalize_invoice(draft(api, customer).id)
    assert (small.status, small.amount_due, small.ending_balance) == ("paid", 0, 30)
    add_item(api, customer, 2000)
    paid = api.invoices.pay(draft(api, customer).id)

    assert (paid.total, paid.starting_balance, paid.amount_paid) == (2000, 30, 2030)
    assert api.customers.retrieve(customer.id).balance == 0


def test_an_item_from_a_price_counts_its_quantity(api: Any) -> None:
    customer = make_customer(api)
    product = api.products.create(params={"name": "Mug"})
    price = api.prices.create(params={"product": product.id, "currency": "eur", "unit_amount": 700})

    item = api.invoice_items.create(params={"customer": customer.id, "pricing": {"price": price.id}, "quantity": 3})

    assert (item.amount, item.description, item.pricing.price_details.price) == (2100, "Mug", price.id)
    line = draft(api, customer).lines.data[0]
    assert (line.quantity, line.pricing.price_details.product) == (3, product.id)


def test_an_item_on_an_invoice_stays_there(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    loose, taken = add_item(api, customer, 100), add_item(api, customer, 900)

    assert api.invoice_items.update(loose.id, params={"amount": 150}).amount == 150
    assert api.invoice_items.delete(loose.id).deleted is True
    draft(api, customer)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.invoice_items.delete(taken.id)
    assert refused.value.code == "invoice_not_editable"
    assert len(sim.events("invoiceitem.deleted")) == 1


def test_invoices_are_listed_by_what_they_belong_to(api: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    add_item(api, customer)
    loose = draft(api, customer)

    def listed(**params: Any) -> list[str]:
        return [invoice.id for invoice in api.invoices.list(params=params).data]

    assert listed(subscription=subscription.id) == [subscription.latest_invoice]
    assert listed(customer=customer.id) == [loose.id, subscription.latest_invoice]
    assert listed(status="draft") == [loose.id]
    assert api.invoices.line_items.list(loose.id).data[0].amount == 2000


def test_the_payments_can_be_expanded_as_far_as_stripe_allows(api: Any) -> None:
    subscription = subscribe(api, make_customer(api))

    invoice = api.invoices.retrieve(
        subscription.latest_invoice,
        params={"expand": ["payments.data.payment.payment_intent", "parent.subscription_details.subscription"]},
    )

    assert invoice.payments.data[0].payment.payment_intent.status == "succeeded"
    assert invoice.parent.subscription_details.subscription.id == subscription.id
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.invoices.retrieve(invoice.id, params={"expand": ["payment_intent"]})


def test_a_refund_of_an_invoice_leaves_it_paid(api: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    intent = intent_of(api, subscription.latest_invoice)

    api.refunds.create(params={"payment_intent": intent.id})

    assert api.invoices.retrieve(subscription.latest_invoice).status == "paid"
    assert api.subscriptions.retrieve(subscription.id).status == "active"


@pytest.mark.parametrize("card", ["4242 4242 4242 4242", "4000 0027 6000 3184"])
def test_the_page_of_an_invoice_takes_the_payment_once(api: Any, sim: Any, card_form: Any, card: str) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)
    url = api.invoices.finalize_invoice(draft(api, customer).id).hosted_invoice_url

    answer = requests.post(url, data=card_form(card), timeout=10)
    if "/c/3ds/" in answer.url:
        answer = requests.post(answer.url, data={"answer": "complete"}, timeout=10)

    assert (answer.status_code, "PAID" in answer.text) == (200, True)
    assert "SIMULATED" in answer.text
    requests.post(url, data=card_form(), timeout=10)
    assert [charge.amount for charge in api.charges.list().data] == [2000]


def test_the_page_of_an_invoice_says_why_a_card_was_declined(api: Any, card_form: Any) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)
    url = api.invoices.finalize_invoice(draft(api, customer).id).hosted_invoice_url

    answer = requests.post(url, data=card_form("4000 0000 0000 0002"), timeout=10)
    mistyped = requests.post(url, data=card_form("4242 4242 4242 4241"), timeout=10)

    assert (answer.status_code, "Your card was declined." in answer.text) == (402, True)
    assert (mistyped.status_code, "Your card number is invalid." in mistyped.text) == (422, True)


def test_another_site_cannot_post_to_the_page_of_an_invoice(api: Any, card_form: Any) -> None:
    customer = make_customer(api, None)
    add_item(api, customer)
    url = api.invoices.finalize_invoice(draft(api, customer).id).hosted_invoice_url

    answer = requests.post(url, data=card_form(), headers={"Origin": "http://evil.test"}, timeout=10)

    assert answer.status_code == 403
    assert api.charges.list().data == []


def test_a_draft_has_no_page(api: Any, sim: Any) -> None:
    invoice = draft(api, make_customer(api))

    assert requests.get(f"{sim.url}/i/{invoice.id}", timeout=10).status_code == 404


def test_prices_of_a_year_and_without_cost_need_no_card(api: Any) -> None:
    subscription = subscribe(api, make_customer(api, None), make_price(api, 0, "year"), expand=["latest_invoice"])

    assert (subscription.status, subscription.latest_invoice.status) == ("active", "paid")
