"""The ways to a booking from elsewhere: asking for a link by mail, and opening one."""

from datetime import timedelta

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from booking.services.access import open_link, peek_link, request_link
from booking.services.limits import check_limit
from booking.web.manage.blueprint import blueprint, let_in
from booking.web.manage.forms import LookupForm, PlainForm
from booking.web.security import client_address
from booking.wiring import current_runtime

LOOKUPS_PER_HOUR = 20
LINKS_PER_HOUR = 120


@blueprint.get("/manage")
def lookup() -> ResponseReturnValue:
    """Ask for a link to a booking made in another browser."""
    return render_template("manage/lookup.html", form=LookupForm(formdata=None), is_sent="sent" in request.args)


@blueprint.post("/manage")
def ask_link() -> ResponseReturnValue:
    """The same answer whether or not there is such a booking."""
    form = LookupForm()
    if not form.validate():
        return make_response(render_template("manage/lookup.html", form=form, is_sent=False), 422)
    runtime = current_runtime()
    check_limit(runtime, "lookup-from", client_address(), LOOKUPS_PER_HOUR, timedelta(hours=1))
    request_link(runtime, form.reference.data or "", form.email.data or "")
    return redirect(url_for("manage.lookup", sent=1), 303)


# What a mail program made of a link, cut off or with a slash in it, is wrong like any other wrong link.
@blueprint.get("/m/", defaults={"token": ""})
@blueprint.get("/m/<path:token>")
@blueprint.get("/m/<token>")
def link(token: str) -> ResponseReturnValue:
    """A page with one button: programs that follow links in mails do not press it, so they use nothing up."""
    if not peek_link(token, current_runtime().clock.now()):
        return _dead_link()
    return render_template("manage/link.html", form=PlainForm())


@blueprint.post("/m/", defaults={"token": ""})
@blueprint.post("/m/<path:token>")
@blueprint.post("/m/<token>")
def follow_link(token: str) -> ResponseReturnValue:
    """Let this browser see the booking that the link belongs to."""
    runtime = current_runtime()
    check_limit(runtime, "link-from", client_address(), LINKS_PER_HOUR, timedelta(hours=1))
    opened = open_link(runtime, token)
    if opened is None:
        return _dead_link()
    let_in(opened)
    return redirect(url_for("manage.booking", reference=opened.reference), 303)


def _dead_link() -> ResponseReturnValue:
    """Wrong, used, too old or taken back: the very same page, so that nobody learns which."""
    return make_response(render_template("manage/dead_link.html"), 404)
