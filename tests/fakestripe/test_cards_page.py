"""The list of test cards, and the links that fill the payment page in."""

import re

import pytest
import requests

from fakestripe import cards


@pytest.fixture
def session(api, offer):
    return api.checkout.sessions.create(offer())


def read(url):
    answer = requests.get(url, timeout=5)
    assert answer.status_code == 200
    return answer.text


def value_of(html, name):
    return re.search(rf'name="{name}"[^>]*?value="([^"]*)"', html, re.DOTALL)[1]


def form_of(html):
    """What a browser would send if nothing more was typed."""
    names = "email cardNumber cardExpiry cardCvc billingName billingPostalCode".split()
    chosen = re.search(r'name="method" value="(\w+)"[^>]*checked', html)
    country = re.search(r'<option value="(\w+)" selected', html)
    return {**{name: value_of(html, name) for name in names}, "method": chosen[1], "billingCountry": country[1]}


def test_every_card_is_listed_under_the_page_of_stripe_it_comes_from(sim):
    html = read(f"{sim.url}/test-cards")

    for title, page, group in cards.grouped():
        part = html[html.index(f">{title}</h2>") :].split("</section>")[0]
        assert f'href="{page}"' in part
        assert [card.spaced for card in group] == re.findall(r'<code class="number">([\d ]+)</code>', part)
    assert all(account.spaced in html for account in cards.ACCOUNTS)


def test_no_card_belongs_to_no_group():
    assert sum(len(group) for _, _, group in cards.grouped()) == len(cards.CARDS)


def test_a_link_fills_in_all_that_is_needed_to_pay(api, session):
    html = read(f"{session.url}?card=4242424242424242")

    answer = requests.post(session.url, form_of(html), allow_redirects=False, timeout=10)

    assert answer.status_code == 303
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_link_fills_in_a_bank_account(session):
    html = read(f"{session.url}?iban=AT611904300234573201")

    assert value_of(html, "iban") == "AT61 1904 3002 3457 3201"
    assert re.search(r'value="sepa_debit"[^>]*checked', html)


def test_a_link_keeps_the_email_the_shop_gave(api, offer):
    session = api.checkout.sessions.create(offer(customer_email="ada@example.com"))

    assert value_of(read(f"{session.url}?card=4242424242424242"), "email") == "ada@example.com"


@pytest.mark.parametrize("query", ["card=4111111111111111", "card=%22%3E%3Cscript%3E", "iban=DE89", "iban="])
def test_a_link_with_anything_else_fills_in_nothing(session, query):
    html = read(f"{session.url}?{query}")

    assert value_of(html, "cardNumber") == ""
    assert "<script" not in html


def test_the_list_of_a_session_leads_back_to_its_page_filled_in(sim, session):
    html = read(f"{sim.url}/test-cards?session={session.id}")

    assert f'href="/c/pay/{session.id}?card=4000000000000002"' in html
    assert f'href="/c/pay/{session.id}?iban=AT321904300235473204"' in html


def test_the_list_of_a_session_that_is_over_has_no_links_to_it(sim, api, session):
    api.checkout.sessions.expire(session.id)

    assert session.id not in read(f"{sim.url}/test-cards?session={session.id}")
