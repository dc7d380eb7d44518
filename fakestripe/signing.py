"""The `Stripe-Signature` header: docs.stripe.com/webhooks#verify-manually."""

from __future__ import annotations

import hashlib
import hmac


def signature_header(body: bytes, secrets: list[str], timestamp: int) -> str:
    """One `v1` for each active secret; two while an endpoint's secret is being rolled."""
    signed = f"{timestamp}.".encode() + body
    values = [hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={value}" for value in values)])
