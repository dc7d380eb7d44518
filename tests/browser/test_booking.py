"""The guest's way in a real browser without JavaScript: from the front page to "You're booked", and what goes wrong."""

import json
from collections.abc import Callable

import pytest

from booking.models import Attempt, Booking
from tests.browser.conftest import CHALLENGED_CARD, DECLINED_CARD, GOOD_CARD, Guest
from tests.support.servers import wait_until
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def _only_booking(shop: Shop) -> int:
    (booking,) = shop.bookings()
    return booking.id


def test_a_guest_books_and_the_webhook_confirms(guest: Guest, small_shop: Shop) -> None:
    guest.book(small_shop.stay())
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    booking_id = _only_booking(small_shop)
    assert guest.path == f"/b/{small_shop.booking(booking_id).reference}"
    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert small_shop.causes(booking_id, "confirmed") == ["webhook"]
    assert guest.hosts == {small_shop.url, small_shop.stripe.url}


def test_the_price_on_the_button_is_the_price_of_the_search_and_of_the_payment_page(
    guest: Guest, small_shop: Shop
) -> None:
    stay = small_shop.stay()
    price = f"€{small_shop.total(stay).major:,.2f}"

    guest.go_to_review(stay)
    button = guest.page.get_by_role("button", name="Book and pay").inner_text()
    guest.press("Book and pay")

    assert button == f"Book and pay {price}"
    assert price in guest.page.locator("h1").inner_text()
    assert price in guest.page.get_by_role("button", name="Pay").inner_text()


def test_with_webhooks_lost_the_way_back_confirms(guest: Guest, small_shop: Shop) -> None:
    small_shop.stripe.drop_webhooks()

    guest.book(small_shop.stay())
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    assert small_shop.causes(_only_booking(small_shop), "confirmed") == ["redirect"]


def test_with_webhooks_lost_and_the_tab_closed_reconcile_confirms(guest: Guest, small_shop: Shop) -> None:
    small_shop.stripe.drop_webhooks()
    session_id = guest.book(small_shop.stay())
    guest.never_reach("*/pay/return*")
    guest.fill_card(GOOD_CARD)
    guest.page.get_by_role("button", name="Pay ").click(no_wait_after=True)
    wait_until(lambda: small_shop.stripe.events("payment_intent.succeeded"), what="the payment")
    guest.page.close()
    booking_id = _only_booking(small_shop)
    assert small_shop.state(booking_id) == ("pending", "unpaid")

    result = small_shop.app.test_cli_runner().invoke(args=["reconcile"])

    assert (result.exit_code, "confirmed" in result.output) == (0, True), result.output
    assert small_shop.session_of(booking_id) == session_id
    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert small_shop.causes(booking_id, "confirmed") == ["reconcile"]


def test_a_declined_card_is_told_of_and_another_card_pays_the_same_session(guest: Guest, small_shop: Shop) -> None:
    session_id = guest.book(small_shop.stay())

    guest.pay(DECLINED_CARD)
    assert guest.session_id() == session_id
    assert "declined" in guest.page.get_by_role("alert").first.inner_text()
    assert small_shop.state(_only_booking(small_shop)) == ("pending", "unpaid")
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    assert small_shop.session_of(_only_booking(small_shop)) == session_id


def test_a_card_that_asks_the_bank_pays_after_complete(guest: Guest, small_shop: Shop) -> None:
    guest.book(small_shop.stay())
    guest.pay(CHALLENGED_CARD)
    assert "is this you" in guest.heading

    guest.press("Complete")

    assert guest.heading == "You're booked, Grace"
    assert small_shop.state(_only_booking(small_shop)) == ("confirmed", "paid")


def test_a_failed_bank_check_lets_the_guest_try_again(guest: Guest, small_shop: Shop) -> None:
    session_id = guest.book(small_shop.stay())
    guest.pay(CHALLENGED_CARD)

    guest.press("Fail")

    assert guest.session_id() == session_id
    guest.pay()
    assert guest.heading == "You're booked, Grace"


def test_cancel_link_shows_the_hold_and_paying_then_uses_the_same_session(guest: Guest, small_shop: Shop) -> None:
    session_id = guest.book(small_shop.stay())
    guest.page.get_by_role("link", name="Back").click()
    assert guest.heading.startswith("Your nights are still held until ")

    guest.press("Pay now")
    assert guest.session_id() == session_id
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    assert len(small_shop.stripe.sessions()) == 1


def test_back_button_and_a_second_press_lead_to_the_same_session(guest: Guest, small_shop: Shop) -> None:
    session_id = guest.book(small_shop.stay())

    guest.go_back()
    if guest.page.get_by_role("button", name="Pay now").count():
        guest.press("Pay now")  # the page was asked for again and tells of the hold
    else:
        guest.press("Book and pay")

    assert guest.session_id() == session_id
    assert len(small_shop.stripe.sessions()) == small_shop.count(Booking) == 1


