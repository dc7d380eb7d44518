"""Light or dark: the device's own choice, or the one that a visitor made here and a cookie remembers."""

import re
from enum import StrEnum

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField

from booking.web.security import is_private
from booking.web.storefront.blueprint import blueprint
from booking.wiring import current_runtime

COOKIE = "scheme"
_ONE_YEAR = 365 * 24 * 3600
# One slash, then neither slash nor backslash: browsers read "//" and "/\" as another host, and drop tabs and breaks.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,1000}")


class Scheme(StrEnum):
    """What a visitor may choose."""

    DEVICE = "device"
    LIGHT = "light"
    DARK = "dark"


class LookForm(FlaskForm):
    """The choice is the button that was pressed; `back` is where the visitor came from."""

    back = HiddenField()


@blueprint.get("/look")
def choose_look() -> ResponseReturnValue:
    """Three buttons. A form of its own, because one on every page would need a cookie on every page."""
    back = request.args.get("back", "")
    form = LookForm(formdata=None, data={"back": back if _LOCAL_PATH.fullmatch(back) else ""})
    return render_template("pages/look.html", form=form, schemes=Scheme)


@blueprint.post("/look")
def keep_look() -> ResponseReturnValue:
    """Remember the choice in a cookie and go back; the device's own choice needs none."""
    back, wanted = request.form.get("back", ""), request.form.get("scheme", "")
    answer = redirect(back if _LOCAL_PATH.fullmatch(back) else url_for("storefront.home"), 303)
    if wanted in (Scheme.LIGHT, Scheme.DARK):
        secure = current_runtime().settings.base_url.startswith("https:")
        answer.set_cookie(COOKIE, wanted, max_age=_ONE_YEAR, secure=secure, httponly=True, samesite="Lax")
    elif wanted == Scheme.DEVICE:
        answer.delete_cookie(COOKIE)
    return answer


@blueprint.app_template_global()
def scheme() -> str:
    """The visitor's own choice for the page that is being made: "light", "dark", or "" where the device decides."""
    g.asked_scheme = True
    wanted = request.cookies.get(COOKIE)
    return str(wanted) if wanted in (Scheme.LIGHT, Scheme.DARK) else ""


@blueprint.app_template_global()
def this_page() -> str:
    """The path and question of this page, to come back to. Nothing for pages whose address is private."""
    if request.method not in ("GET", "HEAD") or is_private(request.path):
        return ""
    return request.script_root + request.full_path.rstrip("?")


@blueprint.after_app_request
def tell_caches(response: Response) -> Response:
    """A page was made for one choice: no cache may show it to somebody who made another."""
    if g.get("asked_scheme"):
        response.vary.add("Cookie")
    return response
