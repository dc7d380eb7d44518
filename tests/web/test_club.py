"""The club's pages: who may open what, links that work once, and a shop without a club that shows nothing of one."""

import re
from datetime import timedelta

import pytest
import requests

from booking.extensions import db
from booking.models import (
    Customer,
    GuestAccount,
    GuestLink,
    GuestSession,
    Joining,
    Membership,
    OutboxRow,
    PortalVisit,
    Property,
)
from booking.services import guest_accounts
from tests.support.club import GRACE, LINUS, Visitor, mailed_link, open_club, the_membership
from tests.support.shop import Shop


@pytest.fixture
def club(small_shop: Shop) -> Shop:
    """A shop whose club has one plan."""
    open_club(small_shop)
    return small_shop


def _member(shop: Shop) -> Visitor:
    grace = Visitor.of(shop)
    grace.sign_in()
    grace.join(1)
    return grace


PAGES = ["/club", "/club/data", "/club/return"]


@pytest.mark.parametrize("path", PAGES)
def test_a_shop_without_a_club_has_none_of_its_pages_and_names_it_nowhere(small_shop: Shop, path: str) -> None:
    stranger = Visitor.of(small_shop)

    assert stranger.get(path).status_code == 404
    assert "/club" not in stranger.get("/").text
    assert "/club" not in stranger.get("/terms").text


def test_the_page_says_what_it_gives_what_it_costs_and_how_it_ends(club: Shop) -> None:
    page = Visitor.of(club).get("/club").text

    for words in (
        "Harbour Club",
        "€9.00 a month",
        "10 % off",
        "renews by itself until you cancel",
        "Cancel at any time",
    ):
        assert words in re.sub(r"\s+", " ", page), words
    assert 'action="/club/join"' not in page, "only who is signed in can join"


def test_asking_for_a_link_tells_nobody_who_has_an_account_and_makes_none(club: Shop) -> None:
    answers = [Visitor.of(club).post("/club/sign-in", "/club", email=email) for email in (GRACE, LINUS)]

    assert {answer.headers["Location"] for answer in answers} == {"/club?sent=1"}
    club.work()
    assert club.count(GuestAccount) == 0
    assert club.count(GuestLink) == 2


def test_looking_at_a_link_uses_nothing_up_and_it_works_once_and_not_for_long(club: Shop) -> None:
    grace, linus = Visitor.of(club), Visitor.of(club)
    grace.post("/club/sign-in", "/club", email=GRACE)
    link = mailed_link(club, GRACE)
    for _ in range(3):
        assert grace.get(link).status_code == 200

    assert grace.post(link, link).status_code == 303
    assert grace.get("/club/account").status_code == 200
    assert linus.get(link).status_code == 404
    assert linus.post(link, "/club").status_code == 404
    assert linus.get("/club/account").status_code == 303

    grace.post("/club/sign-in", "/club", email=LINUS)
    late = mailed_link(club, LINUS)
    club.clock.offset += guest_accounts.LINK_LIFE + timedelta(seconds=1)
    assert linus.get(late).status_code == 404


def test_the_secret_of_a_link_is_kept_as_a_hash_and_never_in_the_outbox(club: Shop) -> None:
    Visitor.of(club).post("/club/sign-in", "/club", email=GRACE)
    token = mailed_link(club, GRACE).rpartition("/")[2]

    with club.app.app_context():
        kept = [str(vars(row)) for model in (GuestLink, OutboxRow) for row in db.session.query(model)]
    assert not any(token in text for text in kept)


def test_the_cookie_is_for_this_browser_alone_and_signing_out_ends_it_everywhere(club: Shop) -> None:
    grace = _member(club)
    [cookie] = [one for one in grace.session.cookies if one.name == "member"]
    assert cookie.has_nonstandard_attr("HttpOnly")
    copied = Visitor.of(club)
    copied.session.cookies.set("member", cookie.value or "", domain="127.0.0.1")
    assert copied.get("/club/account").status_code == 200

    grace.post("/club/sign-out", "/club/account")

    assert copied.get("/club/account").status_code == 303
    assert club.count(GuestSession) == 0


def test_a_sign_in_ends_after_a_month(club: Shop) -> None:
    grace = _member(club)
    club.clock.offset += guest_accounts.SESSION_LIFE + timedelta(seconds=1)

    assert grace.get("/club/account").status_code == 303
    with club.app.app_context():
        assert guest_accounts.purge(club.runtime) > 0


