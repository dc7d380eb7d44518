"""Subscriptions: how they begin, are changed and end."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from tests.support.fake_billing import DAY, intent_of, make_customer, make_price, period, subscribe


def types(sim: Any) -> list[str]:
    return [event["type"] for event in sim.get("events")]


def test_a_customer_with_a_card_pays_the_first_period_at_once(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), expand=["latest_invoice"])

    start, end = period(subscription)
    invoice = subscription.latest_invoice
    assert subscription.status == "active"
    assert 28 * DAY <= end - start <= 31 * DAY
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == ("paid", 1500, "subscription_create")
    line = invoice.lines.data[0]
    assert (line.amount, line.period.start, line.period.end) == (1500, start, end)
    assert line.description == "1 × Club (at €15.00 / month)"
    assert invoice.parent.subscription_details.subscription == subscription.id


def test_the_first_payment_tells_all_that_happened(api: Any, sim: Any) -> None:
    subscribe(api, make_customer(api))

    told = types(sim)
    wanted = (
        "invoice.created",
        "invoice.finalized",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.created",
    )
    assert [type_ for type_ in told if type_ in wanted] == list(wanted)
    assert sim.events("customer.subscription.created")[0]["data"]["object"]["status"] == "active"


def test_quantities_and_several_items_add_up(api: Any) -> None:
    small, big = make_price(api, 1000), make_price(api, 2500)
    items = [{"price": small.id, "quantity": 3}, {"price": big.id}]
    customer = make_customer(api)

    subscription = api.subscriptions.create(
        params={"customer": customer.id, "items": items, "expand": ["latest_invoice"]}
    )

    assert subscription.latest_invoice.amount_paid == 5500
    assert [item.quantity for item in subscription["items"].data] == [3, 1]


def test_a_declined_first_payment_leaves_it_incomplete_and_another_card_activates_it(api: Any, sim: Any) -> None:
    customer = make_customer(api, "pm_card_chargeCustomerFail")

    subscription = subscribe(api, customer)
    assert subscription.status == "incomplete"
    assert len(sim.events("invoice.payment_failed")) == 1
    intent = intent_of(api, subscription.latest_invoice)
    assert intent.last_payment_error.code == "card_declined"

    api.payment_intents.confirm(intent.id, params={"payment_method": "pm_card_visa", "return_url": "http://shop.test"})

    assert api.subscriptions.retrieve(subscription.id).status == "active"
    assert api.invoices.retrieve(subscription.latest_invoice).status == "paid"
    updated = sim.events("customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"]["status"] == "incomplete"


def test_default_incomplete_waits_for_the_intent_to_be_confirmed(api: Any, sim: Any) -> None:
    subscription = subscribe(
        api,
        make_customer(api, None),
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    secret = subscription.latest_invoice.confirmation_secret
    assert subscription.status == "incomplete"
    assert secret.type == "payment_intent"
    assert sim.events("customer.subscription.created")[0]["data"]["object"]["status"] == "incomplete"

    intent_id = secret.client_secret.partition("_secret_")[0]
    api.payment_intents.confirm(intent_id, params={"payment_method": "pm_card_visa", "return_url": "http://shop.test"})

    found = api.subscriptions.retrieve(subscription.id, params={"expand": ["default_payment_method"]})
    assert found.status == "active"
    assert found.default_payment_method.card.last4 == "4242"
    assert found.default_payment_method.customer == subscription.customer


def test_error_if_incomplete_refuses_and_leaves_nothing_behind(api: Any) -> None:
    customer = make_customer(api, "pm_card_chargeCustomerFail")

    with pytest.raises(stripe.CardError) as refused:
        subscribe(api, customer, payment_behavior="error_if_incomplete")

    assert refused.value.http_status == 402
    assert api.subscriptions.list(params={"customer": customer.id, "status": "all"}).data == []
    assert api.invoices.list(params={"customer": customer.id}).data == []


def test_without_a_payment_method_it_is_refused(api: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source") as refused:
        subscribe(api, make_customer(api, None))

    assert refused.value.code == "resource_missing"


@pytest.mark.parametrize(("answer", "status"), [("complete", "active"), ("fail", "incomplete")])
def test_three_d_secure_decides_over_the_first_payment(api: Any, sim: Any, answer: str, status: str) -> None:
    subscription = subscribe(api, make_customer(api, "pm_card_authenticationRequired"))
    intent = intent_of(api, subscription.latest_invoice)
    assert (subscription.status, intent.status) == ("incomplete", "requires_action")
    assert len(sim.events("invoice.payment_action_required")) == 1

    url = intent.next_action.redirect_to_url.url
    requests.post(url, data={"answer": answer}, timeout=10, allow_redirects=False)

    assert api.subscriptions.retrieve(subscription.id).status == status


def test_an_incomplete_one_expires_after_23_hours_and_its_invoice_is_void(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api, None), payment_behavior="default_incomplete")

    sim.post("clock", {"advance": 22 * 3600})
    assert api.subscriptions.retrieve(subscription.id).status == "incomplete"
    sim.post("clock", {"advance": 2 * 3600})

    assert api.subscriptions.retrieve(subscription.id).status == "incomplete_expired"
    assert api.invoices.retrieve(subscription.latest_invoice).status == "void"
    assert sim.events("payment_intent.canceled")[0]["data"]["object"]["cancellation_reason"] == "void_invoice"


def test_an_incomplete_one_can_only_change_a_little(api: Any) -> None:
    subscription = subscribe(api, make_customer(api, None), payment_behavior="default_incomplete")

    assert api.subscriptions.update(subscription.id, params={"metadata": {"a": "b"}}).metadata["a"] == "b"
    with pytest.raises(stripe.InvalidRequestError, match="incomplete"):
        api.subscriptions.update(subscription.id, params={"cancel_at_period_end": True})


def test_canceled_at_once_it_is_over(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api))

    gone = api.subscriptions.cancel(
        subscription.id, params={"cancellation_details": {"feedback": "unused", "comment": "bye"}}
    )

    details = gone.cancellation_details
    assert (gone.status, gone.ended_at is not None) == ("canceled", True)
    assert (details.reason, details.feedback, details.comment) == ("cancellation_requested", "unused", "bye")
    assert len(sim.events("customer.subscription.deleted")) == 1
    sim.post("clock", {"advance": 70 * DAY})
    assert len(api.invoices.list(params={"subscription": subscription.id}).data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        api.subscriptions.cancel(subscription.id)


def test_cancel_at_period_end_keeps_it_until_then(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    end = period(subscription)[1]

    planned = api.subscriptions.update(subscription.id, params={"cancel_at_period_end": True})
    assert (planned.status, planned.cancel_at, planned.cancel_at_period_end) == ("active", end, True)
    previous = sim.events("customer.subscription.updated")[-1]["data"]["previous_attributes"]
    assert previous["cancel_at_period_end"] is False
    sim.post("clock", {"advance": 32 * DAY})

    gone = api.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.ended_at) == ("canceled", end)
    assert len(api.invoices.list(params={"subscription": subscription.id}).data) == 1


def test_a_planned_end_can_be_taken_back(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), cancel_at_period_end=True)
    assert subscription.cancel_at == period(subscription)[1]

    kept = api.subscriptions.update(subscription.id, params={"cancel_at_period_end": False})
    sim.post("clock", {"advance": 32 * DAY})

    assert (kept.cancel_at, kept.canceled_at, kept.cancellation_details.reason) == (None, None, None)
    assert api.subscriptions.retrieve(subscription.id).status == "active"


def test_cancel_at_a_date_ends_it_then(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    moment = period(subscription)[0] + 10 * DAY

    api.subscriptions.update(subscription.id, params={"cancel_at": moment})
    sim.post("clock", {"advance": 11 * DAY})

    assert api.subscriptions.retrieve(subscription.id).ended_at == moment


def test_lists_leave_out_what_is_canceled_unless_asked(api: Any) -> None:
    customer = make_customer(api)
    first, second = subscribe(api, customer), subscribe(api, customer)
    api.subscriptions.cancel(first.id)

    def listed(**params: Any) -> list[str]:
        return [s.id for s in api.subscriptions.list(params={"customer": customer.id, **params}).data]

    assert listed() == [second.id]
    assert listed(status="all") == [second.id, first.id]
    assert listed(status="canceled") == listed(status="ended") == [first.id]
    price = second["items"].data[0].price.id
    assert listed(price=price) == [second.id]


def test_deleting_the_customer_ends_the_subscription(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)

    api.customers.delete(customer.id)

    assert api.subscriptions.retrieve(subscription.id).status == "canceled"
    assert len(sim.events("customer.subscription.deleted")) == 1


def test_more_seats_in_the_middle_of_a_period_are_charged_for_the_rest_of_it(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 3000, "day"))
    start, end = period(subscription)
    sim.post("clock", {"advance": (end - start) / 2})
    item = subscription["items"].data[0].id

    changed = api.subscriptions.update(subscription.id, params={"items": [{"id": item, "quantity": 3}]})

    waiting = api.invoice_items.list(params={"customer": subscription.customer, "pending": True}).data
    amounts = sorted(line.amount for line in waiting)
    assert changed["items"].data[0].quantity == 3
    assert amounts == [pytest.approx(-1500, abs=2), pytest.approx(4500, abs=2)]
    assert all(line.proration for line in waiting)
    sim.post("clock", {"advance": 20 * 3600})
    newest = api.invoices.list(params={"subscription": subscription.id}).data[0]
    assert newest.amount_paid == 9000 + sum(amounts)
    assert api.invoice_items.list(params={"customer": subscription.customer, "pending": True}).data == []


def test_always_invoice_collects_the_difference_now(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 1000))
    bigger = make_price(api, 4000)
    item = subscription["items"].data[0].id

    changed = api.subscriptions.update(
        subscription.id,
        params={
            "items": [{"id": item, "price": bigger.id}],
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice"],
        },
    )

    invoice = changed.latest_invoice
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    assert invoice.amount_paid == pytest.approx(3000, abs=2)
    assert changed["items"].data[0].price.id == bigger.id


def test_a_cheaper_plan_leaves_a_credit_that_the_next_invoice_uses(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 5000))
    cheaper = make_price(api, 3000)
    item = subscription["items"].data[0].id

    api.subscriptions.update(
        subscription.id,
        params={"items": [{"id": item, "price": cheaper.id}], "proration_behavior": "always_invoice"},
    )

    credit = api.customers.retrieve(subscription.customer).balance
    assert credit == pytest.approx(-2000, abs=2)
    sim.post("clock", {"advance": 32 * DAY})
    newest = api.invoices.list(params={"subscription": subscription.id}).data[0]
    assert (newest.total, newest.amount_paid) == (3000, 3000 + credit)
    assert api.customers.retrieve(subscription.customer).balance == 0


def test_proration_none_changes_the_next_period_only(api: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 1000))
    item = subscription["items"].data[0].id

    api.subscriptions.update(
        subscription.id, params={"items": [{"id": item, "quantity": 5}], "proration_behavior": "none"}
    )

    assert api.invoice_items.list(params={"customer": subscription.customer}).data == []
    preview = api.invoices.create_preview(params={"subscription": subscription.id})
    assert (preview.total, preview.id.startswith("upcoming_in_")) == (5000, True)
    assert len(api.invoices.list(params={"subscription": subscription.id}).data) == 1


def test_another_interval_is_refused_and_not_ignored(api: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    yearly = make_price(api, 15000, "year")
    item = subscription["items"].data[0].id

    with pytest.raises(stripe.InvalidRequestError, match="does not simulate changing the interval"):
        api.subscriptions.update(subscription.id, params={"items": [{"id": item, "price": yearly.id}]})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"coupon": "x"}, "unknown parameter"),
        ({"trial_end": 5}, "in the future"),
        ({"collection_method": "send_invoice"}, "days_until_due"),
        ({"default_payment_method": "pm_nobody"}, "No such"),
        ({"currency": "usd"}, "only supports"),
    ],
)
def test_what_cannot_be_is_refused(api: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        subscribe(api, make_customer(api), **params)


def test_a_one_time_price_cannot_be_subscribed_to(api: Any) -> None:
    product = api.products.create(params={"name": "Mug"})
    once = api.prices.create(params={"product": product.id, "currency": "eur", "unit_amount": 900})

    with pytest.raises(stripe.InvalidRequestError, match="type=recurring"):
        subscribe(api, make_customer(api), once)


def test_somebody_elses_card_cannot_be_used(api: Any) -> None:
    other = make_customer(api)

    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        subscribe(api, make_customer(api, None), default_payment_method=other.invoice_settings.default_payment_method)


def test_an_idempotent_repeat_makes_no_second_subscription(api: Any) -> None:
    customer, price = make_customer(api), make_price(api)
    params = {"customer": customer.id, "items": [{"price": price.id}]}

    first = api.subscriptions.create(params=params, options={"idempotency_key": "once"})
    again = api.subscriptions.create(params=params, options={"idempotency_key": "once"})

    assert first.id == again.id
    assert len(api.charges.list().data) == 1
