"""The form of a payment plan."""

from flask_wtf import FlaskForm
from wtforms import Field, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional, StopValidation

from booking.domain.errors import PolicyRefused
from booking.domain.payment_plans import LEAST_PERCENT, MOST_DAYS, MOST_PERCENT, PaymentPlan, PlanKind
from booking.web.admin.rule_forms import WholeField

AS_PROPERTY = "property"
_NAMES = {
    PlanKind.PAY_IN_FULL: "The whole price with the booking",
    PlanKind.DEPOSIT: "A deposit now, the balance later",
    PlanKind.RESERVE_NOW_PAY_LATER: "Nothing now: a card is kept, and charged later",
}
# What each kind has to know.
_ASKS = {PlanKind.DEPOSIT: ("percent", "days_before"), PlanKind.RESERVE_NOW_PAY_LATER: ("days_before",)}
_USUAL = PaymentPlan(PlanKind.DEPOSIT, 30, 30)


def _stop_where_it_is_none(_form: FlaskForm, field: Field) -> None:
    if field.process_errors:
        raise StopValidation


def _number(label: str, least: int, most: int) -> WholeField:
    inside = NumberRange(least, most, f"Type a number from {least} to {most}.")
    return WholeField(label, [Optional(), _stop_where_it_is_none, inside])


class PlanForm(FlaskForm):
    """What is paid when. Of a listing it has one choice more: as its property asks."""

    kind = RadioField("Guests pay", [InputRequired("Choose one.")])
    percent = _number("Deposit, in percent of the total", LEAST_PERCENT, MOST_PERCENT)
    days_before = _number("What is left is due so many days before arrival", 0, MOST_DAYS)

    @classmethod
    def of(cls, plan: PaymentPlan | None, *, is_of_listing: bool) -> "PlanForm":
        """A fresh one, with what holds now; where there is nothing to pay later, with what is usual."""
        shown = plan if plan and plan.kind in _ASKS else _USUAL
        kind = plan.kind.value if plan else AS_PROPERTY
        percent = shown.percent or _USUAL.percent
        form = cls(formdata=None, kind=kind, percent=percent, days_before=shown.days_before)
        form.offer(is_of_listing=is_of_listing)
        return form

    @classmethod
    def typed(cls, *, is_of_listing: bool) -> "PlanForm":
        """What was sent."""
        form = cls()
        form.offer(is_of_listing=is_of_listing)
        return form

    def offer(self, *, is_of_listing: bool) -> None:
        """Fill the choices."""
        kinds = [SelectChoice(kind.value, name) for kind, name in _NAMES.items()]
        as_property = [SelectChoice(AS_PROPERTY, "As the property asks")] if is_of_listing else []
        self.kind.choices = [*as_property, *kinds]

    def is_good(self) -> bool:
        """Whether it can be taken; if not, with words on the fields."""
        is_whole = self.validate_on_submit()
        for field in (self[name] for name in _ASKS.get(self.kind.data, ())):
            if field.data is None and not field.errors:
                field.errors, is_whole = ["Type a number."], False
        return is_whole

    def read_plan(self) -> PaymentPlan | None:
        """The plan of a good form; None: as the property asks."""
        if self.kind.data == AS_PROPERTY:
            return None
        kind = PlanKind(self.kind.data)
        return PaymentPlan(kind, **{name: self[name].data or 0 for name in _ASKS.get(kind, ())})

    def refuse(self, error: PolicyRefused) -> None:
        """Put a service's refusal on the field that it names."""
        name = str(error.details.get("field"))
        field = self[name if name in self else "kind"]
        field.errors = [*field.errors, error.user_message]
