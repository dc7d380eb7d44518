"""Fields about a guest that more than one form has, with their words and checks."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext
from wtforms import Field, Form, StringField, TelField, TextAreaField
from wtforms.validators import Length, ValidationError

from booking.web.cards import no_card_number
from booking.web.text import one_line, some_lines

LONGEST_MESSAGE = 500
_PHONE = re.compile(r"[0-9+()./ -]{5,40}", re.ASCII)
Validator = Callable[[Form, Field], None]


def name_field(*first: Validator) -> Any:
    """The guest's whole name. Spaces alone are no name; `first` are checks that come before those of all forms."""
    longest = Length(max=120, message=lazy_gettext("Use at most 120 characters for your name."))
    return StringField(
        lazy_gettext("Full name"), filters=[one_line], validators=[*first, no_card_number, longest, _is_no_blank]
    )


def phone_field() -> Any:
    """Digits and the signs people write between them; empty is fine."""
    return TelField(
        lazy_gettext("Telephone (optional)"), filters=[one_line], validators=[no_card_number, _is_telephone]
    )


def message_field() -> Any:
    """Anything, in several lines."""
    longest = Length(max=LONGEST_MESSAGE, message=lazy_gettext("Use at most 500 characters for your message."))
    return TextAreaField(
        lazy_gettext("Message to the house (optional)"), filters=[some_lines], validators=[no_card_number, longest]
    )


def time_choices(times: Iterable[str]) -> list[tuple[str, Any]]:
    """The list of times of arrival, which begins with not knowing."""
    return [("", lazy_gettext("I do not know yet")), *((time, time) for time in times)]


def normalise_address(field: Field, wrong: str) -> None:
    """A possible address, in its normal form. Whether it can be reached is not looked up."""
    try:
        field.data = validate_email(field.data or "", check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValidationError(wrong) from None


def _is_no_blank(_form: Form, field: Field) -> None:
    if not field.data:
        raise ValidationError(lazy_gettext("Enter your name."))


def _is_telephone(_form: Form, field: Field) -> None:
    if field.data and not field.errors and not _PHONE.fullmatch(field.data):
        raise ValidationError(lazy_gettext("Enter a telephone number like +49 171 5550123, or leave it empty."))
