"""Forms of the guest club at the desk."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from booking.domain.club import LONGEST_NAME, MOST_TRIAL_DAYS, Interval, PlanTerms
from booking.domain.money import parse_major
from booking.web.admin.rule_forms import Refusing, number
from booking.web.text import one_line


class PlanForm(Refusing):
    """What a plan costs and gives."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=LONGEST_NAME)], filters=[one_line])
    price = StringField("Price", [DataRequired("Type an amount."), Length(max=20)], filters=[one_line])
    currency = SelectField("Currency", validate_choice=False)
    interval = SelectField("Paid", choices=[SelectChoice(one.value, f"each {one}") for one in Interval])
    trial_days = number("Days of trial", 0, MOST_TRIAL_DAYS)
    percent = number("Percent off the nights", 1, 99, required=True)

    @classmethod
    def of(cls, terms: PlanTerms) -> "PlanForm":
        """A fresh one, with what holds now."""
        values: dict[str, Any] = {"name": terms.name, "price": str(terms.price.major)}
        values |= {"currency": terms.price.currency, "interval": terms.interval.value}
        values |= {"trial_days": terms.trial_days, "percent": terms.off_share // 100}
        return cls(formdata=None, **values)

    @classmethod
    def fresh(cls) -> "PlanForm":
        """One for a new plan: what is usual, to begin with."""
        return cls(formdata=None, interval=Interval.YEAR.value, trial_days=0, percent=10)

    def offer(self, codes: Sequence[str]) -> None:
        """Fill the choices: the currencies of the houses, and that of the plan."""
        self.currency.choices = [SelectChoice(code, code.upper()) for code in dict.fromkeys(codes)]

    def read_terms(self) -> PlanTerms | None:
        """What was typed; None where the form says what is wrong with it."""
        if not self.validate_on_submit():
            return None
        offered = [choice.value for choice in self.currency.choices or ()]
        code = self.currency.data if self.currency.data in offered else ""
        price = parse_major(self.price.data or "", code) if code else None
        if price is None:
            self.price.errors = ["Type an amount such as 9 or 9.50."]
            return None
        share, trial = (self.percent.data or 0) * 100, self.trial_days.data or 0
        return PlanTerms(self.name.data or "", price, Interval(self.interval.data), trial, share)
