"""Disputes: which wait for an answer, and the answer itself, which can be saved often and sent once."""

from collections.abc import Callable, Mapping

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import EvidenceRefused
from booking.domain.papers import MEDIA_TYPES
from booking.domain.states import Source
from booking.gateways.payments import PaymentGatewayError
from booking.queries.disputes import DisputeFile, find_dispute_file, find_paper, list_dispute_sums, list_disputes
from booking.services import disputes as overlay
from booking.services import evidence
from booking.services.evidence import Answer
from booking.services.timeline import Cause
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import EvidenceForm
from booking.wiring import current_runtime

_SAVED_WORDS = {
    Answer.STAGED: "The draft is saved, here and at Stripe. The bank was told nothing yet.",
    Answer.UNKNOWN: "The draft is saved here. Stripe did not answer; the worker lays it down there within minutes.",
    Answer.REFUSED: "The draft is saved here, but Stripe did not take it. Try again, or look at the dispute in Stripe.",
}
_MADE_WORDS = {
    Answer.STAGED: "The files are made, and lie at Stripe with the draft. Read them. The bank was told nothing yet.",
    Answer.UNKNOWN: "The files are made and kept. Stripe did not answer; the worker lays them there within minutes.",
    Answer.REFUSED: "The files are made and kept, but Stripe did not take the draft. Try again, or look at Stripe.",
}
_ADDED_WORDS = {
    Answer.STAGED: "The file is kept, and lies at Stripe with the draft. The bank was told nothing yet.",
    Answer.UNKNOWN: "The file is kept. Stripe did not answer; the worker lays it there within minutes.",
    Answer.REFUSED: "The file is kept, but Stripe did not take the draft. Try again, or look at Stripe.",
}
_SENT_WORDS = {
    Answer.SENT: "The answer is sent. Nothing more can be added; the bank decides, which may take weeks.",
    Answer.UNKNOWN: "Stripe did not answer. Whether the answer was sent is being found out; it cannot be sent twice.",
    Answer.REFUSED: "Stripe did not take the answer, so nothing was sent. Your draft is kept: try again.",
    Answer.NOT_NEEDED: "Nothing was sent: this dispute was answered in Stripe's dashboard, or is over.",
}
_GOOD = (Answer.STAGED, Answer.SENT)


@blueprint.get("/disputes")
def disputes() -> ResponseReturnValue:
    """All of them, those that are due first."""
    page = list_disputes(reader(), request.args.get("page", 1, type=int), now())
    return render_template("admin/disputes.html", page=page, sums=list_dispute_sums(reader()))


@blueprint.get("/disputes/<int:dispute_id>")
def dispute(dispute_id: int) -> ResponseReturnValue:
    """One dispute, and the answer to it."""
    file = _get_file(dispute_id)
    return _page(file, EvidenceForm.of(file.texts | file.named, file.seen))


@blueprint.post("/disputes/<int:dispute_id>/draft")
def save_evidence(dispute_id: int) -> ResponseReturnValue:
    """Keep what was typed, here and at Stripe; the bank is told nothing."""
    return _answer(dispute_id, evidence.save_draft, _SAVED_WORDS)


@blueprint.post("/disputes/<int:dispute_id>/files")
def attach_papers(dispute_id: int) -> ResponseReturnValue:
    """Make the files from what is known now, and save them with what was typed."""
    return _answer(dispute_id, evidence.attach_papers, _MADE_WORDS)


@blueprint.post("/disputes/<int:dispute_id>/files/add")
def add_evidence_file(dispute_id: int) -> ResponseReturnValue:
    """Keep a file from staff's own computer, and save it with what was typed."""
    form, file = EvidenceForm(), _get_file(dispute_id)
    texts, given = form.read_texts(), form.read_added()
    if texts is None or given is None:
        return _page(file, form), 422
    try:
        answer = evidence.add_file(
            current_runtime(), dispute_id, texts, form.seen.data or "", current_user.email, *given
        )
    except EvidenceRefused as error:
        if error.details.get("field") != "added":
            return _refuse(dispute_id, form, error)
        form.refuse("added", error.user_message)
        return _page(file, form), 422
    return _told(dispute_id, _ADDED_WORDS[answer], answer in _GOOD)


@blueprint.get("/disputes/<int:dispute_id>/files/<int:file_id>.<ending>")
def dispute_paper(dispute_id: int, file_id: int, ending: str) -> Response:
    """One file, as it lies at Stripe or will."""
    file = find_paper(reader(), dispute_id, file_id) or abort(404)
    if ending not in MEDIA_TYPES or not file.name.endswith(f".{ending}"):
        abort(404)
    answer = Response(file.content, content_type=MEDIA_TYPES[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer


@blueprint.post("/disputes/<int:dispute_id>/submit")
def submit_evidence(dispute_id: int) -> ResponseReturnValue:
    """Hand exactly what was shown to the bank, once."""
    return _answer(dispute_id, evidence.submit_evidence, _SENT_WORDS, is_final=True)


@blueprint.post("/disputes/<int:dispute_id>/look")
def look_at_dispute(dispute_id: int) -> ResponseReturnValue:
    """Ask Stripe how it stands, which also settles a submission whose outcome is not known."""
    file, runtime, cause = _get_file(dispute_id), current_runtime(), Cause(Source.STAFF, current_user.email)
    try:
        overlay.look_again(runtime, dispute_id, cause)
    except PaymentGatewayError:
        return _told(dispute_id, "Stripe did not answer. What is shown here is what we knew before.", is_good=False)
    if file.submission is not None:
        answer = evidence.settle_submission(runtime, dispute_id, cause)
        return _told(dispute_id, _SENT_WORDS[answer], answer in _GOOD)
    return _told(dispute_id, "This is how it stands at Stripe.")


def _get_file(dispute_id: int) -> DisputeFile:
    return find_dispute_file(reader(), dispute_id, now()) or abort(404)


def _page(file: DisputeFile, form: EvidenceForm) -> str:
    return render_template("admin/dispute.html", file=file, dispute=file.dispute, booking=file.booking, form=form)


def _answer(
    dispute_id: int, act: Callable[..., Answer], words: Mapping[Answer, str], *, is_final: bool = False
) -> ResponseReturnValue:
    """Do with what was typed what the button says, and tell how it went. What is final was read before."""
    form, file = EvidenceForm(), _get_file(dispute_id)
    texts = form.read_texts()
    is_unread = is_final and not form.read_all.data
    if texts is not None and is_unread:
        form.refuse("read_all", "Read the texts, then tick this box.")
    if texts is None or is_unread:
        return _page(file, form), 422
    try:
        answer = act(current_runtime(), dispute_id, texts, form.seen.data or "", current_user.email)
    except EvidenceRefused as error:
        return _refuse(dispute_id, form, error)
    return _told(dispute_id, words[answer], answer in _GOOD)


def _refuse(dispute_id: int, form: EvidenceForm, error: EvidenceRefused) -> ResponseReturnValue:
    """The form again with what was typed, and with the newer draft in mind: pressing again is then a decision."""
    flash(error.user_message, "trouble")
    if "seen" not in error.details:
        return redirect(url_for("admin.dispute", dispute_id=dispute_id), 303)
    form.seen.data = str(error.details["seen"])
    return _page(_get_file(dispute_id), form), 409


def _told(dispute_id: int, words: str, is_good: bool = True) -> ResponseReturnValue:
    flash(words, "message" if is_good else "trouble")
    return redirect(url_for("admin.dispute", dispute_id=dispute_id), 303)
