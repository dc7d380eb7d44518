"""What else a session can ask for: shipping, names, an invoice, 3-D Secure where the bank would not ask."""

import pytest
import requests
import stripe

SHIPPING = {
    "shippingName": "Ada Lovelace",
    "shippingAddressLine1": "12 St James's Square",
    "shippingLocality": "London",
    "shippingCountry": "GB",
    "shippingPostalCode": "SW1Y 4JH",
}


def submit(session, form):
    return requests.post(session.url, form, allow_redirects=False, timeout=5)


def test_an_address_to_send_things_to_is_asked_for_and_kept(api, offer, card_form):
    session = api.checkout.sessions.create(
        offer(shipping_address_collection={"allowed_countries": ["GB", "XK"]}, customer_creation="always")
    )
    html = requests.get(session.url, timeout=5).text
    assert '<option value="XK">XK</option>' in html
    assert 'id="shippingCountry"' in html

    assert submit(session, card_form(**SHIPPING)).status_code == 303

    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge", "customer"]})
    sent = paid.collected_information.shipping_details
    assert (sent.name, sent.address.city, sent.address.country) == ("Ada Lovelace", "London", "GB")
    assert paid.payment_intent.shipping.address.line1 == "12 St James's Square"
    assert paid.payment_intent.latest_charge.shipping.name == "Ada Lovelace"
    assert paid.customer.shipping.address.postal_code == "SW1Y 4JH"
    assert paid.customer_details.address.country == "CZ"


@pytest.mark.parametrize(("name", "value"), [("shippingName", ""), ("shippingLocality", ""), ("shippingCountry", "DE")])
def test_an_address_must_be_whole_and_where_the_shop_sends_to(api, offer, card_form, name, value):
    session = api.checkout.sessions.create(offer(shipping_address_collection={"allowed_countries": ["GB"]}))

    page = submit(session, card_form(**{**SHIPPING, name: value}))

    assert page.status_code == 422
    assert f'id="{name}-error"' in page.text


def test_without_a_page_things_are_sent_to_the_billing_address(api, offer, sim):
    session = api.checkout.sessions.create(offer(shipping_address_collection={"allowed_countries": ["GB"]}))

    paid = sim.pay(session.id, name="Ada", country="GB")["session"]

    assert paid["collected_information"]["shipping_details"]["name"] == "Ada"


def test_a_country_is_written_in_two_letters(api, offer):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.checkout.sessions.create(offer(shipping_address_collection={"allowed_countries": ["Britain"]}))
    assert refused.value.param == "shipping_address_collection[allowed_countries][0]"


def test_names_of_person_and_business_are_collected(api, offer, card_form):
    asked = {"business": {"enabled": True}, "individual": {"enabled": True, "optional": True}}
    session = api.checkout.sessions.create(offer(name_collection=asked))
    assert session.name_collection.business.optional is False

    page = submit(session, card_form())
    assert 'id="businessName-error"' in page.text
    assert 'id="individualName-error"' not in page.text
    assert submit(session, card_form(businessName="Analytical Engines")).status_code == 303

    paid = api.checkout.sessions.retrieve(session.id)
    assert paid.collected_information.business_name == "Analytical Engines"
    assert (paid.customer_details.business_name, paid.customer_details.individual_name) == ("Analytical Engines", None)


def test_a_single_payment_can_come_with_an_invoice(api, offer, sim):
    data = {"description": "Three nights", "metadata": {"booking": "HF-1"}, "footer": "Thank you"}
    session = api.checkout.sessions.create(offer(invoice_creation={"enabled": True, "invoice_data": data}))
    assert session.invoice_creation.invoice_data.description == "Three nights"

    sim.pay(session.id)

    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    invoice = paid.invoice
    assert (invoice.status, invoice.amount_paid, invoice.customer) == ("paid", 42000, paid.customer)
    assert (invoice.description, invoice.footer, invoice.metadata.booking) == ("Three nights", "Thank you", "HF-1")
    assert [line.description for line in invoice.lines.data] == ["Seaview Cottage"]
    assert [intent.id for intent in api.payment_intents.list().data] == [paid.payment_intent]
    payments = api.invoice_payments.list({"invoice": invoice.id}).data
    assert [payment.payment.payment_intent for payment in payments] == [paid.payment_intent]
    types = [event["type"] for event in sim.get("events")]
    assert types.index("invoice.paid") < types.index("checkout.session.completed")


def test_the_invoice_of_a_bank_debit_comes_with_the_money(api, offer, sim):
    session = api.checkout.sessions.create(offer(invoice_creation={"enabled": True}))
    intent = sim.pay(session.id, method="sepa_debit")["payment_intent"]["id"]
    assert api.checkout.sessions.retrieve(session.id).invoice is None

    sim.post(f"payments/{intent}/settle", {"outcome": "succeeded"})

    done = api.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert (done.payment_status, done.invoice.status) == ("paid", "paid")


def test_no_invoice_comes_unasked(api, offer, sim):
    session = api.checkout.sessions.create(offer())
    assert session.invoice_creation.enabled is False

    assert sim.pay(session.id)["session"]["invoice"] is None
    assert api.invoices.list().data == []


@pytest.mark.parametrize("mode", ["payment", "setup"])
def test_a_shop_may_ask_for_three_d_secure_itself(api, offer, sim, mode):
    asked = {"payment_method_options": {"card": {"request_three_d_secure": "any"}}}
    params = (
        offer(**asked) if mode == "payment" else {"mode": "setup", "success_url": "http://s.test/", "currency": "eur"}
    )

    session = api.checkout.sessions.create({**params, **asked})

    assert session.payment_method_options.card.request_three_d_secure == "any"
    assert sim.pay(session.id, card="4000000000003220")["outcome"] == "requires_action"
