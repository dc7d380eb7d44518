"""Disputes: docs.stripe.com/api/disputes. Read only so far."""

from __future__ import annotations

from fakestripe.resources.reading import listing, retrieving
from fakestripe.schema import Text

PATH = "/v1/disputes"
OPERATIONS = [
    retrieving(PATH, "dispute", "dispute"),
    listing(PATH, "dispute", charge=Text(), payment_intent=Text()),
]
