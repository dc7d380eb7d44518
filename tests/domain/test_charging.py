"""What a saved card may be charged, and when: with pencil and paper."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from booking.domain.charging import Consent, digest, may_try_again, next_try, no_show_limit
from booking.domain.declines import CARD_CODES
from booking.domain.money import Money
from booking.domain.payment_plans import PlanKind, Schedule
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms, Deal

DUE = date(2027, 3, 1)
NOTHING = Money(0, "eur")


def _eur(minor: int) -> Money:
    return Money(minor, "eur")


def test_a_card_is_tried_on_the_due_day_two_days_later_and_four_days_later_and_then_no_more() -> None:
    tried: list[date] = []
    while day := next_try(DUE, tried):
        tried.append(day)

    assert tried == [date(2027, 3, 1), date(2027, 3, 3), date(2027, 3, 5)]


def test_a_shop_that_slept_over_the_due_day_still_gives_the_card_its_pauses() -> None:
    assert next_try(DUE, [date(2027, 3, 9)]) == date(2027, 3, 11)
    assert next_try(DUE, [date(2027, 3, 9), date(2027, 3, 11)]) == date(2027, 3, 13)


@pytest.mark.parametrize("code", ["authentication_required", "stolen_card", "revocation_of_authorization"])
def test_an_answer_that_no_other_day_changes_ends_the_tries(code: str) -> None:
    assert not may_try_again(code)


@pytest.mark.parametrize("code", ["insufficient_funds", "generic_decline", "processing_error", None])
def test_an_answer_that_may_change_does_not(code: str | None) -> None:
    assert may_try_again(code)


def test_every_card_that_a_guest_must_not_be_told_about_is_left_in_peace() -> None:
    secret = {decline.code for decline in CARD_CODES if decline.is_secret} - {"security_violation"}

    assert [code for code in secret if may_try_again(code)] == []


def _deal(total: int, tax: int) -> Deal:
    lines = (
        QuoteLine(LineKind.NIGHT, 1, _eur(total - tax), _eur(total - tax)),
        QuoteLine(LineKind.TOURIST_TAX, 1, _eur(tax), _eur(tax)),
    )
    terms = CancellationTerms.in_two_steps(7, 2, 50)
    given = CancellationTerms(terms.tiers, None, frozenset({LineKind.TOURIST_TAX}))
    return Deal(Quote(1, 2, lines, _eur(total)), given, DUE, datetime(2027, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))


@pytest.mark.parametrize(("held", "most"), [(0, 39_000), (12_000, 27_000), (39_000, 0), (42_000, 0)])
def test_who_did_not_come_owes_what_the_terms_leave_the_house_less_what_it_has(held: int, most: int) -> None:
    assert no_show_limit(_deal(42_000, 3_000), _eur(held)) == _eur(most)


THE_REST = f"The rest of the price, {_eur(30_000)}, on Mon 1 March 2027 or in the days after."
THE_NO_SHOW = f"If you neither come nor cancel: what the terms leave the house, {_eur(39_000)} at most."
THE_DAMAGE = f"For damage that you or your guests cause: {_eur(20_000)} at most. You are told the reason."


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        (Consent(_eur(30_000), DUE, _eur(39_000), _eur(20_000)), [THE_REST, THE_NO_SHOW, THE_DAMAGE]),
        (Consent(_eur(1), None, NOTHING, NOTHING), []),
        (Consent(NOTHING, DUE, _eur(39_000), NOTHING), [THE_NO_SHOW]),
        (Consent(NOTHING, None, NOTHING, _eur(20_000)), [THE_DAMAGE]),
    ],
)
def test_consent_names_each_thing_with_its_amount_and_nothing_that_cannot_be_charged(
    consent: Consent, words: list[str]
) -> None:
    assert [str(word) for word in consent.words] == words
    assert consent.is_needed


def test_the_smallest_coin_is_named_too() -> None:
    assert len(Consent(_eur(1), DUE, _eur(1), _eur(1)).words) == 3


def test_where_nothing_can_be_charged_no_consent_is_needed() -> None:
    assert not Consent(NOTHING, None, NOTHING, NOTHING).is_needed


@pytest.mark.parametrize(
    ("damage_minor", "no_show", "damage"), [(None, 0, 0), (0, 26_400, 0), (20_000, 26_400, 20_000)]
)
def test_a_guest_agrees_to_the_rest_and_where_cards_are_kept_to_a_no_show_and_to_damage(
    damage_minor: int | None, no_show: int, damage: int
) -> None:
    deposit = Schedule(PlanKind.DEPOSIT, _eur(12_600), _eur(29_400), DUE)

    assert Consent.to(deposit, _deal(42_000, 3_000), damage_minor) == Consent(
        _eur(29_400), DUE, _eur(no_show), _eur(damage)
    )


def test_other_words_have_another_name() -> None:
    assert digest(["a", "b"]) == digest(["a", "b"]) != digest(["a b"])


def test_a_page_that_was_open_while_the_shop_was_renewed_still_names_the_same_words() -> None:
    assert digest(["Breakfast is included.", "For damage: €200 at most."]) == "8bd4dc36abd7eeb8"
