"""What the tests of the club begin with: a house that takes part, a plan at Stripe, a guest who signs in and joins."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import requests
from sqlalchemy import select

from booking.domain.club import Interval, PlanTerms
from booking.domain.money import Money
from booking.extensions import db
from booking.models import Membership, OutboxRow, Property
from booking.services import catalog_sync, club_plans
from tests.support.shop import Shop

ADA = "ada@example.org"
GRACE, LINUS = "grace@example.org", "linus@example.org"
GOOD, BROKE_LATER = "4242424242424242", "4000000000000341"
TERMS = PlanTerms("Harbour Club", Money(900, "eur"), Interval.MONTH, 0, 1000)


def open_club(shop: Shop, terms: PlanTerms = TERMS) -> int:
    """A plan that can be joined, in a house that takes part; the plan's id."""
    with shop.app.app_context():
        plan_id = club_plans.add_plan(shop.runtime, terms, ADA)
        assert not any(line.is_problem for line in catalog_sync.sync_catalog(shop.runtime))
        place = db.session.scalars(select(Property).order_by(Property.id)).first()
        assert place is not None
        place.in_club = True
        db.session.commit()
    return plan_id


@dataclass
class Visitor:
    """A browser without a script."""

    shop: Shop
    session: requests.Session

    @classmethod
    def of(cls, shop: Shop) -> "Visitor":
        return cls(shop, requests.Session())

    def get(self, path: str, **params: str) -> requests.Response:
        return self.session.get(self.shop.url + path, params=params, timeout=30, allow_redirects=False)

    def post(self, path: str, page: str = "", **fields: Any) -> requests.Response:
        """Send a form, with the token that the page it stands on gives."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page or path).text)
        data = {"csrf_token": unescape(token[1]) if token else "", **fields}
        return self.session.post(self.shop.url + path, data=data, timeout=30, allow_redirects=False)

    def sign_in(self, email: str = GRACE) -> None:
        """Ask for a link, read the mail, press the button."""
        assert self.post("/club/sign-in", "/club", email=email).status_code == 303
        link = mailed_link(self.shop, email)
        assert self.post(link, link).status_code == 303

    def join(self, plan_id: int, card: str = GOOD) -> str:
        """Agree, pay on Stripe's page, and come back; the id of the session."""
        answer = self.post("/club/join", "/club", plan=str(plan_id), agree="y")
        assert answer.status_code == 303, answer.text[:500]
        session_id = answer.headers["Location"].rstrip("/").rpartition("/")[2]
        self.shop.stripe.pay(session_id, card)
        self.shop.stripe.settle_down()
        return session_id


def mailed_link(shop: Shop, email: str) -> str:
    """The path of the newest link that was mailed to an address."""
    shop.work()
    letter = [letter for letter in shop.mailer.letters if letter.to == email][-1]
    found = re.search(rf"{shop.url}(\S*/club/m/\S+)", letter.text)
    assert found, letter.text
    return found[1]


def the_membership(shop: Shop) -> Membership:
    """The only membership there is."""
    with shop.app.app_context():
        row = db.session.scalars(select(Membership)).one()
        db.session.expunge(row)
        return row


def mails(shop: Shop) -> list[str]:
    """The kinds of mail to members that were asked for, oldest first."""
    with shop.app.app_context():
        rows = db.session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        kinds = [row.payload.get("mail", "") for row in rows]
    return [kind for kind in kinds if kind.startswith("club_") and kind != "club_link"]
