"""Answering a dispute: a draft that lies at Stripe, and the one submission of it, which only looking can settle.

Stripe itself may take evidence twice, and a bank reads it once. So a submission is a row whose primary key is the
dispute: whoever presses the button second, in another tab or on another machine, finds it there.
"""

import logging
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.dates import spoken_moment
from booking.domain.errors import BookingNotFound, EvidenceRefused
from booking.domain.evidence import Texts, check_texts
from booking.domain.papers import PaperKind
from booking.domain.states import DISPUTE_WAITING, Source
from booking.gateways.payments import (
    DisputeEvidence,
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGatewayError,
)
from booking.models import Booking, Dispute, EvidenceDraft, EvidenceSubmission
from booking.models.evidence import SubmissionState
from booking.runtime import Runtime
from booking.services import audit, notifications, papers, timeline
from booking.services.disputes import page_of, record_dispute
from booking.services.locks import lock_booking
from booking.services.notifications import StaffNotice
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)


class Answer(StrEnum):
    """What came of it."""

    STAGED = "staged"  # the draft lies at Stripe
    SENT = "sent"  # the bank has the answer
    UNKNOWN = "unknown"  # Stripe did not answer: the worker looks
    REFUSED = "refused"  # Stripe said no, and nothing was sent
    NOT_NEEDED = "not_needed"  # answered in Stripe's dashboard, or over


def save_draft(runtime: Runtime, dispute_id: int, texts: Texts, seen: str, staff_email: str) -> Answer:
    """Keep a draft here, then lay it down at Stripe; the bank is told nothing. Commits before and after the call.

    `seen` is the key of the draft that the form was filled from: what a colleague saved since is not overwritten.

    Raises:
        BookingNotFound, EvidenceRefused: nothing was kept.
    """
    now = runtime.clock.now()
    with transaction() as session:
        dispute, _ = _lock(session, dispute_id)
        _refuse_unless_open(session, dispute)
        _refuse_if_changed(session, dispute, texts, seen)
        _write_draft(session, dispute_id, texts, staff_email, now)
        audit.record(session, staff_email, "dispute.draft_saved", f"dispute {dispute_id}", now)
    return stage_draft(runtime, dispute_id, Cause(Source.STAFF, staff_email))


def attach_papers(runtime: Runtime, dispute_id: int, texts: Texts, seen: str, staff_email: str) -> Answer:
    """Make the files of what we hold now, and save them with a draft, as save_draft does. Commits likewise.

    Raises:
        BookingNotFound, EvidenceRefused: nothing was kept.
    """
    written = papers.write_papers(runtime, dispute_id)
    return _save_with_files(runtime, dispute_id, texts, seen, staff_email, written, "dispute.files_made")


def add_file(
    runtime: Runtime, dispute_id: int, texts: Texts, seen: str, staff_email: str, kind: PaperKind, content: bytes
) -> Answer:
    """Keep a file of staff's own, and save it with a draft, as save_draft does. Commits likewise.

    It takes the place of an earlier one of its kind. The row with its key is there before Stripe is asked.

    Raises:
        BookingNotFound, EvidenceRefused: nothing was kept.
    """
    written = papers.read_added(kind, content)
    return _save_with_files(runtime, dispute_id, texts, seen, staff_email, written, "dispute.file_added")


def _save_with_files(
    runtime: Runtime, dispute_id: int, texts: Texts, seen: str, staff_email: str, written: papers.Written, done: str
) -> Answer:
    now = runtime.clock.now()
    with transaction() as session:
        dispute, _ = _lock(session, dispute_id)
        _refuse_unless_open(session, dispute)
        _refuse_if_changed(session, dispute, texts, seen)
        named = papers.keep_papers(session, dispute, written, now)
        papers.refuse_strangers(session, dispute_id, texts | named)
        _write_draft(session, dispute_id, texts | named, staff_email, now)
        audit.record(session, staff_email, done, f"dispute {dispute_id}", now)
    return stage_draft(runtime, dispute_id, Cause(Source.STAFF, staff_email))


