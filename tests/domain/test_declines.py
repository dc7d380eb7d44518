"""Every code that a decline can have, and that no guest is told what only staff may know."""

import pytest

from booking.domain import declines
from booking.domain.declines import CARD_CODES, ERROR_CODES, OTHER, OTHER_CODES, Decline, explain, wants_guest
from fakestripe.cards import CARDS

# As https://docs.stripe.com/declines/codes lists them.
CARDS_LISTED = """
authentication_required authentication_not_handled approve_with_id call_issuer card_not_supported card_velocity_exceeded
currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent generic_decline
incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account
invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number invalid_pin issuer_not_available
lost_card merchant_blacklist mobile_device_authentication_required new_account_information_available no_action_taken
not_permitted offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error
reenter_transaction restricted_card revocation_of_all_authorizations revocation_of_authorization security_violation
service_not_allowed stolen_card stop_payment_order testmode_decline transaction_not_allowed try_again_later
withdrawal_count_limit_exceeded
""".split()
OTHERS_LISTED = """
partner_generic_decline invalid_customer_account payment_limit_exceeded invalid_billing_agreement expired_card
processing_error insufficient_funds currency_not_supported invalid_amount invalid_business_account
partner_high_risk_customer compliance_violation payment_disputed invalid_authorization invalid_payment_information
partner_payment_not_found expired_payment_information duplicate_transaction
""".split()
# Stripe asks that guests hear no more of these than of a generic decline; the rest of them say or hint at the same.
SECRET = """
fraudulent lost_card merchant_blacklist stolen_card pickup_card restricted_card security_violation
partner_high_risk_customer compliance_violation
""".split()
KNOWN = [*CARD_CODES, *OTHER_CODES, *ERROR_CODES]
TELLING = "fraud stolen lost risk suspect block report security violat".split()


def test_every_code_of_stripes_list_is_known() -> None:
    assert sorted(decline.code for decline in CARD_CODES) == sorted(CARDS_LISTED)
    assert {decline.code for decline in OTHER_CODES} == set(OTHERS_LISTED) - set(CARDS_LISTED)


def test_each_code_stands_once_and_fits_where_it_is_kept() -> None:
    codes = [decline.code for decline in KNOWN]

    assert sorted(set(codes)) == sorted(codes)
    assert max(map(len, codes)) <= 80


def test_what_no_guest_may_know_reads_like_a_decline_for_no_reason() -> None:
    assert {decline.code for decline in KNOWN if decline.is_secret} == set(SECRET)
    alike = [*SECRET, "generic_decline", "do_not_honor", "card_declined"]
    assert [code for code in alike if explain(code).told != OTHER] == []


def test_there_are_few_sentences_and_none_tells_what_is_suspected() -> None:
    told = {str(decline.told) for decline in KNOWN}

    assert len(told) == 9
    said = [word for sentence in told for word in TELLING if word in sentence.lower().replace("security code", "")]
    assert said == []


def test_staff_is_told_more_than_the_code_says() -> None:
    assert [decline.code for decline in KNOWN if len(decline.reason) < 15] == []
    assert explain("stolen_card").reason == "the card was reported stolen"


@pytest.mark.parametrize("code", ["", "some_code_of_next_year", "Stolen_Card"])
def test_a_code_that_is_not_known_is_told_in_the_general_sentence(code: str) -> None:
    assert explain(code) == Decline(code, OTHER, "declined for a reason that is not known here", is_secret=False)


@pytest.mark.parametrize(
    ("code", "is_wanted"),
    [("authentication_required", True), ("payment_intent_authentication_failure", True),
     ("setup_intent_authentication_failure", True), ("insufficient_funds", False), ("some_code", False), (None, False)],
)  # fmt: skip
def test_a_bank_that_wants_the_guest_is_told_from_one_that_only_says_no(code: str | None, is_wanted: bool) -> None:
    assert wants_guest(code) is is_wanted


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("insufficient_funds", declines.FUNDS),
        ("expired_card", declines.EXPIRED),
        ("incorrect_cvc", declines.SECURITY_CODE),
        ("incorrect_number", declines.DETAILS),
        ("processing_error", declines.AGAIN),
        ("payment_intent_authentication_failure", declines.CONFIRM),
        ("card_not_supported", declines.UNSUITED),
        ("duplicate_transaction", declines.DUPLICATE),
    ],
)
def test_what_a_guest_can_mend_is_said_in_its_own_sentence(code: str, told: declines.Said) -> None:
    assert explain(code).told == told


def test_every_decline_of_the_test_cards_is_known() -> None:
    refused = [card.decline for card in CARDS if card.decline]
    known = {decline.code for decline in KNOWN}

    assert {why.decline_code or why.code for why in refused} <= known
