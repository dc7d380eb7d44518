"""Forms of a guest's own booking. Each offers one method that gives what the service wants."""

import re
import secrets

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from booking.domain.arrival import arrival_times
from booking.domain.money import Money
from booking.queries.guest import GuestBooking
from booking.services.self_service import Details
from booking.web.guest_fields import message_field, name_field, phone_field, time_choices
from booking.web.text import one_line

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

    name = name_field()
    phone = phone_field()
    arrival_time = SelectField(lazy_gettext("When will you arrive? (optional)"), filters=[one_line])
    message = message_field()

    @classmethod
    def of(cls, booking: GuestBooking, *, is_sent: bool) -> "DetailsForm":
        """The form with the hours of this house, filled with what it knows or (`is_sent`) with what was typed."""
        known = {name: getattr(booking, name) for name in ("name", "phone", "arrival_time", "message")}
        form = cls() if is_sent else cls(formdata=None, data=known)
        # What was said before can stay, even where the house has changed its hours since.
        times = sorted({*arrival_times(booking.place.check_in_from), booking.arrival_time} - {""})
        form.arrival_time.choices = time_choices(times)
        return form

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
