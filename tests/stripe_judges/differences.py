"""Where fakestripe, like the newest Stripe (2026-10-28.endive), differs from the description (2026-05-27.dahlia).

Each entry is a pattern, and why it is there. An entry that nothing needs fails `test_tour.py` or `test_parameters.py`.
"""

import re
from collections.abc import Iterable

# Complaints that are none.
ALLOWED: dict[str, str] = {
    r"(checkout\.session|payment_intent|setup_intent|answer \w+): .*: allowed_payment_method_types is not described": (
        "new in endive: what the parameter of that name asked for"
    ),
    r'request \w+: payment_method_data\.type: "card" is not one of .*': (
        "left out of the description, because raw card numbers need Stripe's permission"
    ),
    r"error: the library does not know the code subscription_payment_intent_requires_action": (
        "quoted in many public reports; the library's list of codes is not complete"
    ),
    r"error: the library does not know the code payment_method_types_no_longer_supported": (
        "new in endive, and named in its changelog"
    ),
    r"error: the library does not know the code invalid_bank_account_iban": (
        "Stripe's own libraries for phones know it; this one's list is not complete"
    ),
    r".*\bevidence_details: submission_method is not described": "new in endive",
    r".*\bpayment_method_details\.card: network is not described": "new in endive, on disputes",
    r".*\bfeatures: subscription_pause is not described": "new in endive, in the portal's configurations",
    r"(product: as a whole|answer \w+Products(Id)?: .*|.*\bproduct): type is not described": (
        "older than the description; the library and Stripe's answers still have it"
    ),
    r".*: (.*\.)?items\.data\.\[\]: plan is not described": (
        "the price under its older name; the library and Stripe's answers still have it"
    ),
}

# Parameters, and values of parameters, that the description does not hold.
NEWER: dict[str, str] = {
    r"allowed_payment_method_types": "new in endive, in place of payment_method_types",
    r"ui_mode=form": "new in endive; named only to be refused with a reason",
    r"payment_method_data\.(card|type=card)": "not described, because raw card numbers need Stripe's permission",
}

# Calls that the description does not hold.
UNDESCRIBED: dict[str, str] = {
    r"/v1/payment_pages/[^/]+(/confirm)?": "what Stripe's hosted page asks; the official CLI's triggers ask it too",
    r"/v1/events/[^/]+/retry": "what `stripe events resend` of the official CLI asks for",
    r"/v1/stripecli/sessions": "how `stripe listen` begins",
}


def allowance(complaint: str) -> str | None:
    """The entry that allows a complaint."""
    newer = re.fullmatch(r"request \w+: (.*): (\w+) is not described", complaint)
    if newer:
        path = newer[2] if newer[1] == "as a whole" else f"{newer[1]}.{newer[2]}"
        return next((pattern for pattern in NEWER if re.fullmatch(pattern, path)), None)
    return next((pattern for pattern in ALLOWED if re.fullmatch(pattern, complaint)), None)


def is_newer(parameter: str) -> bool:
    return any(re.fullmatch(pattern, parameter) for pattern in NEWER)


def matches(pattern: str, texts: Iterable[str]) -> bool:
    return any(re.fullmatch(pattern, text) for text in texts)


def is_undescribed(path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in UNDESCRIBED)
