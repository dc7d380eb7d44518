"""Mail: asked for in the transaction of its cause, written and sent by the worker after the commit."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from booking.crashpoints import crash_point
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import BookingStatus, ChangeStatus, DueKind, DueStatus, PaymentStatus
from booking.gateways.mail import Letter, MailFailed
from booking.language import DEFAULT, language
from booking.models import Booking, Due, StayChange
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import club_letters, letter_facts, outbox, people
from booking.services.club_letters import ClubMail

_LINK = re.compile(r"https?://\S+")

Fact = Money | Stay | datetime | str | int | None


class GuestMail(StrEnum):
    """What guests are told. Each value is a folder of templates/email."""

    CONFIRMED = "confirmed"
    PROCESSING = "payment_processing"
    DATES_GONE = "dates_gone"  # the nights are gone, all the money goes back
    LATE_REFUND = "late_refund"  # paid after cancelling, all the money goes back
    HOLD_EXPIRED = "hold_expired"  # not paid in time; once, and only after Stripe's page
    CANCELLED = "cancelled"  # by the guest or by the house
    REFUND_SENT = "refund_sent"
    REFUND_DELAYED = "refund_delayed"  # it did not arrive, and the house is on it
    DUPLICATE_REFUND = "duplicate_refund"  # paid twice, the second payment goes back
    PAYMENT_FAILED = "payment_failed"  # a delayed payment failed: book again
    PAYMENT_LINK = "payment_link"  # booked by telephone, or given more time: where to pay, how much and until when
    STAY_CHANGED = "stay_changed"  # by staff: another listing, other dates
    PAY_DIFFERENCE = "pay_difference"  # a change costs more: how much, where and until when
    CHANGE_OFF = "change_off"  # it was not made; what was paid for it goes back
    BALANCE_DUE = "balance_due"  # what is left to pay, until when, and where
    BALANCE_REMINDER = "balance_reminder"  # the same, shortly before that day
    BALANCE_PAID = "balance_paid"  # with all that was paid
    NOT_OWED = "not_owed"  # paid though the house had given it up: it goes back
    MANAGE_LINK = "manage_link"
    PRE_ARRIVAL = "pre_arrival"  # two days before
    CHARGE_ANNOUNCED = "charge_announced"  # a saved card is going to be charged: how much, for what and when
    CHARGE_FAILED = "charge_failed"  # it was not: why, whether it is tried again, and how to pay otherwise
    PAY_DUE = "pay_due"  # staff asks for what is owed, with the link to pay it
    REQUEST_RECEIVED = "request_received"  # the card is authorised, and the host is to answer
    REQUEST_DECLINED = "request_declined"  # by the host, or nobody answered: nothing was charged
    REQUEST_OFF = "request_off"  # nights gone, or the card: nothing was charged
    RECEIPT = "receipt"  # only where somebody asks for it


# True while something is awaited.
_OF_WAITING = (GuestMail.PROCESSING, GuestMail.REQUEST_RECEIVED)
# What staff's own doing brings.
_OF_BALANCES = (GuestMail.BALANCE_DUE, GuestMail.BALANCE_REMINDER)
_OF_STAFF = (GuestMail.PAYMENT_LINK, GuestMail.PAY_DIFFERENCE, GuestMail.STAY_CHANGED, GuestMail.CHANGE_OFF)
# True only while something is owed.
_OF_DUES = (GuestMail.CHARGE_ANNOUNCED, GuestMail.CHARGE_FAILED, GuestMail.PAY_DUE)


class StaffNotice(StrEnum):
    """What the people of the house are told. Each value is a folder of templates/email."""

    NEW_BOOKING = "new_booking"
    NEW_REQUEST = "new_request"
    REQUEST_TROUBLE = "request_trouble"  # it lapsed, or its sum could not be taken
    NEEDS_REVIEW = "needs_review"
    DATES_GONE = "staff_dates_gone"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_DUE = "dispute_due"
    FRAUD_WARNING = "fraud_warning"
    UNMATCHED = "unmatched"
    CHECKOUT_REFUSED = "checkout_refused"
    MAIL_FAILED = "mail_failed"
    DUPLICATE = "duplicate"
    EXTERNAL_REFUND = "external_refund"
    STAY_CHANGED = "staff_stay_changed"
    CHARGE_FAILED = "staff_charge_failed"
    PROMISE_BROKEN = "promise_broken"
    ERASURE_ASKED = "erasure_asked"
    BALANCE_OVERDUE = "balance_overdue"
    TEST_MAIL = "test_mail"  # staff wants to see that mail arrives


class StaffLetter(StrEnum):
    """What one person of the house is sent. Each value is a folder of templates/email; services/people.py asks."""

    INVITATION = "invitation"
    PASSWORD_LINK = "password_link"  # noqa: S105  (a folder, not a secret)


def tell_guest(
    session: Session, booking: Booking, kind: GuestMail, now: datetime, *, fact_id: str | int = "", **facts: Fact
) -> None:
    """Ask for a mail to the guest; asking twice for the same is asking once. Joins the caller's transaction.

    `fact_id` tells apart mails of one kind that one booking may rightly get twice, such as two refunds. Of `facts`
    the letters know `refund`, the Money that comes back.
    """
    kept = {name: letter_facts.frozen(fact) for name, fact in facts.items()}
    payload = {"mail": kind.value, "booking_id": booking.id, "facts": kept}
    enqueue_letter(session, guest_key(kind, booking.id, fact_id), payload, now, booking.id)


def guest_key(kind: GuestMail, booking_id: int, fact_id: str | int = "") -> str:
    """The name under which the outbox keeps a mail to a guest: one mail for each name, for good."""
    return _key(f"mail:{kind}:{booking_id}", fact_id)


def tell_staff(
    session: Session,
    kind: StaffNotice,
    now: datetime,
    booking: Booking | None = None,
    note: str = "",
    *,
    fact_id: str | int = "",
    page: str = "",
) -> None:
    """Ask for a mail to the property's own address. Joins the caller's transaction.

    Without a `fact_id` the note tells notices of one kind apart, so that news is mailed and a repeat is not. `page` is
    the path that the mail links to, where that is not the booking's own.
    """
    booking_id = booking.id if booking else None
    payload: dict[str, Any] = {"mail": kind.value, "booking_id": booking_id, "note": note[:500], "facts": {}}
    payload |= {"page": page} if page else {}
    key = _key(f"mail:{kind}:{booking_id or '-'}", fact_id or letter_facts.short_hash(note))
    enqueue_letter(session, key, payload, now, booking_id)


def report_dead_mail(session: Session, task: outbox.Task, now: datetime) -> None:
    """Tell staff of a guest's mail that was given up. Joins the caller's transaction.

    A staff mail that was given up tells nobody: its notice would go to the same address, and round it would go.
    """
    if task.payload["mail"] not in set(GuestMail):
        return
    booking = session.get(Booking, task.payload["booking_id"])
    note = f'The mail "{task.payload["mail"]}" could not be delivered.'
    tell_staff(session, StaffNotice.MAIL_FAILED, now, booking, note, fact_id=task.row_id)


def deliver(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    """Write the letter a row asks for and send it; why it was not sent, where it would not be true any more.

    Gathers the facts, and the guest's access link, in a short transaction of its own; none is open while sending.
    A letter that is tried again has the same Message-ID, so a mailbox that got it already can tell.

    Raises:
        MailFailed: the outbox tries again, or gives up where the error is final.
    """
    kind = task.payload["mail"]
    facts = _gather(runtime, kind, task)
    if isinstance(facts, str):
        return outbox.Done(facts)
    letter = runtime.write_letter(kind, facts)
    crash_point("before letter", f"mail {kind}")
    runtime.mailer.send(letter)
    crash_point("after letter", f"mail {kind}")
    return outbox.Done(letter=_as_sent(letter) if kind in set(GuestMail) else None)


def why_not(
    session: Session, booking: Booking, kind: str, now: datetime, facts: Mapping[str, Any] | None = None
) -> str:
    """Why a mail to a guest must not be sent now, in words for staff; empty where it may. Joins the transaction.

    A mail server that is down for a night must not make a mail say in the morning what was true in the evening.
    """
    if booking.erased_at is not None:
        return "not sent: the guest's data was erased"
    if kind == GuestMail.CONFIRMED and booking.status is BookingStatus.CANCELLED:
        return "not sent: the booking was cancelled first"
    if kind in _OF_WAITING:
        return _why_not_of_waiting(booking, kind)
    if kind in _OF_STAFF:
        return _why_not_of_staff(session, booking, kind, now)
    if kind in _OF_DUES or kind in _OF_BALANCES:
        return _why_not_of_dues(session, booking, kind, facts or {})
    if kind == GuestMail.PRE_ARRIVAL and not _is_to_come(booking, now):
        return "not sent: nobody is expected"
    if kind == GuestMail.HOLD_EXPIRED and not _has_lapsed(session, booking, now):
        return "not sent: the guest is booking, or nobody can book this stay any more"
    return ""


def enqueue_letter(
    session: Session, dedupe_key: str, payload: dict[str, Any], now: datetime, booking_id: int | None
) -> None:
    """Put a letter that is written down already into the outbox under a key of its own. Joins the transaction."""
    outbox.enqueue(session, OutboxKind.MAIL, dedupe_key, payload, now, booking_id=booking_id)


def _as_sent(letter: Letter) -> dict[str, str]:
    """What the guest could read, for whoever has to prove it later. Links open the booking, so they are not kept."""
    return {"subject": letter.subject, "text": _LINK.sub("[link]", letter.text)}


def _key(key: str, fact_id: str | int) -> str:
    return f"{key}:{fact_id}" if fact_id else key


def _why_not_of_waiting(booking: Booking, kind: str) -> str:
    if kind == GuestMail.PROCESSING:
        return "" if booking.status is BookingStatus.PENDING else "not sent: the result of the payment was known first"
    is_asked = booking.payment_status is PaymentStatus.AUTHORIZED
    return "" if is_asked else "not sent: the host had answered first, or nothing is reserved any more"


def _why_not_of_staff(session: Session, booking: Booking, kind: str, now: datetime) -> str:
    if kind == GuestMail.PAYMENT_LINK:
        return "" if _can_be_paid(booking, now) else "not sent: it is paid, or the time to pay is over"
    if kind == GuestMail.PAY_DIFFERENCE:
        is_waiting = _waits_for_difference(session, booking)
        return "" if is_waiting else "not sent: the difference is paid, or the change is off"
    return "" if booking.status is BookingStatus.CONFIRMED else "not sent: the booking is over"


def _why_not_of_dues(session: Session, booking: Booking, kind: str, facts: Mapping[str, Any]) -> str:
    if kind in _OF_BALANCES:
        return "" if _owes_balance(session, booking) else "not sent: the balance is paid, or not owed any more"
    due = session.get(Due, facts.get("due_id"))
    return "" if due and _is_still_true(due, kind) else "not sent: nothing is owed there any more"


def _is_still_true(due: Due, kind: str) -> bool:
    """Of a fee or a damage a guest reads why it was charged even where the charge was faster than the mail."""
    is_told_of_fee = kind == GuestMail.CHARGE_ANNOUNCED and due.kind is not DueKind.BALANCE
    return due.status is DueStatus.OPEN or (is_told_of_fee and due.status is DueStatus.PAID)


def _can_be_paid(booking: Booking, now: datetime) -> bool:
    return booking.status is BookingStatus.PENDING and booking.hold_until is not None and booking.hold_until > now


def _waits_for_difference(session: Session, booking: Booking) -> bool:
    waiting = select(StayChange.id).where(
        StayChange.booking_id == booking.id, StayChange.status == ChangeStatus.OPEN, StayChange.hold_until.is_not(None)
    )
    return booking.status is BookingStatus.CONFIRMED and session.scalar(waiting.limit(1)) is not None


def _owes_balance(session: Session, booking: Booking) -> bool:
    owed = select(Due.id).where(Due.booking_id == booking.id, Due.kind == DueKind.BALANCE, Due.status == DueStatus.OPEN)
    return booking.status is BookingStatus.CONFIRMED and session.scalar(owed.limit(1)) is not None


def _is_to_come(booking: Booking, now: datetime) -> bool:
    return booking.status is BookingStatus.CONFIRMED and booking.arrive >= booking.listing.property.today(now)


def _has_lapsed(session: Session, booking: Booking, now: datetime) -> bool:
    """Whether the stay was not booked after all, could still be, and its guest is not at it again already."""
    listing = booking.listing
    if booking.status is not BookingStatus.EXPIRED or not listing.is_active:
        return False
    newer = select(Booking.id).where(
        or_(Booking.guest_email == booking.guest_email, Booking.browser_key == booking.browser_key),
        Booking.id > booking.id,
        Booking.status.in_((BookingStatus.PENDING, BookingStatus.CONFIRMED)),
    )
    return booking.arrive >= listing.property.today(now) and session.scalar(newer.limit(1)) is None


def _gather(runtime: Runtime, kind: str, task: outbox.Task) -> dict[str, object] | str:
    """The facts of a letter, or why there must be none."""
    with transaction() as session:
        if kind in set(StaffLetter):
            return _facts_for_one(runtime, session, task)
        if kind in set(ClubMail):
            return club_letters.write_facts(runtime, session, task)
        booking = session.get(Booking, task.payload["booking_id"]) if task.payload["booking_id"] else None
        is_to_guest = kind in set(GuestMail)
        if is_to_guest and booking is None:
            raise MailFailed("the booking of this mail is gone", is_final=True)
        if (
            is_to_guest
            and booking
            and (reason := why_not(session, booking, kind, runtime.clock.now(), task.payload.get("facts")))
        ):
            return reason
        return _facts(runtime, session, task, booking, is_to_guest=is_to_guest)


def _facts_for_one(runtime: Runtime, session: Session, task: outbox.Task) -> dict[str, object] | str:
    payload, now = task.payload, runtime.clock.now()
    facts = people.write_facts(runtime, session, payload["mail"], payload["staff_id"], payload["by"], now)
    if isinstance(facts, str):
        return facts
    shared = letter_facts.shared_facts(runtime, task, letter_facts.find_place(session, None), DEFAULT)
    return shared | {"has_booking": False} | facts


def _facts(
    runtime: Runtime, session: Session, task: outbox.Task, booking: Booking | None, *, is_to_guest: bool
) -> dict[str, object]:
    # The house reads English, and a guest what they booked in.
    code = language(booking.language).code if booking and is_to_guest else DEFAULT
    place = letter_facts.find_place(session, booking)
    facts = letter_facts.shared_facts(runtime, task, place, code) | {"has_booking": False}
    if booking:
        base_url, now = runtime.settings.base_url, runtime.clock.now()
        facts |= letter_facts.booking_facts(session, booking, base_url, code, now)
    facts |= {name: letter_facts.thawed(fact) for name, fact in task.payload["facts"].items()}
    if booking and is_to_guest:
        is_lookup = task.payload["mail"] == GuestMail.MANAGE_LINK
        purpose = LinkPurpose.LOOKUP if is_lookup else LinkPurpose.BOOKING
        return facts | letter_facts.guest_letter_facts(runtime, session, booking, purpose)
    return facts | letter_facts.staff_letter_facts(runtime, task, booking, facts["contact_email"])
