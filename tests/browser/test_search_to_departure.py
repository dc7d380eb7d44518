"""Each way of paying as one story from search to departure, without script; clocks that move, books that agree.

Ada sets the house up and works at its desk, Grace books and opens her mail in another window.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from booking.domain.club import Interval, PlanTerms
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import AttemptChannel, DueKind, DueStatus
from tests.browser.conftest import GOOD_CARD, Guest
from tests.support.club import BROKE_LATER, mailed_link, mails, open_club, the_membership
from tests.support.days import live_until, verify_with_stripe
from tests.support.plans import DAYS_BEFORE, balance_of, dues_of
from tests.support.shop import GRACE, Shop

pytestmark = pytest.mark.browser
DAY = timedelta(days=1)
ASKS_EACH_TIME = "4000002760003184"  # 3-D Secure when it is saved, and whenever it is charged
NewGuest = Callable[..., Guest]


@pytest.fixture
def shop(small_shop: Shop) -> Iterator[Shop]:
    """At the end of each story the ledger is compared with Stripe's own list."""
    yield small_shop
    verify_with_stripe(small_shop)


def _euro(amount: Money) -> str:
    return f"€{amount.major:,.2f}"


def _says(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _choose_plan(ada: Guest, plan: str, days_before: int = DAYS_BEFORE) -> None:
    """Ada has the first house paid like this from now on."""
    ada.press("Rates")
    ada.press("Payment plans")
    ada.page.get_by_role("link", name="Seal Harbour Stays").click()
    ada.page.get_by_label(plan).check()
    ada.page.get_by_label("Deposit, in percent of the total").fill("30")
    ada.page.get_by_label("What is left is due so many days before arrival").fill(str(days_before))
    ada.press("Keep this plan")
    assert "Bookings from now on are paid like this." in ada.words


def _arrive_stay_and_leave(ada: Guest, grace: Guest, booking_id: int) -> None:
    """The desk sees Grace come and go; then her page says that the stay is over, and what she paid for it."""
    shop, booking = ada.shop, ada.shop.booking(booking_id)
    for day, list_of_the_desk in ((booking.arrive, "Arrivals"), (booking.leave, "Departures")):
        live_until(shop, day)
        ada.sign_in_to_desk()
        today = ada.page.get_by_role("region", name="Today")
        people = today.locator(".columns > div", has=ada.page.get_by_role("heading", name=list_of_the_desk))
        assert booking.reference in people.inner_text().replace(" ", ""), people.inner_text()
    live_until(shop, booking.leave + DAY)
    grace.open(f"/b/{booking.reference}")
    assert grace.heading == "Your stay is over"


def test_a_deposit_and_its_balance(ada: Guest, new_guest: NewGuest, shop: Shop) -> None:
    _choose_plan(ada, "A deposit now, the balance later")
    grace, stay = new_guest(), shop.stay(ahead=60)
    total = shop.total(stay)
    deposit = total.percent(30)

    grace.book(stay)
    grace.pay()
    assert grace.heading == "You're booked, Grace"
    (booking,) = shop.bookings()
    assert f"you have paid {_euro(deposit)}" in grace.words

    due = balance_of(shop, booking.id)
    live_until(shop, due.due_on - 7 * DAY)
    phone = new_guest(360)
    phone.follow_mail("Please pay")
    phone.press(f"Pay the balance of {_euro(total - deposit)}")
    phone.pay()
    assert phone.heading == "You're booked, Grace"

    _arrive_stay_and_leave(ada, grace, booking.id)
    assert f"You paid {_euro(deposit)} + {_euro(total - deposit)}." in grace.words
    assert [payment.amount for payment in shop.payments(booking.id)] == [deposit, total - deposit]
    assert balance_of(shop, booking.id).status is DueStatus.PAID


def test_reserve_now_and_pay_later_with_a_bank_that_asks_in_between(
    ada: Guest, new_guest: NewGuest, shop: Shop
) -> None:
    _choose_plan(ada, "Nothing now: a card is kept, and charged later")
    grace, stay = new_guest(), shop.stay(ahead=60)
    total, charged_on = _euro(shop.total(stay)), stay.arrive - DAYS_BEFORE * DAY

    grace.go_to_review(stay)
    assert grace.heading == "Check, then book"
    assert "nothing is charged there" in grace.words
    grace.press(f"Book and pay {total} later")
    assert "Save your card" in grace.page.locator("h1").inner_text()
    grace.fill_card(ASKS_EACH_TIME)
    grace.press("Save card")
    grace.press("Complete")
    grace.page.wait_for_url(f"{shop.url}/b/**")
    assert grace.heading == "You're booked, Grace"
    assert "nothing has been charged yet" in grace.words
    (booking,) = shop.bookings()
    assert (shop.state(booking.id), shop.payments(booking.id)) == (("confirmed", "unpaid"), [])

    live_until(shop, charged_on - 2 * DAY)
    assert shop.mails(booking.id).count("charge_announced") == 1
    live_until(shop, charged_on)
    assert shop.state(booking.id) == ("confirmed", "failed")
    tried = [one for one in shop.attempts(booking.id) if one.channel is AttemptChannel.OFF_SESSION]
    assert [one.decline_code for one in tried] == ["authentication_required"]

    phone = new_guest(360)
    phone.follow_mail("could not be charged")
    assert "No money was taken. Your bank wants to be sure that it is you." in phone.words
    assert "Your saved card is charged" not in phone.words
    phone.press(f"Pay the balance of {total}")
    phone.pay(ASKS_EACH_TIME)
    assert "is this you" in phone.heading
    phone.press("Complete")
    phone.page.wait_for_url(f"{shop.url}/b/**")
    assert phone.heading == "You're booked, Grace"
    assert f"you have paid {total}" in phone.words
    assert not phone.scrolls_sideways()

    _arrive_stay_and_leave(ada, grace, booking.id)
    assert f"You paid {total}." in grace.words
    assert len(shop.payments(booking.id)) == 1
    assert balance_of(shop, booking.id).status is DueStatus.PAID


def test_a_fee_for_not_coming_charged_at_the_desk(ada: Guest, new_guest: NewGuest, shop: Shop) -> None:
    _choose_plan(ada, "A deposit now, the balance later", days_before=0)
    ada.press("House")
    ada.press("Cards")
    ada.page.get_by_label("Ask guests to have their card saved").check()
    ada.press("Keep")
    grace, stay = new_guest(), shop.stay(ahead=60)
    total = shop.total(stay)
    balance = total - total.percent(30)

    grace.go_to_review(stay)
    assert "If you neither come nor cancel: what the terms leave the house" in grace.words
    assert "On that day the card that you let the house save is charged with it." in grace.words
    assert "Nothing is taken by itself" not in grace.words
    grace.press("Book and pay €")
    grace.pay()
    (booking,) = shop.bookings()
    live_until(shop, stay.arrive - 2 * DAY)

    # Grace writes that she would rather pay at the desk; she does not come.
    ada.sign_in_to_desk()
    ada.open(f"/admin/bookings/{booking.id}")
    ada.press("Stop trying")
    assert "not charged for this by itself" in ada.words
    live_until(shop, stay.arrive + DAY)
    ada.sign_in_to_desk()
    ada.open(f"/admin/bookings/{booking.id}")
    ada.press("Nobody came")
    ada.press("See what will happen")
    assert f"The balance of {_euro(balance)} that is still open is not charged to a card by itself" in ada.words
    ada.press("Note that nobody came")

    ada.press("Charge a no-show fee")
    ada.page.get_by_label("Reason").fill("You did not come, and did not write to us.")
    ada.press("See what will happen")
    assert f"The balance of {_euro(balance)} that is still open is given up" in ada.words
    ada.press("Charge EUR")
    assert "The card was charged. The guest gets a receipt by mail." in ada.words
    shop.work()

    letters = {letter.subject: letter.text for letter in shop.mailer.letters if letter.to == GRACE.email}
    told = next(text for subject, text in letters.items() if f"{_euro(balance)} will be charged" in subject)
    assert "You did not come, and did not write to us." in told
    assert any(subject.startswith("Receipt") for subject in letters)
    grace.open(f"/b/{booking.reference}")
    live_until(shop, stay.leave + DAY)
    live_until(shop, stay.leave + 5 * DAY)
    grace.open(f"/b/{booking.reference}")
    assert [payment.amount for payment in shop.payments(booking.id)] == [total - balance, balance]
    assert {due.kind: due.status for due in dues_of(shop, booking.id)} == {
        DueKind.BALANCE: DueStatus.WAIVED,
        DueKind.NO_SHOW_FEE: DueStatus.PAID,
    }


def test_a_request_that_is_accepted_and_one_that_is_declined(ada: Guest, new_guest: NewGuest, shop: Shop) -> None:
    ada.press("House")
    ada.press("Harbour Loft")
    ada.page.get_by_label("Guests ask, and the house accepts").check()
    ada.page.locator("section[aria-labelledby=asking]").get_by_role("button", name="Keep").click()
    grace, declined = new_guest(), new_guest(360)
    first, second = shop.stay(ahead=40), shop.stay(ahead=50)
    total = _euro(shop.total(first))

    for guest, stay in ((grace, first), (declined, second)):
        guest.go_to_review(stay)
        guest.press("Request and authorise")
        guest.pay()
        assert guest.heading == "Your request is with the house"
        assert "Nothing has been charged." in guest.words
    wanted, unwanted = shop.bookings()
    assert shop.payments(wanted.id) == shop.payments(unwanted.id) == []

    ada.open("/admin/requests")
    ada.press(wanted.reference)
    ada.press("Accept and charge")
    ada.open("/admin/requests")
    ada.press(unwanted.reference)
    ada.page.get_by_label("What the guest reads").fill("The roof is being mended.")
    ada.press("Decline and let the sum go")
    shop.stripe.settle_down()

    declined.open(f"/b/{unwanted.reference}")
    assert declined.heading == "Your request was not accepted"
    assert "The roof is being mended." in declined.words
    assert "Nothing was charged." in declined.words
    grace.open(f"/b/{wanted.reference}")
    assert grace.heading == "You're booked, Grace"
    assert f"you have paid {total}" in grace.words

    _arrive_stay_and_leave(ada, grace, wanted.id)
    assert f"You paid {total}." in grace.words
    assert [len(shop.payments(one.id)) for one in (wanted, unwanted)] == [1, 0]
    assert shop.state(unwanted.id) == ("cancelled", "unpaid")


def test_a_membership_from_joining_to_the_end_of_its_rate(ada: Guest, new_guest: NewGuest, shop: Shop) -> None:
    open_club(shop, PlanTerms("Harbour Club", Money(900, "eur"), Interval.MONTH, 14, 1000))
    grace, stay = new_guest(), shop.stay(ahead=20)
    usual = shop.total(stay)

    # She joins, with a card that can be kept and that her bank refuses once it is charged.
    grace.open("/")
    grace.page.get_by_role("link", name="Club", exact=True).click()
    _sign_in_to_club(grace)
    grace.press("See what can be joined")
    grace.page.get_by_role("checkbox").check()
    grace.press("Join")
    grace.fill_card(BROKE_LATER)
    grace.press("Start trial")
    grace.page.wait_for_url(f"{shop.url}/club/account")
    assert "Your trial lasts until" in grace.words

    # A stay for less.
    grace.go_to_review(stay)
    assert "Members' rate, 10 % less" in grace.words
    grace.press("Book and pay €")
    grace.pay()
    assert grace.heading == "You're booked, Grace"
    (booking,) = shop.bookings()
    assert booking.amount.minor < usual.minor
    assert f"you have paid {_euro(booking.amount)}" in grace.words

    # The first month is to be paid, and the bank says no.
    live_until(shop, shop.clock.today() + 12 * DAY)
    assert "club_trial_ends" in mails(shop)
    live_until(shop, shop.clock.today() + 3 * DAY)
    assert the_membership(shop).status == "past_due"
    assert "club_payment_failed" in mails(shop)
    grace.open("/club/account")
    assert "Your last payment did not work, and nothing was taken for it." in grace.words
    assert "You keep the members' rate until" in grace.words
    assert _is_cheaper(grace, shop.stay(ahead=90))

    # Another card in the portal, and it is paid at the next try.
    grace.open("/club/account")
    grace.press("Change card or cancel")
    grace.press("Add a card")
    grace.fill_card(GOOD_CARD)
    grace.press("Save card")
    live_until(shop, shop.clock.today() + 4 * DAY)
    assert mails(shop)[-1] == "club_renewed"
    assert the_membership(shop).status == "active"

    # Cancelled in the portal: the rate stays to the end of the period.
    grace.open("/club/account")
    grace.press("Change card or cancel")
    grace.press("Cancel at the end of the period")
    shop.stripe.settle_down()
    grace.open("/club/account")
    assert "You have cancelled. You keep the members' rate until" in grace.words
    assert _is_cheaper(grace, shop.stay(ahead=90))

    _arrive_stay_and_leave(ada, grace, booking.id)
    live_until(shop, the_membership(shop).period_end.date() + DAY)
    assert the_membership(shop).status == "canceled"
    assert mails(shop)[-1] == "club_ended"
    grace.open("/club")
    _sign_in_to_club(grace)
    assert "Your membership has ended." in grace.words
    assert not _is_cheaper(grace, shop.stay(ahead=90))


def _sign_in_to_club(guest: Guest) -> None:
    """By the link that is mailed, from the page that asks for an address."""
    guest.page.get_by_label("E-mail address").fill(GRACE.email)
    guest.press("Send me a link")
    guest.open(mailed_link(guest.shop, GRACE.email))
    guest.press("Sign me in")
    assert guest.heading == "My account"


def _is_cheaper(guest: Guest, stay: Stay) -> bool:
    """Whether the review asks a member's price of the guest who is signed in."""
    guest.go_to_review(stay)
    return "Members' rate" in guest.words
