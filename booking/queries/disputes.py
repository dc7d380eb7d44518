"""Disputes as staff looks at them: a list, those that are due first, and everything about one."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, contains_eager, selectinload, undefer

from booking.domain.evidence import MAIL_WORDS, DisputeSums, SentLetter, StayCase, Texts, days_left, draft_texts, sum_up
from booking.domain.money import Money
from booking.domain.papers import ADDED, FILE_FIELDS, PAPER_WORDS, PaperKind, chosen_papers
from booking.domain.states import DISPUTE_WAITING, RefundStatus
from booking.models import (
    AccessLink,
    Booking,
    BookingEvent,
    Dispute,
    EvidenceDraft,
    EvidenceFile,
    EvidenceSubmission,
    Listing,
    OutboxRow,
    Payment,
    Property,
)
from booking.models.outbox import OutboxKind, OutboxState

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """One dispute as the list shows it. `days_left` is None where nothing is due any more."""

    id: int
    booking_id: int
    reference: str
    guest_name: str
    status: str
    reason: str
    amount: Money
    due_by: datetime | None
    days_left: int | None
    is_sent: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class DisputePage:
    """One page of the list; `number` begins at 1 and is never beyond the last page."""

    rows: tuple[DisputeLine, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One file of an answer as the page shows it. `field` is the name under which the answer names it."""

    id: int
    kind: PaperKind
    name: str
    pages: int
    size: int
    made_at: datetime
    is_laid: bool  # known to lie at Stripe
    is_chosen: bool  # it goes with the answer

    @property
    def field(self) -> str:
        """Stripe's name for it."""
        return FILE_FIELDS[self.kind]

    @property
    def words(self) -> str:
        """What it is."""
        return PAPER_WORDS[self.kind]

    @property
    def ending(self) -> str:
        """What kind of file it is, as its name ends."""
        return self.name.rpartition(".")[2]

    @property
    def is_added(self) -> bool:
        """Whether staff added it, and the shop cannot make it anew."""
        return self.kind in ADDED


@dataclass(frozen=True, slots=True)
class DisputeFile:
    """Everything about one dispute. `texts` is what the form shows: the saved draft, or a fresh one.

    `papers` are the files on offer while an answer can be written, and afterwards those that went with it.
    """

    dispute: Dispute
    booking: Booking
    zone: ZoneInfo
    draft: EvidenceDraft | None
    submission: EvidenceSubmission | None
    days_left: int | None
    texts: Texts
    papers: tuple[PaperLine, ...]

    @property
    def named(self) -> Texts:
        """The files that go with the answer, as it names them."""
        return {paper.field: str(paper.id) for paper in self.papers if paper.is_chosen}

    @property
    def is_open(self) -> bool:
        """Whether an answer can still be written and sent."""
        return self.dispute.status in DISPUTE_WAITING and self.submission is None

    @property
    def seen(self) -> str:
        """The version of the draft that is shown."""
        return self.draft.idempotency_key if self.draft else ""


def list_disputes(session: Session, page: int, now: datetime) -> DisputePage:
    """One page: those that wait for an answer by their due date, then the others, newest first."""
    total = session.scalar(select(func.count(Dispute.id))) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    waits = Dispute.status.in_(DISPUTE_WAITING)
    order = (case((waits, 0), else_=1), Dispute.due_by.is_(None), case((waits, Dispute.due_by)), Dispute.id.desc())
    wanted = (
        select(Dispute, Booking.reference, Booking.guest_name, Property.timezone, EvidenceSubmission.dispute_id)
        .join(Booking, Dispute.booking_id == Booking.id)
        .join(Listing, Booking.listing_id == Listing.id)
        .join(Property, Listing.property_id == Property.id)
        .outerjoin(EvidenceSubmission, EvidenceSubmission.dispute_id == Dispute.id)
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    )
    rows = tuple(_line(*row, now) for row in session.execute(wanted))
    return DisputePage(rows, number, pages, total)


def list_dispute_sums(session: Session) -> tuple[DisputeSums, ...]:
    """How disputes ended, by reason and currency, those with the most first."""
    kinds = (Dispute.reason, Dispute.currency, Dispute.status)
    rows = select(*kinds, func.count(), func.sum(Dispute.amount_minor)).group_by(*kinds)
    found: dict[tuple[str, str], DisputeSums] = {}
    for reason, currency, status, count, minor in session.execute(rows):
        before = found.get((reason, currency), DisputeSums(reason, currency))
        found[reason, currency] = before + sum_up(reason, currency, status, count, int(minor))
    return tuple(sorted(found.values(), key=lambda sums: (-sums.count, sums.reason, sums.currency)))


def find_dispute_file(session: Session, dispute_id: int, now: datetime) -> DisputeFile | None:
    """Everything about one dispute, with the draft of an answer."""
    dispute = session.scalar(
        select(Dispute)
        .join(Dispute.booking)
        .options(contains_eager(Dispute.booking).joinedload(Booking.listing).joinedload(Listing.property))
        .where(Dispute.id == dispute_id)
        .execution_options(populate_existing=True)
    )
    if dispute is None:
        return None
    draft = session.get(EvidenceDraft, dispute_id, populate_existing=True)
    submission = session.get(EvidenceSubmission, dispute_id, populate_existing=True)
    kept = submission or draft
    return DisputeFile(
        dispute=dispute,
        booking=dispute.booking,
        zone=dispute.booking.listing.property.zone,
        draft=draft,
        submission=submission,
        days_left=_days_left(dispute, now),
        texts=_texts(session, dispute.booking, kept),
        papers=_papers(session, dispute, kept.texts if kept else {}, is_open=submission is None),
    )


