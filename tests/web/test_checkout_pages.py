"""From the details to Stripe and back, as a browser without JavaScript sees it."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.states import CancelReason, Source
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.models import Booking, Listing
from booking.models.instance import LinkPurpose
from booking.services import access
from booking.services.reservations import cancel_booking
from booking.services.self_service import change_email
from booking.services.timeline import Cause
from tests.support.shop import GRACE, LINUS, Visitor, add_listing, fields_of, make_settings, patched


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
    near = re.findall(r'href="(/stays/harbour-loft/review\?[^"]+)"', answer.text)
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


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("4000000000009995", "there is not enough money, or a limit is reached"),
        ("4000000000009979", "The payment was declined. Try another card"),  # reported stolen
    ],
)
def test_whoever_comes_back_after_a_declined_card_is_told_what_to_do_and_a_stranger_is_not(shop, grace, card, words):
    booking_id = shop.bookings()[0].id if grace.book_and_pay("harbour-loft", shop.stay()).status_code == 303 else 0
    reference, session_id = shop.booking(booking_id).reference, shop.session_of(booking_id)
    before = [text_of(grace.get(path)) for path in ("/pay/cancelled", f"/b/{reference}")]

    shop.pay(booking_id, card)
    pages = [grace.get("/pay/cancelled"), grace.get(f"/b/{reference}"), grace.get("/pay/return", session_id=session_id)]
    stranger = Visitor(shop.url).get("/pay/return", session_id=session_id)

    assert [words in text_of(page) for page in pages] == [True] * 3
    assert not any("stolen" in page.text or "insufficient" in page.text for page in pages)
    assert not any(words in told for told in (*before, text_of(stranger)))


def test_a_card_that_was_refused_is_no_news_any_more_once_another_has_paid(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    booking_id = shop.bookings()[0].id
    shop.pay(booking_id, "4000000000000069")

    assert "Die Karte ist abgelaufen." in text_of(grace.get("/de/pay/cancelled"))
    shop.pay(booking_id)

    assert "card has expired" not in text_of(grace.get(f"/b/{shop.booking(booking_id).reference}"))


def test_a_session_that_ended_after_a_refused_card_still_says_why(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    booking_id = shop.bookings()[0].id
    shop.pay(booking_id, "4000000000000127")

    shop.pass_time(minutes=46)

    page = text_of(grace.get(f"/b/{shop.booking(booking_id).reference}"))
    assert shop.state(booking_id) == ("cancelled", "failed")
    assert "The payment did not go through" in page
    assert "The security code of the card was not right." in page


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
    assert shop.state(1) == ("pending", "unpaid")


@pytest.mark.parametrize("path", ["/pay/resume", "/pay/release"])
def test_no_other_site_can_make_a_browser_pay_or_let_go(shop, grace, path):
    grace.book_and_pay("harbour-loft", shop.stay())
    reference, foreign = shop.bookings()[0].reference, Visitor(shop.url)
    token = fields_of(foreign.get("/manage").text)["csrf_token"]

    for sent in ({}, {"csrf_token": token}):
        assert grace.post(path, {**sent, "reference": reference}).status_code == 400
    assert shop.state(1) == ("pending", "unpaid")


def test_a_browser_whose_link_was_taken_back_neither_pays_nor_lets_go_nor_sees_the_hold(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    reference, stranger = shop.bookings()[0].reference, Visitor(shop.url)
    with shop.app.app_context(), transaction() as session:
        token = access.mint_link(session, session.get_one(Booking, 1), LinkPurpose.BOOKING, shop.clock.now())
    stranger.post(f"/m/{token}", fields_of(stranger.get(f"/m/{token}").text))
    form = fields_of(stranger.get("/pay/cancelled").text)
    assert form["reference"] == reference

    with shop.app.app_context():
        change_email(shop.runtime, 1, "hopper@example.org", "ada@example.org")

    assert {path: stranger.post(path, form).status_code for path in ("/pay/resume", "/pay/release")} == {
        "/pay/resume": 404,
        "/pay/release": 404,
    }
    assert reference not in stranger.get("/pay/cancelled").text
    assert shop.state(1) == ("pending", "unpaid")
    assert grace.post("/pay/resume", fields_of(grace.get("/pay/cancelled").text)).status_code == 303


def test_a_guest_a_little_too_late_can_pay_on_a_new_page_and_is_not_told_that_others_have_the_nights(shop, grace):
    stay = shop.stay()
    grace.book_and_pay("harbour-loft", stay)
    reference, first = shop.bookings()[0].reference, shop.session_of(1)
    shop.clock.offset += timedelta(minutes=38)

    there = grace.get("/stays/harbour-loft/review", **args_of(stay))
    page = grace.get(f"/b/{reference}")
    paying = grace.post("/pay/resume", fields_of(page.text))

    assert there.headers["Location"] == f"/b/{reference}"
    assert "you can still pay on a new page" in text_of(page)
    assert (paying.status_code, len(shop.attempts(1))) == (303, 2)
    assert shop.stripe_client().checkout.sessions.retrieve(first).status == "expired"


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


# --- the details ----------------------------------------------------------------------------------------------------


def details_url(stay):
    return "/stays/harbour-loft/book?" + "&".join(f"{name}={value}" for name, value in args_of(stay).items())


def send_details(shop, grace, stay, **typed):
    page = grace.get(details_url(stay))
    known = {"name": GRACE.name, "email": GRACE.email}
    return grace.post(details_url(stay), {**fields_of(page.text), **known, **typed})


def with_limits(shop):
    settings = replace(shop.runtime.settings, rate_limits=True)
    shop.app.extensions["holdfast"] = replace(shop.runtime, settings=settings)


def test_time_of_arrival_goes_from_the_list_to_the_booking(shop, grace):
    stay = shop.stay()
    offered = re.findall(r'<option (?:selected )?value="([^"]*)"', grace.get(details_url(stay)).text)

    assert send_details(shop, grace, stay, arrival_time="16:30").status_code == 303
    review = grace.get(review_url(), **args_of(stay))
    grace.post(review_url(), fields_of(review.text))

    assert offered[0] == ""
    assert "16:30" in offered
    assert "Time of arrival 16:30 Change" in text_of(review)
    assert '<option selected value="16:30">' in grace.get(details_url(shop.stay(ahead=90))).text
    assert shop.bookings()[0].arrival_time == "16:30"


@pytest.mark.parametrize("time", ["25:00", "noon", "16:30:00", "\0", "x" * 900])
def test_a_forged_time_of_arrival_is_an_error_on_its_field(shop, grace, time):
    answer = send_details(shop, grace, shop.stay(), arrival_time=time)

    assert answer.status_code == 422
    assert 'href="#arrival_time"' in answer.text


@pytest.mark.parametrize("field", ["message", "phone", "name"])
def test_a_card_number_is_taken_out_of_what_is_typed_and_the_rest_is_kept(shop, grace, field):
    typed = {field: "4242 4242 4242 4242"} if field == "phone" else {field: "By boat, 4242 4242 4242 4242"}

    answer = send_details(shop, grace, shop.stay(), **typed)

    assert answer.status_code == 422
    assert "That looked like a card number, so we took it out." in text_of(answer)
    assert "4242" not in answer.text
    assert field == "phone" or "By boat, ••••" in unescape(answer.text)
    again = grace.get(details_url(shop.stay())).text
    assert "4242" not in again
    assert field == "phone" or "By boat, ••••" in unescape(again)


def test_fields_tell_browsers_and_keyboards_what_they_are_for(shop, grace):
    page = grace.get(details_url(shop.stay())).text

    tags = {name: re.search(rf'<(?:input|textarea)[^>]*\bname="{name}"[^>]*>', page)[0] for name in
            ("name", "email", "phone", "message")}  # fmt: skip
    assert 'autocomplete="name"' in tags["name"]
    assert all(token in tags["email"] for token in ('type="email"', 'autocomplete="email"', 'inputmode="email"'))
    assert all(token in tags["phone"] for token in ('type="tel"', 'autocomplete="tel"', 'enterkeyhint="next"'))
    assert 'maxlength="500"' in tags["message"]


# --- programs that fill in forms ------------------------------------------------------------------------------------


def test_whoever_fills_in_the_field_that_nobody_sees_gets_the_form_back_with_everything_in_it(shop, grace):
    answer = send_details(shop, grace, shop.stay(), leave_empty="http://spam.example", message="By boat")

    assert answer.status_code == 422
    assert "Please press the button once more" in text_of(answer)
    assert "By boat" in answer.text
    assert "spam.example" not in answer.text
    assert f'value="{GRACE.email}"' in answer.text


def test_a_form_that_comes_back_at_once_passes_a_moment_later(shop, grace):
    with_limits(shop)
    stay = shop.stay()

    answer = send_details(shop, grace, stay)
    shop.clock.offset += timedelta(seconds=1)
    again = grace.post(details_url(stay), {**fields_of(answer.text), "message": ""})

    assert answer.status_code == 422
    assert "Please press the button once more" in text_of(answer)
    assert again.status_code == 303


@pytest.mark.parametrize("stamped", ["", "1", "x.y", "MTIz.forged", "é", "9" * 5000])
def test_a_stamp_of_when_the_form_was_shown_cannot_be_made_up(shop, grace, stamped):
    with_limits(shop)

    answer = send_details(shop, grace, shop.stay(), shown_at=stamped)

    assert "Please press the button once more" in text_of(answer)


def test_the_field_that_nobody_sees_is_out_of_the_way_of_keyboards_readers_and_autofill(shop, grace):
    page = grace.get(details_url(shop.stay())).text

    hidden = re.search(r'<div class="nobody" aria-hidden="true">.*?</div>', page, re.DOTALL)[0]
    assert 'tabindex="-1"' in hidden
    assert 'autocomplete="off"' in hidden


# --- the review -----------------------------------------------------------------------------------------------------


def test_a_slip_in_the_address_is_pointed_out_once_and_mended_with_one_button(shop, grace):
    stay = shop.stay()
    assert send_details(shop, grace, stay, email="grace@gmial.com").status_code == 303
    review = grace.get(review_url(), **args_of(stay))
    assert "Did you mean grace@gmail.com?" in text_of(review)

    form = re.search(r'<form[^>]*action="[^"]*/book\?.*?</form>', review.text, re.DOTALL)[0]
    mended = grace.post(details_url(stay), fields_of(form))
    page = grace.get(review_url(), **args_of(stay))

    assert mended.status_code == 303
    assert "E-mail grace@gmail.com Change" in text_of(page)
    assert "Did you mean" not in text_of(page)


def test_an_odd_address_is_no_obstacle(shop, grace):
    stay = shop.stay()
    send_details(shop, grace, stay, email="grace@gmial.com")
    review = grace.get(review_url(), **args_of(stay))

    last_form = review.text[review.text.rindex("<form") :]
    assert grace.post(review_url(), fields_of(last_form)).status_code == 303
    assert shop.bookings()[0].guest_email == "grace@gmial.com"


def test_a_change_of_price_tells_the_difference_and_that_nothing_is_held(shop, grace):
    form = grace.review_form("harbour-loft", shop.stay())
    dearer = {**form, "shown_total_minor": str(int(form["shown_total_minor"]) - 250)}
    cheaper = {**form, "shown_total_minor": str(int(form["shown_total_minor"]) + 250)}

    assert "That is €2.50 more." in text_of(grace.post(review_url(), dearer))
    answer = grace.post(review_url(), cheaper)
    assert "That is €2.50 less." in text_of(answer)
    assert "Nothing was charged and nothing is held." in text_of(answer)
    assert shop.bookings() == []


def test_a_lost_race_offers_what_is_really_free_here_and_elsewhere_and_forgets_nothing(shop, grace):
    add_listing(shop.app, "dune-house", name="Dune House")
    stay = shop.stay()
    form = grace.review_form("harbour-loft", stay, replace(GRACE, message="By boat"))
    shop.place(stay, LINUS, "linus")

    answer = grace.post(review_url(), form)

    words = text_of(answer)
    assert "These nights were taken while you were typing. Nothing was charged. What you typed is kept." in words
    offered = [unescape(link) for link in re.findall(r'href="(/stays/[^"]+\?arrive=[^"]+)"', answer.text)]
    assert any(link.startswith("/stays/harbour-loft/review") for link in offered)
    assert any(link.startswith("/stays/dune-house?") and str(stay.arrive) in link for link in offered)
    for link in offered:
        page = grace.get(link)
        assert page.status_code == 200, link
        assert "These nights are taken" not in page.text
    assert "By boat" in grace.get(details_url(shop.stay(ahead=90))).text


def test_a_booking_of_ones_own_is_shown_and_not_called_somebody_elses(shop, grace):
    stay = shop.stay()
    grace.book_and_pay("harbour-loft", stay)
    shop.pay(shop.bookings()[0].id)

    answer = grace.get(details_url(stay))

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/b/{shop.bookings()[0].reference}")


def test_a_form_that_is_too_old_comes_back_with_everything_and_works(shop, grace):
    stay = shop.stay()
    form = grace.review_form("harbour-loft", stay, replace(GRACE, message="By boat"))
    grace.web.cookies.clear()  # twelve hours later, or another browser

    old = grace.post(review_url(), form)

    assert old.status_code == 400
    assert "That form was too old" in text_of(old)
    assert "By boat" in old.text
    assert shop.bookings() == []
    assert grace.post(review_url(), fields_of(old.text)).status_code == 303


def test_details_whose_token_is_too_old_come_back_and_are_not_yet_believed(shop, grace):
    stay = shop.stay()

    old = send_details(shop, grace, stay, csrf_token="old", message="By boat")

    assert old.status_code == 400
    assert "By boat" in old.text
    assert "By boat" not in grace.get(details_url(stay)).text
    assert grace.post(details_url(stay), {**fields_of(old.text), "message": "By boat"}).status_code == 303


# --- too much is held -----------------------------------------------------------------------------------------------


def hold_three(shop, grace):
    for number in range(3):
        assert grace.book_and_pay("harbour-loft", shop.stay(ahead=60 + 10 * number)).status_code == 303


def test_whoever_holds_too_much_can_let_one_go_and_goes_on_where_they_were(shop, grace):
    hold_three(shop, grace)
    stay = shop.stay()
    answer = grace.post(review_url(), grace.review_form("harbour-loft", stay))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.text.count("Let it go") == 3

    form = re.search(r'<form[^>]*action="/pay/release">.*?</form>', answer.text, re.DOTALL)[0]
    gone = grace.post("/pay/release", fields_of(form))

    assert gone.status_code == 303
    assert gone.headers["Location"].startswith("/stays/harbour-loft/review?")
    review = grace.get(unescape(gone.headers["Location"]))
    assert grace.post(review_url(), fields_of(review.text)).status_code == 303


def test_whoever_holds_nothing_learns_nothing_of_what_others_hold(shop, grace):
    with_limits(shop)
    add_listing(shop.app, "many-rooms", units=9)
    for number in range(3):
        shop.place(shop.stay(ahead=60 + 10 * number), GRACE, f"browser {number}")

    answer = Visitor(shop.url)
    shop.clock.offset += timedelta(seconds=1)
    stay = shop.stay()
    page = answer.get(details_url(stay))
    shop.clock.offset += timedelta(seconds=2)
    sent = answer.post(details_url(stay), {**fields_of(page.text), "name": "Linus", "email": GRACE.email.upper()})
    refused = answer.post(review_url(), fields_of(answer.get(review_url(), **args_of(stay)).text))

    assert (sent.status_code, refused.status_code) == (303, 429)
    assert "You hold none in this browser." in text_of(refused)
    assert not any(booking.reference in refused.text for booking in shop.bookings())


@pytest.mark.parametrize("slug", ["//evil.example", "https://evil.example/", "..", "no-such-stay"])
def test_letting_go_leads_nowhere_else(shop, grace, slug):
    grace.book_and_pay("harbour-loft", shop.stay())
    form = fields_of(grace.get("/pay/cancelled").text)

    answer = grace.post("/pay/release", {**form, **args_of(shop.stay()), "next_slug": slug})

    assert answer.headers["Location"].startswith("/stays/")


# --- whether money was taken ----------------------------------------------------------------------------------------


def test_nothing_is_called_uncharged_while_an_older_page_of_stripes_may_have_been_paid(shop, grace):
    """The trouble page of a booking whose session was handed out, and of which nobody has told us the end."""
    grace.book_and_pay("harbour-loft", shop.stay())
    form = fields_of(grace.get("/pay/cancelled").text)

    with patched(shop.runtime.payments, "expire_checkout", unreachable):
        answer = grace.post("/pay/release", form)

    assert answer.status_code == 503
    assert "Nothing was charged" not in text_of(answer)
    assert "No payment for these nights has reached us. If you did pay, do not pay again" in text_of(answer)


def test_coming_back_without_paying_promises_no_more_than_is_known(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())

    words = text_of(grace.get("/pay/cancelled"))

    assert "No payment for these nights has reached us" in words
    assert "othing was charged" not in words


def test_the_language_of_the_address_stays_through_the_whole_way(shop, grace):
    stay = shop.stay()
    query = details_url(stay).partition("?")[2]
    page = grace.get(f"/de/stays/harbour-loft/book?{query}")
    sent = grace.post(f"/de/stays/harbour-loft/book?{query}",
                      {**fields_of(page.text), "name": GRACE.name, "email": GRACE.email})  # fmt: skip
    review = grace.get(sent.headers["Location"])
    action = re.search(r'<form[^>]*action="([^"]*/review)"', review.text)[1]
    answer = grace.post(action, fields_of(review.text))

    assert sent.headers["Location"].startswith("/de/stays/")
    assert action == "/de/stays/harbour-loft/review"
    assert answer.status_code == 303
    assert shop.bookings()[0].language == "de"
    params = shop.attempts(shop.bookings()[0].id)[0].params
    assert "/de/pay/return?" in params["success_url"]
    assert params["cancel_url"].endswith("/de/pay/cancelled")
    assert 'action="/de/pay/resume"' in grace.get("/de/pay/cancelled").text


# --- coming back ----------------------------------------------------------------------------------------------------


def paid_booking(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    booking = shop.bookings()[0]
    shop.pay(booking.id)
    return booking, shop.session_of(booking.id)


def test_whoever_cancelled_later_is_not_told_on_the_old_page_that_the_nights_were_lost(shop, grace):
    booking, session_id = paid_booking(shop, grace)
    with shop.app.app_context():
        half = Money(booking.amount_minor // 2, "eur")
        cancel_booking(shop.runtime, booking.id, CancelReason.GUEST, Cause(Source.WEB), half, "0" * 32)

    words = text_of(grace.get("/pay/return", session_id=session_id))

    assert "This booking is cancelled" in words
    assert re.search(r"It was cancelled as you asked. €\S+ is on its way back to you", words)
    assert "could not keep" not in words
    assert "All of it" not in words


def test_whoever_let_go_is_told_so_and_can_book_again_with_nothing_typed_twice(shop, grace):
    grace.book_and_pay("harbour-loft", shop.stay())
    session_id = shop.session_of(shop.bookings()[0].id)
    grace.post("/pay/release", fields_of(grace.get("/pay/cancelled").text))

    page = grace.get("/pay/return", session_id=session_id)

    assert "These nights were let go" in text_of(page)
    assert "Nothing was charged." in text_of(page)
    again = unescape(re.search(r'href="(/stays/harbour-loft/review\?[^"]+)"', page.text)[1])
    assert f'value="{GRACE.email}"' in grace.get(again).text


def test_state_is_one_word_for_whoever_has_the_session_and_nothing_for_others(shop, grace):
    _, session_id = paid_booking(shop, grace)

    answer = Visitor(shop.url).get("/pay/state", session_id=session_id)

    assert answer.json() == {"state": "booked"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    for unknown in ("", "cs_test_unknown", "{CHECKOUT_SESSION_ID}", "cs_é"):
        assert grace.get("/pay/state", session_id=unknown).status_code == 404


def test_a_script_that_asks_for_ever_is_told_to_wait(shop, grace):
    with_limits(shop)

    codes = [grace.get("/pay/state", session_id="cs_test_unknown").status_code for _ in range(61)]

    assert (set(codes[:60]), codes[60]) == ({404}, 429)


def test_a_confirming_page_waits_with_a_script_and_without_one_has_a_link(shop, grace):
    shop.stripe.drop_webhooks()
    grace.book_and_pay("harbour-loft", shop.stay())
    session_id = shop.session_of(shop.bookings()[0].id)
    shop.stripe.pay(session_id, wait=False)

    with patched(shop.runtime.payments, "look_up_checkout", unreachable):
        page = grace.get("/de/pay/return", session_id=session_id)

    assert f'href="/de/pay/return?session_id={session_id}"' in page.text
    assert f'data-ask="/de/pay/state?session_id={session_id}"' in page.text
    assert "js/return.js" in page.text
    assert "http-equiv" not in page.text
    assert 'role="status"' in page.text
