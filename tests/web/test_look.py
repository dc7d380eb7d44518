"""Light or dark: what a visitor chooses without a script, and how a page keeps to it."""

import re

import pytest

from tests.support.shop import add_listing, fields_of


@pytest.fixture(autouse=True)
def _house(app):
    add_listing(app)


def choose(client, scheme, back="/stays?guests=2"):
    form = fields_of(client.get("/look", query_string={"back": back}).get_data(as_text=True))
    return client.post("/look", data={**form, "scheme": scheme})


def root_of(client, path="/"):
    return re.search(r"<html[^>]*>", client.get(path).get_data(as_text=True))[0]


def test_a_page_follows_the_device_until_somebody_chooses(client):
    page = client.get("/").get_data(as_text=True)

    assert "data-scheme" not in page
    assert '<meta name="color-scheme" content="light dark">' in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_choice_is_kept_in_a_cookie_of_its_own_and_leads_back(client, scheme):
    response = choose(client, scheme)

    (cookie,) = [line for line in response.headers.getlist("Set-Cookie") if line.startswith("scheme=")]
    assert response.status_code == 303
    assert response.headers["Location"] == "/stays?guests=2"
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert f'data-scheme="{scheme}"' in root_of(client)
    assert f'<meta name="color-scheme" content="{scheme}">' in client.get("/stays").get_data(as_text=True)


def test_the_device_decides_again_once_it_is_asked_to(client):
    choose(client, "dark")

    choose(client, "device")

    assert "data-scheme" not in root_of(client)


@pytest.mark.parametrize("junk", ["", "purple", '"><script>'])
def test_a_cookie_or_choice_that_is_no_scheme_is_nothing(client, junk):
    choose(client, junk)
    client.set_cookie("scheme", junk)

    assert "data-scheme" not in root_of(client)


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", ""])
def test_nobody_is_sent_elsewhere_afterwards(client, back):
    form = fields_of(client.get("/look").get_data(as_text=True))

    response = client.post("/look", data={**form, "scheme": "dark", "back": back})

    assert response.headers["Location"] == "/"


def test_a_choice_without_the_forms_token_changes_nothing(client):
    assert client.post("/look", data={"scheme": "dark"}).status_code == 400
    assert "data-scheme" not in root_of(client)


def test_every_page_leads_to_the_choice_and_back_but_a_private_address_goes_nowhere(client):
    assert 'href="/look?back=/stays?guests%3D2"' in client.get("/stays?guests=2").get_data(as_text=True)
    assert 'href="/look"' in client.get("/manage").get_data(as_text=True)
    assert 'href="/de/look?back=/de/terms"' in client.get("/de/terms").get_data(as_text=True)


def test_caches_are_told_that_a_page_depends_on_the_choice(client):
    assert "Cookie" in client.get("/terms").headers["Vary"]
    assert "Cookie" not in client.get("/static/css/base.css", buffered=True).headers.get("Vary", "")
