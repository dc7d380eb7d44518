"""Forms of the guest club."""

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, Field, HiddenField
from wtforms.validators import InputRequired, Length, Regexp

from booking.web.guest_fields import normalise_address
from booking.web.text import one_line

_NUMBER = r"\A[0-9]{1,9}\Z"


class SignInForm(FlaskForm):
    """The address that a link is mailed to."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=[one_line],
        validators=[
            InputRequired(lazy_gettext("Enter your e-mail address.")),
            Length(max=254, message=lazy_gettext("That e-mail address is too long.")),
        ],
    )

    def validate_email(self, field: Field) -> None:
        """A possible address, in its normal form."""
        normalise_address(field, gettext("Enter an e-mail address like grace@example.org."))


class JoinForm(FlaskForm):
    """Which membership, and that its terms are agreed to."""

    plan = HiddenField(validators=[Regexp(_NUMBER)])
    agree = BooleanField(
        validators=[InputRequired(lazy_gettext("Tick the box if you agree, and then go on."))],
    )

    @property
    def plan_id(self) -> int:
        """The plan that was meant; 0 where the form was tampered with."""
        text = self.plan.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
