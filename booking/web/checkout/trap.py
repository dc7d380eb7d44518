"""Tells programs that fill in forms from people, without a puzzle: when a form was shown, in a stamp nobody can forge.

There is no CAPTCHA, because those keep people out too. Whoever is caught gets the form back with everything typed in
it and passes by pressing the button again, so a person caught by mistake loses one click.
"""

from datetime import datetime, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

# Programs send a form within the same few hundredths of a second. A person whose browser has filled in everything
# needs longer than this to see the page and to press the button.
LEAST_TIME = timedelta(seconds=1)


def stamp(now: datetime) -> str:
    """The moment at which a form was shown, signed."""
    return str(_signer().dumps(round(now.timestamp() * 1000)))


def is_too_fast(stamped: str | None, now: datetime) -> bool:
    """Whether a form came back sooner than a person could send it, or without ever having been shown."""
    try:
        shown_ms = int(_signer().loads(stamped or ""))
    except (BadSignature, TypeError, ValueError):
        return True
    return now.timestamp() * 1000 - shown_ms < LEAST_TIME.total_seconds() * 1000


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="form-shown-at")
