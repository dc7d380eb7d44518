"""Payouts: docs.stripe.com/api/payouts. They are made by a control; the API reads them."""

from __future__ import annotations

from fakestripe.resources.reading import listing, retrieving
from fakestripe.schema import Choice

PATH = "/v1/payouts"
OPERATIONS = [
    retrieving(PATH, "payout", "payout"),
    listing(PATH, "payout", status=Choice("pending", "paid", "failed", "canceled")),
]
