"""Why a payment was declined: one of a few sentences for the guest, and the reason as it is for staff.

What a bank or Stripe suspects is never told to a guest: whoever holds somebody else's card would learn from it, and an
honest guest would be accused of something.
"""

from dataclasses import dataclass

from booking.domain.words import Said, say

OTHER = say("The payment was declined. Try another card or another way to pay; your bank may be able to tell you more.")
FUNDS = say(
    "The payment was declined because there is not enough money, or a limit is reached. "
    "Try another card or another way to pay."
)
EXPIRED = say("The card has expired. Try another one.")
SECURITY_CODE = say("The security code of the card was not right. Try again with the three or four digits on the card.")
DETAILS = say("The card number, the expiry date or the billing address was not right. Try again, or with another card.")
AGAIN = say("The payment could not be processed just now. Try again in a moment.")
CONFIRM = say(
    "Your bank wants to be sure that it is you. Try again, and confirm the payment the way your bank asks for."
)
UNSUITED = say("This card or account cannot be used for such a payment. Try another card or another way to pay.")
DUPLICATE = say("The same payment was made a moment ago. Look for your confirmation before you pay again.")


@dataclass(frozen=True, slots=True)
class Decline:
    """`told` is for the guest, `reason` for staff. Of one that `is_secret` staff must tell the guest no more either."""

    code: str
    told: Said
    reason: str
    is_secret: bool = False


def explain(code: str) -> Decline:
    """What a code of Stripe's means; one that is not known here is told to guests in the general sentence."""
    return _KNOWN.get(code) or Decline(code, OTHER, "declined for a reason that is not known here")


def wants_guest(code: str | None) -> bool:
    """Whether a refusal says that the guest had to confirm the payment (3-D Secure), and had not."""
    return code is not None and explain(code).told is CONFIRM


_NO_REASON = "the bank gave no reason"
_LOST_OR_STOLEN = "the bank does not let this card be used; it may be lost or stolen"
_NEEDS_PIN = "the card can only be used with its PIN"

