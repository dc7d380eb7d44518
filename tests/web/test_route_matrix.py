"""Route by actor: what belongs to one guest opens to nobody else, whatever ids are forged and however old the link is.

Staff's routes, those of evidence and charges among them, have a table of their own: tests/web/test_permits.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from booking.database import transaction
from booking.domain.states import DueKind
from booking.extensions import db
from booking.models import Attempt, Booking, BookingEvent, Due, GuestAccount, Membership, PortalVisit, SavedCard
from booking.models.instance import LinkPurpose
from booking.services import access
from tests.support.cards import cards_of, dues_of, keep_cards, owe
from tests.support.club import LINUS, open_club
from tests.support.club import Visitor as Member
from tests.support.shop import Shop, Visitor, fields_of

# Everything under a booking's address: what is sent to it with POST, or None where it is opened.
OF_BOOKINGS: dict[str, tuple[str, dict[str, str] | None]] = {
    "manage.booking": ("", None),
    "manage.voucher": ("/voucher", None),
    "manage.receipt": ("/receipt", None),
    "manage.calendar": ("/calendar.ics", None),
    "manage.your_data": ("/privacy", None),
    "manage.export": ("/data", None),
    "manage.details": ("/details", None),
    "manage.keep_details": ("/details", {"name": "Linus", "email": "linus@example.org"}),
    "manage.resend": ("/resend", {}),
    "manage.ask_cancel": ("/cancel", None),
    "manage.cancel": ("/cancel", {"form_token": "a" * 32, "refund_minor": "0"}),
    "manage.erase": ("/erase", {}),
    "manage.keep": ("/keep", {}),
    "manage.cards": ("/cards", None),
    "manage.choose_card": ("/cards/{card}/default", {}),
    "manage.remove_card": ("/cards/{card}/remove", {}),
    "manage.due": ("/pay/{due}", None),
    "manage.pay_due": ("/pay/{due}", {}),
    "manage.begin_card": ("/pay/{due}/card", {}),
    "manage.pay_card": ("/pay/{due}/card", None),
}
# Those that are told the booking in a form.
OF_PAYING = {"checkout.pay_resume": "/pay/resume", "checkout.pay_difference": "/pay/difference",
             "checkout.pay_release": "/pay/release"}  # fmt: skip
# Those of an account: where somebody without one is led.
OF_MEMBERS: dict[str, tuple[str, dict[str, str] | None]] = {
    "club.account": ("/club/account", None),
    "club.export": ("/club/data", None),
    "club.portal": ("/club/portal", {}),
    "club.join": ("/club/join", {"plan": "1", "agree": "y"}),
    "club.erase": ("/club/erase", {}),
}
# For everybody: they ask for a link, open one by its secret, or know a session of Stripe's and tell a name at most.
OPEN = {
    "manage.lookup", "manage.ask_link", "manage.link", "manage.follow_link", "club.club", "club.sign_in", "club.link",
    "club.follow_link", "club.sign_out", "club.come_back", "checkout.pay_return", "checkout.pay_state",
    "checkout.pay_cancelled", "checkout.book", "checkout.keep_details", "checkout.review", "checkout.place",
}  # fmt: skip


@dataclass
class House:
    """A shop in which Grace has a booking with a card and something owed, and Linus one of his own with the same."""

    shop: Shop
    grace: Visitor
    linus: Visitor
    hers: int
    his: int

    def path(self, rest: str, booking_id: int, of: int = 0) -> str:
        """An address below one booking, with the card and the due of another one, or of the same."""
        card, due = cards_of(self.shop, of or booking_id)[0].id, dues_of(self.shop, of or booking_id)[0].id
        return f"/b/{self.shop.booking(booking_id).reference}{rest.format(card=card, due=due)}"

    def state(self) -> list[tuple[object, ...]]:
        """What nobody else may change."""
        columns = [
            (Booking.id, Booking.status, Booking.guest_name, Booking.guest_email, Booking.erase_asked_at),
            (SavedCard.id, SavedCard.removed_at, SavedCard.is_default),
            (Due.id, Due.status),
            (Attempt.id, Attempt.status),
            (BookingEvent.id, BookingEvent.kind),
        ]
        with self.shop.app.app_context():
            return [tuple(row) for wanted in columns for row in db.session.execute(db.select(*wanted))]


def _booked(shop: Shop, ahead: int) -> tuple[Visitor, int]:
    visitor = Visitor(shop.url)
    visitor.book_and_pay("harbour-loft", shop.stay(ahead=ahead))
    booking_id = shop.bookings()[-1].id
    shop.pay(booking_id)
    shop.work()
    owe(shop, booking_id, shop.clock.today(), kind=DueKind.DAMAGE)
    return visitor, booking_id


@pytest.fixture
def house(small_shop: Shop) -> House:
    keep_cards(small_shop)
    grace, hers = _booked(small_shop, 30)
    linus, his = _booked(small_shop, 60)
    return House(small_shop, grace, linus, hers, his)


def _ask(visitor: Visitor, path: str, typed: dict[str, str] | None) -> int:
    if typed is None:
        return visitor.get(path).status_code
    token = fields_of(visitor.get("/manage").text)["csrf_token"]
    return visitor.post(path, {"csrf_token": token, **typed}).status_code


def _by_an_old_link(house: House) -> Visitor:
    """Somebody who came in by a link that was taken back since: the address was corrected, say."""
    visitor = Visitor(house.shop.url)
    with house.shop.app.app_context(), transaction() as session:
        now = house.shop.clock.now()
        token = access.mint_link(session, session.get_one(Booking, house.hers), LinkPurpose.BOOKING, now)
    assert _ask(visitor, f"/m/{token}", {}) == 303
    assert _ask(visitor, house.path("", house.hers), None) == 200
    with house.shop.app.app_context(), transaction() as session:
        access.revoke_links(session, house.hers, house.shop.clock.now())
    return visitor


ACTORS: dict[str, Callable[[House], Visitor]] = {
    "a stranger": lambda house: Visitor(house.shop.url),
    "another guest": lambda house: house.linus,
    "who came by an old link": _by_an_old_link,
}


def test_every_route_of_guests_is_in_one_of_the_tables(small_shop: Shop) -> None:
    routes = {rule.endpoint for rule in small_shop.app.url_map.iter_rules()}
    of_guests = {name for name in routes if name.partition(".")[0] in ("manage", "checkout", "club")}

    assert of_guests == {*OF_BOOKINGS, *OF_PAYING, *OF_MEMBERS, *OPEN}


@pytest.mark.parametrize("actor", ACTORS)
def test_a_booking_its_cards_and_what_is_owed_open_to_its_own_guest_alone(house: House, actor: str) -> None:
    visitor = ACTORS[actor](house)
    before, reference = house.state(), house.shop.booking(house.hers).reference

    answers = {name: _ask(visitor, house.path(rest, house.hers), typed) for name, (rest, typed) in OF_BOOKINGS.items()}
    answers |= {name: _ask(visitor, path, {"reference": reference}) for name, path in OF_PAYING.items()}

    assert {name: code for name, code in answers.items() if code != 404} == {}
    assert house.state() == before


def test_the_ids_of_anothers_cards_and_dues_open_nothing_under_ones_own_booking(house: House) -> None:
    before = house.state()
    named = {name: found for name, found in OF_BOOKINGS.items() if "{" in found[0]}

    answers = {
        name: _ask(house.linus, house.path(rest, house.his, of=house.hers), typed)
        for name, (rest, typed) in named.items()
    }

    led_home = {"manage.due", "manage.pay_due"}  # to the own booking: also what was paid meanwhile is not owed any more
    assert len(answers) >= 6
    assert answers == {name: 303 if name in led_home else 404 for name in answers}
    assert house.state() == before


def test_control_its_own_guest_opens_all_of_it(house: House) -> None:
    answers = {
        name: _ask(house.grace, house.path(rest, house.hers), None)
        for name, (rest, typed) in OF_BOOKINGS.items()
        if typed is None and name != "manage.pay_card"  # only where the shop has a page of its own for cards
    }

    assert {name: code for name, code in answers.items() if code != 200} == {}


# --- members --------------------------------------------------------------------------------------------------------


@pytest.fixture
def club(small_shop: Shop) -> Shop:
    """Grace is a member; Linus has an account and never joined."""
    plan_id = open_club(small_shop)
    grace = Member.of(small_shop)
    grace.sign_in()
    grace.join(plan_id)
    return small_shop


FORGED = {"account": "1", "account_id": "1", "customer": "cus_1", "membership": "1", "session_id": "cs_1"}


@pytest.mark.parametrize("name", OF_MEMBERS)
def test_a_stranger_is_led_to_the_door_of_the_club_from_each_of_its_rooms(club: Shop, name: str) -> None:
    path, typed = OF_MEMBERS[name]
    stranger = Member.of(club)
    stranger.session.cookies.set("member", "y" * 43, domain="127.0.0.1")

    answer = stranger.get(path, **FORGED) if typed is None else stranger.post(path, "/club", **typed, **FORGED)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/club")
    assert club.count(PortalVisit) == 0


def test_who_has_an_account_comes_to_nothing_of_another_members_with_any_id(club: Shop) -> None:
    linus, before = Member.of(club), club.count(PortalVisit)
    linus.sign_in(LINUS)
    hers = re.escape("grace@example.org")

    shown = [linus.get(path, **FORGED).text for path, typed in OF_MEMBERS.values() if typed is None]
    portal = linus.post("/club/portal", "/club/account", **FORGED)
    erased = linus.post("/club/erase", "/club/account", **FORGED)

    assert not any(re.search(hers, page) or "You are a member" in page for page in shown)
    assert (portal.status_code, club.count(PortalVisit)) == (404, before)
    assert erased.status_code == 303
    with club.app.app_context():
        assert db.session.get_one(GuestAccount, 1).erased_at is None
        assert db.session.get_one(Membership, 1).status == "active"
