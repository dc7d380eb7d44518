"""Children's ages, extras and codes from the form to the booking, as a browser without JavaScript sees it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
import requests

from booking.domain.pricing import Quote, Wishes
from booking.domain.rates import LineKind, Per
from booking.extensions import db
from booking.models import Coupon, Extra, Fee, Listing, RateWindow, Season, Tax
from booking.services import reservations
from booking.services.limits import TRYING_CODES, limit_key
from booking.services.reservations import PlaceRequest
from tests.support.shop import GRACE, LINUS, Shop, Visitor, fields_of

SLUG = "harbour-loft"
DETAILS = {"name": GRACE.name, "email": GRACE.email}


@pytest.fixture
def shop(small_shop: Shop) -> Shop:
    """A house that spares children its tourist tax, sells breakfast and bicycles, and has given out a code."""
    with small_shop.app.app_context():
        db.session.get_one(Listing, 1).tourist_tax_from_age = 16
        german = {"translations": {"de": "Frühstück"}}
        db.session.add(Extra(property_id=1, name="Breakfast", amount_minor=1200, per=Per.GUEST_NIGHT, **german))
        db.session.add(Extra(property_id=1, name="Bicycle", amount_minor=800, per=Per.NIGHT, most=4))
        db.session.add(Coupon(property_id=1, code="SPRING", off_share=1000, min_nights=3, most_uses=1))
        db.session.commit()
    return small_shop


@pytest.fixture
def grace(shop: Shop) -> Iterator[Visitor]:
    visitor = Visitor(shop.url)
    yield visitor
    visitor.web.close()


def words_of(response: requests.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def args_of(shop: Shop, guests: int = 3, nights: int = 3) -> dict[str, str]:
    stay = shop.stay(nights=nights)
    return {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": str(guests)}


def send(grace: Visitor, args: dict[str, str], language: str = "", **typed: str) -> requests.Response:
    """Fill in the form for the details as it stands, and press its button."""
    page = grace.get(f"{language}/stays/{SLUG}/book", **args)
    form = {name: value for name, value in fields_of(page.text).items() if not name.startswith("extra-")}
    query = "&".join(f"{name}={value}" for name, value in args.items())
    return grace.post(f"{language}/stays/{SLUG}/book?{query}", {**form, **typed})


def follow(grace: Visitor, answer: requests.Response) -> requests.Response:
    assert answer.status_code == 303, words_of(answer)
    return grace.get(answer.headers["Location"].removeprefix(grace.url))


def book(grace: Visitor, review: requests.Response) -> requests.Response:
    return grace.post(f"/stays/{SLUG}/review", fields_of(review.text))


def quote_of(shop: Shop) -> Quote:
    return Quote.from_json(shop.bookings()[-1].quote)


def test_all_wishes_are_in_the_price_the_review_and_the_booking(shop: Shop, grace: Visitor) -> None:
    typed = {**DETAILS, "child_ages": "4, 9", "extra-1": "1", "extra-2": "2", "code": " spring "}

    review = follow(grace, send(grace, args_of(shop), **typed))
    booked = book(grace, review)

    room = {line.kind: line for line in quote_of(shop).lines}
    assert booked.headers["Location"].startswith(shop.stripe.url)
    assert "Ages of children 4, 9" in words_of(review)
    assert "Code SPRING" in words_of(review)
    assert room[LineKind.TOURIST_TAX].quantity == 1 * 3  # one adult, three nights
    extras = [(line.name, line.quantity) for line in quote_of(shop).lines if line.kind is LineKind.EXTRA]
    assert extras == [("Breakfast", 3 * 3), ("Bicycle", 2 * 3)]
    booking = shop.bookings()[-1]
    assert Wishes.from_json(booking.wishes) == Wishes((4, 9), {"1": 1, "2": 2}, "SPRING")
    assert (booking.guests, booking.coupon_id) == (3, 1)
    assert f"Book and pay €{booking.amount.major:.2f}" in review.text


def test_only_the_price_can_be_asked_for_before_anything_else_is_typed(shop: Shop, grace: Visitor) -> None:
    page = follow(grace, send(grace, args_of(shop), reckon="yes", code="spring", **{"extra-1": "1"}, name="Gr"))

    assert page.url.split("?")[0].endswith("/book")
    assert "Code SPRING" in words_of(page)
    assert "Breakfast, 9 × €12.00" in words_of(page)
    assert 'value="Gr"' in page.text
    assert re.search(r'name="extra-1" value="1" checked', page.text)


def test_who_only_asks_for_the_price_is_told_of_nothing_else(shop: Shop, grace: Visitor) -> None:
    answer = send(grace, args_of(shop), reckon="yes", code="WINTER")

    assert answer.status_code == 422
    assert "We do not know this code." in words_of(answer)
    assert "Enter your name." not in words_of(answer)


@pytest.mark.parametrize(
    ("typed", "nights", "words"),
    [
        ({"code": "WINTER"}, 3, "We do not know this code."),
        ({"code": "spring"}, 2, "This code is for stays of at least 3 nights."),
        ({"child_ages": "four"}, 3, "Write the ages as whole numbers from 0 to 17, such as 4, 9."),
        ({"child_ages": "4, 9, 12"}, 3, "At least one adult must stay."),
        ({"child_ages": "18"}, 3, "Write the ages as whole numbers from 0 to 17"),
    ],
)
def test_what_is_refused_is_said_at_its_field_and_everything_typed_is_kept(
    shop: Shop, grace: Visitor, typed: dict[str, str], nights: int, words: str
) -> None:
    answer = send(grace, args_of(shop, nights=nights), **{**DETAILS, "extra-1": "1", "message": "Late", **typed})

    assert answer.status_code == 422
    assert words in words_of(answer)
    field, value = next(iter(typed.items()))
    assert re.search(rf'<input[^>]*aria-invalid="true"[^>]*name="{field}"[^>]*value="{value}"', answer.text)
    assert f'value="{GRACE.email}"' in answer.text
    assert 'name="extra-1" value="1" checked' in answer.text
    assert shop.bookings() == []


def test_a_code_used_up_while_the_guest_reads_the_review_is_refused_in_plain_words(shop: Shop, grace: Visitor) -> None:
    review = follow(grace, send(grace, args_of(shop), **DETAILS, code="SPRING"))
    _use_it_up(shop)

    answer = book(grace, review)

    assert answer.status_code == 422
    assert "This code has been used up." in words_of(answer)
    assert f'value="{GRACE.email}"' in answer.text
    assert [booking.guest_name for booking in shop.bookings()] == [LINUS.name]


def _use_it_up(shop: Shop) -> None:
    stay, wishes = shop.stay(nights=4, ahead=90), Wishes(code="SPRING")
    with shop.app.app_context():
        listing, coupon = db.session.get_one(Listing, 1), db.session.get_one(Coupon, 1).terms
        total = reservations.check_and_quote(listing, stay, 2, shop.clock.now(), wishes, coupon).total
        request = PlaceRequest(1, stay, 2, LINUS, "linus", total, wishes=wishes)
        reservations.place_booking(shop.runtime, request)


def test_a_price_that_was_changed_in_the_form_is_never_taken(shop: Shop, grace: Visitor) -> None:
    review = follow(grace, send(grace, args_of(shop), **DETAILS, code="SPRING"))
    form = {name: value for name, value in fields_of(review.text).items() if name != "code"}

    answer = grace.post(f"/stays/{SLUG}/review", form)

    assert answer.status_code == 409
    assert "The price has changed" in words_of(answer)
    assert shop.bookings() == []


def test_an_extra_that_is_gone_meanwhile_is_a_new_price_to_agree_to(shop: Shop, grace: Visitor) -> None:
    review = follow(grace, send(grace, args_of(shop), **DETAILS, **{"extra-1": "1"}))
    with shop.app.app_context():
        db.session.delete(db.session.get_one(Extra, 1))
        db.session.commit()

    assert book(grace, review).status_code == 409
    assert shop.bookings() == []


def test_two_tabs_with_other_wishes_hold_the_nights_once_at_the_price_agreed_to_last(
    shop: Shop, grace: Visitor
) -> None:
    args = args_of(shop)
    with_breakfast = follow(grace, send(grace, args, **DETAILS, **{"extra-1": "1"}))
    without = follow(grace, send(grace, args, **DETAILS))

    book(grace, with_breakfast)
    book(grace, without)

    assert [str(booking.status) for booking in shop.bookings()] == ["cancelled", "pending"]
    assert Wishes.from_json(shop.bookings()[-1].wishes) == Wishes()


@pytest.mark.parametrize(("args", "asked"), [({"guests": 3}, True), ({"guests": 1}, False)])
def test_ages_are_asked_where_a_child_can_be_among_the_guests(
    shop: Shop, grace: Visitor, args: dict[str, Any], asked: bool
) -> None:
    page = grace.get(f"/stays/{SLUG}/book", **args_of(shop, **args))

    assert ('name="child_ages"' in page.text) is asked
    assert ("Children under 16 pay no tourist tax." in words_of(page)) is asked


def test_a_house_without_any_of_it_asks_for_nothing(small_shop: Shop) -> None:
    page = Visitor(small_shop.url).get(f"/stays/{SLUG}/book", **args_of(small_shop))

    for name in ("child_ages", "extra-", 'name="code"', "Only show the price"):
        assert name not in page.text


def test_names_are_the_hosts_own_in_the_readers_language(shop: Shop, grace: Visitor) -> None:
    with shop.app.app_context():
        stay = shop.stay()
        days = {"first_on": stay.arrive, "last_on": stay.leave}
        german = {"translations": {"de": "Hochsaison"}}
        db.session.add(Season(listing_id=1, name="High season", nightly_minor=20000, **days, **german))
        db.session.add(Fee(listing_id=1, name="Towels", amount_minor=500, per=Per.GUEST))
        room = {"parts": ["room"], "is_included": True}
        db.session.add(Tax(property_id=1, name="VAT", share=700, translations={"de": "MwSt."}, **room))
        db.session.commit()

    review = follow(grace, send(grace, args_of(shop), "/de", **DETAILS, **{"extra-1": "1"}))

    words = words_of(review).replace("\N{NO-BREAK SPACE}", " ")
    assert "3 Nächte × 200,00 €, Hochsaison" in words
    assert "Frühstück, 9 × 12,00 €" in words
    assert "Towels, 3 × 5,00 €" in words
    assert "darin MwSt., 7 %" in words


@pytest.mark.parametrize(
    "junk", ["extra-x=1", "extra-1=-1", "extra-999999999999=1", "extra-1=1000", "code=%00%FF", "child_ages=%E0%A5%AA"]
)
def test_junk_in_the_address_is_never_a_failure(shop: Shop, grace: Visitor, junk: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in args_of(shop).items())

    assert grace.get(f"/stays/{SLUG}/book?{query}&{junk}").status_code in (200, 422)


def test_more_of_an_extra_than_there_is_is_cut_to_what_there_is(shop: Shop, grace: Visitor) -> None:
    book(grace, follow(grace, send(grace, args_of(shop), **DETAILS, **{"extra-2": "99"})))

    assert [line.quantity for line in quote_of(shop).lines if line.kind is LineKind.EXTRA] == [4 * 3]


def test_nobody_guesses_codes_for_long(shop: Shop, grace: Visitor) -> None:
    runtime = shop.runtime
    strict = replace(runtime, settings=replace(runtime.settings, rate_limits=True))
    shop.app.extensions["holdfast"] = strict
    with shop.app.app_context():
        window = {"key": limit_key(TRYING_CODES.what, "127.0.0.1"), "started_at": shop.clock.now()}
        db.session.add(RateWindow(**window, count=TRYING_CODES.most - 1))
        db.session.commit()

    pages = [grace.get(f"/stays/{SLUG}/book", **args_of(shop), code=code) for code in ("WINTER", "WINTER", "SPRING")]

    assert [page.status_code for page in pages] == [422, 429, 429]
    assert grace.get(f"/stays/{SLUG}/book", **args_of(shop)).status_code == 200
