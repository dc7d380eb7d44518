"""Forms about saved cards. Each offers one method that gives what the service wants."""

import re
import secrets
from typing import Any, Protocol

from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from booking.domain.money import Money, parse_major
from booking.services.card_rules import CardRules
from booking.web.admin.house_forms import FactsForm
from booking.web.text import one_line

_TOKEN = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_AMOUNT = "Type an amount, such as 200 or 200.50."
LONGEST_REASON = 300


class Place(Protocol):
    """What the form wants to know of a house."""

    currency: Any
    keeps_cards: Any
    damage_most_minor: Any
    pays_on_page: Any


class CardRulesForm(FactsForm):
    """The switches of the house."""

    keeps_cards = BooleanField("Ask guests to have their card saved")
    damage_most = StringField("For damage, at most", filters=[one_line])
    pays_on_page = BooleanField("Let guests pay on a page of this shop, too")

    @classmethod
    def of(cls, place: Place) -> "CardRulesForm":
        """The form as the house has it now."""
        most = Money(place.damage_most_minor, place.currency)
        facts = {"keeps_cards": place.keeps_cards, "pays_on_page": place.pays_on_page, "damage_most": str(most.major)}
        return cls(formdata=None, data=facts)

    def read_rules(self, currency: str) -> CardRules | None:
        """What was asked for; None, with words on the field, where it is none."""
        if not self.validate():
            return None
        most = parse_major(self.damage_most.data or "0", currency)
        if most is None:
            self.damage_most.errors = [_AMOUNT]
            return None
        return CardRules(bool(self.keeps_cards.data), most, bool(self.pays_on_page.data))


class FeeForm(FactsForm):
    """How much is charged, and why: the guest reads the reason."""

    amount = StringField("Amount", [InputRequired(_AMOUNT)], filters=[one_line])
    reason = StringField(
        "Reason, in words for the guest",
        [InputRequired("Say what it is for: the guest reads it."),
         Length(max=LONGEST_REASON, message=f"At most {LONGEST_REASON} characters.")],
        filters=[one_line],
    )  # fmt: skip
    form_token = HiddenField(validators=[Regexp(_TOKEN)])

    @classmethod
    def fresh(cls, amount: Money, reason: str = "") -> "FeeForm":
        """A new one, with a token that makes two clicks one."""
        facts = {
            "amount": str(amount.major) if amount.minor else "",
            "reason": reason,
            "form_token": secrets.token_hex(16),
        }
        return cls(formdata=None, data=facts)

    def read_fee(self, currency: str) -> tuple[Money, str, str] | None:
        """Amount, reason and token; None, with words on the fields, where something is missing."""
        if not self.validate():
            return None
        amount = parse_major(self.amount.data or "", currency)
        if amount is None or amount.minor <= 0:
            self.amount.errors = [_AMOUNT]
            return None
        return amount, self.reason.data or "", self.form_token.data or ""
