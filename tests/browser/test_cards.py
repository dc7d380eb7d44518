"""The published test cards, typed into Stripe's page by a guest without JavaScript, and what the shop says of each."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from booking.domain.dates import Stay
from booking.domain.states import RefundStatus
from booking.services import verification
from tests.browser.conftest import GOOD_CARD, Guest
from tests.stripe_trouble.desk import Desk, NearVisitor
from tests.stripe_trouble.faults import NotingGateway, Patience
from tests.support.servers import wait_until
from tests.support.shop import Shop, fields_of

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Refused:
    """A card that does not pay: `code` is kept, `told` stands on the guest's page, `reason` on that of staff."""

    number: str
    code: str
    told: str
    reason: str
    asks: bool = False  # the bank asks the guest first


DECLINED = "The payment was declined. Try another card or another way to pay"
REFUSED = [
    Refused("4000000000000002", "generic_decline", DECLINED, "the bank gave no reason, or a rule"),
    Refused("4000000000009995", "insufficient_funds", "there is not enough money", "not enough money on the card"),
    Refused("4000000000000069", "expired_card", "The card has expired", "the card has expired"),
    Refused("4000000000000127", "incorrect_cvc", "The security code of the card was not right", "security code was"),
    Refused("4000000000000119", "processing_error", "could not be processed just now", "something went wrong while"),
    Refused("4000000000000341", "generic_decline", DECLINED, "the bank gave no reason, or a rule"),  # can be saved
    Refused("4000000000009979", "stolen_card", DECLINED, "the card was reported stolen"),
    Refused("4100000000000019", "fraudulent", DECLINED, "Stripe suspects fraud"),
    Refused("4000008260003178", "insufficient_funds", "there is not enough money", "not enough money", asks=True),
    Refused("4000008400001629", "generic_decline", DECLINED, "the bank gave no reason, or a rule", asks=True),
]
# Numbers, and whether the bank asks the guest before it pays.
PAYING = {
    "4242424242424242": False,
    "4000002500003155": True,  # 3-D Secure until the card is set up
    "4000002760003184": True,  # 3-D Secure each time
    "4000000000003220": True,  # 3-D Secure 2
    "4000000000003055": False,  # 3-D Secure is supported, and the shop does not insist on it
}
DISPUTED, REFUND_FAILS = "4000000000000259", "4000000000005126"
PAYS_LATER, FAILS_LATER = "AT321904300235473204", "AT051904300235473205"


@pytest.fixture
def ada(small_shop: Shop) -> NearVisitor:
    """Ada at the desk, signed in; her pages are looked at in a browser elsewhere."""
    return Desk(small_shop, NotingGateway(None), Patience()).ada


def _verify(shop: Shop) -> None:
    """Every promise is kept, and the ledger agrees with Stripe's own."""
    assert shop.broken_promises() == []
    with shop.app.app_context():
        assert verification.compare_with_stripe(shop.runtime).differences == ()


def _stays(shop: Shop) -> Callable[[], Stay]:
    taken = iter(range(30, 200, 4))
    return lambda: shop.stay(ahead=next(taken))


def _newest(shop: Shop) -> int:
    return int(shop.bookings()[-1].id)


def test_every_card_that_is_refused_is_told_of_and_the_same_page_still_takes_a_good_one(
    guest: Guest, small_shop: Shop, ada: NearVisitor
) -> None:
    session_id = guest.book(small_shop.stay())
    booking_id = _newest(small_shop)

    for card in REFUSED:
        guest.pay(card.number)
        if card.asks:
            guest.press("Complete")
        assert guest.session_id() == session_id, card
        small_shop.stripe.settle_down()
        assert small_shop.attempts(booking_id)[0].decline_code == card.code
        guest.page.get_by_role("link", name="Back").click()
        _check_told(guest, ada, booking_id, card)
        assert small_shop.state(booking_id) == ("pending", "unpaid")
        assert small_shop.broken_promises() == []
        guest.press("Pay now")
    guest.pay(GOOD_CARD)

    assert guest.heading == "You're booked, Grace"
    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert "declined" not in guest.page.locator("main").inner_text()
    _verify(small_shop)


