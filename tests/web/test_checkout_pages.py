"""From the details to Stripe and back, as a browser without JavaScript sees it."""

import re
from html import unescape

import pytest

from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.models import Listing
from tests.support.shop import GRACE, LINUS, Visitor, fields_of, make_settings, patched


@pytest.fixture
def shop(small_shop):
    return small_shop


@pytest.fixture
def grace(shop):
    return Visitor(shop.url)


def text_of(response):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def args_of(stay):
    return {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2"}


def review_url(slug="harbour-loft"):
    return f"/stays/{slug}/review"


def unreachable(*_args, **_more):
    raise GatewayUnavailable("no answer")


def refused(*_args, **_more):
    raise GatewayRefused("no", "parameter_invalid")


def test_the_way_to_stripe_holds_the_nights_and_remembers_the_booking(shop, grace):
    stay = shop.stay()

    answer = grace.book_and_pay("harbour-loft", stay)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(shop.stripe.url)
    booking = shop.bookings()[0]
    assert (booking.guest_name, booking.stay) == (GRACE.name, stay)
    assert grace.get(f"/b/{booking.reference}").status_code == 200


def test_both_halves_of_a_first_double_click_lead_to_one_payment(shop, grace):
    """The second half is sent before the browser has seen the cookies of the first half's answer."""
    form = grace.review_form("harbour-loft", shop.stay())
    half = Visitor(shop.url)
    half.web.cookies.update(grace.web.cookies)

    answers = [visitor.post(review_url(), form) for visitor in (grace, half)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["Location"] for answer in answers}) == len(shop.bookings()) == 1


