"""Who works here: the list, one person, and inviting somebody."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import StaffRefused
from booking.domain.roles import PURPOSE
from booking.queries.dashboard import get_house_zone
from booking.queries.staff import StaffMember, are_codes_required, find_by_id, list_people, list_sign_ins
from booking.services import codes, staff
from booking.services import people as house
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.people_forms import InviteForm, RoleForm
from booking.wiring import current_runtime


@blueprint.get("/people")
def people() -> ResponseReturnValue:
    """Everybody who may sign in."""
    session = reader()
    shown = {"people": list_people(session), "is_required": are_codes_required(session), "purposes": PURPOSE}
    return render_template("admin/people.html", zone=get_house_zone(session), **shown)


@blueprint.get("/people/<int:staff_id>")
def person(staff_id: int) -> ResponseReturnValue:
    """One of them, with everything that can be done."""
    found = _find(staff_id)
    return _page(found, RoleForm(formdata=None, role=found.role.value))


@blueprint.get("/people/invite")
def ask_invite() -> ResponseReturnValue:
    """Whom to invite, and as what."""
    return render_template("admin/invite.html", form=InviteForm(formdata=None, role="desk"))


@blueprint.post("/people/invite")
def invite() -> ResponseReturnValue:
    """Mail somebody a link to an account of their own."""
    form = InviteForm()
    if not form.validate_on_submit():
        return render_template("admin/invite.html", form=form), 422
    try:
        role = form.read_role()
        house.invite(current_runtime(), current_user.email, form.email.data or "", form.name.data or "", role)
    except StaffRefused as error:
        form.refuse(error)
        return render_template("admin/invite.html", form=form), 422
    flash("The invitation is on its way.")
    return redirect(url_for("admin.people"), 303)


@blueprint.post("/people/<int:staff_id>/role")
def change_role(staff_id: int) -> ResponseReturnValue:
    """Another role."""
    found, form = _find(staff_id), RoleForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    try:
        house.change_role(current_runtime(), current_user.email, staff_id, form.read_role())
    except StaffRefused as error:
        form.refuse(error)
        return _page(found, form), 422
    flash("The role is changed.")
    return redirect(url_for("admin.people"), 303)


@blueprint.post("/people/<int:staff_id>/invite-again")
def invite_again(staff_id: int) -> ResponseReturnValue:
    """The invitation once more, with a new link."""
    return _do(house.invite_again, staff_id, "The invitation is on its way once more.")


@blueprint.post("/people/<int:staff_id>/withdraw")
def withdraw_invitation(staff_id: int) -> ResponseReturnValue:
    """Take an invitation back."""
    return _do(house.withdraw_invitation, staff_id, "The invitation is withdrawn: its link opens nothing any more.")


@blueprint.post("/people/<int:staff_id>/password-link")
def send_password_link(staff_id: int) -> ResponseReturnValue:
    """A link with which they choose a new password."""
    return _do(house.send_password_link, staff_id, "The link is on its way. It works once, for half an hour.")


@blueprint.post("/people/<int:staff_id>/switch-off")
def switch_off(staff_id: int) -> ResponseReturnValue:
    """End an account."""
    return _do(house.switch_off, staff_id, "The account is switched off.")


@blueprint.post("/people/<int:staff_id>/switch-on")
def switch_on(staff_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    return _do(house.switch_on, staff_id, "The account is switched on.")


@blueprint.post("/people/<int:staff_id>/codes-away")
def take_codes_away(staff_id: int) -> ResponseReturnValue:
    """For who lost their app and their recovery codes."""
    return _do(house.take_codes_away, staff_id, "Their password alone signs them in, until they set codes up anew.")


@blueprint.post("/people/<int:staff_id>/end-sign-ins")
def end_their_sign_ins(staff_id: int) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    staff.end_sign_ins(current_runtime(), _find(staff_id), current_user.email)
    flash("They are signed out everywhere.")
    return redirect(url_for("admin.people"), 303)


@blueprint.post("/people/require-codes")
def require_codes() -> ResponseReturnValue:
    """Ask everybody for codes, or leave it to each."""
    is_required = request.form.get("required") == "yes"
    codes.require(current_runtime(), current_user.email, is_required)
    flash("Everybody is asked for codes now." if is_required else "Everybody decides about codes for themselves.")
    return redirect(url_for("admin.people"), 303)


def _find(staff_id: int) -> StaffMember:
    return find_by_id(staff_id) or abort(404)


def _page(found: StaffMember, form: RoleForm) -> str:
    session = reader()
    shown = {"person": found, "form": form, "sign_ins": list_sign_ins(session, found.id, now())}
    return render_template("admin/person.html", zone=get_house_zone(session), **shown)


def _do(act: Callable[[Any, str, int], None], staff_id: int, words: str) -> ResponseReturnValue:
    """One thing that is done to one account, or not; back to the list either way."""
    _find(staff_id)
    try:
        act(current_runtime(), current_user.email, staff_id)
        flash(words)
    except StaffRefused as error:
        flash(error.user_message, "trouble")
    return redirect(url_for("admin.people"), 303)
