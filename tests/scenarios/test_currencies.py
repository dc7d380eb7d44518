"""Scenario 18: what is charged, shown and given back agrees to the unit, in money of no, two and three decimals."""

import re
from html import unescape

import pytest

from booking.database import end_read
from booking.domain.errors import RefundRefused
from booking.domain.money import Money
from booking.domain.states import CancelReason, Source
from booking.extensions import db
from booking.models import Property
from booking.queries.bookings import get_booking_file
from booking.services import refunds, reservations
from booking.services.timeline import Cause
from tests.support.shop import GRACE, Shop, Visitor, add_listing

ADA = "ada@example.org"
# The price of a night in minor units, as Stripe counts them, and three nights and half of them as people read it.
PRICES = [
    ("eur", 12801, "€384.03", "€192.02"),
    ("jpy", 15001, "¥45,003", "¥22,502"),
    ("kwd", 41230, "KWD123.690", "KWD61.850"),
    ("isk", 1890100, "ISK56,703", "ISK28,352"),
]


def _in_currency(shop: Shop, currency: str, nightly_minor: int) -> None:
    prices = {"nightly_minor": nightly_minor, "weekend_minor": nightly_minor, "tourist_tax_minor": 0}
    shop.listing_id = add_listing(shop.app, "quay-house", **prices)
    with shop.app.app_context():
        place = db.session.scalars(db.select(Property)).one()
        place.currency, place.cancel_full_days, place.cancel_part_days = currency, 90, 2
        db.session.commit()


def _plain(text: str) -> str:
    return unescape(text).replace("\u00a0", " ")


@pytest.mark.parametrize(("currency", "nightly_minor", "total", "half"), PRICES)
def test_scenario_18_a_whole_stay_with_its_refund_agrees_to_the_unit(
    shop: Shop, currency: str, nightly_minor: int, total: str, half: str
) -> None:
    _in_currency(shop, currency, nightly_minor)
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("quay-house", stay)
    dates = {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2"}
    review = _plain(grace.get("/stays/quay-house/review", **dates).text)
    assert grace.post("/stays/quay-house/review", form).status_code == 303
    (booking,) = shop.bookings()
    shop.pay(booking.id)

    (payment,) = shop.payments(booking.id)
    assert f">Book and pay {total}</button>" in review
    assert (payment.amount_minor, payment.currency) == (3 * nightly_minor, currency) == _charged(shop)
    assert shop.state(booking.id) == ("confirmed", "paid")

    with shop.app.app_context():
        by_terms = get_booking_file(db.session(), booking.id, shop.clock.now()).by_terms
        end_read()
        cause = Cause(Source.STAFF, ADA)
        reservations.cancel_booking(shop.runtime, booking.id, CancelReason.STAFF, cause, by_terms, "form-1")
    shop.work()
    shop.stripe.settle_down()
    shop.work()

    assert shop.state(booking.id) == ("cancelled", "partially_refunded")
    assert by_terms.minor == _refunded(shop) == sum(row.amount_minor for row in shop.refunds(booking.id))
    letters = [_plain(letter.text) for letter in shop.mailer.letters if letter.to == GRACE.email]
    assert total in letters[0]
    assert all(half in letter for letter in letters[1:])
    assert len(letters) >= 2
    assert not re.search(r"\d{7}", letters[0].replace(booking.reference, ""))


def _charged(shop: Shop) -> tuple[int, str]:
    (charge,) = shop.stripe_client().charges.list().data
    return charge.amount_captured, charge.currency


def _refunded(shop: Shop) -> int:
    (charge,) = shop.stripe_client().charges.list().data
    return int(charge.amount_refunded)


@pytest.mark.parametrize(("currency", "nightly_minor", "unsendable"), [("kwd", 41230, 1005), ("isk", 1890100, 1050)])
def test_scenario_18_a_refund_that_no_bank_can_send_is_refused_before_it_is_written(
    shop: Shop, currency: str, nightly_minor: int, unsendable: int
) -> None:
    _in_currency(shop, currency, nightly_minor)
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)

    with shop.app.app_context(), pytest.raises(RefundRefused, match="in steps of"):
        refunds.order_refund(shop.runtime, booking_id, Money(unsendable, currency), ADA, "form-1")

    assert shop.refunds(booking_id) == []