POSTS = ["/club/join", "/club/portal", "/club/erase"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("cookie", ["", "x" * 43, "' OR 1=1 --"])
def test_who_is_not_signed_in_or_brings_a_made_up_cookie_gets_no_further(club: Shop, path: str, cookie: str) -> None:
    _member(club)
    linus = Visitor.of(club)
    if cookie:
        linus.session.cookies.set("member", cookie, domain="127.0.0.1")

    answer = linus.post(path, "/club", plan="1", agree="y", account="1", customer="cus_1")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/club")
    assert club.count(PortalVisit) == 0


def test_the_portal_is_ones_own_whatever_is_sent(club: Shop) -> None:
    grace, linus = _member(club), Visitor.of(club)
    linus.sign_in(LINUS)
    linus.join(1)
    hers, his = [row.stripe_customer_id for row in _accounts(club)]
    assert hers != his

    answer = linus.post("/club/portal", "/club/account", customer=hers, account_id="1")

    assert answer.status_code == 303
    assert "/p/session/" in answer.headers["Location"]
    with club.app.app_context():
        visit = db.session.query(PortalVisit).one()
        assert (visit.params["customer"], visit.account_id) == (his, 2)
    shown = requests.get(answer.headers["Location"], timeout=30).text
    assert GRACE not in shown
    assert GRACE not in linus.get("/club/account").text
    assert GRACE not in linus.get("/club/data").text
    assert GRACE in grace.get("/club/data").text


def test_a_member_who_never_joined_has_no_portal(club: Shop) -> None:
    linus = Visitor.of(club)
    linus.sign_in(LINUS)

    assert linus.post("/club/portal", "/club/account").status_code == 404


def test_somebody_elses_way_back_shows_nothing_and_gives_nothing(club: Shop) -> None:
    grace, linus = Visitor.of(club), Visitor.of(club)
    club.stripe.drop_webhooks()
    grace.sign_in()
    linus.sign_in(LINUS)
    session_id = grace.join(1)

    linus.get("/club/return", session_id=session_id)

    assert the_membership(club).account_id == 1
    assert "not a member yet" in linus.get("/club/account").text


def test_no_stripe_call_is_made_for_a_session_that_nobody_opened(club: Shop) -> None:
    before = len(club.stripe.get("requests"))
    answer = Visitor.of(club).get("/club/return", session_id="cs_test_forged")

    assert answer.status_code == 303
    assert len(club.stripe.get("requests")) == before


def test_without_the_tick_nobody_joins(club: Shop) -> None:
    grace = Visitor.of(club)
    grace.sign_in()

    answer = grace.post("/club/join", "/club", plan="1")

    assert answer.status_code == 422
    assert "Tick the box if you agree" in answer.text
    assert club.count(Joining) == 0


def test_what_was_agreed_to_is_kept_with_its_moment(club: Shop) -> None:
    _member(club)

    with club.app.app_context():
        wish = db.session.query(Joining).one()
    assert "I join Harbour Club for €9.00 a month." in wish.consent
    assert "until I cancel" in wish.consent
    assert wish.agreed_at <= club.clock.now()


@pytest.mark.parametrize("plan", ["2", "0", "-1", "x", ""])
def test_a_plan_that_is_not_on_sale_cannot_be_joined(club: Shop, plan: str) -> None:
    grace = Visitor.of(club)
    grace.sign_in()

    assert grace.post("/club/join", "/club", plan=plan, agree="y").status_code == 404


def test_a_member_does_not_join_twice(club: Shop) -> None:
    grace = _member(club)

    grace.post("/club/join", "/club/account", plan="1", agree="y")

    assert "You are a member already." in grace.get("/club/account").text
    assert club.count(Joining) == 1


def test_when_stripe_is_silent_the_account_says_so_and_shows_the_rest(club: Shop) -> None:
    grace = _member(club)
    club.stripe.post("faults", [{"kind": "status_500", "method": "*", "path_prefix": "/v1/", "times": 99}])

    page = grace.get("/club/account").text
    answer = grace.post("/club/portal", "/club/account")

    assert "Stripe does not answer just now" in page
    assert "You are a member" in page
    assert (answer.status_code, "Nothing was charged" in answer.text) == (503, True)


def test_a_member_keeps_the_account_when_the_house_leaves_the_club(club: Shop) -> None:
    grace = _member(club)
    with club.app.app_context():
        db.session.query(Property).update({"in_club": False})
        db.session.commit()

    assert grace.get("/club/account").status_code == 200
    assert grace.post("/club/portal", "/club/account").status_code == 303
    assert Visitor.of(club).get("/club").status_code == 404


def test_an_account_is_erased_once_no_membership_runs(club: Shop) -> None:
    grace = _member(club)
    grace.post("/club/erase", "/club/account")
    assert "Your membership still runs" in grace.get("/club/account").text
    club.stripe_client().subscriptions.cancel(the_membership(club).subscription_id)
    club.stripe.settle_down()
    club.work()

    assert grace.post("/club/erase", "/club/account").status_code == 303

    assert grace.get("/club/account").status_code == 303
    with club.app.app_context():
        rows = [
            str(vars(row))
            for model in (Customer, GuestAccount, GuestLink, Joining, OutboxRow)
            for row in db.session.query(model)
        ]
        assert not any(GRACE in text for text in rows)
        assert db.session.query(Membership).one().status == "canceled"


def _accounts(shop: Shop) -> list[GuestAccount]:
    with shop.app.app_context():
        rows = db.session.query(GuestAccount).order_by(GuestAccount.id).all()
        db.session.expunge_all()
        return rows
