"""Rows of the table about the guest club: joining it, what Stripe is asked of members, and its catalogue."""

import re
from typing import ClassVar

from sqlalchemy import delete, select

from booking.database import transaction
from booking.domain.club import PlanTerms
from booking.domain.money import Money
from booking.extensions import db
from booking.models import CatalogErrand, Joining, Membership
from booking.services import club_plans
from tests.stripe_trouble.desk import ADA, Desk, Page
from tests.stripe_trouble.stories import ANSWERED, ELSEWISE, SESSIONS, TO_STRIPE, UNKNOWN, Said, Story
from tests.support.club import GRACE, TERMS, open_club
from tests.support.shop import fields_of

TROUBLE = Said(503, "Stripe does not answer just now Nothing was charged, and nothing has changed.")


class _OfAGuestWhoJoins(Story):
    """Grace is signed in, and the club has a plan."""

    said = {ANSWERED: (TO_STRIPE,), UNKNOWN: (TROUBLE,), ELSEWISE: (TO_STRIPE,)}

    def prepare(self, desk: Desk) -> None:
        self.plan_id = open_club(desk.shop)
        form = fields_of(desk.guest.get("/club").text)
        assert desk.guest.post("/club/sign-in", {**form, "email": GRACE}).status_code == 303
        desk.work()
        (link,) = re.findall(r"/club/m/\S+", desk.shop.mailer.letters[-1].text)
        desk.guest.press(link, fields_of(desk.guest.get(link).text))

    def act(self, desk: Desk) -> Page:
        form = {**fields_of(desk.guest.get("/club").text), "plan": str(self.plan_id), "agree": "y"}
        return desk.guest.press("/club/join", form)

    def again(self, desk: Desk) -> None:
        self.join(desk)
        desk.hear("checkout.session.completed")

    def join(self, desk: Desk) -> None:
        page = self.act(desk)
        assert page.status == 303, page.words
        self.session_id = page.location.rstrip("/").rpartition("/")[2]
        desk.shop.stripe.pay(self.session_id, wait=False)

    def count(self, desk: Desk) -> int:
        return desk.count("customer.created")

    def check(self, desk: Desk) -> None:
        (row,) = members(desk)
        assert (row.status, row.looked_at is not None) == ("active", True)
        assert len(desk.stripe.subscriptions.list(params={"status": "all"}).data) == 1
        assert "You are a member" in desk.guest.open("/club/account").words


def members(desk: Desk) -> list[Membership]:
    """Every membership that there is."""
    return list(desk.shop._read(select(Membership)))


class GuestIsMadeKnown(_OfAGuestWhoJoins):
    """One customer for one person, however often it is asked for. Where it is found in Stripe's list, that will do."""

    call, method, path = "create_customer", "POST", "/v1/customers"
    said: ClassVar = {ANSWERED: (TO_STRIPE,), UNKNOWN: (TROUBLE, TO_STRIPE), ELSEWISE: (TO_STRIPE,)}


class GuestIsLookedFor(_OfAGuestWhoJoins):
    """The customer was made, and its key answers with a stored error for ever: only Stripe's list tells."""

    call, path = "find_customer", "/v1/customers"

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.shop.stripe.post(
            "faults", [{"kind": "status_500_after_effect", "method": "POST", "path": "/v1/customers"}]
        )
        assert self.act(desk).status == 503
        desk.pass_time(minutes=1)


class GuestJoins(_OfAGuestWhoJoins):
    """A page that nobody was sent to may be left lying: what counts is the one that is paid."""

    call, method, path = "open_checkout", "POST", SESSIONS

    def count(self, desk: Desk) -> int:
        return max(1, desk.count("customer.subscription.created"))


