"""How long unpaid nights are kept. Stay rules are in stay_rules.py, cancellation terms in terms.py."""

from datetime import datetime, timedelta

# The nights outlive the Checkout Session by this much, so that a payment made in its last second still finds them.
HOLD_GRACE = timedelta(minutes=10)
# Stripe refuses sessions that by its own clock would live for less than 30 minutes, or for more than 24 hours:
# https://docs.stripe.com/api/checkout/sessions/create. Our clock may be slow, and so may the way there.
LEAST_LIFE_ASKED_FOR = timedelta(minutes=33)
# A session with less life than this is not handed out again: the guest could not finish paying in it.
LEAST_SESSION_LIFE = timedelta(minutes=5)


def session_expiry(now: datetime, hold_minutes: int) -> datetime:
    """When the Checkout Session of a hold ends, in whole seconds as Stripe counts them."""
    return now.replace(microsecond=0) + max(timedelta(minutes=hold_minutes), LEAST_LIFE_ASKED_FOR)


def hold_deadline(session_expires_at: datetime) -> datetime:
    """Until when unpaid nights are kept."""
    return session_expires_at + HOLD_GRACE
