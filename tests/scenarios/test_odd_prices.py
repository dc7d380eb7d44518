"""Scenario 26: sessions that end without payment, and prices that nobody can charge."""

import json
import re
from html import unescape

import pytest
from sqlalchemy.exc import IntegrityError

from booking.domain.states import AttemptStatus
from booking.extensions import db
from booking.models import Listing
from tests.support import hostile
from tests.support.shop import Shop, Visitor


def _price(shop: Shop, minor: int) -> None:
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        listing.nightly_minor = listing.weekend_minor = minor
        listing.tourist_tax_minor = listing.cleaning_minor = 0
        db.session.commit()


def test_scenario_26_a_priced_stay_is_never_confirmed_by_a_session_that_needed_no_payment(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    free = {"payment_status": "no_payment_required", "payment_intent": None}
    body = json.dumps(hostile.completed_event(shop, booking_id, **free)).encode()

    answers = [hostile.post(shop.url, body, hostile.sign(body)) for _ in range(2)]
    shop.work()

    assert [answer.json["status"] for answer in answers] == ["success", "ignored"]
    booking = shop.booking(booking_id)
    assert (booking.status, booking.payment_status, booking.needs_review) == ("pending", "unpaid", True)
    assert [night.hold_until for night in shop.nights(booking_id)] == [None] * 3
    assert shop.mails(booking_id) == ["needs_review"]
    assert shop.payments(booking_id) == []


def test_scenario_26_a_price_below_what_stripe_charges_is_told_in_plain_words_however_often(shop: Shop) -> None:
    _price(shop, 10)
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("harbour-loft", stay)

    pages = [grace.post("/stays/harbour-loft/review", form) for _ in range(3)]
    shop.work()

    for page in pages:
        words = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))
        assert page.status_code == 502
        assert "did not accept the request." in words
        assert "Nothing was charged." in words
        assert "amount_too_small" not in words
        assert "Try again" in words
    (booking,) = shop.bookings()
    assert shop.mails(booking.id) == ["checkout_refused"]
    (letter,) = shop.mailer.letters
    assert "amount_too_small" in letter.text
    assert {attempt.status for attempt in shop.attempts(booking.id)} == {AttemptStatus.EXPIRED}
    assert shop.stripe.sessions() == []


@pytest.mark.parametrize("minor", [0, -1])
def test_scenario_26_a_night_for_nothing_cannot_even_be_offered(shop: Shop, minor: int) -> None:
    with pytest.raises(IntegrityError, match="prices_positive"):
        _price(shop, minor)
