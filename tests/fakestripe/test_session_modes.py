"""Checkout in its modes: prices of the catalogue, customers, nothing to pay, cards saved for later."""

import re

import pytest
import requests
import stripe

DECLINED = "4000000000000002"
ASKS = "4000002760003184"


@pytest.fixture
def price(api):
    """A price of the catalogue, with changes."""

    def make(amount=1500, **changes):
        product = api.products.create({"name": "Bicycle", "description": "A day", "images": ["http://s.test/b.png"]})
        return api.prices.create({"product": product.id, "currency": "eur", "unit_amount": amount, **changes})

    return make


@pytest.fixture
def open_session(api):
    """Creates a session; by default one that saves a card."""

    def make(**changes):
        params = {"mode": "setup", "success_url": "http://shop.test/ok?s={CHECKOUT_SESSION_ID}", **changes}
        if params["mode"] == "setup":
            params.setdefault("currency", "eur")
        return api.checkout.sessions.create(params)

    return make


def refused(make, **params):
    with pytest.raises(stripe.InvalidRequestError) as error:
        make(**params)
    return error.value


# Line items


def test_a_price_of_the_catalogue_can_be_bought(api, open_session, price, sim):
    bicycle = price()
    session = open_session(mode="payment", line_items=[{"price": bicycle.id, "quantity": 2, "metadata": {"room": "4"}}])

    assert (session.amount_total, session.currency) == (3000, "eur")
    item = api.checkout.sessions.line_items.list(session.id).data[0]
    assert (item.description, item.quantity, item.amount_total, item.price.id) == ("Bicycle", 2, 3000, bicycle.id)
    assert item.metadata.to_dict() == {"room": "4"}
    assert sim.pay(session.id)["payment_intent"]["amount"] == 3000


def test_the_page_shows_the_product_of_the_price(open_session, price):
    session = open_session(mode="payment", line_items=[{"price": price().id, "quantity": 3}])

    html = requests.get(session.url, timeout=5).text

    assert "Bicycle" in html
    assert "A day" in html
    assert "http://s.test/b.png" in html
    assert "3 &times; €15.00" in html
    assert "Pay €45.00" in html


def test_line_items_expand_to_their_products(api, open_session, price):
    session = open_session(mode="payment", line_items=[{"price": price().id, "quantity": 1}])

    found = api.checkout.sessions.retrieve(session.id, {"expand": ["line_items.data.price.product"]})

    assert found.line_items.data[0].price.product.name == "Bicycle"


def test_an_inline_price_is_kept_as_an_inactive_one(api, offer, sim):
    session = api.checkout.sessions.create(offer(expand=["line_items.data.price.product"]))

    made = session.line_items.data[0].price
    assert made.active is False
    assert made.product.active is False
    assert made.product.description == "Three nights"
    assert api.prices.retrieve(made.id).unit_amount == 42000
    assert sim.events("price.created") == sim.events("product.created") == []


def test_an_inline_price_can_name_a_product(api, open_session):
    product = api.products.create({"name": "Night"})
    data = {"currency": "eur", "product": product.id, "unit_amount_decimal": "100.5"}

    session = open_session(mode="payment", line_items=[{"price_data": data, "quantity": 3}])

    assert session.amount_total == 302
    assert api.checkout.sessions.line_items.list(session.id).data[0].description == "Night"


def test_packages_are_rounded_as_the_price_says(api, open_session, price):
    def total(rounding):
        packs = price(transform_quantity={"divide_by": 10, "round": rounding})
        return open_session(mode="payment", line_items=[{"price": packs.id, "quantity": 15}]).amount_total

    assert (total("up"), total("down")) == (3000, 1500)


def test_an_archived_price_or_product_cannot_be_bought(api, open_session, price):
    archived, of_archived = price(active=False), price()
    api.products.update(of_archived.product, {"active": False})

    for made, message in ((archived, "price specified is inactive"), (of_archived, "product is not active")):
        error = refused(open_session, mode="payment", line_items=[{"price": made.id, "quantity": 1}])
        assert message in str(error)
        assert error.param == "line_items[0][price]"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"quantity": 1}, "line_items[0][price]"),
        ({"price": "price_none", "quantity": 1}, "line_items[0][price]"),
        (
            {"price_data": {"currency": "eur", "unit_amount": 100}, "quantity": 1},
            "line_items[0][price_data][product_data]",
        ),
        (
            {"price_data": {"currency": "eur", "product_data": {"name": "x"}}, "quantity": 1},
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"price_data": {"currency": "eur", "product": "prod_none", "unit_amount": 100}, "quantity": 1},
            "line_items[0][price_data][product]",
        ),
        ({"price": "x", "price_data": {"currency": "eur"}, "quantity": 1}, "line_items[0][price_data]"),
    ],
)
def test_a_line_item_that_makes_no_sense_is_refused_by_name(open_session, item, param):
    assert refused(open_session, mode="payment", line_items=[item]).param == param


