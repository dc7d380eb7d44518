"""Asking again who is there before something that matters, without losing what was typed."""

from datetime import timedelta

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.web.admin.permits import NEEDS_FRESH
from booking.web.auth.forms import ProofForm
from booking.wiring import current_runtime

FRESH_FOR = timedelta(minutes=10)
# The fields of the question itself; everything else that comes with them belongs to the form that had to wait.
_OWN = ("csrf_token", "proof_password", "proof_code", "proof_next", "proof_post")


def ask_if_needed() -> ResponseReturnValue | None:
    """The question, where the page that is asked for needs a fresh answer; None where it may open.

    The house may also ask for codes of everybody: who has none yet is led to the page that sets them up.
    """
    if current_user.lacks_codes and request.blueprint != "auth":
        return redirect(url_for("auth.codes"), 303)
    if request.endpoint not in NEEDS_FRESH or is_fresh():
        return None
    if request.method == "GET":
        return redirect(url_for("auth.proof", next=request.full_path.rstrip("?")), 303)
    form = ProofForm(formdata=None, proof_next=request.full_path.rstrip("?"), proof_post="1")
    return proof_page(form), 403


def is_fresh() -> bool:
    """Whether whoever is signed in has shown who they are in the last minutes."""
    proved_at = current_user.present.sign_in.proved_at
    return bool(current_runtime().clock.now() - proved_at < FRESH_FOR)


def proof_page(form: ProofForm) -> str:
    """The question, carrying the form that waits for it."""
    waiting = [(name, value) for name, value in request.form.items(multi=True) if name not in _OWN]
    return render_template("auth/proof.html", form=form, waiting=waiting)
