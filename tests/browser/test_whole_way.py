"""One booking from the front page to "You're booked", four ways: keyboard alone, in German, on a phone, unwatched."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator

from booking.language import language
from tests.browser.conftest import GOOD_CARD, Guest
from tests.support.shop import GRACE, Shop

pytestmark = pytest.mark.browser
MOST_PRESSES = 60
NARROWEST = 320


@dataclass
class Hands:
    """Somebody who has a keyboard and nothing else; every key that types no letter is counted."""

    guest: Guest
    presses: list[str] = field(default_factory=list)

    def press(self, key: str) -> None:
        self.presses.append(key)
        self.guest.page.keyboard.press(key)

    def tab_to(self, is_there: Callable[[dict[str, str]], bool]) -> None:
        """Press Tab until the right thing has the focus; and one must be able to see that it has."""
        for _ in range(150):
            self.press("Tab")
            at = self._focus()
            if is_there(at):
                assert "solid" in at["outline"], f"nobody can see where the keyboard is: {at}"
                return
        raise AssertionError("the keyboard does not get there")

    def follow(self, words: str) -> None:
        """Go to what says this, and press Enter."""
        self.tab_to(lambda at: at["tag"] in ("A", "BUTTON") and at["words"].strip().startswith(words))
        with self.guest.page.expect_navigation():
            self.press("Enter")

    def fill(self, name: str, value: str) -> None:
        """Go to a field and type."""
        self.tab_to(lambda at: at["name"] == name)
        self.guest.page.keyboard.type(value)

    def _focus(self) -> dict[str, str]:
        """What has the focus; its outline may be drawn around the whole card that it stands for."""
        script = """() => {
            const at = document.activeElement, style = (it) => it ? getComputedStyle(it).outlineStyle : "";
            return JSON.stringify({ tag: at.tagName, name: at.name || "", words: at.innerText || "",
                                    outline: style(at) + " " + style(at.closest(".card")) }) }"""
        return dict(json.loads(self.guest.page.evaluate(script)))


@pytest.mark.parametrize("script", [False, True], ids=["without script", "with script"])
def test_the_keyboard_alone_books_in_sixty_presses_after_the_details(
    new_guest: Callable[..., Guest], small_shop: Shop, script: bool
) -> None:
    guest, stay = new_guest(script=script), small_shop.stay()
    hands = Hands(guest)
    guest.open(f"/stays?arrive={stay.arrive}&leave={stay.leave}&guests=2")
    hands.follow("Harbour Loft")
    hands.follow("Continue")
    hands.fill("name", GRACE.name)
    hands.fill("email", GRACE.email)

    hands.presses.clear()
    with guest.page.expect_navigation(url="**/review?**"):
        hands.press("Enter")
    hands.follow("Book and pay")
    guest.page.wait_for_url(f"{small_shop.stripe.url}/**")
    _pay_by_keyboard(hands)
    guest.page.wait_for_url(f"{small_shop.url}/b/**")

    assert guest.heading == "You're booked, Grace"
    assert len(hands.presses) <= MOST_PRESSES, hands.presses


def _pay_by_keyboard(hands: Hands) -> None:
    card = {"cardNumber": GOOD_CARD, "cardExpiry": "12 / 40", "cardCvc": "123", "billingName": GRACE.name}
    for name, value in card.items():
        hands.fill(name, value)
    hands.press("Enter")


# --- in German ------------------------------------------------------------------------------------------------------


def test_a_guest_books_in_german_and_gets_german_mail(new_guest: Callable[..., Guest], small_shop: Shop) -> None:
    guest, stay, german = new_guest(), small_shop.stay(), language("de")
    total = german.money(small_shop.total(stay))
    guest.open("/de/")
    guest.page.fill("form.search #arrive", stay.arrive.isoformat())
    guest.page.fill("form.search #leave", stay.leave.isoformat())
    _button(guest, german.gettext("Search stays")).click()
    assert total in guest.page.locator("main").inner_text()
    guest.page.get_by_role("link", name="Harbour Loft").first.click()
    guest.page.locator(f"main a[href*='/book?arrive={stay.arrive}']").first.click()
    guest.page.fill("[name=name]", GRACE.name)
    guest.page.fill("[name=email]", GRACE.email)
    _button(guest, german.gettext("Continue to review")).click()

    _pay_button(guest, total).click()
    assert guest.page.url.startswith(small_shop.stripe.url)
    guest.pay()

    assert guest.path.startswith("/de/b/")
    assert guest.page.locator("html").get_attribute("lang") == "de"
    assert total in guest.page.locator("main").inner_text()
    _assert_german_mail(small_shop, total)


def _button(guest: Guest, words: str) -> Locator:
    return guest.page.get_by_role("button", name=words, exact=True)


def _pay_button(guest: Guest, total: str) -> Locator:
    """The button names the duty to pay and the sum, as German writes it."""
    return guest.page.locator("main button[type=submit]", has_text=total.replace("\xa0", " "))


def _assert_german_mail(shop: Shop, total: str) -> None:
    (booking,) = shop.bookings()
    assert booking.language == "de"
    shop.work()
    (letter,) = [letter for letter in shop.mailer.letters if letter.to == GRACE.email]
    assert 'lang="de"' in letter.html
    assert total in letter.text
    assert language("de").dates(booking.stay) in letter.subject


# --- on a phone -----------------------------------------------------------------------------------------------------


def test_the_whole_way_on_the_narrowest_phone_never_scrolls_sideways(
    new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    guest, wide = new_guest(width=NARROWEST), []
    guest.page.on("load", lambda page: wide.append(page.url) if guest.scrolls_sideways() else None)

    guest.book(small_shop.stay())
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    assert wide == []


# --- unwatched ------------------------------------------------------------------------------------------------------


def test_nobody_else_hears_of_the_whole_way_and_no_page_breaks_its_policy(
    new_guest: Callable[..., Guest], small_shop: Shop
) -> None:
    """With script, through Stripe's page and back; what browsers complain of is looked at when their windows close."""
    guest, missing = new_guest(script=True), []
    guest.page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)

    guest.book(small_shop.stay())
    guest.pay()
    guest.page.wait_for_load_state("networkidle")

    assert guest.heading == "You're booked, Grace"
    assert guest.hosts == {small_shop.url, small_shop.stripe.url}
    assert (missing, guest.complaints) == ([], [])