def test_prices_of_two_currencies_do_not_mix(open_session, price):
    items = [{"price": price(currency=each).id, "quantity": 1} for each in ("eur", "usd")]

    assert refused(open_session, mode="payment", line_items=items).param == "line_items[1][price]"


def test_a_recurring_price_needs_subscription_mode(open_session, price):
    monthly = price(recurring={"interval": "month"})

    error = refused(open_session, mode="payment", line_items=[{"price": monthly.id, "quantity": 1}])
    assert "passed a recurring price" in str(error)
    error = refused(open_session, mode="subscription", line_items=[{"price": price().id, "quantity": 1}])
    assert "at least one recurring price" in str(error)


# Nothing to pay


def test_a_free_order_asks_for_no_card_and_needs_no_payment(api, open_session, price, sim, shop):
    session = open_session(mode="payment", line_items=[{"price": price(0).id, "quantity": 1}])
    sim.quiet()
    shop.forget()
    html = requests.get(session.url, timeout=5).text
    assert "cardNumber" not in html
    assert "Complete order" in html

    answer = requests.post(session.url, {"email": "g@example.com"}, allow_redirects=False, timeout=5)

    assert answer.headers["Location"].startswith("http://shop.test/ok")
    done = api.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "no_payment_required", None)
    assert done.customer_details.email == "g@example.com"
    assert api.payment_intents.list().data == []
    sim.quiet()
    assert shop.types() == ["checkout.session.completed"]


# Customers


def test_a_customer_is_made_when_the_session_says_always(api, offer, sim):
    session = api.checkout.sessions.create(offer(customer_creation="always"))
    assert session.customer is None

    sim.pay(session.id, email="ada@example.com", name="Ada", country="GB")

    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["customer", "payment_intent"]})
    assert (paid.customer.email, paid.customer.name, paid.customer.address.country) == ("ada@example.com", "Ada", "GB")
    assert paid.payment_intent.customer == paid.customer.id
    assert api.customers.payment_methods.list(paid.customer.id).data == []


def test_a_second_attempt_makes_no_second_customer(api, offer, sim):
    session = api.checkout.sessions.create(offer(customer_creation="always"))

    sim.pay(session.id, card=DECLINED)
    sim.pay(session.id)

    assert len(sim.events("customer.created")) == 1
    assert len(api.payment_intents.list().data) == 1


def test_no_customer_is_made_unasked(api, offer, sim):
    session = api.checkout.sessions.create(offer())

    sim.pay(session.id)

    assert api.checkout.sessions.retrieve(session.id).customer is None
    assert sim.events("customer.created") == []


def test_a_known_customer_fills_in_the_email_and_keeps_the_card(api, offer, sim, card_form):
    customer = api.customers.create({"email": "ada@example.com", "name": "Ada"})
    session = api.checkout.sessions.create(
        offer(customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    )
    assert (session.customer, session.customer_creation) == (customer.id, None)
    assert "ada@example.com" in requests.get(session.url, timeout=5).text

    form = card_form()
    del form["email"]
    assert requests.post(session.url, form, allow_redirects=False, timeout=5).status_code == 303

    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert paid.customer_details.email == "ada@example.com"
    assert (paid.payment_intent.customer, paid.payment_intent.setup_future_usage) == (customer.id, "off_session")
    kept = api.customers.payment_methods.list(customer.id).data
    assert [method.id for method in kept] == [paid.payment_intent.payment_method]


def test_a_customer_without_email_gets_the_one_typed(api, offer, sim):
    customer = api.customers.create({})
    session = api.checkout.sessions.create(
        offer(customer=customer.id, customer_update={"name": "auto", "address": "never"})
    )

    sim.pay(session.id, email="ada@example.com", name="Ada")

    now = api.customers.retrieve(customer.id)
    assert (now.email, now.name, now.address) == ("ada@example.com", "Ada", None)


def test_sessions_are_listed_by_customer(api, offer):
    customer = api.customers.create({})
    mine = api.checkout.sessions.create(offer(customer=customer.id))
    api.checkout.sessions.create(offer())

    assert [found.id for found in api.checkout.sessions.list({"customer": customer.id}).data] == [mine.id]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"customer": "cus_none"}, "customer"),
        ({"customer": "known", "customer_email": "a@example.com"}, "customer_email"),
        ({"customer": "known", "customer_creation": "always"}, "customer_creation"),
        ({"customer_update": {"name": "auto"}}, "customer_update"),
        (
            {"saved_payment_method_options": {"payment_method_save": "enabled"}},
            "saved_payment_method_options[payment_method_save]",
        ),
    ],
)
def test_customers_are_named_in_one_way_only(api, offer, changes, param):
    if changes.get("customer") == "known":
        changes = {**changes, "customer": api.customers.create({}).id}

    assert refused(lambda **p: api.checkout.sessions.create(offer(**p)), **changes).param == param


