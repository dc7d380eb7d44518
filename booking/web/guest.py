"""What a guest's browser remembers, in its signed cookie: its own random id, its bookings, what was typed."""

import secrets
from typing import Literal, TypedDict

from flask import session
from flask_login import current_user

MOST_BOOKINGS = 20
_Field = Literal["name", "email", "phone", "arrival_time", "message"]
_MOST_TYPED: dict[_Field, int] = {"name": 120, "email": 254, "phone": 40, "arrival_time": 5, "message": 500}


class Typed(TypedDict):
    """The guest's details between the form and the review. Small: the cookie holds 4 KB."""

    name: str
    email: str
    phone: str
    arrival_time: str
    message: str


def browser_id() -> str:
    """The random id of this browser, made when a form first needs it."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(16)
    return str(session["browser"])


def known_references() -> list[str]:
    """The bookings this browser may see, newest last."""
    return list(session.get("bookings", []))


def remember_booking(reference: str) -> None:
    """Let this browser see a booking from now on."""
    others = [known for known in known_references() if known != reference]
    session["bookings"] = [*others, reference][-MOST_BOOKINGS:]


def remember_trial(reference: str) -> None:
    """Let this browser see the test booking of the first-run wizard, and be led back there from Stripe's page."""
    remember_booking(reference)
    session["trial"] = reference


def is_trial(reference: str) -> bool:
    """Whether somebody who runs the house made this booking in this browser to try the shop."""
    return bool(reference) and session.get("trial") == reference and bool(current_user.is_authenticated)


def may_see(reference: str) -> bool:
    """Whether this browser made the booking, came with its link, or belongs to staff."""
    return reference in known_references() or bool(current_user.is_authenticated)


def keep_typed(typed: Typed) -> None:
    """Remember the details, so that nobody types them twice; cut where they would burst the cookie."""
    session["details"] = {name: str(typed[name])[:most] for name, most in _MOST_TYPED.items()}


def typed_details() -> Typed | None:
    """What was typed before, if this browser still knows."""
    return session.get("details")
