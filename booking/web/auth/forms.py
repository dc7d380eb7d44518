"""Forms for signing in and for one's own password."""

import re

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import InputRequired, Length

from booking.domain.errors import BookingError

# One slash, then neither slash nor backslash: browsers read "//" and "/\" as another host. They also drop tabs and line
# breaks from addresses, so "/<tab>/elsewhere" would be one too.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class LoginForm(FlaskForm):
    """Address and password. Their rules are the service's: a form that told more would tell strangers, too."""

    email = EmailField("E-mail address", [InputRequired("Type your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Type your password."), Length(max=1000)])
    next = HiddenField()

    @property
    def target(self) -> str | None:
        """Where to go after signing in: a path of this site, or None."""
        path = self.next.data or ""
        return path if len(path) <= 2000 and _LOCAL_PATH.fullmatch(path) else None


class PasswordForm(FlaskForm):
    """One's own password, old and new."""

    old_password = PasswordField("Present password", [InputRequired("Type your present password.")])
    password = PasswordField("New password", [InputRequired("Type a new password.")])

    def refuse(self, error: BookingError) -> None:
        """Put a service's refusal on the field it concerns."""
        field = self[str(error.details.get("field", "password"))]
        field.errors = [error.user_message]
