"""Mailed links to the choice of a password: invitations, and for who forgot theirs."""

from datetime import timedelta

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from booking.domain.errors import StaffRefused
from booking.services import people
from booking.services.limits import Limit, count_try
from booking.services.people import Opened
from booking.web.admin.blueprint import now
from booking.web.auth.blueprint import blueprint
from booking.web.auth.forms import WelcomeForm
from booking.web.security import client_address
from booking.wiring import current_runtime

OPENING = Limit("staff-link", 60, timedelta(hours=1))


@blueprint.get("/m/<token>")
def welcome(token: str) -> ResponseReturnValue:
    """The form. Opening it uses nothing up: programs follow links in mails, too."""
    opened = people.peek_link(token, now())
    if opened is None:
        return _dead_link()
    return _page(opened, WelcomeForm(formdata=None, name=opened.name))


@blueprint.post("/m/<token>")
def choose_password(token: str) -> ResponseReturnValue:
    """Take the password. Nobody is signed in by it: the way in is the same as ever."""
    count_try(current_runtime(), OPENING, client_address())
    form, opened = WelcomeForm(), people.peek_link(token, now())
    if opened is None:
        return _dead_link()
    if not form.validate_on_submit():
        return _page(opened, form), 422
    try:
        people.use_link(current_runtime(), token, form.name.data or "", form.password.data or "")
    except StaffRefused as error:
        if "field" not in error.details:
            return _dead_link()
        form.refuse(error)
        return _page(opened, form), 422
    flash("Your password is set. Sign in with it.")
    return redirect(url_for("auth.login"), 303)


def _page(opened: Opened, form: WelcomeForm) -> str:
    return render_template("auth/welcome.html", opened=opened, form=form)


def _dead_link() -> ResponseReturnValue:
    """The same words for a link that was used, is too old, was taken back, or never was."""
    text = "Each link works once and not for long. Ask an owner of the house for another one."
    return render_template("admin/error.html", title="This link does not work any more", text=text), 404
