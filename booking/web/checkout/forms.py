"""The guest's details, and the review that carries everything a booking needs."""

import re
from datetime import datetime
from typing import Self

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from booking.domain.arrival import arrival_times
from booking.domain.money import Money
from booking.domain.pricing import Wishes
from booking.services.reservations import GuestDetails, PlaceRequest
from booking.web.checkout import trap
from booking.web.checkout.wishes import WishPage
from booking.web.guest import Typed
from booking.web.guest_fields import message_field, name_field, normalise_address, phone_field, time_choices
from booking.web.language import current_language
from booking.web.storefront.forms import Question
from booking.web.text import one_line

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class GuestForm(FlaskForm):
    """Who is coming. Only name and e-mail are needed."""

    name = name_field(InputRequired(lazy_gettext("Enter your name.")))
    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=[one_line],
        validators=[InputRequired(lazy_gettext("Enter your e-mail address."))],
    )
    phone = phone_field()
    # What the list offers depends on the house, and the review has no list: the shape is checked below.
    arrival_time = SelectField(lazy_gettext("When will you arrive? (optional)"), choices=[], validate_choice=False)
    message = message_field()

    @classmethod
    def filled(cls, typed: Typed | None) -> Self:
        """The form with what was typed before, and not with what the request carries."""
        return cls(formdata=None, data=typed)

    def offer_times(self, check_in_from: str) -> None:
        """Fill the list of times of arrival: from the house's check-in time on."""
        self.arrival_time.choices = time_choices(arrival_times(check_in_from))

    def validate_email(self, field: Field) -> None:
        """A possible address, in its normal form. Whether it can be reached is not looked up."""
        normalise_address(field, gettext("Enter an e-mail address like grace@example.org."))
        if len(field.data) > 254:
            raise ValidationError(gettext("That e-mail address is too long."))

    def validate_arrival_time(self, field: Field) -> None:
        """A time of day; empty is fine. It binds nobody, so any is taken."""
        if field.data and not _TIME.fullmatch(field.data):
            raise ValidationError(gettext("Choose a time from the list, or none."))

    def typed(self) -> Typed:
        """What the browser may remember between the pages."""
        return Typed(
            name=self.name.data or "",
            email=self.email.data or "",
            phone=self.phone.data or "",
            arrival_time=self.arrival_time.data or "",
            message=self.message.data or "",
        )

    def details(self) -> GuestDetails:
        """What the reservation wants to know of the guest."""
        return GuestDetails(**self.typed(), language=current_language().code)


class DetailsForm(GuestForm):
    """The form that a person fills in, with a trap for programs that fill in everything at once."""

    # Asked only where the house's prices make them matter. What they mean is read by wishes.py.
    child_ages = StringField(lazy_gettext("Ages of children (optional)"))
    code = StringField(lazy_gettext("Code (optional)"))
    leave_empty = StringField(lazy_gettext("Leave this field empty"))
    shown_at = HiddenField()

    def show(self, check_in_from: str, now: datetime) -> None:
        """Make the form ready for a page: with the times of this house, and the trap set."""
        self.offer_times(check_in_from)
        self.leave_empty.data, self.shown_at.data = "", trap.stamp(now)

    def take_wishes(self, page: WishPage) -> None:
        """Show what was typed of wishes, and what is wrong with it."""
        self.child_ages.data, self.code.data = page.typed.child_ages, page.typed.code
        for name, words in page.errors.items():
            self[name].errors = [words]

    def seems_filled_by_program(self, now: datetime, *, is_timed: bool) -> bool:
        """Whether the field that no person sees is filled, or (`is_timed`) the form came back faster than one types."""
        return bool(self.leave_empty.data) or (is_timed and trap.is_too_fast(self.shown_at.data, now))

    def take_errors(self, other: GuestForm) -> None:
        """Show the problems of another form on the fields of this one."""
        for name, errors in other.errors.items():
            if name in self:
                self[name].errors = errors


class ReviewForm(GuestForm):
    """The details again, hidden, with the total that the guest saw: the POST is whole without any cookie."""

    shown_total_minor = HiddenField()
    shown_plan = HiddenField()  # Schedule.mark; compared, and never believed
    card_consent = HiddenField(validators=[Length(max=32)])
    is_request = HiddenField()  # empty where the stay can be booked at once

    def validate_shown_total_minor(self, field: Field) -> None:
        """A whole number of minor units, as our own page wrote it."""
        text = field.data or ""
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise ValidationError(gettext("The price is missing."))

    @property
    def has_good_details(self) -> bool:
        """Whether all that a person typed is good; to be asked after `validate`."""
        return not set(self.errors) - {"shown_total_minor", "card_consent"}

    def request_for(
        self,
        listing_id: int,
        currency: str,
        question: Question,
        browser_id: str,
        network: str,
        wishes: Wishes,
        account_id: int | None = None,
    ) -> PlaceRequest:
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
            shown_plan=(self.shown_plan.data or "")[:100],
            network=network,
            wishes=wishes,
            account_id=account_id,
            consent=self.card_consent.data or "",
            is_request=bool(self.is_request.data),
        )
