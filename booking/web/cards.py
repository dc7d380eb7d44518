"""Keeps card numbers out of what guests write to the house: out of the database, the cookie, and the page itself."""

from flask_babel import gettext
from wtforms import Field
from wtforms.validators import ValidationError

from booking.domain.cards import has_card_number, without_card_numbers


def no_card_number(_form: object, field: Field) -> None:
    """A validator that takes card numbers out and says so; the rest of what was typed stays."""
    text = field.data or ""
    if has_card_number(text):
        field.data = without_card_numbers(text)
        told = gettext("That looked like a card number, so we took it out. You pay on Stripe’s page, and only there.")
        raise ValidationError(told)
