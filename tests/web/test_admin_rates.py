"""The pages for prices: each shows, saves, previews without saving, and refuses with what was typed kept."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking.domain.rates import Per
from booking.domain.roles import Role
from booking.models import AuditLine, Coupon, DayPrice, Discount, Extra, Fee, Listing, Season, Tax
from tests.web.admin_changes import PRESS
from tests.web.admin_house import House

SUMMER = {"name": "Summer", "first_on": "2027-06-01", "last_on": "2027-08-31", "nightly_minor": "198"}
VAT = {"name": "VAT", "share": "7.5", "parts": ["room", "cleaning"], "is_included": "y"}
DAYS = {"first_on": "2027-12-24", "last_on": "2027-12-26", "nightly_minor": "300"}
# A good form of each kind, and one that is refused: the field that is wrong, what was typed, and what is said.
GOOD: dict[str, dict[str, Any]] = {
    "prices": {"nightly_minor": "150", "weekend_minor": "180", "cleaning_minor": "", "weekday_6": "99,50"},
    "more-guests": {"included_guests": "2", "more_guests_minor": "15"},
    "tourist-tax": {"tourist_tax_minor": "2.50", "tourist_tax_per": "guest_night", "tourist_tax_from_age": "16"},
    "days": DAYS,
    "seasons": {**SUMMER, "weekday_4": "240", "name_de": "Sommer"},
    "discounts": {"name": "Whole weeks", "off": "10", "min_nights": "7"},
    "fees": {"name": "Dog", "amount_minor": "25", "per": "stay"},
    "taxes": VAT,
    "extras": {"name": "Breakfast", "amount_minor": "12", "per": "guest_night", "most": "1"},
    "coupons": {"code": "spring", "off_share": "10", "most_uses": "20", "until_on": "2027-05-31"},
}
BAD: list[tuple[str, str, str, str]] = [
    ("prices", "nightly_minor", "", "Type an amount."),
    ("prices", "weekend_minor", "1,200", "EUR has 2 decimals; leave out separators of thousands."),
    ("prices", "weekday_6", "free", "Type a plain number such as 140.00."),
    ("more-guests", "included_guests", "9", "This listing sleeps 4."),
    ("tourist-tax", "tourist_tax_from_age", "x", "Type a whole number, or leave it empty."),
    ("days", "nightly_minor", "-5", "An amount cannot be negative."),
    ("seasons", "name", "", "Give it a name"),
    ("seasons", "last_on", "2027-05-01", "The last night is before the first."),
    ("seasons", "first_on", "soon", "Write the day like 2027-06-01."),
    ("discounts", "off", "101", "More than 100 % is not possible."),
    ("discounts", "off", "ten", "Type a percentage such as 7 or 7.5."),
    ("fees", "amount_minor", "0", "Type more than 0."),
    ("taxes", "share", "700", "More than 100 % is not possible."),
    ("extras", "most", "99", "Type a number from 1 to 20."),
    ("coupons", "code", "a b!", "Use 3 to 20 letters from A to Z, digits and hyphens."),
    ("coupons", "off_minor", "5", "Give an amount or a percentage, not both."),
]
MODELS: dict[str, Any] = {
    "seasons": Season, "discounts": Discount, "fees": Fee, "taxes": Tax, "extras": Extra, "coupons": Coupon
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def ada(house: House) -> FlaskClient:
    return house.ada()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, FlaskClient]:
    """One house for all tests that change nothing, and Ada in it."""
    house = House(tmp_path_factory.mktemp("rates"))
    return house, house.ada()


def words_of(answer: TestResponse) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def overview(ada: FlaskClient, kind: str) -> TestResponse:
    return ada.get("/admin/rates/property/1" if kind in ("taxes", "extras", "coupons") else "/admin/rates/listing/1")


@pytest.mark.parametrize("kind", GOOD)
def test_a_change_is_saved_and_stands_on_the_overview(house: House, ada: FlaskClient, kind: str) -> None:
    assert ada.get(f"/admin/rates/{kind}/1").status_code == 200
    before = words_of(overview(ada, kind))

    answer = ada.post(f"/admin/rates/{kind}/1", data=GOOD[kind])

    assert answer.status_code == 303
    after = words_of(ada.get(answer.location))
    assert "Saved." in after
    assert after.replace("Saved.", "") != before


@pytest.mark.parametrize("kind", GOOD)
def test_a_preview_shows_three_stays_and_saves_nothing(lasting: tuple[House, FlaskClient], kind: str) -> None:
    house, ada = lasting
    before = words_of(overview(ada, kind))
    lines = house.count(AuditLine)

    answer = ada.post(f"/admin/rates/{kind}/1", data={**GOOD[kind], "preview": "yes"})

    assert answer.status_code == 200
    assert "Nothing is saved yet." in words_of(answer)
    for title in ("Next weekend, 2 guests", "A week", "Four weeks, 4 guests"):
        assert title in words_of(answer)
    assert answer.text.count(">Total<") == 3
    assert (words_of(overview(ada, kind)), house.count(AuditLine)) == (before, lines)


@pytest.mark.parametrize(("kind", "field", "typed", "words"), BAD)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(
    lasting: tuple[House, FlaskClient], kind: str, field: str, typed: str, words: str
) -> None:
    _house, ada = lasting
    before = words_of(overview(ada, kind))
    for button in ({}, {"preview": "yes"}):
        answer = ada.post(f"/admin/rates/{kind}/1", data={**GOOD[kind], field: typed, **button})

        assert answer.status_code == 422
        assert re.search(rf'<p class="wrong" id="{field}-error">.*?{re.escape(words)}', answer.text), answer.text
        kept = typed.upper().replace(" ", "") if field == "code" else typed
        assert re.search(rf'name="{field}"[^>]*value="({re.escape(typed)}|{re.escape(kept)})"', answer.text)
        assert "Nothing was saved." in words_of(answer)
    assert words_of(overview(ada, kind)) == before


@pytest.mark.parametrize("kind", MODELS)
def test_a_row_can_be_changed_and_removed(house: House, ada: FlaskClient, kind: str) -> None:
    ada.post(f"/admin/rates/{kind}/1", data=GOOD[kind])
    form = ada.get(f"/admin/rates/{kind}/1/1")
    name = "code" if kind == "coupons" else "name"
    typed = GOOD[kind][name].upper() if kind == "coupons" else GOOD[kind][name]
    assert f'value="{typed}"' in form.text

    changed = ada.post(f"/admin/rates/{kind}/1/1", data={**GOOD[kind], name: "Other"})
    assert changed.status_code == 303
    assert ("OTHER" if kind == "coupons" else "Other") in overview(ada, kind).text

    removed = ada.post(f"/admin/rates/{kind}/1/1/remove", data=PRESS)
    assert removed.status_code == 303
    assert house.count(MODELS[kind]) == 0


def test_a_filled_form_sent_as_it_is_changes_nothing(house: House, ada: FlaskClient) -> None:
    with house.rows() as session:
        session.add(Discount(listing_id=1, name="Early", off=750, min_nights=1, min_lead=60))
        session.add(Extra(property_id=1, name="Sauna", amount_minor=1050, per=Per.NIGHT, most=3))
        session.add(Coupon(property_id=1, code="AUTUMN", off_minor=2500, min_nights=2, most_uses=5))
        session.add(Tax(property_id=1, name="VAT", share=725, parts=["extras"], is_included=False))
        session.get(Listing, 1).weekday_minor = {"6": 9950}

    for path in ("prices/1", "discounts/1/1", "extras/1/1", "coupons/1/1", "taxes/1/1"):
        page = ada.get(f"/admin/rates/{path}").text
        assert ada.post(f"/admin/rates/{path}", data=_as_a_browser_sends_it(page)).status_code == 303, path

    with house.rows() as session:
        early, sauna, vat = session.get(Discount, 1), session.get(Extra, 1), session.get(Tax, 1)
        assert (early.off, early.min_lead, early.max_lead) == (750, 60, None)
        assert (sauna.amount_minor, sauna.per, sauna.most) == (1050, Per.NIGHT, 3)
        assert (vat.share, vat.parts, vat.is_included) == (725, ["extras"], False)
        assert session.get(Coupon, 1).terms.off_minor == 2500
        assert session.get(Listing, 1).weekday_minor == {"6": 9950}


def _as_a_browser_sends_it(page: str) -> dict[str, str]:
    sent = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or "checked" in tag):
            sent[name[1]] = unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


def test_a_night_of_its_own_price_can_be_removed(house: House, ada: FlaskClient) -> None:
    ada.post("/admin/rates/days/1", data=DAYS)
    assert house.count(DayPrice) == 3

    assert ada.post("/admin/rates/days/1/2027-12-25/remove", data=PRESS).status_code == 303

    assert house.count(DayPrice) == 2
    assert ada.post("/admin/rates/days/1/christmas/remove", data=PRESS).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "listing/9",
        "property/9",
        "seasons/9",
        "taxes/9",
        "seasons/1/9",
        "coupons/1/9",
        "roofs/1",
        "prices/1/1",
        "days/1/7",
    ],
)
def test_what_is_not_there_is_404_in_plain_words(lasting: tuple[House, FlaskClient], path: str) -> None:
    answer = lasting[1].get(f"/admin/rates/{path}")

    assert answer.status_code == 404
    assert "Holdfast" in answer.text


def test_seasons_that_are_over_stand_apart_and_can_be_removed(house: House, ada: FlaskClient) -> None:
    ada.post("/admin/rates/seasons/1", data={**SUMMER, "first_on": "2026-06-01", "last_on": "2026-08-31"})

    words = words_of(ada.get("/admin/rates/listing/1"))

    assert "No season." in words
    assert "1 that is over Summer" in words
    assert ada.post("/admin/rates/seasons/1/1/remove", data=PRESS).status_code == 303
    assert "that is over" not in words_of(ada.get("/admin/rates/listing/1"))


def test_who_may_not_change_prices_sees_them_without_buttons(house: House) -> None:
    house.ada().post("/admin/rates/fees/1", data=GOOD["fees"])
    reader = house.member(Role.READ_ONLY)

    for path in ("/admin/rates", "/admin/rates/listing/1", "/admin/rates/property/1"):
        page = reader.get(path)
        assert page.status_code == 200
        assert not re.search(r"Add a|Change the|Remove", page.text), path
    assert "Dog" in reader.get("/admin/rates/listing/1").text


def test_names_with_markup_are_shown_as_text(ada: FlaskClient) -> None:
    ada.post("/admin/rates/seasons/1", data={**SUMMER, "name": "<script>alert(1)</script>"})

    for path in ("/admin/rates/listing/1", "/admin/rates/seasons/1/1", "/stays/harbour-loft?arrive=2027-06-01"):
        assert "<script>alert" not in ada.get(path).text
