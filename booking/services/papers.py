"""The files of an answer to a dispute: made of what we hold, kept as they are, and each uploaded once.

What staff looks at, what lies at Stripe and what the bank reads are the same bytes.
"""

import hashlib
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.errors import BookingNotFound, EvidenceRefused
from booking.domain.evidence import Texts
from booking.domain.papers import (
    FILE_FIELDS,
    LARGEST,
    LARGEST_TOGETHER,
    MOST_PAGES_TOGETHER,
    PaperKind,
    WrittenPaper,
    chosen_papers,
    count_pages,
    draft_papers,
    ending_of,
)
from booking.extensions import db
from booking.models import Dispute, EvidenceFile
from booking.queries.disputes import get_stay_case
from booking.runtime import Runtime
from booking.services.attempts import CLOCK_DOUBT

logger = logging.getLogger(__name__)

# No call runs this long. What looking does not show by then, the key has not done, and Stripe may replay an error it
# has stored for that key: https://docs.stripe.com/api/idempotent_requests
KEY_IS_SPENT_AFTER = timedelta(minutes=15)

Written = dict[PaperKind, WrittenPaper]


def write_papers(runtime: Runtime, dispute_id: int) -> Written:
    """Every file, made of what we hold now. Keeps nothing, asks nobody. Raises BookingNotFound."""
    dispute = db.session.get(Dispute, dispute_id)
    if dispute is None:
        raise BookingNotFound("We cannot find that dispute.")
    papers = draft_papers(get_stay_case(db.session(), dispute.booking))
    end_read()
    return {paper.kind: runtime.write_paper(paper) for paper in papers}


def keep_papers(session: Session, dispute: Dispute, written: Written, now: datetime) -> Texts:
    """Keep files for good; the names under which an answer names them. Joins the caller's transaction.

    A file that is as it was keeps its row, and with it what lies at Stripe. Raises EvidenceRefused for too much.
    """
    require_transaction(session)
    _refuse_too_much(written)
    return {FILE_FIELDS[kind]: str(_keep(session, dispute, kind, paper, now)) for kind, paper in written.items()}


def read_added(kind: PaperKind, content: bytes) -> Written:
    """A file that staff adds, as one of those that were made.

    Raises:
        EvidenceRefused: Stripe takes no such file, or none so large.
    """
    if ending_of(content) is None:
        raise EvidenceRefused("Choose a PDF, a JPEG or a PNG: Stripe takes nothing else.", field="added")
    if len(content) > LARGEST:
        raise EvidenceRefused("This file is larger than 5 MB, which is all that Stripe takes.", field="added")
    if (pages := count_pages(content)) > MOST_PAGES_TOGETHER:
        raise EvidenceRefused(
            f"Banks read {MOST_PAGES_TOGETHER} pages. Leave out what they need not see.", field="added"
        )
    return {kind: WrittenPaper(content, pages)}


def refuse_strangers(session: Session, dispute_id: int, texts: Texts) -> None:
    """Only files of this dispute go with its answer, and together no more than banks read. Raises EvidenceRefused."""
    files = []
    for kind, file_id in chosen_papers(texts).items():
        file = session.get(EvidenceFile, file_id)
        if file is None or (file.dispute_id, file.kind) != (dispute_id, kind):
            raise EvidenceRefused("These files do not belong to this dispute. Make them anew.")
        files.append(file)
    if sum(file.size for file in files) > LARGEST_TOGETHER or sum(file.pages for file in files) > MOST_PAGES_TOGETHER:
        raise EvidenceRefused(
            f"Together these files have more than 4.5 MB or {MOST_PAGES_TOGETHER} pages. Leave one out.", field="added"
        )


def lay_papers(runtime: Runtime, dispute_id: int, texts: Texts) -> Texts:
    """The texts as Stripe takes them: each file by Stripe's own id, uploaded where it was not. Commits.

    What was made for this dispute and does not go with it any more is cleared; files that somebody added in Stripe's
    dashboard under other names are left alone. Raises GatewayUnavailable, GatewayRefused, GatewayConflict.
    """
    chosen = chosen_papers(texts)
    plain = {name: text for name, text in texts.items() if name not in FILE_FIELDS.values()}
    cleared = {FILE_FIELDS[kind]: "" for kind in _made_for(dispute_id) if kind not in chosen}
    laid = {FILE_FIELDS[kind]: _lay(runtime, file_id) for kind, file_id in chosen.items()}
    return {**plain, **cleared, **laid}