def test_the_review_says_the_sum_on_its_one_button_and_for_how_long_nights_are_held(shop, grace):
    stay = shop.stay()
    grace.review_form("harbour-loft", stay)

    page = grace.get(review_url(), **args_of(stay))

    total = shop.total(stay).major
    assert f">Book and pay €{total:.2f}</button>" in page.text
    assert page.text.count('<button class="button') == 1
    assert "We hold your nights for 35 minutes" in text_of(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_bad_details_keep_what_was_typed_and_name_each_problem(shop, grace):
    stay = shop.stay()
    page = grace.get("/stays/harbour-loft/book", **args_of(stay))
    query = "&".join(f"{name}={value}" for name, value in args_of(stay).items())
    typed = {"name": "  ", "email": "grace@", "phone": "call me", "message": "By <boat>"}

    answer = grace.post(f"/stays/harbour-loft/book?{query}", {**fields_of(page.text), **typed})

    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    words = text_of(answer)
    for problem in ("Enter your name.", "like grace@example.org", "Enter a telephone number"):
        assert problem in words
    assert "By &lt;boat&gt;" in answer.text
    assert 'value="grace@"' in answer.text


@pytest.mark.parametrize("letters", ["x" * 100_000, "\U0001f30a" * 600, "a\0b", "漢" * 700])
def test_no_message_bursts_the_cookie_or_the_database(shop, grace, letters):
    stay = shop.stay()
    page = grace.get("/stays/harbour-loft/book", **args_of(stay))
    query = "&".join(f"{name}={value}" for name, value in args_of(stay).items())
    typed = {"name": GRACE.name, "email": GRACE.email, "message": letters}

    answer = grace.post(f"/stays/harbour-loft/book?{query}", {**fields_of(page.text), **typed})

    assert answer.status_code in (303, 400, 422)
    assert len(answer.headers.get("Set-Cookie", "")) < 4096


def test_the_review_without_details_goes_back_to_the_form(shop, grace):
    answer = grace.get(review_url(), **args_of(shop.stay()))

    assert answer.status_code == 303
    assert "/book?" in answer.headers["Location"]


def test_nights_that_went_meanwhile_are_a_409_with_free_dates_and_nothing_charged(shop, grace):
    stay = shop.stay()
    form = grace.review_form("harbour-loft", stay)
    shop.place(stay, LINUS, "linus")

    answer = grace.post(review_url(), form)

    assert answer.status_code == 409
    assert "Nothing was charged" in text_of(answer)
    near = re.findall(r'href="(/stays/harbour-loft/book\?[^"]+)"', answer.text)
    assert near
    assert f'value="{GRACE.email}"' in grace.get(unescape(near[0])).text


def test_another_price_than_the_one_shown_is_a_409_with_both_and_a_new_button(shop, grace):
    stay = shop.stay()
    form = grace.review_form("harbour-loft", stay)
    old = shop.total(stay)
    with shop.app.app_context():
        db.session.get_one(Listing, shop.listing_id).tourist_tax_minor = 400
        db.session.commit()
    new = shop.total(stay)

    answer = grace.post(review_url(), form)

    assert answer.status_code == 409
    assert f"€{old.major:.2f}" in answer.text
    assert f">Book and pay €{new.major:.2f}</button>" in answer.text
    assert shop.bookings() == []
    assert grace.post(review_url(), fields_of(answer.text)).status_code == 303


@pytest.mark.parametrize("field", ["arrive", "leave", "guests", "shown_total_minor", "name", "email"])
@pytest.mark.parametrize("junk", ["", "x", "-1", "\0", "２", "9" * 400])
def test_a_forged_review_is_never_our_failure_and_holds_nothing_wrong(shop, grace, field, junk):
    form = grace.review_form("harbour-loft", shop.stay())

    answer = grace.post(review_url(), {**form, field: junk})

    assert answer.status_code in (303, 400, 409, 422)
    assert field in ("name", "email", "guests") or answer.status_code != 303


def test_more_guests_than_it_sleeps_is_a_422(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())

    answer = grace.post(review_url(), {**form, "guests": "9"})

    assert answer.status_code == 422
    assert "This stay sleeps 4." in text_of(answer)


def test_a_silent_stripe_is_a_503_that_keeps_the_nights_and_lets_the_guest_try_again(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())
    with patched(shop.runtime.payments, "open_checkout", unreachable):
        answer = grace.post(review_url(), form)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    words = text_of(answer)
    assert "Nothing was charged" in words
    assert re.search(r"held until \d\d:\d\d", words)
    again = grace.post("/pay/resume", fields_of(answer.text))
    assert again.status_code == 303
    assert again.headers["Location"].startswith(shop.stripe.url)


def test_a_refusal_by_stripe_is_a_502_in_other_words(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())
    with patched(shop.runtime.payments, "open_checkout", refused):
        answer = grace.post(review_url(), form)

    assert answer.status_code == 502
    assert "did not accept" in text_of(answer)


def test_coming_back_unpaid_offers_to_pay_or_to_let_go(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())

    page = grace.get("/pay/cancelled")
    assert re.search(r"still held until \d\d:\d\d", text_of(page))
    assert page.headers["Referrer-Policy"] == "no-referrer"

    gone = grace.post("/pay/release", fields_of(page.text))
    assert gone.status_code == 303
    assert "Nothing was charged" in text_of(grace.get(gone.headers["Location"]))
    assert shop.nights(shop.bookings()[0].id) == []
    assert "Nothing is waiting" in text_of(grace.get("/pay/cancelled"))


def test_going_back_to_the_form_does_not_say_that_somebody_has_the_guests_own_nights(shop, grace):
    stay = shop.stay()
    grace.book_and_pay("harbour-loft", stay)

    answer = grace.get("/stays/harbour-loft/book", **args_of(stay))

    assert (answer.status_code, answer.headers["Location"]) == (303, "/pay/cancelled")


def test_nobody_resumes_or_releases_a_booking_of_another_browser(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    reference = shop.bookings()[0].reference
    linus = Visitor(shop.url)
    token = fields_of(linus.get("/manage").text)["csrf_token"]

    for path in ("/pay/resume", "/pay/release"):
        assert linus.post(path, {"csrf_token": token, "reference": reference}).status_code == 404


@pytest.mark.parametrize(
    "session_id", ["", "{CHECKOUT_SESSION_ID}", "cs_test_unknown", "x", "cs_é", "cs_" + "x" * 9000]
)
def test_an_unknown_return_is_a_404_that_gives_nothing_away(shop, grace, session_id):
    answer = grace.get("/pay/return", session_id=session_id)

    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_literal_placeholder_leads_the_booking_browser_to_its_booking(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())

    answer = grace.get("/pay/return", session_id="{CHECKOUT_SESSION_ID}")

    assert answer.headers["Location"] == f"/b/{shop.bookings()[0].reference}"


def test_a_paid_return_leads_its_browser_to_the_booking_and_tells_a_stranger_little(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    booking = shop.bookings()[0]
    shop.pay(booking.id)
    session_id = shop.session_of(booking.id)

    assert grace.get("/pay/return", session_id=session_id).headers["Location"] == f"/b/{booking.reference}"
    stranger = Visitor(shop.url).get("/pay/return", session_id=session_id)
    assert stranger.status_code == 200
    assert "You're booked, Grace" in text_of(stranger)
    assert "Hopper" not in stranger.text
    assert GRACE.email not in stranger.text


def test_an_unpaid_return_says_that_nothing_was_charged(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())

    answer = grace.get("/pay/return", session_id=shop.session_of(shop.bookings()[0].id))

    assert answer.status_code == 200
    assert "Nothing was charged" in text_of(answer)


def test_a_form_without_its_token_is_too_old(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())

    answer = grace.post(review_url(), {**form, "csrf_token": "wrong"})

    assert answer.status_code == 400
    assert "That form was too old" in text_of(answer)
    assert shop.bookings() == []


def test_too_many_holds_from_one_address_are_a_429_that_says_when_to_come_back(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())
    limited = make_settings(shop.runtime.settings.database_url, rate_limits=True)
    object.__setattr__(shop.app.extensions["holdfast"], "settings", limited)

    for _ in range(10):
        grace.post(review_url(), {**form, "shown_total_minor": "1"})
    answer = grace.post(review_url(), form)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