class GuestComesBackToTheClub(_OfAGuestWhoJoins):
    """Paid, and nobody told: the page asks Stripe."""

    call, path, is_prefix = "look_up_subscription", "/v1/subscriptions/", True
    said = {
        ANSWERED: (Said(200, "You are a member"),),
        UNKNOWN: (Said(200, "We are confirming your membership with Stripe. It will stand here in a few minutes."),),
        ELSEWISE: (Said(200, "You are a member"),),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        self.join(desk)

    def join(self, desk: Desk) -> None:
        page = _OfAGuestWhoJoins.act(self, desk)
        self.session_id = page.location.rstrip("/").rpartition("/")[2]
        desk.shop.stripe.pay(self.session_id, wait=False)

    def act(self, desk: Desk) -> Page:
        return desk.guest.open("/club/return", session_id=self.session_id)

    def again(self, desk: Desk) -> None:
        desk.pass_time(minutes=3)


class OperatorMissesAMember(GuestComesBackToTheClub):
    """Of a wish to join that a restored backup does not know any more."""

    call, path, is_prefix = "list_subscriptions", "/v1/subscriptions", False
    problem = "PROBLEM membership: memberships: no usable answer from Stripe (gateway_unavailable)"
    said = {
        ANSWERED: (Said(0, "carries our id: membership active"),),
        UNKNOWN: (Said(1, problem),),
        ELSEWISE: (Said(0, "Nothing to do"),),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        with desk.shop.app.app_context(), transaction() as session:
            session.execute(delete(Joining))

    def act(self, desk: Desk) -> Page:
        return desk.run("reconcile")


class GuestOpensThePortal(GuestComesBackToTheClub):
    """Each press is a page of its own; what is done there, Stripe tells."""

    call, method, path, is_prefix = "open_portal", "POST", "/v1/billing_portal/sessions", False
    said: ClassVar = {ANSWERED: (TO_STRIPE,), UNKNOWN: (TROUBLE,), ELSEWISE: (TO_STRIPE,)}

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.hear("checkout.session.completed")

    def act(self, desk: Desk) -> Page:
        return desk.guest.press("/club/portal", fields_of(desk.guest.get("/club/account").text))

    def again(self, desk: Desk) -> None:
        assert self.act(desk).status == 303


# --- the catalogue --------------------------------------------------------------------------------------------------

DEARER = PlanTerms(TERMS.name, Money(1100, "eur"), TERMS.interval, 0, TERMS.off_share)
RENAMED = PlanTerms("Harbour Friends", TERMS.price, TERMS.interval, 0, TERMS.off_share)


class _OfTheCatalogue(Story):
    """An operator types `flask catalog-sync` after the plans have changed."""

    method = "POST"
    said = {
        ANSWERED: (Said(0, ""),),
        UNKNOWN: (Said(1, "no usable answer from Stripe (gateway_unavailable); run this again"),),
        ELSEWISE: (Said(0, ""), Said(1, "run this again")),
    }
    products: ClassVar = [("Harbour Club", True)]
    prices: ClassVar = [(900, True)]

    def prepare(self, desk: Desk) -> None:
        with desk.shop.app.app_context():
            self.plan_id = club_plans.add_plan(desk.shop.runtime, TERMS, ADA)

    def act(self, desk: Desk) -> Page:
        return desk.run("catalog-sync")

    def again(self, desk: Desk) -> None:
        desk.pass_time(minutes=6)
        page = self.act(desk)
        assert page.status == 0, page.text

    def count(self, desk: Desk) -> int:
        return max(1, desk.count("product.created"))

    def check(self, desk: Desk) -> None:
        products = desk.stripe.products.list().data
        prices = desk.stripe.prices.list().data
        assert [(product.name, product.active) for product in products] == self.products
        assert sorted((price.unit_amount, price.active) for price in prices) == self.prices
        assert "Nothing to do" in self.act(desk).text
        with desk.shop.app.app_context():
            assert db.session.scalars(select(CatalogErrand).where(CatalogErrand.done_at.is_(None))).all() == []


class OperatorMakesAProduct(_OfTheCatalogue):
    call, path = "make_product", "/v1/products"


class OperatorMakesAPrice(_OfTheCatalogue):
    call, path = "make_price", "/v1/prices"


class OperatorLooksForAPrice(_OfTheCatalogue):
    call, method, path = "find_price", "GET", "/v1/prices"


class OperatorLooksForAProduct(_OfTheCatalogue):
    """It was made, and its key answers with a stored error: only Stripe's list tells."""

    call, method, path = "find_product", "GET", "/v1/products"

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.shop.stripe.post("faults", [{"kind": "status_500_after_effect", "method": "POST", "path": "/v1/products"}])
        assert self.act(desk).status == 1
        desk.pass_time(minutes=6)


class _OfAChangedPlan(_OfTheCatalogue):
    """The plan is at Stripe, and has changed here."""

    is_prefix = True
    terms: ClassVar[PlanTerms]

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        assert self.act(desk).status == 0
        with desk.shop.app.app_context():
            club_plans.change_plan(desk.shop.runtime, self.plan_id, self.terms, ADA)


class OperatorRenamesAProduct(_OfAChangedPlan):
    call, path, terms = "change_product", "/v1/products/", RENAMED
    products: ClassVar = [("Harbour Friends", True)]


class OperatorRetiresAPrice(_OfAChangedPlan):
    call, path, terms = "retire_price", "/v1/prices/", DEARER
    prices: ClassVar = [(900, False), (1100, True)]