def test_letting_go_frees_the_nights_for_the_next_guest(
    guest: Guest, new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    stay = small_shop.stay()
    guest.book(stay)
    guest.page.get_by_role("link", name="Back").click()

    guest.press("Let them go")

    assert guest.heading == "These nights were let go"
    linus = new_guest()
    linus.book(stay)
    linus.pay()
    assert linus.heading.startswith("You're booked")


def test_two_tabs_with_the_same_stay_share_one_session(guest: Guest, small_shop: Shop) -> None:
    stay = small_shop.stay()
    guest.go_to_review(stay)
    second = Guest(guest.page.context.new_page(), small_shop)
    second.page.goto(guest.page.url)

    guest.press("Book and pay")
    second.press("Book and pay")

    assert guest.session_id() == second.session_id()
    assert small_shop.count(Booking) == small_shop.count(Attempt) == 1


def test_the_slower_of_two_guests_is_told_in_plain_words_and_offered_other_nights(
    guest: Guest, new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    stay = small_shop.stay()
    linus = new_guest()
    guest.go_to_review(stay)
    linus.go_to_review(stay)
    guest.press("Book and pay")

    linus.press("Book and pay")

    assert linus.heading == "These nights are taken"
    assert "Nothing was charged" in linus.page.locator("main").inner_text()
    linus.page.locator("ul.choices a").first.click()
    assert linus.heading == "Check, then pay"
    assert "Grace Hopper" in linus.page.locator("dl.answers").inner_text()


def test_the_whole_way_fits_a_window_of_320_pixels(new_guest: Callable[..., Guest], small_shop: Shop) -> None:
    guest, wide = new_guest(width=320), []
    guest.page.on("load", lambda page: wide.append(page.url) if guest.scrolls_sideways() else None)
    guest.book(small_shop.stay())
    stripes_own, wide[:] = [url for url in wide if url.startswith(small_shop.stripe.url)], []

    guest.pay()
    for path in (
        "/stays",
        "/manage",
        "/terms",
        "/privacy",
        "/accessibility",
        "/pay/cancelled",
        "/nowhere",
        "/admin/login",
    ):
        guest.open(path)
        if guest.scrolls_sideways():
            wide.append(path)

    assert wide == stripes_own == []


def test_a_guest_with_nothing_but_a_keyboard_can_book(guest: Guest, small_shop: Shop) -> None:
    stay = small_shop.stay()
    guest.open(f"/stays?arrive={stay.arrive}&leave={stay.leave}&guests=2")

    _press_key_on(guest, "Harbour Loft")
    _press_key_on(guest, "Continue")
    for text in ("Grace Hopper", "grace@example.org"):
        _tab_to(guest, lambda at: at["tag"] == "INPUT" and not at["value"])
        guest.page.keyboard.type(text)
    guest.page.keyboard.press("Enter")
    guest.page.wait_for_url("**/review?**")
    _press_key_on(guest, "Book and pay")
    guest.page.wait_for_url(f"{small_shop.stripe.url}/**")
    guest.pay()

    assert guest.heading == "You're booked, Grace"


def _press_key_on(guest: Guest, words: str) -> None:
    """Go with the Tab key alone to what says this, and press Enter."""
    _tab_to(guest, lambda at: at["tag"] in ("A", "BUTTON") and at["words"].strip().startswith(words))
    with guest.page.expect_navigation():
        guest.page.keyboard.press("Enter")


def _tab_to(guest: Guest, is_there: Callable[[dict[str, str]], bool]) -> None:
    """Press Tab until the right thing has the focus; and one must be able to see that it has."""
    for _ in range(150):
        guest.page.keyboard.press("Tab")
        at = _focus(guest)
        if is_there(at):
            assert "solid" in at["outline"], f"nobody can see where the keyboard is: {at}"
            return
    raise AssertionError("the keyboard does not get there")


def _focus(guest: Guest) -> dict[str, str]:
    """What has the focus; its outline may be drawn around the whole card that it stands for."""
    script = """() => { const at = document.activeElement, style = (it) => it ? getComputedStyle(it).outlineStyle : "";
        return JSON.stringify({ tag: at.tagName, value: at.value || "", words: at.innerText || "",
                                outline: style(at) + " " + style(at.closest(".card")) }) }"""
    return json.loads(guest.page.evaluate(script))


def test_every_page_keeps_to_its_own_policy_with_script_on_as_well(
    new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    guest = new_guest(script=True)
    stay = small_shop.stay()

    guest.book(stay)
    guest.pay()
    assert guest.heading == "You're booked, Grace"
    dates = f"?arrive={stay.arrive}&leave={stay.leave}"
    paths = "/stays /stays/harbour-loft /manage /m/none /terms /nowhere /admin/login /pay/cancelled".split()
    for path in (*paths, f"/stays{dates}", f"/stays/harbour-loft{dates}"):
        guest.open(path)

    assert guest.complaints == []
    assert guest.hosts == {small_shop.url, small_shop.stripe.url}


def test_control_a_page_with_an_inline_style_would_be_noticed(guest: Guest, small_shop: Shop) -> None:
    """What the tests above trust: the browser's complaints reach us."""

    @small_shop.app.after_request
    def add(response):
        if response.mimetype == "text/html":
            response.set_data(response.get_data().replace(b"<h1", b'<h1 style="color: red"', 1))
        return response

    guest.open("/terms")

    assert any("Content Security Policy" in complaint for complaint in guest.complaints)
    guest.complaints.clear()
