"""Checkout in subscription mode: first payment, trial, decline, 3-D Secure, expiry, mixed carts."""

import pytest
import requests
import stripe

DECLINED = "4000000000000002"
ASKS = "4000002760003184"
DAY = 24 * 3600


@pytest.fixture
def club(api):
    """A monthly price, with changes."""
    product = api.products.create({"name": "Guest club"})

    def make(amount=1500, **changes):
        recurring = {"interval": "month"}
        return api.prices.create(
            {"product": product.id, "currency": "eur", "unit_amount": amount, "recurring": recurring, **changes}
        )

    return make


@pytest.fixture
def join(api, club):
    """A session that subscribes to the club, with changes."""

    def make(price=None, **changes):
        items = [{"price": (price or club()).id, "quantity": 1}]
        params = {"mode": "subscription", "success_url": "http://shop.test/ok", "line_items": items}
        return api.checkout.sessions.create({**params, **changes})

    return make


def test_the_page_says_what_is_charged_and_how_often(join, club):
    monthly = requests.get(join().url, timeout=5).text
    quarterly = club(4000, recurring={"interval": "month", "interval_count": 3})
    every_three = requests.get(join(quarterly).url, timeout=5).text

    assert "Subscribe to Guest club" in monthly
    assert "€15.00 per month" in monthly
    assert '<button type="submit">Subscribe</button>' in monthly
    assert "€40.00 every 3 months" in every_three


def test_paying_begins_an_active_subscription(api, join, card_form, sim, shop):
    session = join(subscription_data={"metadata": {"member": "7"}, "description": "Club of guests"})
    assert (session.customer_creation, session.payment_method_collection) == ("always", "always")
    assert (session.subscription, session.invoice, session.amount_total) == (None, None, 1500)

    answer = requests.post(session.url, card_form(), allow_redirects=False, timeout=5)

    assert answer.headers["Location"] == "http://shop.test/ok"
    done = api.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice", "customer"]})
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "paid", None)
    subscription = done.subscription
    assert (subscription.status, subscription.description) == ("active", "Club of guests")
    assert subscription.metadata.to_dict() == {"member": "7"}
    assert done.customer.email == "grace@example.com"
    assert (done.invoice.status, done.invoice.amount_paid) == ("paid", 1500)
    kept = api.customers.payment_methods.list(done.customer.id).data
    assert [method.id for method in kept] == [subscription.default_payment_method]
    sim.quiet()
    expected = {"customer.created", "customer.subscription.created", "invoice.paid", "payment_intent.succeeded"}
    assert expected <= set(shop.types())
    assert sim.get("events")[-1]["type"] == "checkout.session.completed"


def test_the_subscription_renews_by_itself(api, join, sim):
    receipt = sim.pay(join().id)

    sim.post("clock", {"advance": 32 * DAY})

    invoices = api.invoices.list({"subscription": receipt["session"]["subscription"]}).data
    assert [invoice.status for invoice in invoices] == ["paid", "paid"]
    assert len(api.charges.list().data) == 2


def test_a_declined_card_leaves_the_session_open_for_another(api, join, card_form, sim):
    session = join()

    page = requests.post(session.url, card_form(DECLINED), allow_redirects=False, timeout=5)
    assert page.status_code == 402
    assert "Your card was declined." in page.text
    waiting = api.checkout.sessions.retrieve(session.id)
    assert (waiting.status, waiting.subscription) == ("open", None)

    sim.pay(session.id)

    done = api.checkout.sessions.retrieve(session.id, {"expand": ["subscription.default_payment_method"]})
    assert (done.status, done.subscription.status) == ("complete", "active")
    assert done.subscription.default_payment_method.card.last4 == "4242"
    assert len(api.subscriptions.list({"status": "all"}).data) == 1
    assert len(api.payment_intents.list().data) == 1
    assert len(sim.events("customer.created")) == 1


@pytest.mark.parametrize(("answer", "status"), [("complete", "active"), ("fail", "incomplete")])
def test_three_d_secure_decides_over_the_first_payment(api, join, sim, card_form, answer, status):
    session = join()

    challenge = requests.post(session.url, card_form(ASKS), allow_redirects=False, timeout=5).headers["Location"]
    assert challenge.startswith("/c/3ds/pi_")
    back = requests.post(sim.url + challenge, {"answer": answer}, allow_redirects=False, timeout=5)

    assert api.subscriptions.list({"status": "all"}).data[0].status == status
    done = api.checkout.sessions.retrieve(session.id)
    if answer == "complete":
        assert back.headers["Location"] == "http://shop.test/ok"
        assert (done.status, done.payment_status) == ("complete", "paid")
    else:
        assert back.headers["Location"] == f"/c/pay/{session.id}"
        assert done.status == "open"
        assert sim.pay(session.id)["session"]["status"] == "complete"


def test_a_trial_keeps_the_card_and_charges_it_later(api, join, sim):
    session = join(subscription_data={"trial_period_days": 7})
    html = requests.get(session.url, timeout=5).text
    assert "7 days free" in html
    assert "€15.00 per month" in html
    assert "Start trial" in html

    receipt = sim.pay(session.id)

    done = receipt["session"]
    assert (done["amount_total"], done["payment_status"], done["setup_intent"]) == (0, "no_payment_required", None)
    assert receipt["setup_intent"]["status"] == "succeeded"
    assert api.subscriptions.retrieve(done["subscription"]).status == "trialing"
    assert api.charges.list().data == []
    sim.post("clock", {"advance": 8 * DAY})
    assert api.subscriptions.retrieve(done["subscription"]).status == "active"
    assert [charge.amount for charge in api.charges.list().data] == [1500]


