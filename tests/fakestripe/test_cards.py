"""The list of published test cards, as data."""

import pytest

from fakestripe import cards


def test_each_published_number_has_a_good_check_digit_and_appears_once():
    numbers = [card.number for card in cards.CARDS]

    assert all(cards.passes_luhn(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_no_token_stands_for_two_cards():
    tokens = [token for card in cards.CARDS for token in card.tokens]

    assert len(set(tokens)) == len(tokens)
    assert cards.BY_TOKEN["pm_card_visa"] is cards.BY_CARD_TOKEN["tok_visa"]


def test_each_card_belongs_to_a_group_that_names_its_page():
    groups = cards.grouped()

    assert sum(len(found) for _, _, found in groups) == len(cards.CARDS)
    assert all(page.startswith("https://docs.stripe.com/testing#") and found for _, page, found in groups)


@pytest.mark.parametrize(
    ("number", "asks"),
    [
        ("4242424242424242", {"with_guest": False, "new": False, "set_up": False}),
        ("4000002500003155", {"with_guest": True, "new": True, "set_up": False}),
        ("4000002760003184", {"with_guest": True, "new": True, "set_up": True}),
        ("4000003800000446", {"with_guest": True, "new": False, "set_up": False}),
    ],
)
def test_when_a_card_asks_for_authentication(number, asks):
    rule = cards.rule_for(number)

    assert {
        "with_guest": rule.asks(off_session=False, set_up=True),
        "new": rule.asks(off_session=True, set_up=False),
        "set_up": rule.asks(off_session=True, set_up=True),
    } == asks


def test_a_number_nobody_published_is_declined():
    assert cards.rule_for("4111111111111111").decline.decline_code == "test_mode_live_card"
    assert cards.rule_for("4242424242424241").decline.code == "incorrect_number"
