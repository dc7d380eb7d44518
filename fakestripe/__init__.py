"""fakestripe: a Stripe for one laptop, with state, a payment page and signed webhooks.

It is a program of its own and knows nothing of the shop that talks to it.
"""

from fakestripe.app import create_app

__all__ = ["create_app"]
