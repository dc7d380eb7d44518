"""Forms of a booking by telephone: the stay, then who comes and how it is paid."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    EmailField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from booking.domain.dates import Stay
from booking.domain.errors import BookingError, InvalidDates
from booking.domain.money import Money, parse_major
from booking.domain.states import PaymentMethod
from booking.language import LANGUAGES
from booking.services.phone import LONGEST_REASON, Agreement, PhoneRequest
from booking.services.reservations import GuestDetails
from booking.web.admin.forms import _TOKEN
from booking.web.guest_fields import message_field, name_field, normalise_address, phone_field
from booking.web.text import one_line

MOST_GUESTS = 99
METHODS = {
    PaymentMethod.STRIPE: "By a payment link in a mail",
    PaymentMethod.CASH: "Paid to the house already, in cash",
    PaymentMethod.BANK_TRANSFER: "Paid to the house already, by bank transfer",
    PaymentMethod.CARD_TERMINAL: "Paid to the house already, at its own card machine",
}
# What a link asks for, where the listing has a plan that splits the price of this stay.
BY_PLAN, ALL_OF_IT = "plan", "whole"
_TONGUES = {"en": "English", "de": "German"}


class PhoneStayForm(FlaskForm):
    """What the guest wants. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    listing = SelectField("Listing", coerce=int)
    arrive = DateField("Arrive", [InputRequired("Choose the day of arrival.")])
    leave = DateField("Leave", [InputRequired("Choose the day of departure.")])
    guests = IntegerField(
        "Guests", [InputRequired("Say how many come."), NumberRange(1, MOST_GUESTS, "At least one guest must stay.")]
    )

    def read_stay(self) -> Stay | None:
        """The nights; None, with words on the field, where they are none."""
        try:
            return Stay(self.arrive.data, self.leave.data)
        except InvalidDates as error:
            self.refuse("leave", error.user_message)
            return None

    def refuse(self, name: str, words: str) -> None:
        """Put a refusal on the field it concerns."""
        _put(self, name if name in self else "arrive", words)


class PhoneForm(FlaskForm):
    """Who comes, what it costs and how it is paid. The stay travels with it."""

    listing = HiddenField(validators=[Regexp(r"\d{1,9}\Z")])
    arrive = HiddenField(validators=[InputRequired()])
    leave = HiddenField(validators=[InputRequired()])
    guests = HiddenField(validators=[Regexp(r"\d{1,2}\Z")])
    shown_minor = HiddenField(validators=[Regexp(r"\d{1,15}\Z")])
    form_token = HiddenField(validators=[Regexp(_TOKEN)])
    name = name_field(InputRequired("Type the guest's name."))
    email = EmailField("E-mail address", [InputRequired("Type the guest's address.")], filters=[one_line])
    phone = phone_field()
    message = message_field()
    language = SelectField(
        "Write to them in", choices=[SelectChoice(code, _TONGUES.get(code, code)) for code in LANGUAGES]
    )
    method = RadioField(
        "How it is paid",
        [InputRequired("Choose how it is paid.")],
        choices=[SelectChoice(method.value, label) for method, label in METHODS.items()],
        default=PaymentMethod.STRIPE.value,
    )
    plan = RadioField(
        "What the link asks for",
        choices=[SelectChoice(BY_PLAN, "What guests of this listing pay"), SelectChoice(ALL_OF_IT, "The whole price")],
        default=BY_PLAN,
    )
    shown_plan = HiddenField(validators=[Length(max=80)])
    receipt_note = StringField("Receipt or day of the transfer", [Length(max=80)], filters=[one_line])
    agreed = StringField("Another price, if you agreed on one", [Optional(), Length(max=20)])
    reason = StringField("Why it is another price", [Length(max=LONGEST_REASON)], filters=[one_line])

    def validate_email(self, field: Field) -> None:
        """A possible address, in its normal form."""
        normalise_address(field, "That is no e-mail address.")

    def read_request(self, listing_id: int, stay: Stay, currency: str) -> PhoneRequest | None:
        """What the service wants; None, with words on the fields, where something is missing."""
        is_whole = self.validate_on_submit()
        agreement = self._read_agreement(currency)
        if not is_whole or self.errors:
            return None
        details = GuestDetails(
            self.name.data, self.email.data, self.phone.data or "", self.message.data or "", language=self.language.data
        )
        return PhoneRequest(
            listing_id=listing_id,
            stay=stay,
            guests=int(self.guests.data),
            guest=details,
            shown_total=Money(int(self.shown_minor.data), currency),
            method=PaymentMethod(self.method.data),
            form_token=self.form_token.data,
            agreement=agreement,
            receipt_note=self.receipt_note.data or "",
            shown_plan=self.shown_plan.data or "" if self.plan.data == BY_PLAN else "",
        )

    def take(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        _put(self, str(error.details.get("field", "agreed")), error.user_message)

    def _read_agreement(self, currency: str) -> Agreement | None:
        typed, reason = (self.agreed.data or "").strip(), self.reason.data or ""
        if not typed:
            return None
        total = parse_major(typed, currency)
        if total is None or total.minor <= 0 or not total.is_movable:
            example = Money(14000, currency).major
            _put(self, "agreed", f"Type a plain number above zero, such as {example}.")
            return None
        if not reason:
            _put(self, "reason", "Say why the price is another one.")
        return Agreement(total, reason)


def _put(form: FlaskForm, name: str, words: str) -> None:
    field: Any = form[name if name in form else "agreed"]
    field.errors = [*field.errors, words]
