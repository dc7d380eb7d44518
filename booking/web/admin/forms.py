"""Forms of the staff pages. Each offers one method that gives what the service wants."""

import re
import secrets
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp

from booking.domain.dates import Stay
from booking.domain.errors import BookingError
from booking.domain.evidence import FIELDS, Texts, check_texts
from booking.domain.money import Money, exponent, parse_major
from booking.domain.papers import ADDED, FILE_FIELDS, LARGEST, PAPER_WORDS, PaperKind
from booking.web.guest_fields import normalise_address
from booking.web.templating import money
from booking.web.text import one_line, some_lines

_TOKEN = re.compile(r"[0-9a-f]{32}\Z")


class AmountForm(FlaskForm):
    """How much goes back. Asked with GET, because asking changes nothing."""

    class Meta:
        csrf = False

    amount = StringField("Amount", [Optional(), Length(max=20)])

    def read_amount(self, most: Money) -> Money | None:
        """The amount that was typed; None, with words on the field, where it is no amount, nothing or too much."""
        amount = parse_major(self.amount.data or "", most.currency)
        problem = _problem(self.amount.data or "", amount, most)
        if problem:
            self.refuse(problem)
            return None
        return amount

    def refuse(self, message: str) -> None:
        """Put a refusal on the field it concerns."""
        self.amount.errors = [*self.amount.errors, message]


class CancelForm(AmountForm):
    """Whether anything goes back when a booking is cancelled, and how much."""

    refund = RadioField("Refund", choices=[SelectChoice(value) for value in ("none", "terms", "full", "other")])

    def read_refund(self, by_terms: Money, most: Money) -> Money | None:
        """What was chosen, as an amount that may be nothing; None with words on a field where it cannot be."""
        if not self.validate():
            return None
        fixed = {"none": Money(0, most.currency), "terms": by_terms, "full": most}
        chosen = fixed.get(self.refund.data)
        return self.read_amount(most) if chosen is None else chosen


class OrderForm(FlaskForm):
    """The second page of a money action: the exact amount that was shown, and a token that makes two clicks one."""

    amount = HiddenField(validators=[InputRequired()])
    left = HiddenField()  # what could go back when the page was made
    form_token = HiddenField(validators=[Regexp(_TOKEN)])

    @classmethod
    def of(cls, amount: Money, left: Money | None = None) -> "OrderForm":
        """A fresh one, with a token of its own."""
        known = str(left.major) if left else ""
        return cls(formdata=None, amount=str(amount.major), left=known, form_token=secrets.token_hex(16))

    def read_order(self, currency: str) -> Money | None:
        """The amount that was agreed to; None where the form was tampered with."""
        return parse_major(self.amount.data, currency) if self.validate_on_submit() else None


class AddressForm(FlaskForm):
    """A guest's right address, where they mistyped theirs."""

    email = EmailField("New e-mail address", [InputRequired("Type the new address.")], filters=[one_line])

    def validate_email(self, field: Field) -> None:
        """A possible address, in its normal form."""
        normalise_address(field, "That is no e-mail address.")


class OnceForm(FlaskForm):
    """A button whose second press changes nothing: its page has a token of its own."""

    form_token = HiddenField(validators=[Regexp(_TOKEN)])

    @classmethod
    def fresh(cls) -> "OnceForm":
        """One for a page that is shown anew."""
        return cls(formdata=None, form_token=secrets.token_hex(16))


class ReviewForm(FlaskForm):
    """What staff found out about a booking that needed a look."""

    note = StringField("What you found", [InputRequired("Write what you found."), Length(max=400)], filters=[one_line])


def _text(label: str, rows: int) -> TextAreaField:
    return TextAreaField(label, filters=[some_lines], render_kw={"rows": rows})


def _file_number(typed: str | None) -> str:
    return typed if typed and typed.isascii() and typed.isdigit() and len(typed) < 10 else ""


