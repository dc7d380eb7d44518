"""Forms for signing in, for one's own password and codes, and for showing again who one is."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from booking.domain.errors import BookingError

# One slash, then neither slash nor backslash: browsers read "//" and "/\" as another host. They also drop tabs and line
# breaks from addresses, so "/<tab>/elsewhere" would be one too.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class Refusable(FlaskForm):
    """A form on whose fields a service's refusal can be put."""

    def refuse(self, error: BookingError, field: str = "password") -> None:
        """Put a service's refusal on the field it concerns."""
        told: Any = self[str(error.details.get("field", field))]
        told.errors = [error.user_message]


def local_path(path: str | None) -> str | None:
    """A path of this site; None for anything that a browser could take for another one."""
    path = path or ""
    return path if len(path) <= 2000 and _LOCAL_PATH.fullmatch(path) else None


class LoginForm(FlaskForm):
    """Address and password. Their rules are the service's: a form that told more would tell strangers, too."""

    email = EmailField("E-mail address", [InputRequired("Type your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Type your password."), Length(max=1000)])
    next = HiddenField()

    @property
    def target(self) -> str | None:
        """Where to go after signing in: a path of this site, or None."""
        return local_path(self.next.data)


class CodeForm(Refusable):
    """A code of the app, or a recovery code."""

    code = StringField("Code", [InputRequired("Type the code."), Length(max=40)])
    next = HiddenField()

    @property
    def target(self) -> str | None:
        """Where to go afterwards: a path of this site, or None."""
        return local_path(self.next.data)


class PasswordForm(Refusable):
    """One's own password, old and new."""

    old_password = PasswordField("Present password", [InputRequired("Type your present password.")])
    password = PasswordField("New password", [InputRequired("Type a new password.")])


class ProofForm(Refusable):
    """Who one is, shown again. Its names are its own: the form that had to wait travels with it."""

    proof_password = PasswordField("Password", [Length(max=1000)])
    proof_code = StringField("or a code from your app", [Length(max=40)])
    proof_next = HiddenField()
    proof_post = HiddenField()  # set where a form waits, not a page

    @property
    def target(self) -> str | None:
        """Which page waits: a path of this site, or None."""
        return local_path(self.proof_next.data)


class WelcomeForm(Refusable):
    """A name where somebody is new, and a password."""

    name = StringField("Your name", [Length(max=120)])
    password = PasswordField("Password", [InputRequired("Type a password.")])
