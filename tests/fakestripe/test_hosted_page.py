"""The guest's pages, as a browser without script uses them."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

FIELDS = ("email cardNumber cardExpiry cardCvc billingName billingCountry billingPostalCode method").split()


@pytest.fixture
def session(api, offer):
    return api.checkout.sessions.create(offer())


def submit(url, form):
    return requests.post(url, form, allow_redirects=False, timeout=15)


def value_of(html, name):
    return re.search(rf'name="{name}"[^>]*?value="([^"]*)"', html, re.DOTALL)[1]


def test_the_page_shows_what_is_bought_and_says_simulated(session):
    answer = requests.get(session.url, timeout=5)

    html = answer.text
    assert answer.status_code == 200
    assert "SIMULATED" in html
    assert "Seaview Cottage" in html
    assert ">Pay €420.00</button>" in html
    assert 'href="http://shop.test/back"' in html
    assert re.search(r"Pay before \d\d:\d\d UTC: 23 h 59 min left", html)
    assert all(f'name="{name}"' in html for name in FIELDS)
    assert "<script" not in html
    assert "style=" not in html
    assert "script-src" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (5000, "jpy", "¥5,000"),
        (12340, "kwd", "KWD\u00a012.340"),
        (420000, "czk", "CZK\u00a04,200.00"),
        (500000, "isk", "ISK\u00a05,000"),
        (123456, "usd", "$1,234.56"),
    ],
)
def test_the_amount_is_written_as_its_currency_asks(api, offer, amount, currency, shown):
    session = api.checkout.sessions.create(offer(amount, currency))

    html = requests.get(session.url, timeout=5).text

    assert f">Pay {shown}</button>" in html
    assert "sepa_debit" not in html


def test_paying_leads_to_the_success_url(api, session, card_form, shop):
    answer = submit(session.url, card_form())

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://shop.test/ok?s={session.id}"
    assert "checkout.session.completed" in shop.types()
    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert paid.customer_details.email == "grace@example.com"
    card = paid.payment_intent.latest_charge.payment_method_details.card
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 12, 2034)
    assert paid.payment_intent.latest_charge.billing_details.name == "Grace Hopper"


def test_an_email_of_the_shop_is_filled_in_and_can_be_changed(api, offer, card_form):
    session = api.checkout.sessions.create(offer(customer_email="ada@example.com"))
    assert value_of(requests.get(session.url, timeout=5).text, "email") == "ada@example.com"

    submit(session.url, card_form(email="linus@example.com"))

    details = api.checkout.sessions.retrieve(session.id).customer_details
    assert details.email == "linus@example.com"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("email", "grace", "Enter your email address"),
        ("cardNumber", "4242 4242 4242 4243", "Your card number is invalid."),
        ("cardNumber", "", "Enter a card number."),
        ("cardExpiry", "13 / 34", "Enter the expiry date"),
        ("cardExpiry", "01 / 20", "expiration date is in the past"),
        ("cardCvc", "1", "security code is incomplete"),
        ("billingName", "", "Enter the name"),
        ("billingCountry", "", "Choose a country"),
        ("method", "bitcoin", "Choose how to pay"),
    ],
)
def test_a_wrong_field_is_named_and_the_rest_is_kept(api, session, card_form, name, value, message):
    answer = submit(session.url, card_form(**{name: value}))

    assert answer.status_code == 422
    assert message in answer.text
    kept = "billingPostalCode"
    assert value_of(answer.text, kept) == "110 00"
    assert api.checkout.sessions.retrieve(session.id).payment_intent is None


def test_what_was_typed_is_escaped(session, card_form):
    answer = submit(session.url, card_form(billingName='"><script>alert(1)</script>', cardCvc=""))

    assert "<script" not in answer.text


def test_a_decline_is_shown_and_another_card_pays(api, session, card_form):
    answer = submit(session.url, card_form("4000000000009995"))

    assert answer.status_code == 402
    assert "Your card has insufficient funds." in answer.text
    assert value_of(answer.text, "billingName") == "Grace Hopper"
    assert "insufficient funds" in requests.get(session.url, timeout=5).text
    assert submit(session.url, card_form()).status_code == 303
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_has_a_page_of_its_own(sim, session, card_form):
    answer = submit(session.url, card_form("4000002760003184"))

    assert answer.headers["Location"].startswith("/c/3ds/pi_")
    done = submit(sim.url + answer.headers["Location"], {"answer": "complete"})
    assert done.headers["Location"] == f"http://shop.test/ok?s={session.id}"


def test_a_bank_debit_leads_to_the_success_url_unpaid(api, session, card_form):
    answer = submit(session.url, card_form(method="sepa_debit", iban="AT32 1904 3002 3547 3204"))

    assert answer.status_code == 303
    assert api.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    assert "on its way" in requests.get(session.url, timeout=5).text


def test_submitting_twice_pays_once(api, session, card_form):
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: submit(session.url, card_form()), range(5)))

    assert {answer.status_code for answer in answers} == {303}
    assert len(api.charges.list().data) == 1


def test_a_paid_page_says_so_and_leads_on(sim, session):
    sim.pay(session.id)

    html = requests.get(session.url, timeout=5).text

    assert "already been paid" in html
    assert f'href="http://shop.test/ok?s={session.id}"' in html


def test_an_expired_page_says_so_and_takes_no_money(api, session, card_form):
    api.checkout.sessions.expire(session.id)

    for answer in (requests.get(session.url, timeout=5), submit(session.url, card_form())):
        assert "has expired" in answer.text
        assert 'href="http://shop.test/back"' in answer.text
    assert api.charges.list().data == []


def test_what_the_shop_asks_for_is_asked_and_kept(api, offer, card_form):
    session = api.checkout.sessions.create(
        offer(
            phone_number_collection={"enabled": True},
            consent_collection={"terms_of_service": "required", "promotions": "auto"},
            custom_text={"submit": {"message": "See you soon"}},
            custom_fields=[{"key": "arrival", "label": {"type": "custom", "custom": "Arrival"}, "type": "text"}],
        )
    )
    page = submit(session.url, card_form())
    assert page.status_code == 422
    assert "See you soon" in page.text

    form = card_form(phone="+420123", termsOfService="yes", custom_arrival="18:00")
    assert submit(session.url, form).status_code == 303

    paid = api.checkout.sessions.retrieve(session.id)
    assert paid.customer_details.phone == "+420123"
    assert (paid.consent.terms_of_service, paid.consent.promotions) == ("accepted", "opt_out")
    assert paid.custom_fields[0].text.value == "18:00"


@pytest.mark.parametrize("path", ["/", "/test-cards", "/c/pay/cs_test_none", "/c/3ds/pi_none"])
def test_each_page_says_simulated(sim, path):
    assert "SIMULATED" in requests.get(sim.url + path, timeout=5).text


def test_the_cards_are_listed(sim):
    html = requests.get(f"{sim.url}/test-cards", timeout=5).text

    assert "4000 0000 0000 9995" in html
    assert "3782 822463 10005" in html
