"""Forms of a guest's own booking. Each offers one method that gives what the service wants."""

import re
import secrets

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, Field, HiddenField, SelectField, StringField, TelField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp, ValidationError

from booking.domain.arrival import arrival_times
from booking.domain.money import Money
from booking.queries.guest import GuestBooking
from booking.services.self_service import Details
from booking.web.cards import no_card_number
from booking.web.text import one_line, some_lines

LONGEST_MESSAGE = 500
_PHONE = re.compile(r"[0-9+()./ -]{5,40}", re.ASCII)
_TOKEN = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_MINOR = re.compile(r"[0-9]{1,12}\Z", re.ASCII)


class LookupForm(FlaskForm):
    """Reference and address, both as they stand in the guest's mail."""

    reference = StringField(
        lazy_gettext("Reference"),
        filters=[one_line],
        validators=[
            InputRequired(lazy_gettext("Enter the reference from your mail.")),
            Length(max=40, message=lazy_gettext("That reference is too long.")),
        ],
    )
    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=[one_line],
        validators=[
            InputRequired(lazy_gettext("Enter the address you booked with.")),
            Length(max=254, message=lazy_gettext("That e-mail address is too long.")),
        ],
    )


class DetailsForm(FlaskForm):
    """What a guest may change after booking. The address is not among it: links to the booking go there."""

    name = StringField(
        lazy_gettext("Full name"),
        filters=[one_line],
        validators=[no_card_number, Length(max=120, message=lazy_gettext("Use at most 120 characters for your name."))],
    )
    phone = TelField(lazy_gettext("Telephone (optional)"), filters=[one_line], validators=[no_card_number])
    arrival_time = SelectField(lazy_gettext("When will you arrive? (optional)"), filters=[one_line])
    message = TextAreaField(
        lazy_gettext("Message to the house (optional)"),
        filters=[some_lines],
        validators=[
            no_card_number,
            Length(max=LONGEST_MESSAGE, message=lazy_gettext("Use at most 500 characters for your message.")),
        ],
    )

    @classmethod
    def of(cls, booking: GuestBooking, *, is_sent: bool) -> "DetailsForm":
        """The form with the hours of this house, filled with what it knows or (`is_sent`) with what was typed."""
        known = {name: getattr(booking, name) for name in ("name", "phone", "arrival_time", "message")}
        form = cls() if is_sent else cls(formdata=None, data=known)
        # What was said before can stay, even where the house has changed its hours since.
        times = sorted({*arrival_times(booking.place.check_in_from), booking.arrival_time} - {""})
        form.arrival_time.choices = [("", lazy_gettext("I do not know yet")), *((time, time) for time in times)]
        return form

    def validate_name(self, field: Field) -> None:
        """Spaces alone are no name."""
        if not field.data:
            raise ValidationError(lazy_gettext("Enter your name."))

    def validate_phone(self, field: Field) -> None:
        """Digits and the signs people write between them; empty is fine."""
        if field.data and not field.errors and not _PHONE.fullmatch(field.data):
            raise ValidationError(lazy_gettext("Enter a telephone number like +49 171 5550123, or leave it empty."))

    def details(self) -> Details:
        """What the guest wants to be written down."""
        return Details(
            name=self.name.data or "",
            phone=self.phone.data or "",
            arrival_time=self.arrival_time.data or "",
            message=self.message.data or "",
        )


class CancelForm(FlaskForm):
    """The amount that the page named, and a token that makes two clicks one."""

    shown_minor = HiddenField(validators=[Regexp(_MINOR)])
    form_token = HiddenField(validators=[Regexp(_TOKEN)])

    @classmethod
    def of(cls, amount: Money) -> "CancelForm":
        """A fresh one, with a token of its own."""
        return cls(formdata=None, shown_minor=str(amount.minor), form_token=secrets.token_hex(16))

    def read_shown(self, currency: str) -> Money | None:
        """What the guest agreed to; None where the form was tampered with."""
        return Money(int(self.shown_minor.data), currency) if self.validate() else None


class EraseForm(FlaskForm):
    """The wish to be erased, said twice: a button may be pressed by accident."""

    is_sure = BooleanField(
        lazy_gettext("I want my personal data erased."),
        validators=[InputRequired(lazy_gettext("Tick the box if you want your data erased."))],
    )


class PlainForm(FlaskForm):
    """A button and nothing else."""
