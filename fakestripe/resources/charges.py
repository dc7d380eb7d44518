"""Charges: docs.stripe.com/api/charges. Read only: PaymentIntents make them."""

from __future__ import annotations

from fakestripe.resources.reading import listing, retrieving
from fakestripe.schema import Text

PATH = "/v1/charges"
OPERATIONS = [
    retrieving(PATH, "charge", "charge"),
    listing(PATH, "charge", payment_intent=Text(), customer=Text()),
]
