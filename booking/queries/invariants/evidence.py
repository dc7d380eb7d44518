"""Looks at answers to disputes: what goes to the bank is what staff saved, with files that are as they were made."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from booking.domain.papers import chosen_papers
from booking.domain.states import DISPUTE_CLOSED
from booking.models import Dispute, EvidenceDraft, EvidenceFile, EvidenceSubmission
from booking.models.evidence import SubmissionState
from booking.queries.invariants.given import Given

# The worker looks every few minutes; Stripe may be away for some hours.
LONGEST_SENDING = timedelta(days=1)


def find_altered_files(session: Session, given: Given) -> Iterator[str]:
    """A file of an open dispute that is not what was made: the bank would get something that nobody looked at."""
    kept = (
        select(EvidenceFile)
        .join(Dispute, Dispute.id == EvidenceFile.dispute_id)
        .where(Dispute.status.not_in(DISPUTE_CLOSED))
        .options(undefer(EvidenceFile.content))
        .order_by(EvidenceFile.id)
    )
    for file in session.scalars(kept, execution_options={"populate_existing": True}):
        if file.content and hashlib.sha256(file.content).hexdigest() != file.digest:
            yield f"dispute {file.dispute_id}: file {file.id} is not what was made"


def find_strange_files(session: Session, given: Given) -> Iterator[str]:
    """An answer that names a file of another dispute, or that was sent with a file that Stripe never got."""
    files = {
        file_id: (dispute_id, kind, is_there)
        for file_id, dispute_id, kind, is_there in session.execute(
            select(EvidenceFile.id, EvidenceFile.dispute_id, EvidenceFile.kind, EvidenceFile.stripe_file_id)
        )
    }
    for model in (EvidenceDraft, EvidenceSubmission):
        for dispute_id, texts in session.execute(select(model.dispute_id, model.texts).order_by(model.dispute_id)):
            for kind, file_id in chosen_papers(texts).items():
                if files.get(file_id, (None, None))[:2] != (dispute_id, kind):
                    yield f"dispute {dispute_id}: its answer names file {file_id}, which is not one of its own"
    sent = select(EvidenceSubmission).where(EvidenceSubmission.state == SubmissionState.SENT)
    for submission in session.scalars(sent.order_by(EvidenceSubmission.dispute_id)):
        for file_id in chosen_papers(submission.texts).values():
            if file_id in files and not files[file_id][2]:
                yield f"dispute {submission.dispute_id}: its answer was sent, and file {file_id} never reached Stripe"


def find_other_answers(session: Session, given: Given) -> Iterator[str]:
    """An answer that went to the bank in other words than staff saved."""
    rows = select(EvidenceSubmission.dispute_id, EvidenceSubmission.texts, EvidenceDraft.texts).outerjoin(
        EvidenceDraft, EvidenceDraft.dispute_id == EvidenceSubmission.dispute_id
    )
    for dispute_id, sent, saved in session.execute(rows.order_by(EvidenceSubmission.dispute_id)):
        if sent != saved:
            yield f"dispute {dispute_id}: its answer is not the draft that staff saved last"


def find_unsent(session: Session, given: Given) -> Iterator[str]:
    """An answer that staff has handed in and of which nobody knows whether the bank has it."""
    late = EvidenceSubmission.asked_at < given.now - LONGEST_SENDING
    sending = select(EvidenceSubmission.dispute_id).where(EvidenceSubmission.state == SubmissionState.SENDING, late)
    for dispute_id in session.scalars(sending.order_by(EvidenceSubmission.dispute_id)):
        yield f"dispute {dispute_id}: its answer is on its way for too long: is the worker running?"


def find_unkeyed(session: Session, given: Given) -> Iterator[str]:
    """A draft, a file or an answer without a key to ask Stripe under."""
    for model in (EvidenceDraft, EvidenceFile, EvidenceSubmission):
        unkeyed = select(model.dispute_id).where(model.idempotency_key == "")
        yield from (
            f"dispute {dispute_id}: its {model.__tablename__} has no key" for dispute_id in session.scalars(unkeyed)
        )
