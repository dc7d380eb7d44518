"""A shop that keeps cards, and bookings whose guest has let it save one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import requests
from sqlalchemy import select

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import DueKind, DueStatus
from booking.extensions import db
from booking.models import Booking, CardConsent, Due, Listing, Property, SavedCard
from booking.services import cards, charges, reservations
from booking.services.reservations import GuestDetails, PlaceRequest
from tests.support.shop import GRACE, Shop

GOOD = "4242424242424242"
# Can be saved, and is refused when it is charged; asks for 3-D Secure each time.
SAYS_NO, ALWAYS_ASKS = "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
DAMAGE = 20_000


def keep_cards(shop: Shop, damage: int = DAMAGE) -> None:
    """Have the house ask for cards from now on."""
    with shop.app.app_context(), transaction() as session:
        for place in session.scalars(select(Property)):
            place.keeps_cards, place.damage_most_minor = True, damage


@contextmanager
def keeping_cards(shop: Shop) -> Iterator[None]:
    """The same for a while, for a shop that others use after."""
    keep_cards(shop)
    try:
        yield
    finally:
        with shop.app.app_context(), transaction() as session:
            for place in session.scalars(select(Property)):
                place.keeps_cards, place.damage_most_minor = False, 0


@contextmanager
def offering_page(shop: Shop) -> Iterator[None]:
    """Let guests pay on a page of the shop for a while."""
    settings = shop.runtime.settings
    before = settings.stripe_publishable_key
    _set_page(shop, is_on=True)
    object.__setattr__(settings, "stripe_publishable_key", "pk_test_0123456789abcdef")
    try:
        yield
    finally:
        _set_page(shop, is_on=False)
        object.__setattr__(settings, "stripe_publishable_key", before)


def _set_page(shop: Shop, *, is_on: bool) -> None:
    with shop.app.app_context(), transaction() as session:
        for place in session.scalars(select(Property)):
            place.pays_on_page = is_on


def book_with_card(shop: Shop, card: str = GOOD, stay: Stay | None = None) -> int:
    """Book, agree to what the page says, pay with a card, and let the worker keep it."""
    wanted = stay or shop.stay()
    booking_id = place_with_card(shop, wanted, browser=f"grace {wanted.arrive}")
    shop.check_out(booking_id)
    shop.pay(booking_id, card)
    shop.work()
    return booking_id


def place_with_card(shop: Shop, wanted: Stay, guest: GuestDetails = GRACE, browser: str = "grace") -> int:
    """Hold some nights with a form that brings back what the page said of cards; the booking's id."""
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        priced = reservations.check_and_quote(listing, wanted, 2, shop.clock.now())
        consent = cards.offered_consent(listing, priced, wanted.arrive, shop.clock.now())
        agreed = cards.name_of(consent, "en") if consent else ""
        mark = listing.payment_plan.schedule(priced.total, wanted.arrive, shop.clock.today()).mark
        total = priced.total
    request = PlaceRequest(shop.listing_id, wanted, 2, guest, browser, total, consent=agreed, shown_plan=mark)
    with shop.app.app_context():
        return reservations.place_booking(shop.runtime, request).booking_id


def cards_of(shop: Shop, booking_id: int) -> list[SavedCard]:
    """Every card that was ever saved with a booking."""
    return shop._read(select(SavedCard).where(SavedCard.booking_id == booking_id).order_by(SavedCard.id))


def consent_of(shop: Shop, booking_id: int) -> CardConsent | None:
    """What the guest agreed to."""
    return next(iter(shop._read(select(CardConsent).where(CardConsent.booking_id == booking_id))), None)


def owe(shop: Shop, booking_id: int, due_on: date, minor: int = 4200, kind: DueKind = DueKind.BALANCE) -> int:
    """Something that the guest still owes. A balance belongs to the price, which is raised by it.

    Of fees only what the guest has agreed to can be asked for: where nothing was, this much is.
    """
    with shop.app.app_context(), transaction() as session:
        if kind is DueKind.BALANCE:
            session.get_one(Booking, booking_id).amount_minor += minor
        elif session.scalar(select(CardConsent).where(CardConsent.booking_id == booking_id)) is None:
            session.add(CardConsent(booking_id=booking_id, text=["Fees."], language="en", agreed_at=shop.clock.now(),
                                    no_show_minor=minor, damage_minor=minor, currency="eur"))  # fmt: skip
        due = Due(booking_id=booking_id, kind=kind, status=DueStatus.OPEN, due_on=due_on,
                  amount_minor=minor, currency="eur")  # fmt: skip
        session.add(due)
        session.flush()
        return due.id


def dues_of(shop: Shop, booking_id: int) -> list[Due]:
    """What was ever owed for a booking."""
    return shop._read(select(Due).where(Due.booking_id == booking_id).order_by(Due.id))


def sweep(shop: Shop) -> list[str]:
    """Let the worker charge what is due, and write its letters."""
    with shop.app.app_context():
        lines = charges.charge_due_cards(shop.runtime)
    shop.stripe.settle_down()
    shop.work()
    return lines


def come_to(shop: Shop, day: date) -> None:
    """Let time pass until noon of a day where the house is."""
    days = (day - shop.clock.today()).days
    if days:
        shop.pass_time(days=days)


def note_no_show(shop: Shop, booking_id: int) -> None:
    """As if staff had noted that nobody came."""
    with shop.app.app_context(), transaction() as session:
        session.get_one(Booking, booking_id).no_show_at = shop.clock.now()


def allow_no_show(shop: Shop, booking_id: int, minor: int) -> None:
    """As if the guest had agreed to so much where nobody comes: a plan with a deposit would have asked for it."""
    with shop.app.app_context(), transaction() as session:
        session.scalars(select(CardConsent).where(CardConsent.booking_id == booking_id)).one().no_show_minor = minor


def swap_card(shop: Shop, booking_id: int, token: str) -> None:
    """Give a booking another card, set up for later at Stripe, as if its guest had saved that one."""
    api, (card,) = shop.stripe_client(), cards_of(shop, booking_id)
    setup = api.setup_intents.create({"customer": card.customer_id, "payment_method": token, "confirm": True})
    if setup.status == "requires_action":
        requests.post(setup.next_action.redirect_to_url.url, {"answer": "complete"}, timeout=5)
    method = api.setup_intents.retrieve(setup.id).payment_method
    with shop.app.app_context(), transaction() as session:
        session.get_one(SavedCard, card.id).payment_method_id = method


def eur(minor: int) -> Money:
    """Euro."""
    return Money(minor, "eur")


TWO_DAYS = timedelta(days=2)