def find_paper(session: Session, dispute_id: int, file_id: int) -> EvidenceFile | None:
    """One file of a dispute with its content; None where there is none, or where it was erased with its guest."""
    wanted = select(EvidenceFile).where(EvidenceFile.id == file_id, EvidenceFile.dispute_id == dispute_id)
    file = session.scalar(wanted.options(undefer(EvidenceFile.content)))
    return file if file is not None and file.content else None


def get_stay_case(session: Session, booking: Booking) -> StayCase:
    """What we hold about a booking, for the draft of an answer."""
    payments = _payments(session, booking)
    refunds = [refund for payment in payments for refund in payment.refunds]
    steps = _steps(session, booking)
    place = booking.listing.property
    return StayCase(
        reference=booking.reference,
        guest_name=booking.guest_name,
        guest_email=booking.guest_email,
        message=booking.message,
        house=place.name,
        address=place.address,
        listing=booking.listing.name,
        stay=booking.stay,
        guests=booking.guests,
        deal=booking.deal,
        agreed_at=next((at for at, kind in steps if kind == "placed"), booking.created_at),
        confirmed_at=booking.confirmed_at,
        cancelled_at=booking.cancelled_at,
        cancel_reason=booking.cancel_reason.value if booking.cancel_reason else "",
        paid=tuple((payment.captured_at, payment.amount) for payment in payments),
        refunded=tuple(
            (refund.stripe_refund_id or "", refund.amount)
            for refund in refunds
            if refund.status is RefundStatus.SUCCEEDED
        ),
        mails=_mails(session, booking),
        steps=steps,
        words=tuple(booking.terms.get("text", ())),
        letters=_letters(session, booking),
        plan=tuple(booking.plan["text"]) if booking.plan else (),
    )


def _line(
    dispute: Dispute, reference: str, guest_name: str, timezone: str, submission: int | None, now: datetime
) -> DisputeLine:
    return DisputeLine(
        id=dispute.id,
        booking_id=dispute.booking_id,
        reference=reference,
        guest_name=guest_name,
        status=dispute.status,
        reason=dispute.reason,
        amount=dispute.amount,
        due_by=dispute.due_by,
        days_left=_days_left(dispute, now) if submission is None else None,
        is_sent=submission is not None,
        zone=ZoneInfo(timezone),
    )


def _days_left(dispute: Dispute, now: datetime) -> int | None:
    if dispute.due_by is None or dispute.status not in DISPUTE_WAITING:
        return None
    return days_left(dispute.due_by, now)


def _texts(session: Session, booking: Booking, kept: EvidenceSubmission | EvidenceDraft | None) -> Texts:
    texts = kept.texts if kept else draft_texts(get_stay_case(session, booking))
    return {name: text for name, text in texts.items() if name not in FILE_FIELDS.values()}


def _papers(session: Session, dispute: Dispute, texts: Texts, *, is_open: bool) -> tuple[PaperLine, ...]:
    """The newest of each kind in the order of the kinds; afterwards those that were chosen."""
    chosen = set(chosen_papers(texts).values())
    made = select(EvidenceFile).where(EvidenceFile.dispute_id == dispute.id)
    files = list(session.scalars(made.order_by(EvidenceFile.made_at, EvidenceFile.id)))
    is_offered = is_open and dispute.status in DISPUTE_WAITING
    offered = {file.kind: file for file in files if is_offered or file.id in chosen}
    return tuple(_paper_line(offered[kind], chosen) for kind in PaperKind if kind in offered)


def _paper_line(file: EvidenceFile, chosen: set[int]) -> PaperLine:
    return PaperLine(
        id=file.id,
        kind=file.kind,
        name=file.name,
        pages=file.pages,
        size=file.size,
        made_at=file.made_at,
        is_laid=file.stripe_file_id is not None,
        is_chosen=file.id in chosen,
    )


def _payments(session: Session, booking: Booking) -> list[Payment]:
    wanted = select(Payment).where(Payment.booking_id == booking.id).options(selectinload(Payment.refunds))
    return list(session.scalars(wanted.order_by(Payment.id)))


def _mails(session: Session, booking: Booking) -> tuple[tuple[datetime, str], ...]:
    """Letters to the guest that left, oldest first."""
    sent = select(OutboxRow).where(
        OutboxRow.booking_id == booking.id, OutboxRow.kind == OutboxKind.MAIL, OutboxRow.state == OutboxState.DONE
    )
    rows = [(row.done_at, str(row.payload["mail"])) for row in session.scalars(sent)]
    return tuple(sorted((at, kind) for at, kind in rows if at is not None and kind in MAIL_WORDS))


def _letters(session: Session, booking: Booking) -> tuple[SentLetter, ...]:
    """Their own words, oldest first. Of those that left before words were kept, the time alone is known."""
    sent = select(OutboxRow.done_at, OutboxRow.letter).where(
        OutboxRow.booking_id == booking.id, OutboxRow.letter.is_not(None), OutboxRow.state == OutboxState.DONE
    )
    rows = session.execute(sent.order_by(OutboxRow.done_at, OutboxRow.id))
    return tuple(SentLetter(at, letter["subject"], letter["text"]) for at, letter in rows if at and letter)


def _steps(session: Session, booking: Booking) -> tuple[tuple[datetime, str], ...]:
    """The timeline, and when a link that had been mailed was opened, oldest first."""
    steps = select(BookingEvent.at, BookingEvent.kind).where(BookingEvent.booking_id == booking.id)
    told = [(row[0], row[1]) for row in session.execute(steps.order_by(BookingEvent.id))]
    links = select(AccessLink.used_at).where(AccessLink.booking_id == booking.id, AccessLink.used_at.is_not(None))
    opened = [(at, "link_opened") for at in session.scalars(links) if at is not None]
    return tuple(sorted([*told, *opened], key=lambda step: step[0]))