def test_a_guest_chooses_to_keep_the_card(api, offer, card_form):
    customer = api.customers.create({"email": "ada@example.com"})
    saving = {"payment_method_save": "enabled"}

    def pay(**typed):
        session = api.checkout.sessions.create(offer(customer=customer.id, saved_payment_method_options=saving))
        assert "Keep my card" in requests.get(session.url, timeout=5).text
        assert requests.post(session.url, card_form(**typed), allow_redirects=False, timeout=5).status_code == 303
        return api.customers.payment_methods.list(customer.id).data

    assert pay() == []
    assert [method.allow_redisplay for method in pay(savePaymentMethod="yes")] == ["always"]


# Setup mode


def test_a_session_that_saves_a_card_has_its_setup_intent_at_once(api, open_session, sim):
    session = open_session(setup_intent_data={"description": "No-show fee", "metadata": {"a": "1"}})

    assert (session.status, session.payment_status) == ("open", "no_payment_required")
    assert (session.amount_total, session.amount_subtotal, session.currency) == (None, None, "eur")
    assert session.payment_method_types == ["card"]
    setup = api.setup_intents.retrieve(session.setup_intent)
    assert (setup.status, setup.usage, setup.description) == ("requires_payment_method", "off_session", "No-show fee")
    assert setup.metadata.to_dict() == {"a": "1"}
    assert api.checkout.sessions.line_items.list(session.id).data == []


def test_saving_a_card_charges_nothing_and_says_so(api, open_session, card_form, sim, shop):
    customer = api.customers.create({"email": "ada@example.com"})
    session = open_session(customer=customer.id)
    html = requests.get(session.url, timeout=5).text
    assert re.search(r'<button type="submit">Save card</button>', html)
    assert "Nothing is charged" in html
    assert "SIMULATED" in html

    answer = requests.post(session.url, card_form(), allow_redirects=False, timeout=5)

    assert answer.headers["Location"] == f"http://shop.test/ok?s={session.id}"
    done = api.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "no_payment_required", None)
    assert done.setup_intent.status == "succeeded"
    kept = api.customers.payment_methods.list(customer.id).data
    assert [method.id for method in kept] == [done.setup_intent.payment_method]
    assert api.charges.list().data == []
    sim.quiet()
    assert {"setup_intent.succeeded", "payment_method.attached", "checkout.session.completed"} <= set(shop.types())


def test_a_saved_card_can_be_charged_later(api, open_session, sim):
    customer = api.customers.create({})
    receipt = sim.pay(open_session(customer=customer.id).id)

    intent = api.payment_intents.create(
        {
            "amount": 9000,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": receipt["setup_intent"]["payment_method"],
            "off_session": True,
            "confirm": True,
        }
    )

    assert intent.status == "succeeded"


def test_a_card_can_be_saved_for_a_customer_who_is_made_by_it(api, open_session, sim):
    session = open_session(customer_creation="always")

    sim.pay(session.id, email="ada@example.com")

    done = api.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert done.setup_intent.customer == done.customer
    assert api.customers.retrieve(done.customer).email == "ada@example.com"
    assert len(api.customers.payment_methods.list(done.customer).data) == 1


def test_a_declined_card_is_not_saved_and_another_may_be_tried(api, open_session, card_form, sim):
    session = open_session()

    page = requests.post(session.url, card_form(DECLINED), allow_redirects=False, timeout=5)
    assert page.status_code == 402
    assert "Your card was declined." in page.text
    assert api.checkout.sessions.retrieve(session.id).status == "open"
    assert len(sim.events("setup_intent.setup_failed")) == 1

    assert sim.pay(session.id)["outcome"] == "succeeded"
    assert len(sim.events("setup_intent.created")) == 1


