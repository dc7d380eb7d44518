"""A real Chromium with JavaScript off, because every page must work so. It notes what pages do against their policy."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page

from booking.domain.dates import Stay
from booking.services import staff
from tests.support.browser import press_first
from tests.support.servers import wait_until
from tests.support.shop import GRACE, Shop

GOOD_CARD, DECLINED_CARD, CHALLENGED_CARD = "4242424242424242", "4000000000000002", "4000000000003220"
ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"


@dataclass
class Guest:
    """Somebody in front of a browser window with its own cookies."""

    page: Page
    shop: Shop
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text().replace("\u2019", "'")

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.shop.url)

    @property
    def words(self) -> str:
        """What the page says, without its head and foot, with plain apostrophes."""
        return self.page.locator("main").inner_text().replace("\u2019", "'")

    def open(self, path: str) -> None:
        self.page.goto(self.shop.url + path)

    def go_back(self) -> None:
        """Press the browser's back button.

        Chromium changes the process when a guest changes the site, and has for a moment no page whose history its
        driver could ask for; that one answer, and no other, is asked for again.
        """
        wait_until(self._went_back, 10, "going back")

    def _went_back(self) -> bool:
        try:
            self.page.go_back()
        except Error as error:
            if "Not attached to an active page" not in error.message:
                raise
            return False
        return True

    def press(self, name: str) -> None:
        """Press the button, or follow the link, that says this."""
        press_first(self.page.get_by_role("button", name=name), self.page.get_by_role("link", name=name, exact=True))

    def follow_mail(self, words: str) -> None:
        """Open the link of the newest mail to Grace with these words in its subject, and press its one button."""
        letters = [letter for letter in self.shop.mailer.letters if letter.to == GRACE.email]
        letter = next(letter for letter in reversed(letters) if words in letter.subject)
        found = re.search(r"https?://\S+(/m/\S+)", letter.text)
        assert found, letter.text
        self.open(found[1])
        self.page.get_by_role("main").get_by_role("button").first.click()

    def sign_in_to_desk(self) -> None:
        """As Ada."""
        self.open("/admin/")
        self.page.get_by_label("E-mail address").fill(ADA)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")

    # --- the way to Stripe ------------------------------------------------------------------------------------------

    def go_to_review(self, stay: Stay) -> None:
        """From the front page: search, choose, say who is coming."""
        self.open("/")
        self.page.fill("form.search #arrive", stay.arrive.isoformat())
        self.page.fill("form.search #leave", stay.leave.isoformat())
        self.press("Search stays")
        self.page.get_by_role("link", name="Harbour Loft").first.click()
        self.press("Continue")
        self.page.get_by_label("Full name").fill("Grace Hopper")
        self.page.get_by_label("E-mail address").fill("grace@example.org")
        self.press("Continue to review")

    def book(self, stay: Stay) -> str:
        """Up to Stripe's page; the id of its session."""
        self.go_to_review(stay)
        self.press("Book and pay €")
        return self.session_id()

    def session_id(self) -> str:
        """The session whose page is open."""
        start = f"{self.shop.stripe.url}/c/pay/"
        assert self.page.url.startswith(start), self.page.url
        return self.page.url.removeprefix(start)

    def fill_card(self, number: str) -> None:
        """Type a card as it is printed."""
        values = {"cardNumber": number, "cardExpiry": "12 / 40", "cardCvc": "123", "billingName": "Grace Hopper"}
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)
        self.page.select_option("[name=billingCountry]", "CZ")
        self.page.fill("[name=billingPostalCode]", "110 00")

    def pay(self, number: str = GOOD_CARD) -> None:
        """Type a card and press the button."""
        self.fill_card(number)
        self.press("Pay ")

    def never_reach(self, pattern: str) -> None:
        """From now on the browser sends nothing to these addresses, not even after a redirect, and goes on waiting."""
        devtools = self.page.context.new_cdp_session(self.page)
        devtools.send("Fetch.enable", {"patterns": [{"urlPattern": pattern}]})

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture
def new_guest(chromium: Browser, small_shop: Shop) -> Iterator[Callable[..., Guest]]:
    """Opens windows. At the end no page of any of them may have complained about anything."""
    guests: list[Guest] = []

    def arrive(width: int = 1280, *, script: bool = False) -> Guest:
        context = chromium.new_context(java_script_enabled=script, viewport={"width": width, "height": 800})
        context.set_default_timeout(15_000)
        guest = Guest(context.new_page(), small_shop)
        watch(guest, guest.page)
        guests.append(guest)
        return guest

    yield arrive
    for guest in guests:
        guest.page.context.close()
    small_shop.stripe.post("delivery", {"mode": "normal"})
    assert [complaint for guest in guests for complaint in guest.complaints] == []


def watch(guest: Guest, page: Page) -> None:
    """Note what the console says, what scripts break, and which hosts are asked for anything."""

    def note(message: ConsoleMessage) -> None:
        # An answer of 402 or 409 to the page itself is meant; a file that is missing would be found by its host's test.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            guest.complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)

    def note_error(error: Error) -> None:
        # A page that is left while it still fades in; the browser itself says so, no script of ours.
        if "Transition was" not in error.message:
            guest.complaints.append(f"{page.url}: {error.message}")

    page.on("pageerror", note_error)
    page.on("request", lambda request: guest.hosts.add("/".join(request.url.split("/")[:3])))


@pytest.fixture
def guest(new_guest: Callable[..., Guest]) -> Guest:
    """Grace at her desk."""
    return new_guest()


@pytest.fixture
def ada(new_guest: Callable[..., Guest], small_shop: Shop) -> Guest:
    """Ada at the desk, signed in."""
    with small_shop.app.app_context():
        staff.create_staff(small_shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    ada = new_guest()
    ada.sign_in_to_desk()
    return ada