def stage_draft(runtime: Runtime, dispute_id: int, cause: Cause) -> Answer:
    """Lay the stored draft and its files down at Stripe, where they do not lie there yet.

    Commits; no transaction is open meanwhile.
    """
    order = _find_draft(dispute_id)
    if order is None:
        return Answer.STAGED
    try:
        texts = papers.lay_papers(runtime, dispute_id, order.texts)
        found = runtime.payments.stage_evidence(order.stripe_id, texts, _staging_key(order, runtime.clock.now()))
    except GatewayUnavailable as error:
        return _unknown(order, error)
    except (GatewayRefused, GatewayConflict) as error:
        _note_draft_refused(order, _reason(error))
        return Answer.REFUSED
    _note_staged(order, found, cause, runtime.clock.now())
    return Answer.STAGED


def submit_evidence(runtime: Runtime, dispute_id: int, texts: Texts, seen: str, staff_email: str) -> Answer:
    """Hand the answer to the bank, once and for good. The row is committed before Stripe is asked; then see below.

    Raises:
        BookingNotFound, EvidenceRefused: nothing was sent by this call; perhaps by another one, which it names.
    """
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    try:
        with transaction() as session:
            dispute, booking = _lock(session, dispute_id)
            _refuse_unless_open(session, dispute)
            _refuse_if_changed(session, dispute, texts, seen)
            _write_draft(session, dispute_id, texts, staff_email, now)  # it outlives a refusal
            session.add(_new_submission(dispute_id, texts, staff_email, now))
            session.flush()  # a second submission of one dispute ends here, whatever was looked at before
            timeline.record(session, booking, "evidence_ordered", cause, now, note=f"dispute {dispute_id}")
            audit.record(session, staff_email, "dispute.answered", f"dispute {dispute_id}", now)
    except IntegrityError:
        raise EvidenceRefused("Somebody else has sent the answer just now. It can be sent once.") from None
    return settle_submission(runtime, dispute_id, cause)


def settle_submission(runtime: Runtime, dispute_id: int, cause: Cause) -> Answer:
    """Bring an ordered submission to its end: look first, send only where Stripe has nothing, and look again.

    Safe to call twice at once and after any death: the same texts go under the same stored key. Commits.
    """
    order = _find_submission(dispute_id)
    if order is None:
        return Answer.SENT
    try:
        found = runtime.payments.look_up_dispute(order.stripe_id)
        if _waits(found):
            return _send(runtime, order, cause)
    except GatewayUnavailable as error:
        return _unknown(order, error)
    except (GatewayRefused, GatewayConflict) as error:
        # We may not even look. What was never sent can be taken back; all else stays open.
        return _take_back(runtime, order, cause, _reason(error)) if not order.was_sent else _unknown(order, error)
    return _conclude(runtime, order, found, cause)


# --- the draft ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Order:
    """What is needed for a call, with no row attached."""

    dispute_id: int
    stripe_id: str
    texts: Texts
    key: str
    was_sent: bool = False  # the call was made before, with whatever end
    saved_at: datetime | None = None  # of a draft


def _lock(session: Session, dispute_id: int) -> tuple[Dispute, Booking]:
    dispute = session.get(Dispute, dispute_id)
    if dispute is None:
        raise BookingNotFound("We cannot find that dispute.")
    booking = lock_booking(session, dispute.booking_id)
    session.refresh(dispute)  # it may have changed while we waited
    return dispute, booking


def _refuse_unless_open(session: Session, dispute: Dispute) -> None:
    sent = session.get(EvidenceSubmission, dispute.id, populate_existing=True)
    if sent is not None:
        at = spoken_moment(sent.asked_at, dispute.booking.listing.property.zone)
        raise EvidenceRefused(f"{sent.submitted_by} sent the answer on {at}. It can be sent once.")
    if dispute.status not in DISPUTE_WAITING:
        words = dispute.status.replace("_", " ")
        raise EvidenceRefused(f"This dispute no longer waits for an answer: it is {words}.")


def _refuse_if_changed(session: Session, dispute: Dispute, texts: Texts, seen: str) -> None:
    """Texts that Stripe would not take, or that would overwrite what their writer has not seen."""
    wrong = check_texts(texts)
    if wrong:
        raise EvidenceRefused(next(iter(wrong.values())), field=next(iter(wrong)))
    papers.refuse_strangers(session, dispute.id, texts)
    draft = session.get(EvidenceDraft, dispute.id, populate_existing=True)
    if draft is not None and draft.idempotency_key != seen and draft.texts != texts:
        at = spoken_moment(draft.saved_at, dispute.booking.listing.property.zone)
        message = (
            f"{draft.saved_by} saved another draft on {at}, while you were writing. Nothing of yours was kept yet."
        )
        raise EvidenceRefused(message, seen=draft.idempotency_key)


