"""Sign in, sign out, own account. Everything else of the staff pages lives in web/admin."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError

from booking.domain.errors import BookingError, SignInRefused, StaffRefused, TooManyTries
from booking.services import staff
from booking.web.admin.blueprint import require_staff, show_error
from booking.web.admin.permits import OPEN_TO_ALL, NotPermitted
from booking.web.auth import sessions
from booking.web.auth.forms import LoginForm, PasswordForm
from booking.wiring import current_runtime

blueprint = Blueprint("auth", __name__, url_prefix="/admin")
for error in (CSRFError, NotPermitted):
    blueprint.register_error_handler(error, show_error)


@blueprint.before_request
def guard() -> ResponseReturnValue | None:
    """The same guard as before all other staff pages; those for signing in stand outside."""
    return None if request.endpoint in OPEN_TO_ALL else require_staff()


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The form; someone who is signed in goes on."""
    form = LoginForm(next=request.args.get("next", ""))
    if current_user.is_authenticated:
        return redirect(form.target or url_for("admin.today"), 303)
    return render_template("auth/login.html", form=form)


@blueprint.post("/login")
def sign_in() -> ResponseReturnValue:
    """Try an address and a password."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _again(form, None, 422)
    try:
        member = staff.sign_in(current_runtime(), form.email.data, form.password.data, request.remote_addr)
    except (SignInRefused, TooManyTries) as error:
        return _again(form, error, 422 if isinstance(error, SignInRefused) else 429)
    sessions.begin(member)
    return redirect(form.target or url_for("admin.today"), 303)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out of this browser. Works for strangers, too: a sign-in that has run out must not stand in the way."""
    sessions.end()
    return redirect(url_for("auth.login"), 303)


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """One's own account."""
    return render_template("auth/account.html", form=PasswordForm())


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other sign-in ends."""
    form = PasswordForm()
    try:
        if not form.validate_on_submit():
            return render_template("auth/account.html", form=form), 422
        old, new = form.old_password.data, form.password.data
        member = staff.change_password(current_runtime(), current_user.id, old, new, request.remote_addr)
    except (StaffRefused, TooManyTries) as error:
        form.refuse(error)
        return render_template("auth/account.html", form=form), 429 if isinstance(error, TooManyTries) else 422
    sessions.begin(member)
    flash("Your password is changed, and every other sign-in has ended.")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/end-sign-ins")
def end_sign_ins() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    staff.end_sign_ins(current_runtime(), current_user.id)
    sessions.end()
    return redirect(url_for("auth.login"), 303)


def _again(form: LoginForm, error: BookingError | None, code: int) -> ResponseReturnValue:
    answer = make_response(render_template("auth/login.html", form=form, error=error), code)
    if error and "retry_after" in error.details:
        answer.headers["Retry-After"] = str(error.details["retry_after"])
    return answer