def _refuse_too_much(written: Written) -> None:
    sizes = [len(paper.content) for paper in written.values()]
    pages = sum(paper.pages for paper in written.values())
    if max(sizes) > LARGEST or sum(sizes) > LARGEST_TOGETHER or pages > MOST_PAGES_TOGETHER:
        raise EvidenceRefused("These files are larger than Stripe takes. Send the texts alone.")


def _keep(session: Session, dispute: Dispute, kind: PaperKind, paper: WrittenPaper, now: datetime) -> int:
    digest = hashlib.sha256(paper.content).hexdigest()
    same = (EvidenceFile.dispute_id == dispute.id, EvidenceFile.kind == kind, EvidenceFile.digest == digest)
    kept = session.scalar(select(EvidenceFile).where(*same))
    if kept is None:
        kept = _new_file(dispute, kind, paper, digest)
        session.add(kept)
    kept.made_at = now  # the newest of its kind is the one on offer
    session.flush()  # for its number
    return kept.id


def _new_file(dispute: Dispute, kind: PaperKind, paper: WrittenPaper, digest: str) -> EvidenceFile:
    return EvidenceFile(
        dispute_id=dispute.id,
        kind=kind,
        name=f"{dispute.booking.reference}-{kind}-{dispute.id}-{digest[:12]}.{ending_of(paper.content)}",
        content=paper.content,
        digest=digest,
        size=len(paper.content),
        pages=paper.pages,
        idempotency_key=_new_key(),
    )


def _made_for(dispute_id: int) -> list[PaperKind]:
    kinds = list(db.session.scalars(select(EvidenceFile.kind).where(EvidenceFile.dispute_id == dispute_id).distinct()))
    end_read()
    return kinds


# --- the upload -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Order:
    """What is needed for a call, with no row attached."""

    file_id: int
    name: str
    content: bytes
    key: str
    first_sent_at: datetime | None  # None: nobody was asked before


def _lay(runtime: Runtime, file_id: int) -> str:
    """Stripe's id of a file. Where a call was made before, with an end that nobody knows, look before the next."""
    order = _make_ready(file_id, runtime.clock.now())
    if isinstance(order, str):
        return order
    since = order.first_sent_at
    found = runtime.payments.find_evidence_file(order.name, since - CLOCK_DOUBT) if since else None
    return _note(order, found or runtime.payments.upload_evidence_file(order.name, order.content, order.key))


def _make_ready(file_id: int, now: datetime) -> _Order | str:
    """Write down that the call is being made, and under which key; Stripe's id where the file lies there already."""
    with transaction() as session:
        file = session.get_one(EvidenceFile, file_id, populate_existing=True, with_for_update=True)
        if file.stripe_file_id is not None:
            return file.stripe_file_id
        first_sent_at = file.first_sent_at
        file.first_sent_at = first_sent_at or now
        if file.sent_at is not None and file.sent_at < now - KEY_IS_SPENT_AFTER:
            file.idempotency_key, file.sent_at = _new_key(), now
        file.sent_at = file.sent_at or now
        return _Order(file.id, file.name, file.content, file.idempotency_key, first_sent_at)


def _note(order: _Order, stripe_id: str) -> str:
    with transaction() as session:
        this = (EvidenceFile.id == order.file_id, EvidenceFile.stripe_file_id.is_(None))
        session.execute(update(EvidenceFile).where(*this).values(stripe_file_id=stripe_id))
        laid = session.scalars(select(EvidenceFile.stripe_file_id).where(EvidenceFile.id == order.file_id)).one()
    logger.info("evidence_file_uploaded", extra={"file": order.file_id})
    return laid or stripe_id


def _new_key() -> str:
    return f"evidence-file:{uuid.uuid4().hex}"
