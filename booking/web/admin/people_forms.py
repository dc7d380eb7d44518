"""Forms about the people of the house, and the search in what they did."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from booking.domain.errors import BookingError
from booking.domain.roles import PURPOSE, Role
from booking.queries.audit import AuditWish

_ROLES = [SelectChoice(role.value, f"{role.replace('_', ' ').capitalize()}: {PURPOSE[role]}") for role in Role]
_WRONG_DATE = "Type the date as year, month, day: 2027-03-12."


class RoleForm(FlaskForm):
    """What somebody is here for."""

    role = RadioField("As what", [InputRequired("Choose a role.")], choices=_ROLES)

    def refuse(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        field: Any = self[str(error.details.get("field", "role"))]
        field.errors = [error.user_message]

    def read_role(self) -> Role:
        """The chosen role; only for a form that validates."""
        return Role(self.role.data)


class InviteForm(RoleForm):
    """Somebody who is to work here."""

    name = StringField("Name", [InputRequired("Type a name."), Length(max=120)])
    email = EmailField("E-mail address", [InputRequired("Type an e-mail address."), Length(max=254)])


class AuditForm(FlaskForm):
    """Asked with GET: a search has an address. What means nothing narrows nothing."""

    class Meta:
        csrf = False

    who = SelectField("Who", validate_choice=False)
    about = StringField("What or about what", [Length(max=120)])
    since = DateField("From", [Optional()])
    until = DateField("Until", [Optional()])

    @classmethod
    def of(cls, args: Any, actors: list[str]) -> "AuditForm":
        """The form as it was asked, with everybody who stands in the log to choose from."""
        form = cls(args)
        form.who.choices = [SelectChoice("", "anybody"), *(SelectChoice(actor, actor) for actor in actors)]
        if not form.validate():
            for field in (form.since, form.until):
                field.errors = [_WRONG_DATE] if field.errors else []
        return form

    def read_wish(self, zone: ZoneInfo) -> AuditWish:
        """What is asked for; days are those of the house, both of them included."""
        since, until = self.since.data, self.until.data
        return AuditWish(
            # PostgreSQL has no place for NUL: a stranger to this form is not worth a crash.
            who=(self.who.data or "").replace("\0", "")[:254],
            about=(self.about.data or "").replace("\0", "").strip()[:120],
            since=datetime.combine(since, time(), zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
        )

    def as_query(self) -> dict[str, str]:
        """The same as part of an address."""
        fields = {"who": self.who, "about": self.about, "since": self.since, "until": self.until}
        return {name: str(field.data) for name, field in fields.items() if field.data}