class EvidenceForm(FlaskForm):
    """The answer to a dispute: one field for each of the texts that Stripe takes, by Stripe's names."""

    customer_name = StringField("Guest's name", filters=[one_line])
    customer_email_address = StringField("Guest's e-mail address", filters=[one_line])
    service_date = StringField("Dates of the stay", filters=[one_line])
    product_description = _text("The stay, its price and its payment", 8)
    cancellation_policy_disclosure = _text("Cancellation terms, and how and when they were shown", 8)
    refund_policy_disclosure = _text("Refund terms, and how and when they were shown", 8)
    cancellation_rebuttal = _text("Whether the booking was cancelled", 4)
    refund_refusal_explanation = _text("What was refunded, and why no more", 5)
    access_activity_log = _text("What happened, with times", 10)
    uncategorized_text = _text("E-mails sent, and anything else the bank should read", 10)
    # The files that go with it, each by our own number.
    refund_policy = StringField("The terms as the guest read them", filters=[_file_number])
    service_documentation = StringField("Booking voucher", filters=[_file_number])
    customer_communication = StringField("The e-mails sent to the guest", filters=[_file_number])
    uncategorized_file = StringField("What happened, with times", filters=[_file_number])
    customer_signature = StringField("Something that the guest has signed", filters=[_file_number])
    receipt = StringField("Your own receipt or invoice", filters=[_file_number])
    duplicate_charge_documentation = StringField("Proof of another charge", filters=[_file_number])
    # One more of these last, with what it is.
    added_as = SelectField(
        "What it is",
        choices=[SelectChoice(kind.value, PAPER_WORDS[kind]) for kind in ADDED],
        default=ADDED[0].value,
        validate_choice=False,
    )
    added = FileField("A file of your own")
    seen = HiddenField()
    read_all = BooleanField("I have read every text and every file above. I know that it can be sent once.")

    @classmethod
    def of(cls, texts: Texts, seen: str) -> "EvidenceForm":
        """A fresh one; `seen` is the version of the draft that it shows."""
        return cls(formdata=None, data=texts, seen=seen)

    def read_texts(self) -> Texts | None:
        """What was typed; None, with words on the fields, where Stripe would not take it."""
        is_whole = self.validate_on_submit()
        texts = {name: self[name].data or "" for name in FIELDS}
        texts |= {name: self[name].data for name in FILE_FIELDS.values() if self[name].data}
        wrong = check_texts(texts)
        for name, words in wrong.items():
            self.refuse(name, words)
        return texts if is_whole and not wrong else None

    def read_added(self) -> tuple[PaperKind, bytes] | None:
        """The file that was chosen and what it is; None, with words on the field, where there is none."""
        file, kinds = self.added.data, [kind.value for kind in ADDED]
        if not getattr(file, "filename", ""):
            self.refuse("added", "Choose a file, and say what it is.")
            return None
        with file.stream as stream:
            # One byte more than may be, so that what is too big is known to be without being read whole.
            content = stream.read(LARGEST + 1)
        if self.added_as.data not in kinds:
            self.refuse("added", "Choose a file, and say what it is.")
            return None
        return PaperKind(self.added_as.data), content

    def refuse(self, name: str, words: str) -> None:
        """Put a refusal on the field it concerns."""
        field: Any = self[name]
        field.errors = [*field.errors, words]


class ClosureForm(FlaskForm):
    """Nights to take off sale."""

    unit_id = SelectField("Unit", coerce=int)
    arrive = DateField("First night", [InputRequired("Choose the first night.")])
    leave = DateField("Free again from", [InputRequired("Choose the day from which it is free again.")])
    reason = StringField("Reason", [Length(max=200)], filters=[one_line])

    def read_stay(self) -> Stay:
        """The nights. Raises InvalidDates."""
        return Stay(self.arrive.data, self.leave.data)

    def refuse(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        field: Any = self[str(error.details.get("field", "arrive"))]
        field.errors = [*field.errors, error.user_message]


def _problem(text: str, amount: Money | None, most: Money) -> str | None:
    text, decimals = text.strip(), exponent(most.currency)
    if not text:
        return "Type an amount."
    if text.startswith(("-", "\u2212")):
        return "An amount cannot be negative."
    # "1,200" may mean twelve hundred or one point two: nobody should find out from a bank statement.
    if len(re.split(r"[.,]", text, maxsplit=1)[-1]) > decimals and re.search(r"[.,]", text):
        return f"{most.currency.upper()} has {decimals} decimals; leave out separators of thousands."
    if amount is None:
        return f"Type a plain number such as {_example(most)}."
    if amount.minor == 0:
        return "Nothing would go back. Type more than 0."
    return f"At most {money(most)} can go back." if amount.minor > most.minor else None


def _example(most: Money) -> str:
    return str(Money(14000, most.currency).major)
