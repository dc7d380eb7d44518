"""Signing in, in one step or two, and out; and showing again who one is."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from booking.domain.errors import SignInRefused, StaffRefused, TooManyTries
from booking.queries.staff import StaffMember
from booking.services import codes, sign_ins, staff
from booking.web.admin.permits import NEEDS_FRESH
from booking.web.admin.proof import proof_page
from booking.web.auth import sessions
from booking.web.auth.blueprint import blueprint, refused
from booking.web.auth.forms import CodeForm, LoginForm, ProofForm
from booking.wiring import current_runtime


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The form; someone who is signed in goes on."""
    form = LoginForm(next=request.args.get("next", ""))
    if current_user.is_authenticated:
        return redirect(form.target or url_for("admin.today"), 303)
    return render_template("auth/login.html", form=form)


@blueprint.post("/login")
def sign_in() -> ResponseReturnValue:
    """Try an address and a password; who has codes is asked for one next."""
    form = LoginForm()
    if not form.validate_on_submit():
        return refused("auth/login.html", None, form=form)
    try:
        member = staff.check_password(current_runtime(), form.email.data, form.password.data, request.remote_addr)
        if member.codes_since is not None:
            sessions.begin_half(member)
            return redirect(url_for("auth.ask_code", next=form.target), 303)
        return _let_in(member, form.target)
    except (SignInRefused, TooManyTries) as error:
        return refused("auth/login.html", error, form=form)


@blueprint.get("/login/code")
def ask_code() -> ResponseReturnValue:
    """The second step, for who has just taken the first."""
    if sessions.find_half() is None:
        return redirect(url_for("auth.login"), 303)
    return render_template("auth/code.html", form=CodeForm(formdata=None, next=request.args.get("next", "")))


@blueprint.post("/login/code")
def check_code() -> ResponseReturnValue:
    """Try a code of the app, or a recovery code."""
    form, member = CodeForm(), sessions.find_half()
    if member is None:
        flash("That took too long. Sign in once more.", "trouble")
        return redirect(url_for("auth.login"), 303)
    if not form.validate_on_submit():
        return refused("auth/code.html", None, form=form)
    try:
        codes.use_code(current_runtime(), member, form.code.data or "", sessions.place())
        return _let_in(member, form.target)
    except (StaffRefused, SignInRefused, TooManyTries) as error:
        form.refuse(error, "code")
        return refused("auth/code.html", error, form=form)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out of this browser. Works for strangers, too: a sign-in that has run out must not stand in the way."""
    sessions.end()
    return redirect(url_for("auth.login"), 303)


@blueprint.get("/proof")
def proof() -> ResponseReturnValue:
    """Asks again who is there, before a page that matters."""
    return proof_page(ProofForm(formdata=None, proof_next=request.args.get("next", "")))


@blueprint.post("/proof")
def prove() -> ResponseReturnValue:
    """Look at the answer, then go on: to the page that waits, or by sending its form once more as it was."""
    form = ProofForm()
    try:
        if not form.validate_on_submit():
            return proof_page(form), 422
        password, code = form.proof_password.data or "", form.proof_code.data or ""
        token = staff.prove_again(current_runtime(), sessions.present(), password, code, sessions.place())
    except (StaffRefused, TooManyTries) as error:
        is_code = error.details.get("field") == "code"
        told = form.proof_code if is_code else form.proof_password
        told.errors = [error.user_message]
        return proof_page(form), 429 if isinstance(error, TooManyTries) else 422
    sessions.go_on(token)
    if form.proof_post.data and form.target and _takes_forms(form.target):
        return redirect(form.target, 307)  # the one code with which a browser sends the same form again
    return redirect(form.target or url_for("admin.today"), 303)


def _takes_forms(path: str) -> bool:
    """Whether a form may be sent on to this path: only to one that had asked who is there."""
    try:
        found, _ = current_app.create_url_adapter(request).match(  # type: ignore[union-attr]
            path.partition("?")[0], method="POST"
        )
    except HTTPException:
        return False
    return found in NEEDS_FRESH


def _let_in(member: StaffMember, target: str | None) -> ResponseReturnValue:
    sessions.begin(sign_ins.sign_in(current_runtime(), member, sessions.place()))
    return redirect(target or url_for("admin.today"), 303)