# https://docs.stripe.com/declines/codes has the list, and says which of them no guest should hear of.
CARD_CODES = (
    Decline("authentication_required", CONFIRM, "the bank wants the guest to confirm the payment (3-D Secure)"),
    Decline("authentication_not_handled", CONFIRM, "the guest had to confirm the payment (3-D Secure), and did not"),
    Decline("approve_with_id", AGAIN, "the bank could not authorise the payment"),
    Decline("call_issuer", OTHER, _NO_REASON),
    Decline("card_not_supported", UNSUITED, "the card is not made for such purchases"),
    Decline("card_velocity_exceeded", FUNDS, "the balance or a limit of the card is exceeded"),
    Decline("currency_not_supported", UNSUITED, "the card does not pay in this currency"),
    Decline("do_not_honor", OTHER, _NO_REASON),
    Decline("do_not_try_again", OTHER, _NO_REASON),
    Decline("duplicate_transaction", DUPLICATE, "the same amount was charged to the same card a moment before"),
    Decline("expired_card", EXPIRED, "the card has expired"),
    Decline("fraudulent", OTHER, "Stripe suspects fraud", is_secret=True),
    Decline("generic_decline", OTHER, "the bank gave no reason, or a rule of Stripe's Radar blocked the payment"),
    Decline("incorrect_address", DETAILS, "the billing address is not the one that the bank knows"),
    Decline("incorrect_cvc", SECURITY_CODE, "the security code was wrong"),
    Decline("incorrect_number", DETAILS, "the card number was wrong"),
    Decline("incorrect_pin", OTHER, "the PIN was wrong"),
    Decline("incorrect_zip", DETAILS, "the postal code is not the one that the bank knows"),
    Decline("insufficient_funds", FUNDS, "there is not enough money on the card"),
    Decline("invalid_account", OTHER, "the card, or the account behind it, is not valid"),
    Decline("invalid_amount", FUNDS, "the bank does not allow a payment of this amount"),
    Decline("invalid_cvc", SECURITY_CODE, "the security code was wrong"),
    Decline("invalid_expiry_month", DETAILS, "the month of expiry was wrong"),
    Decline("invalid_expiry_year", DETAILS, "the year of expiry was wrong"),
    Decline("invalid_number", DETAILS, "the card number was wrong"),
    Decline("invalid_pin", OTHER, "the PIN was wrong"),
    Decline("issuer_not_available", AGAIN, "the guest's bank could not be reached"),
    Decline("lost_card", OTHER, "the card was reported lost", is_secret=True),
    Decline("merchant_blacklist", OTHER, "the payment fits an entry of our own block list at Stripe", is_secret=True),
    Decline("mobile_device_authentication_required", CONFIRM, "the guest had to confirm the payment on a telephone"),
    Decline("new_account_information_available", OTHER, "the card, or the account behind it, is not valid any more"),
    Decline("no_action_taken", OTHER, _NO_REASON),
    Decline("not_permitted", OTHER, "the bank does not permit the payment"),
    Decline("offline_pin_required", UNSUITED, _NEEDS_PIN),
    Decline("online_or_offline_pin_required", UNSUITED, _NEEDS_PIN),
    Decline("pickup_card", OTHER, _LOST_OR_STOLEN, is_secret=True),
    Decline("pin_try_exceeded", OTHER, "the PIN was typed wrongly too often"),
    Decline("processing_error", AGAIN, "something went wrong while the card was processed"),
    Decline("reenter_transaction", AGAIN, "the bank could not process the payment"),
    Decline("restricted_card", OTHER, _LOST_OR_STOLEN, is_secret=True),
    Decline("revocation_of_all_authorizations", OTHER, "the guest has told the bank to let nobody charge the card"),
    Decline("revocation_of_authorization", OTHER, "the guest has told the bank not to let us charge the card"),
    Decline("security_violation", OTHER, "the bank sees its security violated, and says no more", is_secret=True),
    Decline("service_not_allowed", OTHER, _NO_REASON),
    Decline("stolen_card", OTHER, "the card was reported stolen", is_secret=True),
    Decline("stop_payment_order", OTHER, "the guest has told the bank to stop this payment"),
    Decline("testmode_decline", UNSUITED, "a test card was used for a real payment"),
    Decline("transaction_not_allowed", OTHER, _NO_REASON),
    Decline("try_again_later", AGAIN, "the bank gave no reason; a later try may work"),
    Decline("withdrawal_count_limit_exceeded", FUNDS, "the balance or a limit of the card is exceeded"),
)
# The second list of the same page: of ways to pay that are no cards. What both have is above.
OTHER_CODES = (
    Decline(
        "compliance_violation", OTHER, "the payment is against the provider's terms, or against a law", is_secret=True
    ),
    Decline("expired_payment_information", EXPIRED, "what stands behind the way to pay has expired"),
    Decline("invalid_authorization", OTHER, "the payment was not authorised, or no longer is"),
    Decline("invalid_billing_agreement", UNSUITED, "the guest's agreement with the payment provider is not valid"),
    Decline("invalid_business_account", AGAIN, "our own account with the payment provider is not active: look there"),
    Decline("invalid_customer_account", UNSUITED, "the guest's account cannot be charged"),
    Decline("invalid_payment_information", DETAILS, "what was typed about the payment was not valid"),
    Decline("partner_generic_decline", OTHER, "the payment provider declined, and gave no reason"),
    Decline("partner_high_risk_customer", OTHER, "the payment provider takes the guest for a risk", is_secret=True),
    Decline("partner_payment_not_found", AGAIN, "the payment provider does not find the payment"),
    Decline("payment_disputed", OTHER, "the payment is disputed"),
    Decline("payment_limit_exceeded", FUNDS, "a limit of the guest's account is exceeded"),
)
# What stands in their place where there is no decline code: https://docs.stripe.com/error-codes. `declined` is our own
# word where Stripe had none at all.
ERROR_CODES = (
    Decline("card_declined", OTHER, _NO_REASON),
    Decline("declined", OTHER, "declined, and nobody said why"),
    Decline("payment_intent_authentication_failure", CONFIRM, "the guest did not pass the bank's check (3-D Secure)"),
    Decline("payment_intent_payment_attempt_expired", AGAIN, "the guest did not finish in time"),
    Decline("payment_intent_payment_attempt_failed", OTHER, "the payment failed, and nobody said why"),
    Decline("payment_method_customer_decline", OTHER, "the guest called the payment off at the payment provider"),
    Decline("payment_method_provider_decline", OTHER, "the payment provider declined"),
    Decline("payment_method_provider_timeout", AGAIN, "the payment provider did not answer in time"),
    Decline("setup_intent_authentication_failure", CONFIRM, "the guest did not pass the bank's check (3-D Secure)"),
    Decline("test_mode_live_card", UNSUITED, "a real card was used for a test payment"),
)
_KNOWN = {decline.code: decline for decline in (*CARD_CODES, *OTHER_CODES, *ERROR_CODES)}
