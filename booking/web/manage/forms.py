"""The form that finds a booking again."""

from flask_wtf import FlaskForm
from wtforms import EmailField, StringField
from wtforms.validators import InputRequired, Length

from booking.web.text import one_line


class LookupForm(FlaskForm):
    """Reference and address, both as they stand in the guest's mail."""

    reference = StringField(
        "Reference",
        filters=[one_line],
        validators=[InputRequired("Enter the reference from your mail."), Length(max=40, message="That is too long.")],
    )
    email = EmailField(
        "E-mail address",
        filters=[one_line],
        validators=[InputRequired("Enter the address you booked with."), Length(max=254, message="That is too long.")],
    )
