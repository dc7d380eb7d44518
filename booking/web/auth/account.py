"""One's own account: the password, codes, and where one is signed in."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from booking.domain.errors import StaffRefused, TooManyTries
from booking.queries.dashboard import get_house_zone
from booking.queries.staff import are_codes_required, count_recovery_codes, list_sign_ins
from booking.services import codes, sign_ins, staff
from booking.web.admin.blueprint import now, reader
from booking.web.auth import sessions
from booking.web.auth.blueprint import blueprint
from booking.web.auth.forms import CodeForm, PasswordForm
from booking.web.auth.qr import draw_qr
from booking.web.templating import shop_name
from booking.wiring import current_runtime


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """One's own account."""
    return _account_page(PasswordForm(formdata=None))


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other sign-in ends."""
    form = PasswordForm()
    try:
        if not form.validate_on_submit():
            return _account_page(form), 422
        old, new = form.old_password.data or "", form.password.data or ""
        token = staff.change_password(current_runtime(), sessions.present(), old, new, sessions.place())
    except (StaffRefused, TooManyTries) as error:
        form.refuse(error)
        return _account_page(form), 429 if isinstance(error, TooManyTries) else 422
    sessions.begin(token)
    flash("Your password is changed, and every other sign-in has ended.")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/end-sign-ins")
def end_sign_ins() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    member = sessions.present().member
    staff.end_sign_ins(current_runtime(), member, member.email)
    sessions.forget()
    return redirect(url_for("auth.login"), 303)


@blueprint.post("/account/sign-ins/<int:sign_in_id>/end")
def end_sign_in(sign_in_id: int) -> ResponseReturnValue:
    """End one sign-in of one's own, on another device."""
    sign_ins.end_other(current_runtime(), sessions.present(), sign_in_id)
    flash("That sign-in has ended.")
    return redirect(url_for("auth.account"), 303)


# --- codes ----------------------------------------------------------------------------------------------------------


@blueprint.get("/account/codes", endpoint="codes")
def show_codes() -> ResponseReturnValue:
    """How things stand with codes, and the next step."""
    return _codes_page(CodeForm(formdata=None))


@blueprint.post("/account/codes/begin")
def begin_codes() -> ResponseReturnValue:
    """Make a seed for the app."""
    codes.begin(current_runtime(), sessions.present())
    return redirect(url_for("auth.codes"), 303)


@blueprint.post("/account/codes")
def confirm_codes() -> ResponseReturnValue:
    """The first code; the answer shows the recovery codes, this once."""
    form = CodeForm()
    try:
        if not form.validate_on_submit():
            return _codes_page(form), 422
        made = codes.confirm(current_runtime(), sessions.present(), form.code.data or "", sessions.place())
    except (StaffRefused, TooManyTries) as error:
        form.refuse(error, "code")
        return _codes_page(form), 429 if isinstance(error, TooManyTries) else 422
    sessions.begin(made.token)
    return render_template("auth/recovery.html", recovery=made.recovery, is_new=True)


@blueprint.post("/account/codes/recovery")
def renew_recovery() -> ResponseReturnValue:
    """Ten new recovery codes in place of the old ones, shown this once."""
    try:
        recovery = codes.renew_recovery(current_runtime(), sessions.present())
    except StaffRefused as error:
        flash(error.user_message, "trouble")
        return redirect(url_for("auth.codes"), 303)
    return render_template("auth/recovery.html", recovery=recovery, is_new=False)


@blueprint.post("/account/codes/off")
def codes_off() -> ResponseReturnValue:
    """Sign in with the password alone again."""
    try:
        sessions.begin(codes.switch_off(current_runtime(), sessions.present(), sessions.place()))
        flash("No code is asked for any more, and every other sign-in has ended.")
    except StaffRefused as error:
        flash(error.user_message, "trouble")
    return redirect(url_for("auth.codes"), 303)


def _account_page(form: PasswordForm) -> str:
    found, session = sessions.present(), reader()
    shown = {"sign_ins": list_sign_ins(session, found.member.id, now()), "here": found.sign_in.id}
    return render_template("auth/account.html", form=form, member=found.member, zone=get_house_zone(session), **shown)


def _codes_page(form: CodeForm) -> str:
    found, session = sessions.present(), reader()
    seed = codes.show_seed(current_runtime(), session, found, shop_name())
    shown = {
        "member": found.member,
        "seed": seed,
        "picture": draw_qr(seed.address) if seed else "",
        "left": count_recovery_codes(session, found.member.id),
        "is_required": are_codes_required(session),
    }
    return render_template("auth/codes.html", form=form, zone=get_house_zone(session), **shown)
