"""The guest's details, and the review that carries everything a booking needs."""

import re

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, StringField, TelField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from booking.domain.money import Money
from booking.services.reservations import GuestDetails, PlaceRequest
from booking.web.guest import Typed
from booking.web.storefront.forms import Question
from booking.web.text import one_line, some_lines

LONGEST_MESSAGE = 500
_PHONE = re.compile(r"[0-9+()./ -]{5,40}", re.ASCII)


class DetailsForm(FlaskForm):
    """Who is coming. Only name and e-mail are needed."""

    name = StringField(
        "Full name",
        filters=[one_line],
        validators=[InputRequired("Enter your name."), Length(max=120, message="Use at most 120 characters.")],
    )
    email = EmailField("E-mail address", filters=[one_line], validators=[InputRequired("Enter your e-mail address.")])
    phone = TelField("Telephone (optional)", filters=[one_line])
    message = TextAreaField(
        "Message to the house (optional)",
        filters=[some_lines],
        validators=[Length(max=LONGEST_MESSAGE, message=f"Use at most {LONGEST_MESSAGE} characters.")],
    )

    def validate_name(self, field: Field) -> None:
        """Spaces alone are no name."""
        if not field.data:
            raise ValidationError("Enter your name.")

    def validate_email(self, field: Field) -> None:
        """A possible address, in its normal form. Whether it can be reached is not looked up."""
        try:
            field.data = validate_email(field.data or "", check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValidationError("Enter an e-mail address like grace@example.org.") from None
        if len(field.data) > 254:
            raise ValidationError("That e-mail address is too long.")

    def validate_phone(self, field: Field) -> None:
        """Digits and the signs people write between them; empty is fine."""
        if field.data and not _PHONE.fullmatch(field.data):
            raise ValidationError("Enter a telephone number like +49 171 5550123, or leave it empty.")

    def typed(self) -> Typed:
        """What the browser may remember between the pages."""
        return Typed(
            name=self.name.data or "",
            email=self.email.data or "",
            phone=self.phone.data or "",
            message=self.message.data or "",
        )

    def details(self) -> GuestDetails:
        """What the reservation wants to know of the guest."""
        return GuestDetails(**self.typed())


class ReviewForm(DetailsForm):
    """The details again, hidden, with the total that the guest saw: the POST is whole without any cookie."""

    shown_total_minor = HiddenField()

    def validate_shown_total_minor(self, field: Field) -> None:
        """A whole number of minor units, as our own page wrote it."""
        text = field.data or ""
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise ValidationError("The price is missing.")

    def request_for(self, listing_id: int, currency: str, question: Question, browser_id: str) -> PlaceRequest:
        """What the guest agreed to with the button. The question must be a good one."""
        if question.stay is None:
            raise ValueError("no stay was asked for")
        return PlaceRequest(
            listing_id=listing_id,
            stay=question.stay,
            guests=question.guests,
            guest=self.details(),
            browser_id=browser_id,
            shown_total=Money(int(self.shown_total_minor.data or 0), currency),
        )