def _write_draft(session: Session, dispute_id: int, texts: Texts, staff_email: str, now: datetime) -> None:
    """A new version has a new key; the same texts sent twice (a double click) keep the key they have."""
    draft = session.get(EvidenceDraft, dispute_id)
    if draft is not None and draft.texts == texts and not _is_spent(draft, now):
        return
    if draft is None:
        draft = EvidenceDraft(dispute_id=dispute_id)
        session.add(draft)
    draft.texts, draft.saved_by, draft.saved_at = texts, staff_email, now
    draft.idempotency_key, draft.staged_at, draft.refused = _new_key("draft"), None, ""


def _is_spent(draft: EvidenceDraft, now: datetime) -> bool:
    return draft.staged_at is None and (bool(draft.refused) or draft.saved_at < now - papers.KEY_IS_SPENT_AFTER)


def _find_draft(dispute_id: int) -> _Order | None:
    """The draft, where it is not known to lie at Stripe and nothing stands against laying it down."""
    with transaction() as session:
        draft = session.get(EvidenceDraft, dispute_id)
        if draft is None or draft.staged_at is not None or session.get(EvidenceSubmission, dispute_id) is not None:
            return None
        stripe_id, texts = draft.dispute.stripe_dispute_id, dict(draft.texts)
        return _Order(dispute_id, stripe_id, texts, draft.idempotency_key, saved_at=draft.saved_at)


def _staging_key(order: _Order, now: datetime) -> str:
    """The draft's key, and another made from it each time that it is spent: Stripe may only replay an error for it.

    The key itself stays: open forms know the draft by it. The same texts laid down once more change nothing.
    """
    turns = (now - order.saved_at) // papers.KEY_IS_SPENT_AFTER if order.saved_at else 0
    return f"{order.key}:{turns}" if turns > 0 else order.key


def _note_staged(order: _Order, found: DisputeEvidence, cause: Cause, now: datetime) -> None:
    this = (EvidenceDraft.dispute_id == order.dispute_id, EvidenceDraft.idempotency_key == order.key)
    with transaction() as session:
        _, booking = _lock(session, order.dispute_id)
        fresh = update(EvidenceDraft).where(*this, EvidenceDraft.staged_at.is_(None)).values(staged_at=now, refused="")
        if session.execute(fresh.returning(EvidenceDraft.dispute_id)).first() is not None:
            timeline.record(session, booking, "evidence_staged", cause, now, note=f"dispute {order.dispute_id}")
        record_dispute(session, found, cause, now)


def _note_draft_refused(order: _Order, reason: str) -> None:
    with transaction() as session:
        draft = session.get(EvidenceDraft, order.dispute_id)
        if draft is not None and draft.idempotency_key == order.key:
            draft.refused = reason


# --- the submission -------------------------------------------------------------------------------------------------


def _new_submission(dispute_id: int, texts: Texts, staff_email: str, now: datetime) -> EvidenceSubmission:
    return EvidenceSubmission(
        dispute_id=dispute_id,
        state=SubmissionState.SENDING,
        texts=texts,
        idempotency_key=_new_key("submit"),
        submitted_by=staff_email,
        asked_at=now,
    )


def _find_submission(dispute_id: int) -> _Order | None:
    with transaction() as session:
        row = session.get(EvidenceSubmission, dispute_id, populate_existing=True)
        if row is None or row.state is not SubmissionState.SENDING:
            return None
        stripe_id = row.dispute.stripe_dispute_id
        return _Order(dispute_id, stripe_id, dict(row.texts), row.idempotency_key, row.sent_at is not None)


def _send(runtime: Runtime, order: _Order, cause: Cause) -> Answer:
    texts = papers.lay_papers(runtime, order.dispute_id, order.texts)
    ready = _make_ready(order, runtime.clock.now())
    if ready is None:
        return Answer.SENT  # settled by somebody else meanwhile
    try:
        found = runtime.payments.submit_evidence(ready.stripe_id, texts, ready.key)
    except (GatewayRefused, GatewayConflict) as error:
        found = runtime.payments.look_up_dispute(ready.stripe_id)
        if not found.submissions:
            return _take_back(runtime, ready, cause, _reason(error))
    return _conclude(runtime, ready, found, cause, is_accepted=True)


