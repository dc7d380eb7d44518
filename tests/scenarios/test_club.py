"""Whole stories of members: joining, renewing, a card that fails, the end; with webhooks and without."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from booking.database import transaction
from booking.domain.club import Interval, PlanTerms
from booking.domain.money import Money
from booking.gateways.billing import MemberTag, Params, SubscriptionNews
from booking.gateways.payments import PaymentEvidence
from booking.models import Customer, GuestAccount, Joining, Membership
from booking.models.member import JoinStatus
from booking.services import memberships
from booking.services.instance import get_identity
from booking.services.reconciliation import reconcile
from tests.support.club import BROKE_LATER, GRACE, Visitor, mails, open_club, the_membership
from tests.support.shop import Shop

TRIAL = PlanTerms("Harbour Club", Money(900, "eur"), Interval.MONTH, 14, 1000)


def _reconcile(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return [finding.text for finding in reconcile(shop.runtime)]


def test_a_guest_joins_by_mail_and_card_and_is_a_member_by_webhook(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    grace.sign_in()

    session_id = grace.join(plan_id)

    row = the_membership(shop)
    assert (row.status, row.price.minor, row.off_share) == ("active", 900, 1000)
    assert row.joined_at is not None
    assert mails(shop) == ["club_welcome"]
    back = grace.get("/club/return", session_id=session_id)
    assert back.headers["Location"].endswith("/club/account")
    page = grace.get("/club/account").text
    assert "You are a member" in page
    assert "€9.00" in page
    shop.work()
    assert shop.mailer.subjects_to(GRACE)[-1].startswith("Welcome to the club")


def test_with_webhooks_off_the_way_back_makes_the_member(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    shop.stripe.drop_webhooks()
    grace.sign_in()

    session_id = grace.join(plan_id)
    assert shop.count(Membership) == 0
    grace.get("/club/return", session_id=session_id)

    assert the_membership(shop).status == "active"


def test_with_webhooks_off_for_good_reconcile_makes_renews_and_ends_the_member(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    shop.stripe.drop_webhooks()
    grace.sign_in()
    grace.join(plan_id)

    assert any("membership active" in line for line in _reconcile(shop))
    first = the_membership(shop)
    shop.pass_time(days=32)
    _reconcile(shop)
    second = the_membership(shop)
    assert second.period_end > first.period_end
    assert mails(shop) == ["club_welcome", "club_renewed"]

    shop.stripe_client().subscriptions.cancel(second.subscription_id)
    _reconcile(shop)
    assert the_membership(shop).status == "canceled"
    assert mails(shop)[-1] == "club_ended"
    assert not any("membership" in line for line in _reconcile(shop))


def test_a_renewal_is_a_receipt_once_whatever_events_say_so(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id)

    shop.pass_time(days=32)
    for event in shop.stripe.events("invoice.paid"):
        shop.stripe.resend(event["id"], times=2)
    shop.stripe.settle_down()

    assert mails(shop) == ["club_welcome", "club_renewed"]
    shop.work()
    letter = shop.mailer.letters[-1]
    assert "€9.00" in letter.text
    assert letter.subject == "Receipt: your membership goes on"


def test_a_card_that_fails_keeps_the_rate_for_a_week_and_then_not(shop: Shop) -> None:
    plan_id, grace = open_club(shop, TRIAL), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id, BROKE_LATER)
    assert the_membership(shop).status == "trialing"

    shop.pass_time(days=14, hours=2)

    row = the_membership(shop)
    assert row.status == "past_due"
    assert row.standing.is_entitled(shop.clock.now())
    assert mails(shop) == ["club_welcome", "club_payment_failed"]
    assert "You keep the members’ rate until" in grace.get("/club/account").text
    assert not row.standing.is_entitled(shop.clock.now() + timedelta(days=7))
    shop.work()
    assert "No money was taken" in shop.mailer.letters[-1].text


def test_cancelled_in_the_portal_the_rate_stays_to_the_end_of_the_period_and_is_gone_then(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id)
    row = the_membership(shop)

    shop.stripe_client().subscriptions.update(row.subscription_id, params={"cancel_at_period_end": True})
    shop.stripe.settle_down()

    row = the_membership(shop)
    assert (row.status, row.cancels_at) == ("active", row.period_end)
    assert row.standing.is_entitled(shop.clock.now())
    assert "You have cancelled" in grace.get("/club/account").text
    shop.pass_time(days=32)
    row = the_membership(shop)
    assert (row.status, row.standing.is_entitled(shop.clock.now())) == ("canceled", False)
    assert mails(shop) == ["club_welcome", "club_ended"]


def test_events_in_the_wrong_order_end_with_what_stripe_says_now(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    shop.stripe.hold_webhooks()
    grace.sign_in()
    grace.join(plan_id)
    shop.pass_time(days=32)

    shop.stripe.release("reverse")
    shop.stripe.settle_down()

    row = the_membership(shop)
    assert row.status == "active"
    assert row.period_end > shop.clock.now()
    assert shop.count(Membership) == 1


def test_a_membership_that_is_over_stays_over_whatever_older_answer_comes_late(shop: Shop) -> None:
    """Two asked in the same instant, one before the end and one after it: clocks do not tell which is newer."""
    plan_id, grace = open_club(shop), Visitor.of(shop)
    shop.stripe.drop_webhooks()
    grace.sign_in()
    grace.join(plan_id)
    _reconcile(shop)
    subscription_id = the_membership(shop).subscription_id
    with shop.app.app_context():
        identity = get_identity(shop.runtime)
        before = memberships.ask(shop.runtime, SubscriptionNews(subscription_id, MemberTag()), identity)
    shop.stripe_client().subscriptions.cancel(subscription_id)
    _reconcile(shop)
    over = the_membership(shop)

    with shop.app.app_context(), transaction() as session:
        late = replace(before, looked_at=over.looked_at)
        assert memberships.take_in(session, late, identity, shop.clock.now()) == "membership canceled"

    assert the_membership(shop).ended_at == over.ended_at
    assert mails(shop) == ["club_welcome", "club_ended"]


def test_the_trial_is_told_of_before_it_ends_and_nobody_gets_a_second_one(shop: Shop) -> None:
    from booking.services.memberships import write_before_trials_end

    plan_id, grace = open_club(shop, TRIAL), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id)
    shop.pass_time(days=12)
    for _ in range(2):
        with shop.app.app_context():
            write_before_trials_end(shop.runtime)
    assert mails(shop) == ["club_welcome", "club_trial_ends"]

    shop.stripe_client().subscriptions.cancel(the_membership(shop).subscription_id)
    shop.stripe.settle_down()
    grace.join(plan_id)

    bodies = [request["params"] for request in shop.stripe.created()]
    assert "trial_period_days" in bodies[0]["subscription_data"]
    assert "trial_period_days" not in bodies[1]["subscription_data"]
    assert bodies[1]["customer"]


def test_a_member_is_one_customer_with_our_metadata_however_often_they_join(shop: Shop) -> None:
    plan_id, grace = open_club(shop), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id)
    shop.stripe_client().subscriptions.cancel(the_membership(shop).subscription_id)
    shop.stripe.settle_down()
    grace.join(plan_id)

    (customer,) = shop.stripe_client().customers.list().data
    (row,) = shop._read(select(Customer))
    assert (customer.id, customer.metadata["customer"]) == (row.stripe_customer_id, row.token)
    assert [request["params"]["customer"] for request in shop.stripe.created()] == [customer.id] * 2
    assert {account.stripe_customer_id for account in shop._read(select(GuestAccount))} == {customer.id}


def test_a_subscription_of_another_program_is_ignored_without_a_trace(small_shop: Shop) -> None:
    shop = small_shop
    open_club(shop)
    api = shop.stripe_client()
    customer = api.customers.create(params={"email": "x@example.org"})
    card = api.payment_methods.attach("pm_card_visa", params={"customer": customer.id})
    [price] = api.prices.list().data
    api.subscriptions.create(
        params={"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": card.id}
    )
    shop.stripe.settle_down()

    assert shop.count(Membership) == 0
    assert mails(shop) == []
    assert not any("membership" in line or "subscription" in line for line in _reconcile(shop))


@pytest.mark.parametrize("clicks", [2])
def test_pressing_twice_leads_to_one_page(small_shop: Shop, clicks: int) -> None:
    plan_id, grace = open_club(small_shop), Visitor.of(small_shop)
    grace.sign_in()

    pages = {grace.post("/club/join", "/club", plan=str(plan_id), agree="y").headers["Location"] for _ in range(clicks)}

    assert len(pages) == 1
    assert len(small_shop.stripe.sessions()) == 1


def test_a_page_that_comes_after_its_wish_was_given_up_is_ended_and_not_handed_out(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two presses one is refused by Stripe, while the other has its page made under the same key."""
    plan_id, grace = open_club(small_shop), Visitor.of(small_shop)
    grace.sign_in()
    gateway = small_shop.runtime.payments
    make_page = gateway.open_checkout

    def make_page_late(params: Params, key: str) -> PaymentEvidence:
        made = make_page(params, key)
        with small_shop.app.app_context(), transaction() as session:
            session.execute(update(Joining).values(status=JoinStatus.EXPIRED))
        return made

    with monkeypatch.context() as late:
        late.setattr(gateway, "open_checkout", make_page_late)
        answer = grace.post("/club/join", "/club", plan=str(plan_id), agree="y")
    page = grace.post("/club/join", "/club", plan=str(plan_id), agree="y").headers["Location"]

    assert answer.status_code == 503
    stands = {session["id"]: session["status"] for session in small_shop.stripe.get("state")["sessions"]}
    assert sorted(stands.values()) == ["expired", "open"]
    assert stands[page.rstrip("/").rpartition("/")[2]] == "open"
