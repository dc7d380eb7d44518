"""services/stay_rules.py, policies.py, no_shows.py and frozen terms, on both databases."""

from datetime import date, timedelta

import pytest

from booking.domain.errors import ListingNotFound, PolicyRefused, RefundRefused, StayRuleBroken
from booking.domain.money import Money
from booking.domain.rates import LineKind
from booking.domain.stay_rules import ANY_DAY, RuleRange
from booking.domain.terms import CancellationTerms, Grace, Tier
from booking.extensions import db
from booking.models import AuditLine, Booking, CancellationTier, Listing, StayRule
from booking.services import no_shows, policies, stay_rules
from booking.services.reservations import GuestDetails
from booking.services.stay_rules import PlainRules
from tests.support.shop import Shop

ADA = "ada@example.org"
WEEKEND = frozenset({4, 5})
SUMMER = RuleRange("Summer", date(2027, 7, 1), date(2027, 8, 31), min_nights=7, arrive_on=WEEKEND, every_night=True)
PLAIN = PlainRules(2, 20, 1, 300, WEEKEND, ANY_DAY, True, 1)
TAX_BACK = frozenset({LineKind.TOURIST_TAX})
FIRM = CancellationTerms((Tier(30, 100), Tier(10, 50)), Grace(24, 7), TAX_BACK)


def rules_of(shop: Shop):
    return db.session.get_one(Listing, shop.listing_id, populate_existing=True).rules


def actions(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return [line.action for line in db.session.query(AuditLine).order_by(AuditLine.number)]


def test_rules_are_written_and_read_back_as_they_were_given(shop: Shop) -> None:
    with shop.app.app_context():
        stay_rules.change_rules(shop.runtime, shop.listing_id, PLAIN, ADA)
        stay_rules.change_rules(shop.runtime, shop.listing_id, PLAIN, ADA)
        range_id = stay_rules.add_range(shop.runtime, shop.listing_id, SUMMER, ADA)
        rules = rules_of(shop)
        assert rules.ranges == (SUMMER,)
        assert (rules.arrive_on, rules.leave_on, rules.avoid_gaps, rules.turnover_days) == (WEEKEND, ANY_DAY, True, 1)
        stay_rules.remove_range(shop.runtime, range_id, ADA)
        assert rules_of(shop).ranges == ()

    # Twice the same is one change.
    assert actions(shop) == ["rules.changed", "rules.range_added", "rules.range_removed"]


def test_rules_that_no_stay_could_keep_are_refused(shop: Shop) -> None:
    long = RuleRange("Long", date(2027, 7, 1), date(2027, 7, 2), min_nights=31)
    with shop.app.app_context():
        with pytest.raises(StayRuleBroken, match="the shortest has 31 nights, the longest 30"):
            stay_rules.add_range(shop.runtime, shop.listing_id, long, ADA)
        with pytest.raises(ListingNotFound):
            stay_rules.change_range(shop.runtime, 99, SUMMER, ADA)

    assert shop.count(StayRule) == 0
    assert actions(shop) == []


def test_a_policy_is_written_anew_with_steps_that_stay_go_and_come(shop: Shop) -> None:
    with shop.app.app_context():
        policy_id = policies.add_policy(shop.runtime, 1, "Firm", FIRM, ADA)
        policies.choose_policy(shop.runtime, shop.listing_id, policy_id, ADA)
        softer = CancellationTerms((Tier(1, 40), Tier(10, 70)), None, frozenset())
        policies.change_policy(shop.runtime, policy_id, "Soft", softer, ADA)
        policies.change_policy(shop.runtime, policy_id, "Soft", softer, ADA)
        terms = db.session.get_one(Listing, shop.listing_id, populate_existing=True).terms

    assert (terms.steps, terms.grace, terms.given_back) == (softer.steps, None, frozenset())
    assert shop.count(CancellationTier) == 2
    assert actions(shop) == ["policy.added", "policy.chosen", "policy.changed"]


def test_a_policy_of_another_house_or_of_a_taken_name_is_refused(shop: Shop) -> None:
    with shop.app.app_context():
        policies.add_policy(shop.runtime, 1, "Firm", FIRM, ADA)
        with pytest.raises(PolicyRefused, match="of this name"):
            policies.add_policy(shop.runtime, 1, "Firm", FIRM, ADA)
        with pytest.raises(PolicyRefused, match="Choose a property"):
            policies.add_policy(shop.runtime, 9, "Other", FIRM, ADA)
        with pytest.raises(ListingNotFound):
            policies.choose_policy(shop.runtime, shop.listing_id, 9, ADA)


def test_a_booking_keeps_terms_moment_and_words_in_the_guests_language(shop: Shop) -> None:
    with shop.app.app_context():
        policy_id = policies.add_policy(shop.runtime, 1, "Firm", FIRM, ADA)
        policies.choose_policy(shop.runtime, shop.listing_id, policy_id, ADA)
    before = shop.clock.now()

    placed = shop.place(shop.stay(), GuestDetails("Grace Hopper", "grace@example.org", language="de"))

    with shop.app.app_context():
        booking = db.session.get_one(Booking, placed.booking_id)
        assert booking.deal.terms.steps == FIRM.steps
        assert before <= booking.deal.booked_at <= shop.clock.now()
        assert booking.terms["language"] == "de"
        assert booking.terms["text"][1] == "Kostenlose Stornierung bis 30 Tage vor der Anreise."


def test_nobody_came_sends_back_the_tax_frees_the_rest_and_keeps_every_promise(shop: Shop) -> None:
    with shop.app.app_context():
        policy_id = policies.add_policy(shop.runtime, 1, "Strict", CancellationTerms(given_back=TAX_BACK), ADA)
        policies.choose_policy(shop.runtime, shop.listing_id, policy_id, ADA)
    stay = shop.stay(nights=4, ahead=1)
    booking_id = shop.book(stay)
    shop.pay(booking_id)
    shop.clock.offset += timedelta(days=2)
    tax, token = Money(4 * 2 * 350, "eur"), "0123456789abcdef" * 2

    with shop.app.app_context():
        with pytest.raises(RefundRefused):
            no_shows.mark_no_show(shop.runtime, booking_id, Money(0, "eur"), True, ADA, token)
        for _ in range(2):
            no_shows.mark_no_show(shop.runtime, booking_id, tax, True, ADA, token)
    shop.work()

    assert shop.state(booking_id)[0] == "confirmed"
    assert [refund.amount for refund in shop.refunds(booking_id)] == [tax]
    assert len(shop.nights(booking_id)) == 2
    assert [step.kind for step in shop.timeline(booking_id)].count("no_show") == 1
    assert shop.broken_promises() == []
    assert shop.place(stay.shifted(2), browser="linus").reference
