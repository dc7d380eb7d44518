"""What engines and other sites are told: one address for each page, its languages, its facts, and what is private."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Listing, Photo
from tests.support.shop import ShiftedClock, add_listing

BASE = "http://127.0.0.1:8000"
NAMES = {"map": "http://www.sitemaps.org/schemas/sitemap/0.9", "xhtml": "http://www.w3.org/1999/xhtml"}
PUBLIC = ["/", "/stays", "/stays/harbour-loft", "/terms", "/privacy", "/accessibility"]


@pytest.fixture(autouse=True)
def _house(app):
    listing_id = add_listing(app, summary="over the old <boatyard>", description="</script><b>A loft</b>", area_m2=68)
    add_listing(app, "off-sale", name="Off sale", is_active=False)
    with app.app_context():
        size = {"width": 1600, "height": 1000, "colour": "#aabbcc"}
        db.session.add(Photo(listing_id=listing_id, digest="a" * 64, alt="A loft at dusk", **size))
        db.session.commit()


def head_of(response):
    return response.get_data(as_text=True).partition("</head>")[0]


def facts_of(response):
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', response.get_data(as_text=True))
    return [json.loads(block) for block in blocks]


def dated():
    arrive = ShiftedClock().today() + timedelta(days=90)
    return Stay(arrive, arrive + timedelta(days=4))


# --- each page's head -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("prefix", ["", "/en", "/de"])
def test_every_public_page_names_its_one_address_and_its_languages(client, path, prefix):
    head = head_of(client.get(prefix + path))

    assert re.findall(r'<link rel="canonical" href="([^"]+)">', head) == [f"{BASE}{prefix}{path}"]
    alternates = re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', head)
    assert alternates == [(code, f"{BASE}{at}{path}") for code, at in (("x-default", ""), ("en", "/en"), ("de", "/de"))]
    assert "noindex" not in head


@pytest.mark.parametrize("path", PUBLIC)
def test_every_public_page_says_what_it_is_for_engines_and_for_people_who_share_it(client, path):
    head = head_of(client.get(path))

    (description,) = re.findall(r'<meta name="description" content="([^"]+)">', head)
    assert 40 <= len(description) <= 200
    assert f'<meta property="og:description" content="{description}">' in head
    title = re.search(r"<title>(.*?) - Seal Harbour Stays</title>", head)[1]
    assert f'<meta property="og:title" content="{title}">' in head
    assert '<meta name="twitter:card"' in head


@pytest.mark.parametrize("path", ["/", "/stays", "/stays/harbour-loft"])
def test_a_shared_link_shows_the_stays_own_picture(client, path):
    head = head_of(client.get(path))

    assert f'<meta property="og:image" content="{BASE}/media/{"a" * 64}/share.jpg">' in head
    assert '<meta property="og:image:alt" content="A loft at dusk">' in head
    assert '<meta name="twitter:card" content="summary_large_image">' in head


def test_titles_tell_pages_apart(client):
    titles = [re.search(r"<title>(.*?)</title>", head_of(client.get(path)))[1] for path in PUBLIC]

    assert len(set(titles)) == len(titles)


def test_the_host_of_a_request_builds_no_address(client):
    for path in ("/", "/sitemap.xml", "/robots.txt"):
        page = client.get(path, headers={"Host": "evil.example"}).get_data(as_text=True)
        assert "evil.example" not in page


# --- what is kept out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/manage", "/pay/cancelled", "/b/ABCDEFGH", "/look", "/m/" + "x" * 43, "/admin/login"]
)
def test_private_pages_are_kept_out_by_header_and_page(client, path):
    response = client.get(path)

    assert response.headers["X-Robots-Tag"] == "noindex"
    head = head_of(response)
    assert head.count('name="robots"') >= 1
    assert "canonical" not in head
    assert "og:" not in head


def test_pages_that_a_question_makes_are_followed_but_not_kept(client):
    stay = dated()
    question = f"arrive={stay.arrive}&leave={stay.leave}&guests=2"

    for path in (f"/stays?{question}", f"/stays/harbour-loft?{question}", "/stays?sort=price"):
        response = client.get(path)
        assert response.headers["X-Robots-Tag"] == "noindex, follow"
        assert '<meta name="robots" content="noindex, follow">' in head_of(response)


def test_what_is_not_there_is_not_kept_either(client):
    assert client.get("/stays/nowhere").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get("/stays/harbour-loft").headers


def test_robots_txt_shuts_private_paths_in_every_language_and_names_the_sitemap(client):
    response = client.get("/robots.txt")

    lines = response.get_data(as_text=True).splitlines()
    assert response.mimetype == "text/plain"
    assert lines[0] == "User-agent: *"
    for prefix in ("", "/en", "/de"):
        for path in ("/b/", "/m/", "/manage", "/pay/", "/stays/*/book", "/stays/*/review"):
            assert f"Disallow: {prefix}{path}" in lines
    assert "Disallow: /admin" in lines
    assert f"Sitemap: {BASE}/sitemap.xml" in lines
    assert "Disallow: /" not in lines


# --- the sitemap ----------------------------------------------------------------------------------------------------


def test_the_sitemap_has_every_public_page_in_every_language_and_nothing_off_sale(client):
    response = client.get("/sitemap.xml")

    tree = ET.fromstring(response.get_data())
    addresses = [url.findtext("map:loc", namespaces=NAMES) for url in tree]
    assert response.mimetype == "application/xml"
    assert sorted(addresses) == sorted(BASE + prefix + path for path in PUBLIC for prefix in ("", "/en", "/de"))
    for url in tree:
        alternates = {link.get("hreflang"): link.get("href") for link in url.findall("xhtml:link", NAMES)}
        assert set(alternates) == {"x-default", "en", "de"}
        assert url.findtext("map:loc", namespaces=NAMES) in alternates.values()


def test_the_sitemap_leads_only_to_pages_that_are_there_and_says_when_a_stay_changed(client, app):
    with app.app_context():
        changed = db.session.get_one(Listing, 1).updated_at.date().isoformat()

    tree = ET.fromstring(client.get("/sitemap.xml").get_data())

    for url in tree:
        address = url.findtext("map:loc", namespaces=NAMES)
        assert client.get(address.removeprefix(BASE)).status_code == 200
        if "/stays/" in address:
            assert url.findtext("map:lastmod", namespaces=NAMES) == changed


# --- facts ----------------------------------------------------------------------------------------------------------


def test_the_home_page_has_the_facts_of_the_house(client):
    (facts,) = facts_of(client.get("/"))

    assert facts["@context"] == "https://schema.org"
    assert facts["@type"] == "LodgingBusiness"
    assert facts["name"] == "Seal Harbour Stays"
    assert facts["url"] == f"{BASE}/"
    assert facts["address"]["streetAddress"] == "1 Quay, Seal Harbour"
    assert facts["image"] == [f"{BASE}/media/{'a' * 64}/share.jpg"]
    assert (facts["checkinTime"], facts["checkoutTime"]) == ("15:00", "11:00")


@pytest.mark.parametrize("prefix", ["", "/de"])
def test_what_nights_cost_is_told_to_engines_in_figures_that_every_language_reads(app, client, prefix):
    (alone,) = facts_of(client.get(prefix + "/"))
    add_listing(app, "pilots-cabin", nightly_minor=9900, weekend_minor=9900)
    (both,) = facts_of(client.get(prefix + "/"))

    assert (alone["priceRange"], both["priceRange"]) == ("EUR 128.00-164.00", "EUR 99.00-164.00")


def test_one_price_is_no_range(app, client):
    with app.app_context():
        db.session.get_one(Listing, 1).weekend_minor = 12800
        db.session.commit()

    (facts,) = facts_of(client.get("/"))

    assert facts["priceRange"] == "EUR 128.00"


def test_a_stay_has_its_facts_and_what_a_night_costs_at_least(client):
    (facts,) = facts_of(client.get("/stays/harbour-loft"))

    assert facts["@type"] == "VacationRental"
    assert facts["url"] == f"{BASE}/stays/harbour-loft"
    assert facts["containsPlace"]["occupancy"]["maxValue"] == 4
    assert facts["containsPlace"]["floorSize"] == {"@type": "QuantitativeValue", "value": 68, "unitCode": "MTK"}
    price = facts["makesOffer"]["priceSpecification"]
    assert (price["minPrice"], price["priceCurrency"], price["unitText"]) == ("128.00", "EUR", "night")


def test_a_stay_with_dates_has_an_offer_with_the_total_that_the_page_shows(client):
    stay = dated()

    response = client.get(f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2")

    (facts,) = facts_of(response)
    offer = facts["makesOffer"]
    assert f"€{offer['price']}" in response.get_data(as_text=True)
    assert (offer["priceCurrency"], offer["availability"]) == ("EUR", "https://schema.org/InStock")


def test_facts_cannot_break_out_of_their_block(client):
    page = client.get("/stays/harbour-loft").get_data(as_text=True)

    assert "</script><b>" not in page
    (facts,) = facts_of(client.get("/stays/harbour-loft"))
    assert facts["description"] == "</script><b>A loft</b>"
