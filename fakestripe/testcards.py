"""The published test cards and bank accounts: numbers, tokens, and the Stripe page each comes from."""

from __future__ import annotations

from fakestripe.cardtypes import (
    BLOCKED,
    EXPIRED,
    GENERIC,
    INSUFFICIENT,
    LOST,
    PROCESSING,
    STOLEN,
    VELOCITY,
    WRONG_CVC,
    TestAccount,
    TestCard,
)

PAYS = "Payments that succeed"
DECLINES = "Payments that are declined"
SCA = "3-D Secure and strong authentication"
THREE_D_SECURE = "More of 3-D Secure"
DISPUTES = "Payments that are disputed"
REFUNDS = "Refunds that take another course"
PAGES = {
    PAYS: "https://docs.stripe.com/testing#cards",
    DECLINES: "https://docs.stripe.com/testing#declined-payments",
    SCA: "https://docs.stripe.com/testing#authentication-and-setup",
    THREE_D_SECURE: "https://docs.stripe.com/testing#support-and-availability",
    DISPUTES: "https://docs.stripe.com/testing#disputes",
    REFUNDS: "https://docs.stripe.com/testing#refunds",
}
ACCOUNTS_PAGE = "https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test-your-integration"


def _pays(number: str, what: str, *names: str, brand: str = "visa", country: str = "US", **more: object) -> TestCard:
    return TestCard(number, what, PAYS, brand, country, names=names, **more)  # type: ignore[arg-type]


