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
}
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
    days_before = _number("Balance due so many days before arrival", 0, MOST_DAYS)

    @classmethod
    def of(cls, plan: PaymentPlan | None, *, is_of_listing: bool) -> "PlanForm":
        """A fresh one, with what holds now; where there is no deposit, with what is usual."""
        shown = plan if plan and plan.kind is PlanKind.DEPOSIT else _USUAL
        kind = plan.kind.value if plan else AS_PROPERTY
        form = cls(formdata=None, kind=kind, percent=shown.percent, days_before=shown.days_before)
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
        """Whether it can be taken; if not, with words on the fields. A deposit needs both numbers."""
        is_whole = self.validate_on_submit()
        if self.kind.data == PlanKind.DEPOSIT:
            for field in (self.percent, self.days_before):
                if field.data is None and not field.errors:
                    field.errors, is_whole = ["Type a number."], False
        return is_whole

    def read_plan(self) -> PaymentPlan | None:
        """The plan of a good form; None: as the property asks."""
        if self.kind.data == AS_PROPERTY:
            return None
        if self.kind.data == PlanKind.DEPOSIT:
            return PaymentPlan(PlanKind.DEPOSIT, self.percent.data or 0, self.days_before.data or 0)
        return PaymentPlan(PlanKind(self.kind.data))

    def refuse(self, error: PolicyRefused) -> None:
        """Put a service's refusal on the field that it names."""
        name = str(error.details.get("field"))
        field = self[name if name in self else "kind"]
        field.errors = [*field.errors, error.user_message]
