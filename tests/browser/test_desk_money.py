"""Staff and guest in browsers without script: a booking by telephone, changes of dates, a refund. The books balance."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from booking.services import verification
from tests.browser.conftest import Guest
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def _paid(shop: Shop) -> int:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    return booking_id


def _change_to(ada: Guest, booking_id: int, nights: int) -> None:
    leave = ada.shop.booking(booking_id).leave + timedelta(days=nights)
    ada.open(f"/admin/bookings/{booking_id}")
    ada.press("Change dates or guests")
    ada.page.get_by_label("Leave").fill(leave.isoformat())
    ada.press("See what will happen")


def _balanced(shop: Shop) -> None:
    """Nothing is left to do; the ledger and Stripe's own list agree to the cent, and every promise holds."""
    shop.stripe.settle_down()
    shop.work()
    shop.stripe.settle_down()
    with shop.app.app_context():
        compared = verification.compare_with_stripe(shop.runtime)
    assert compared.differences == ()
    assert all(each.captured_here == each.captured_there for each in compared.balances)
    assert all(each.refunded_here == each.refunded_there for each in compared.balances)
    assert shop.broken_promises() == []


def test_a_booking_by_telephone_is_paid_through_the_link_in_the_mail(
    ada: Guest, new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    stay = small_shop.stay()
    ada.open("/admin/bookings")
    ada.press("Book for a guest")
    ada.page.get_by_label("Arrive").fill(stay.arrive.isoformat())
    ada.page.get_by_label("Leave").fill(stay.leave.isoformat())
    ada.press("See the price")
    ada.page.get_by_label("Full name").fill("Grace Hopper")
    ada.page.get_by_label("E-mail address").fill("grace@example.org")
    ada.press("See what will happen")
    assert ada.heading == "This will happen"
    ada.press("Hold the nights and mail the link")
    small_shop.work()

    grace = new_guest(360)
    grace.follow_mail("Pay €")
    grace.press("Pay now")
    grace.pay()
    grace.page.wait_for_url("**/b/**")

    assert grace.heading == "You're booked, Grace"
    assert small_shop.state(1) == ("confirmed", "paid")
    _balanced(small_shop)


def test_a_change_that_costs_more_is_made_when_the_guest_has_paid_the_difference(
    ada: Guest, new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    booking_id = _paid(small_shop)
    before = small_shop.booking(booking_id)
    _change_to(ada, booking_id, nights=1)
    ada.press("Hold the nights and mail the link for €")
    assert "A change waits for €" in ada.page.get_by_role("main").inner_text()
    small_shop.work()

    grace = new_guest(360)
    grace.follow_mail("to change your stay")
    assert small_shop.booking(booking_id).stay == before.stay
    grace.press("Pay the difference of €")
    grace.pay()
    grace.page.wait_for_url("**/b/**")

    after = small_shop.booking(booking_id)
    assert after.leave == before.leave + timedelta(days=1)
    assert after.amount.minor > before.amount.minor
    assert "can be changed" not in grace.page.get_by_role("main").inner_text()
    _balanced(small_shop)
    assert "Changed:" in small_shop.mailer.letters[-2].subject + small_shop.mailer.letters[-1].subject


def test_a_change_that_costs_less_gives_the_difference_back(ada: Guest, small_shop: Shop) -> None:
    booking_id = _paid(small_shop)
    before = small_shop.booking(booking_id)

    _change_to(ada, booking_id, nights=-1)
    ada.press("Change and refund €")

    after = small_shop.booking(booking_id)
    (refund,) = small_shop.refunds(booking_id)
    assert refund.amount == before.amount - after.amount
    assert after.leave == before.leave - timedelta(days=1)
    _balanced(small_shop)
    assert small_shop.state(booking_id) == ("confirmed", "partially_refunded")


def test_staff_sends_a_part_back(ada: Guest, small_shop: Shop) -> None:
    booking_id = _paid(small_shop)
    ada.open(f"/admin/bookings/{booking_id}")
    ada.press("Refund part or all")
    for wrong, words in (("0", "Nothing would go back"), ("-5", "cannot be negative"), ("99999", "At most €")):
        ada.page.get_by_label("Amount").fill(wrong)
        ada.press("See what will happen")
        assert words in ada.page.get_by_role("main").inner_text()
    ada.page.get_by_label("Amount").fill("20")
    ada.press("See what will happen")
    ada.press("Refund €20.00")

    assert [refund.amount_minor for refund in small_shop.refunds(booking_id)] == [2000]
    _balanced(small_shop)
    assert small_shop.state(booking_id) == ("confirmed", "partially_refunded")