def _make_ready(order: _Order, now: datetime) -> _Order | None:
    """Write down that the call is being made, and under which key; None where it is not to be made any more."""
    with transaction() as session:
        _lock(session, order.dispute_id)
        row = session.get(EvidenceSubmission, order.dispute_id, populate_existing=True)
        if row is None or row.state is not SubmissionState.SENDING:
            return None
        if row.sent_at is not None and row.sent_at < now - papers.KEY_IS_SPENT_AFTER:
            row.idempotency_key, row.sent_at = _new_key("submit"), now
        row.sent_at = row.sent_at or now
        return replace(order, key=row.idempotency_key, was_sent=True)


def _conclude(
    runtime: Runtime, order: _Order, found: DisputeEvidence, cause: Cause, *, is_accepted: bool = False
) -> Answer:
    """Stripe has said how things stand."""
    if not is_accepted and not (found.submissions and order.was_sent):
        return _take_back(runtime, order, cause, _why_not(found), found)
    now, this = runtime.clock.now(), EvidenceSubmission.dispute_id == order.dispute_id
    with transaction() as session:
        _, booking = _lock(session, order.dispute_id)
        sent = update(EvidenceSubmission).where(this, EvidenceSubmission.state == SubmissionState.SENDING)
        sent = sent.values(state=SubmissionState.SENT, submitted_at=now)
        if session.execute(sent.returning(EvidenceSubmission.dispute_id)).first() is not None:
            timeline.record(session, booking, "evidence_submitted", cause, now, note=f"dispute {order.dispute_id}")
        record_dispute(session, found, cause, now)
    return Answer.SENT


def _take_back(runtime: Runtime, order: _Order, cause: Cause, why: str, found: DisputeEvidence | None = None) -> Answer:
    """Nothing of ours reached the bank, and that is certain: the row goes, so that staff may send again."""
    now = runtime.clock.now()
    with transaction() as session:
        _, booking = _lock(session, order.dispute_id)
        if not _remove(session, order):
            return Answer.UNKNOWN
        note = f"dispute {order.dispute_id}: {why}"
        timeline.record(session, booking, "evidence_not_sent", cause, now, note=note)
        _tell_if_nobody_looks(session, booking, order, cause, why, now)
        if found is not None:
            record_dispute(session, found, cause, now)
    return Answer.REFUSED if found is None else Answer.NOT_NEEDED


def _remove(session: Session, order: _Order) -> bool:
    """Drop the row, unless somebody has begun to send it while we looked: what we saw may then be their doing."""
    gone = delete(EvidenceSubmission).where(
        EvidenceSubmission.dispute_id == order.dispute_id,
        EvidenceSubmission.idempotency_key == order.key,
        EvidenceSubmission.state == SubmissionState.SENDING,
    )
    if not order.was_sent:
        gone = gone.where(EvidenceSubmission.sent_at.is_(None))
    return session.execute(gone.returning(EvidenceSubmission.dispute_id)).first() is not None


def _tell_if_nobody_looks(
    session: Session, booking: Booking, order: _Order, cause: Cause, why: str, now: datetime
) -> None:
    if cause.source is Source.STAFF:
        return  # they read it on the page
    note = f"Your answer to this dispute was not sent ({why})."
    fact_id, page = f"{order.dispute_id}:{order.key[-12:]}", page_of(order.dispute_id)
    notifications.tell_staff(session, StaffNotice.DISPUTE_DUE, now, booking, note, fact_id=fact_id, page=page)


def _waits(found: DisputeEvidence) -> bool:
    return not found.submissions and found.status in DISPUTE_WAITING


def _why_not(found: DisputeEvidence) -> str:
    if found.submissions:
        return "it was answered in Stripe's dashboard before"
    return f"the dispute is {found.status.replace('_', ' ')}"


def _unknown(order: _Order, error: PaymentGatewayError) -> Answer:
    logger.warning("evidence_outcome_unknown", extra={"dispute": order.dispute_id, "error": error.code})
    return Answer.UNKNOWN


def _reason(error: PaymentGatewayError) -> str:
    return (getattr(error, "reason", "") or error.code)[:80]


def _new_key(purpose: str) -> str:
    return f"evidence-{purpose}:{uuid.uuid4().hex}"