def test_a_trial_card_that_needs_three_d_secure_begins_nothing_before(api, join, sim):
    session = join(subscription_data={"trial_period_days": 7})

    assert sim.pay(session.id, card=ASKS)["outcome"] == "requires_action"
    assert api.subscriptions.list({"status": "all"}).data == []
    receipt = sim.pay(session.id, card=ASKS, authenticate="complete")

    assert receipt["session"]["status"] == "complete"
    assert len(api.subscriptions.list({"status": "all"}).data) == 1


def test_a_trial_may_ask_for_no_card_at_all(api, join, card_form):
    session = join(payment_method_collection="if_required", subscription_data={"trial_period_days": 3})
    assert "cardNumber" not in requests.get(session.url, timeout=5).text

    answer = requests.post(session.url, {"email": "ada@example.com"}, allow_redirects=False, timeout=5)

    assert answer.status_code == 303
    done = api.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "customer"]})
    assert (done.subscription.status, done.subscription.default_payment_method) == ("trialing", None)
    assert done.customer.email == "ada@example.com"


def test_what_is_bought_once_is_on_the_first_invoice_only(api, join, club, sim):
    card = api.prices.create({"currency": "eur", "unit_amount": 500, "product_data": {"name": "Member card"}})
    items = [{"price": club().id, "quantity": 2}, {"price": card.id, "quantity": 1}]
    session = join(line_items=items)
    assert session.amount_total == 3500

    done = sim.pay(session.id)["session"]

    subscription = api.subscriptions.retrieve(done["subscription"])
    assert [(item.price.unit_amount, item.quantity) for item in subscription["items"].data] == [(1500, 2)]
    assert api.invoices.retrieve(done["invoice"]).amount_paid == 3500
    sim.post("clock", {"advance": 32 * DAY})
    assert [invoice.amount_paid for invoice in api.invoices.list().data] == [3000, 3500]


def test_an_expired_session_ends_what_it_began(api, join, sim):
    session = join()
    sim.pay(session.id, card=DECLINED)

    api.checkout.sessions.expire(session.id)

    assert api.subscriptions.list({"status": "all"}).data[0].status == "incomplete_expired"
    assert api.invoices.list().data[0].status == "void"
    assert api.payment_intents.list().data[0].status == "canceled"


def test_a_known_customer_subscribes(api, join, sim):
    customer = api.customers.create({"email": "ada@example.com"})
    session = join(customer=customer.id)

    sim.pay(session.id)

    done = api.checkout.sessions.retrieve(session.id)
    assert [s.id for s in api.subscriptions.list({"customer": customer.id}).data] == [done.subscription]
    assert [s.id for s in api.checkout.sessions.list({"subscription": done.subscription}).data] == [session.id]
    assert len(sim.events("customer.created")) == 1


def test_an_inline_recurring_price_subscribes_too(api, join, sim):
    data = {
        "currency": "eur",
        "unit_amount": 900,
        "product_data": {"name": "News"},
        "recurring": {"interval": "week", "interval_count": 2},
    }
    session = join(line_items=[{"price_data": data, "quantity": 1}])

    done = sim.pay(session.id)["session"]

    item = api.subscriptions.retrieve(done["subscription"])["items"].data[0]
    assert (item.price.recurring.interval, item.price.recurring.interval_count) == ("week", 2)


def test_prices_with_different_intervals_do_not_mix(join, club):
    items = [{"price": club(recurring={"interval": each}).id, "quantity": 1} for each in ("month", "year")]

    with pytest.raises(stripe.InvalidRequestError, match="different billing intervals"):
        join(line_items=items)


def test_the_payment_of_the_session_is_left_to_checkout(api, join, sim):
    intent = sim.pay(join().id, card=DECLINED)["payment_intent"]["id"]

    with pytest.raises(stripe.InvalidRequestError, match="for a Checkout Session"):
        api.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def test_a_trial_may_end_at_a_moment(api, join, sim):
    end = int(sim.get("clock")["now"]) + 10 * DAY
    session = join(
        payment_method_collection="if_required",
        subscription_data={
            "trial_end": end,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
        },
    )
    assert "10 days free" in requests.get(session.url, timeout=5).text
    requests.post(session.url, {"email": "ada@example.com"}, allow_redirects=False, timeout=5)

    subscription = api.subscriptions.list().data[0]
    assert (subscription.status, subscription.trial_end) == ("trialing", end)
    sim.post("clock", {"advance": 11 * DAY})
    assert api.subscriptions.retrieve(subscription.id).status == "canceled"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"trial_end": DAY}, "at least 2 days"),
        ({"trial_end": 800 * DAY}, "at most two years"),
        ({"trial_end": 5 * DAY, "trial_period_days": 5}, "only specify one"),
    ],
)
def test_a_trial_has_its_limits(join, sim, data, message):
    end = int(sim.get("clock")["now"]) + data["trial_end"]

    with pytest.raises(stripe.InvalidRequestError, match=message):
        join(subscription_data={**data, "trial_end": end})
