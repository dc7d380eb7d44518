"""Forms for what staff does to a booking: notes, more time, another unit."""

from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from booking.services.care import LONGEST_MINUTES, LONGEST_NOTE, MORE_MINUTES
from booking.web.text import some_lines

_MINUTES = {
    60: "1 hour",
    180: "3 hours",
    720: "12 hours",
    LONGEST_MINUTES: "almost 24 hours, which is all that Stripe allows",
}


class NoteForm(FlaskForm):
    """Something to remember of a booking."""

    text = TextAreaField(
        "Note for the house",
        [DataRequired("Write the note."), Length(max=LONGEST_NOTE, message=f"Use at most {LONGEST_NOTE} characters.")],
        filters=[some_lines],
        render_kw={"rows": 3},
    )


class MoreTimeForm(FlaskForm):
    """How long a guest may still pay."""

    minutes = RadioField(
        "From now on",
        [InputRequired("Choose how long.")],
        coerce=int,
        choices=[SelectChoice(minutes, _MINUTES[minutes]) for minutes in MORE_MINUTES],
        default=180,
    )


class UnitForm(FlaskForm):
    """Where a booking should go. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    unit_id = RadioField("Move to", [InputRequired("Choose a unit.")], coerce=int, validate_choice=False)