def _check_told(guest: Guest, ada: NearVisitor, booking_id: int, card: Refused) -> None:
    """The guest learns what to do and nothing of what is suspected; staff learn why."""
    assert guest.heading.startswith("Your nights are still held until ")
    told = guest.page.locator("main").inner_text()
    assert card.told in told
    assert re.findall(r"(?i)fraud|stolen|lost card", told) == []
    staff = ada.open(f"/admin/bookings/{booking_id}").words
    assert card.reason in staff, staff
    assert card.code in staff
    assert ("Do not tell the guest why." in staff) is (card.code in ("stolen_card", "fraudulent"))


def test_every_card_that_pays_confirms_after_what_its_bank_asks(guest: Guest, small_shop: Shop) -> None:
    next_stay = _stays(small_shop)

    for number, asks in PAYING.items():
        guest.book(next_stay())
        guest.pay(number)
        if asks:
            assert "is this you" in guest.heading, number
            guest.press("Complete")
        assert guest.heading == "You're booked, Grace", number
        assert small_shop.state(_newest(small_shop)) == ("confirmed", "paid"), number

    _verify(small_shop)


def test_a_check_of_the_bank_s_that_is_not_passed_is_told_as_such(
    guest: Guest, small_shop: Shop, ada: NearVisitor
) -> None:
    guest.book(small_shop.stay())
    guest.pay("4000002760003184")
    guest.press("Fail")
    booking_id = _newest(small_shop)
    wait_until(lambda: small_shop.attempts(booking_id)[0].decline_code, what="news of the check")
    guest.page.get_by_role("link", name="Back").click()

    assert "Your bank wants to be sure that it is you." in guest.page.locator("main").inner_text()
    assert "did not pass the bank's check (3-D Secure)" in ada.open(f"/admin/bookings/{booking_id}").words
    _verify(small_shop)


def test_a_card_whose_payment_is_disputed_leaves_the_booking_and_tells_staff(guest: Guest, small_shop: Shop) -> None:
    guest.book(small_shop.stay())
    guest.pay(DISPUTED)
    booking_id = _newest(small_shop)
    small_shop.pass_time(seconds=5)
    wait_until(lambda: small_shop.disputes(booking_id), what="news of the dispute")

    guest.open(guest.path)

    assert guest.heading == "You're booked, Grace"
    assert "Your bank has asked us about this payment." in guest.page.locator("main").inner_text()
    assert small_shop.booking(booking_id).disputed
    assert "dispute" in small_shop.mails(booking_id)
    _verify(small_shop)


def test_a_refund_that_fails_days_later_is_owed_and_told(guest: Guest, small_shop: Shop, ada: NearVisitor) -> None:
    guest.book(small_shop.stay())
    guest.pay(REFUND_FAILS)
    booking_id = _newest(small_shop)
    form = fields_of(ada.get(f"/admin/bookings/{booking_id}/refund/check", amount="7").text)
    ada.press(f"/admin/bookings/{booking_id}/refund", form)
    small_shop.work()

    small_shop.pass_time(minutes=2)

    wait_until(lambda: small_shop.refunds(booking_id)[0].status is RefundStatus.FAILED, what="news of the refund")
    assert small_shop.booking(booking_id).refund_failed
    assert small_shop.state(booking_id)[0] == "confirmed"
    assert "refund_failed" in small_shop.mails(booking_id)
    _verify(small_shop)


def test_a_way_to_pay_that_takes_days_keeps_the_nights_until_the_bank_has_answered(
    guest: Guest, small_shop: Shop
) -> None:
    next_stay, ended = _stays(small_shop), {}

    for iban in (PAYS_LATER, FAILS_LATER):
        guest.book(next_stay())
        _pay_from_account(guest, iban)
        assert guest.heading == "Your bank is at work"
        booking_id = _newest(small_shop)
        assert small_shop.state(booking_id) == ("pending", "processing")
        small_shop.pass_time(minutes=5)
        wait_until(lambda: small_shop.state(booking_id)[1] != "processing", what="the bank")  # noqa: B023
        ended[iban] = small_shop.state(booking_id)

    assert ended == {PAYS_LATER: ("confirmed", "paid"), FAILS_LATER: ("cancelled", "failed")}
    guest.open(f"/b/{small_shop.booking(_newest(small_shop)).reference}")
    assert guest.heading == "The payment did not go through"
    _verify(small_shop)


def _pay_from_account(guest: Guest, iban: str) -> None:
    guest.page.get_by_label("SEPA bank debit").check()
    guest.page.fill("[name=iban]", iban)
    guest.page.fill("[name=billingName]", "Grace Hopper")
    guest.press("Pay ")