CARDS = (
    _pays("4242424242424242", "Pays", "visa", "us"),
    _pays("4000056655665556", "Pays (Visa debit)", "visa_debit", funding="debit"),
    _pays("5555555555554444", "Pays (Mastercard)", "mastercard", brand="mastercard"),
    _pays("5200828282828210", "Pays (Mastercard debit)", "mastercard_debit", brand="mastercard", funding="debit"),
    _pays("5105105105105100", "Pays (Mastercard prepaid)", "mastercard_prepaid", brand="mastercard", funding="prepaid"),
    _pays("378282246310005", "Pays (American Express)", "amex", brand="amex"),
    _pays("6011111111111117", "Pays (Discover)", "discover", brand="discover"),
    _pays("3056930009020004", "Pays (Diners Club)", "diners", brand="diners"),
    _pays("3566002020360505", "Pays (JCB)", "jcb", brand="jcb"),
    _pays("6200000000000005", "Pays (UnionPay)", "unionpay", brand="unionpay"),
    _pays("4000000400000008", "Pays (Visa, Austria)", "at", country="AT"),
    _pays("4000002030000002", "Pays (Visa, Czech Republic)", "cz", country="CZ"),
    _pays("4000002500000003", "Pays (Visa, France)", "fr", country="FR"),
    _pays("4000002760000016", "Pays (Visa, Germany)", "de", country="DE"),
    _pays("4000003720000005", "Pays (Visa, Ireland)", "ie", country="IE"),
    _pays("4000003800000008", "Pays (Visa, Italy)", "it", country="IT"),
    _pays("4000007240000007", "Pays (Visa, Spain)", "es", country="ES"),
    _pays("4000008260000000", "Pays (Visa, United Kingdom)", "gb", country="GB"),
    _pays(
        "4000000000000077",
        "Pays straight into the available balance",
        "bypassPending",
        available_at_once=True,
    ),
    TestCard(
        "4000000000000002",
        "Declined: generic_decline",
        DECLINES,
        decline=GENERIC,
        names=("chargeDeclined", "visa_chargeDeclined"),
    ),
    TestCard(
        "4000000000009995",
        "Declined: insufficient_funds",
        DECLINES,
        decline=INSUFFICIENT,
        names=("chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"),
    ),
    TestCard(
        "4000000000009987",
        "Declined: lost_card",
        DECLINES,
        decline=LOST,
        names=("visa_chargeDeclinedLostCard",),
    ),
    TestCard(
        "4000000000009979",
        "Declined: stolen_card",
        DECLINES,
        decline=STOLEN,
        names=("visa_chargeDeclinedStolenCard",),
    ),
    TestCard(
        "4000000000000069",
        "Declined: expired_card",
        DECLINES,
        decline=EXPIRED,
        names=("chargeDeclinedExpiredCard",),
    ),
    TestCard(
        "4000000000000127",
        "Declined: incorrect_cvc",
        DECLINES,
        decline=WRONG_CVC,
        names=("chargeDeclinedIncorrectCvc",),
    ),
    TestCard(
        "4000000000000119",
        "Declined: processing_error",
        DECLINES,
        decline=PROCESSING,
        names=("chargeDeclinedProcessingError",),
    ),
    TestCard(
        "4000000000006975",
        "Declined: card_velocity_exceeded",
        DECLINES,
        decline=VELOCITY,
        names=("visa_chargeDeclinedVelocityLimitExceeded",),
    ),
    TestCard(
        "4100000000000019",
        "Always blocked as fraudulent",
        DECLINES,
        decline=BLOCKED,
        names=("radarBlock",),
    ),
    TestCard(
        "4000000000000341",
        "Can be saved; each payment with it is declined",
        DECLINES,
        decline=GENERIC,
        saves=True,
        names=("chargeCustomerFail",),
    ),
    TestCard(
        "4000002500003155",
        "3-D Secure; later, without the guest, only until it is set up",
        SCA,
        three_d_secure=True,
        off_session="until_set_up",
        names=("authenticationRequiredOnSetup",),
    ),
    TestCard(
        "4000002760003184",
        "3-D Secure always",
        SCA,
        country="DE",
        three_d_secure=True,
        names=("authenticationRequired",),
    ),
    TestCard(
        "4000003800000446",
        "3-D Secure with the guest; without the guest it pays, as if set up before",
        SCA,
        country="IT",
        three_d_secure=True,
        off_session="free",
        names=("authenticationRequiredSetupForOffSession",),
    ),
    TestCard(
        "4000008260003178",
        "3-D Secure, then declined: insufficient_funds; can be saved",
        SCA,
        country="GB",
        decline=INSUFFICIENT,
        three_d_secure=True,
        off_session="until_set_up",
        saves=True,
        names=("authenticationRequiredChargeDeclinedInsufficientFunds",),
    ),
    TestCard(
        "4000000000003220",
        "3-D Secure 2 must be completed",
        THREE_D_SECURE,
        country="IE",
        three_d_secure=True,
        off_session="until_set_up",
        names=("threeDSecure2Required", "threeDSecureRequired"),
    ),
    TestCard(
        "4000008400001629",
        "3-D Secure, then declined: generic_decline",
        THREE_D_SECURE,
        decline=GENERIC,
        three_d_secure=True,
        names=("threeDSecureRequiredChargeDeclined",),
    ),
    TestCard(
        "4000008400001280",
        "3-D Secure is needed but fails technically, and so the payment: generic_decline",
        THREE_D_SECURE,
        decline=GENERIC,
        names=("threeDSecureRequiredProcessingError",),
    ),
    TestCard(
        "4000000000003055",
        "3-D Secure only if the shop asks for it",
        THREE_D_SECURE,
        three_d_secure_on_request=True,
        names=("threeDSecureOptional",),
    ),
    TestCard(
        "4000000000000259",
        "Pays, then disputed as fraudulent",
        DISPUTES,
        dispute="fraudulent",
        names=("createDispute",),
    ),
    TestCard(
        "4000000000002685",
        "Pays, then disputed: product not received",
        DISPUTES,
        dispute="product_not_received",
        names=("createDisputeProductNotReceived",),
    ),
    TestCard(
        "4000000000001976",
        "Pays, then the bank only asks about it (an inquiry)",
        DISPUTES,
        dispute="fraudulent",
        inquiry=True,
        names=("createDisputeInquiry",),
    ),
    TestCard(
        "4000000000007726",
        "Pays; its refund is pending at first, then succeeds",
        REFUNDS,
        refund="pending",
        names=("pendingRefund",),
    ),
    TestCard(
        "4000000000005126",
        "Pays; its refund succeeds at first, then fails",
        REFUNDS,
        refund="fails",
        names=("refundFail",),
    ),
)
ACCOUNTS = (
    TestAccount("AT321904300235473204", "Pays after three minutes", "succeeded", 180),
    TestAccount("AT611904300234573201", "Pays at once", "succeeded", 0),
    TestAccount("AT051904300235473205", "Fails after three minutes", "failed", 180),
    TestAccount("AT861904300235473202", "Fails at once", "failed", 0),
    TestAccount("IT60X0542811101000000123456", "Fails at once (Italy)", "failed", 0),
)
