"""Forms for what staff does to a booking: notes, more time, another unit, other dates."""

import re
import secrets
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Regexp

from booking.domain.dates import Stay, parse_stay
from booking.domain.errors import BookingError, InvalidDates
from booking.domain.money import Money, parse_major
from booking.domain.states import PaymentMethod
from booking.services.balances import TakenMoney
from booking.services.care import LONGEST_MINUTES, LONGEST_NOTE, MORE_MINUTES
from booking.services.changes import ChangeWish
from booking.web.text import one_line, some_lines

_MINUTES = {
    60: "1 hour",
    180: "3 hours",
    720: "12 hours",
    LONGEST_MINUTES: "almost 24 hours, which is all that Stripe allows",
}

_TAKEN = {
    PaymentMethod.CASH: "In cash",
    PaymentMethod.BANK_TRANSFER: "By bank transfer",
    PaymentMethod.CARD_TERMINAL: "At the house's own card machine",
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


class ChangeForm(FlaskForm):
    """Other dates or guests. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    arrive = DateField("Arrive", [InputRequired("Choose the day of arrival.")])
    leave = DateField("Leave", [InputRequired("Choose the day of departure.")])
    guests = IntegerField(
        "Guests", [InputRequired("Say how many come."), NumberRange(1, 99, "At least one guest must stay.")]
    )
    price = RadioField(
        "Price",
        [InputRequired("Choose the price.")],
        choices=[SelectChoice("new", "What the new stay costs today"), SelectChoice("keep", "The price it has now")],
        default="new",
    )

    @classmethod
    def of(cls, stay: Stay, guests: int) -> "ChangeForm":
        """A fresh one that shows the stay as it is."""
        return cls(formdata=None, arrive=stay.arrive, leave=stay.leave, guests=guests)

    def read_wish(self) -> ChangeWish | None:
        """What the service wants; None, with words on the fields, where it is no stay."""
        if not self.validate():
            return None
        try:
            stay = Stay(self.arrive.data, self.leave.data)
        except InvalidDates as error:
            self.take(error)
            return None
        return ChangeWish(stay, self.guests.data, self.price.data == "keep")

    def take(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        name = str(error.details.get("field", "arrive"))
        field: Any = self[name if name in self else "arrive"]
        field.errors = [*field.errors, error.user_message]


class ChangeOrderForm(FlaskForm):
    """The second page: exactly what was shown, and a token that makes two clicks one."""

    arrive = HiddenField(validators=[InputRequired()])
    leave = HiddenField(validators=[InputRequired()])
    guests = HiddenField(validators=[Regexp(re.compile(r"\d{1,2}\Z"))])
    price = HiddenField(validators=[AnyOf(("new", "keep"))])
    shown_minor = HiddenField(validators=[Regexp(re.compile(r"\d{1,15}\Z"))])
    form_token = HiddenField(validators=[Regexp(re.compile(r"[0-9a-f]{32}\Z"))])

    @classmethod
    def of(cls, wish: ChangeWish, total: Money) -> "ChangeOrderForm":
        """A fresh one, with a token of its own."""
        return cls(
            formdata=None,
            arrive=wish.stay.arrive.isoformat(),
            leave=wish.stay.leave.isoformat(),
            guests=str(wish.guests),
            price="keep" if wish.keeps_price else "new",
            shown_minor=str(total.minor),
            form_token=secrets.token_hex(16),
        )

    def read_wish(self) -> ChangeWish | None:
        """What was agreed to; None where the form was tampered with."""
        try:
            stay = parse_stay(self.arrive.data, self.leave.data) if self.validate_on_submit() else None
        except InvalidDates:
            stay = None
        return ChangeWish(stay, int(self.guests.data), self.price.data == "keep") if stay else None


class TakeDueForm(FlaskForm):
    """How the house took what a guest owed. `amount` is what the page said is owed."""

    amount = HiddenField(validators=[InputRequired()])
    method = RadioField(
        "The guest paid",
        [InputRequired("Choose how.")],
        choices=[SelectChoice(method.value, name) for method, name in _TAKEN.items()],
    )
    note = StringField("Receipt number or day (optional)", [Length(max=200)], filters=[one_line])

    @classmethod
    def of(cls, amount: Money) -> "TakeDueForm":
        """A fresh one."""
        return cls(formdata=None, amount=str(amount.major))

    def read_taken(self, currency: str) -> TakenMoney | None:
        """What staff says; None, with words on the fields, where it says nothing."""
        shown = parse_major(self.amount.data or "", currency) if self.validate_on_submit() else None
        return TakenMoney(PaymentMethod(self.method.data), shown, self.note.data or "") if shown else None