@pytest.mark.parametrize(("answer", "status"), [("complete", "complete"), ("fail", "open")])
def test_saving_a_card_may_need_three_d_secure(api, sim, open_session, card_form, answer, status):
    session = open_session()

    challenge = requests.post(session.url, card_form(ASKS), allow_redirects=False, timeout=5).headers["Location"]
    assert challenge.startswith("/c/3ds/seti_")
    assert "Complete" in requests.get(sim.url + challenge, timeout=5).text
    back = requests.post(sim.url + challenge, {"answer": answer}, allow_redirects=False, timeout=5)

    assert api.checkout.sessions.retrieve(session.id).status == status
    if status == "open":
        assert back.headers["Location"] == f"/c/pay/{session.id}"
        assert "unable to authenticate" in requests.get(session.url, timeout=5).text
    else:
        assert back.headers["Location"].startswith("http://shop.test/ok")


def test_an_expired_session_cancels_its_setup_intent(api, open_session, sim):
    session = open_session()

    api.checkout.sessions.expire(session.id)

    setup = api.setup_intents.retrieve(session.setup_intent)
    assert (setup.status, setup.cancellation_reason) == ("canceled", "abandoned")
    answer = requests.post(f"{sim.url}/_fake/sessions/{session.id}/pay", json={}, timeout=5)
    assert answer.status_code == 409


def test_the_setup_intent_of_a_session_is_left_to_checkout(api, open_session):
    session = open_session()

    for call in (api.setup_intents.cancel, api.setup_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError, match="SetupIntent for a Checkout Session"):
            call(session.setup_intent)


def test_a_saved_page_says_it_is_done(open_session, sim):
    session = open_session()
    sim.pay(session.id)

    html = requests.get(session.url, timeout=5).text

    assert "Nothing was charged" in html


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        ("setup", "line_items", [{"price": "price_1", "quantity": 1}]),
        ("setup", "payment_intent_data", {"description": "x"}),
        ("setup", "subscription_data", {"description": "x"}),
        ("setup", "submit_type", "pay"),
        ("payment", "setup_intent_data", {"description": "x"}),
        ("payment", "subscription_data", {"trial_period_days": 3}),
        ("payment", "payment_method_collection", "always"),
        ("subscription", "payment_intent_data", {"description": "x"}),
        ("subscription", "customer_creation", "always"),
    ],
)
def test_what_belongs_to_another_mode_is_refused(open_session, mode, name, value):
    error = refused(open_session, **{"mode": mode, name: value})
    assert error.param == name
    assert f"in `{mode}` mode" in str(error)


def test_setup_mode_needs_a_currency_or_methods(api, connect, sim):
    params = {"mode": "setup", "success_url": "http://shop.test/ok"}

    error = refused(lambda: api.checkout.sessions.create(params))
    assert (error.code, error.param) == ("parameter_missing", "currency")
    older = connect(sim.url, stripe_version="2026-05-27.dahlia")
    assert older.checkout.sessions.create({**params, "payment_method_types": ["card"]}).currency is None


# Recovery


def test_an_expired_session_can_be_recovered_by_its_link(api, offer, sim):
    session = api.checkout.sessions.create(
        offer(after_expiration={"recovery": {"enabled": True}}, client_reference_id="HF-1")
    )
    assert session.after_expiration.recovery.url is None

    expired = api.checkout.sessions.expire(session.id)

    link = expired.after_expiration.recovery
    assert link.expires_at == pytest.approx(expired.created + 30 * 24 * 3600, abs=2)
    assert (
        sim.events("checkout.session.expired")[0]["data"]["object"]["after_expiration"]["recovery"]["url"] == link.url
    )
    page = requests.get(link.url, allow_redirects=False, timeout=5)
    copy = api.checkout.sessions.list().data[0]
    assert page.headers["Location"] == copy.url
    assert (copy.recovered_from, copy.status, copy.amount_total) == (session.id, "open", 42000)
    assert copy.client_reference_id == "HF-1"
    assert sim.pay(copy.id)["outcome"] == "succeeded"


def test_a_recovery_link_ends_after_thirty_days(api, offer, sim):
    session = api.checkout.sessions.create(offer(after_expiration={"recovery": {"enabled": True}}))
    link = api.checkout.sessions.expire(session.id).after_expiration.recovery.url

    sim.post("clock", {"advance": 31 * 24 * 3600})

    assert requests.get(link, timeout=5).status_code == 404
    assert len(api.checkout.sessions.list().data) == 1


# What is only shown


def test_branding_is_the_accounts_own_until_changed(api, offer):
    plain = api.checkout.sessions.create(offer()).branding_settings
    changed = api.checkout.sessions.create(
        offer(branding_settings={"display_name": "Hill Farm", "button_color": "#335533", "background_color": ""})
    ).branding_settings

    assert (changed.display_name, changed.button_color) == ("Hill Farm", "#335533")
    assert (changed.background_color, changed.border_style) == (plain.background_color, plain.border_style)
