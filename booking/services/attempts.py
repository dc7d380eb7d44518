"""Attempts: asking Stripe for a session, asking what became of it, ending it. No transaction is open during a call."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction, write_now
from booking.domain.dates import Stay
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.policy import hold_deadline, session_expiry
from booking.domain.states import (
    LIVE_ATTEMPT,
    UNFINISHED_ATTEMPT,
    AttemptChannel,
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import (
    CheckoutOrder,
    EvidenceState,
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    Params,
    PaymentEvidence,
    Tag,
)
from booking.language import language, localised
from booking.models import Attempt, Booking, StayChange
from booking.runtime import Runtime
from booking.services import cards
from booking.services.authorisations import find_request
from booking.services.instance import Identity, get_identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.settlement import Settled, settle
from booking.services.timeline import Cause

# A request that was sent may still be on its way; after this long it has arrived or never will.
LOOK_AFTER = timedelta(seconds=30)
# A charge is asked for by the worker, who waits longer and tries again within one call.
LOOK_AFTER_CHARGE = timedelta(minutes=5)
# How far Stripe's clock and ours may be apart when one looks for what the other made.
CLOCK_DOUBT = timedelta(minutes=10)
# For so long a session is ended under one key.
END_KEY_LIFE = timedelta(minutes=1)
# Until Stripe has said that their sessions are over, somebody can type a card into them.
_PAID_OR_COMING = (
    EvidenceState.PAID, EvidenceState.PROCESSING, EvidenceState.AUTHORIZED, EvidenceState.NOTHING_DUE,
)  # fmt: skip
_PAYABLE = (AttemptStatus.CREATING, AttemptStatus.OPEN, AttemptStatus.SUPERSEDED)
# Metadata `purpose` at Stripe where it has another word: what a change costs more is the rest of the new price.
_TOLD_AS = {AttemptPurpose.DIFFERENCE: "balance"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is needed to ask Stripe for one attempt's session, with no row attached."""

    attempt_id: int
    booking_id: int
    token: str
    reference: str
    params: Params
    idempotency_key: str
    session_id: str | None
    created_at: datetime
    channel: AttemptChannel
    payment_intent_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an attempt is to be written for. `stay` and `guests` are what Stripe's page shows."""

    purpose: AttemptPurpose
    amount: Money
    stay: Stay
    guests: int
    change_id: int | None = None
    due_id: int | None = None
    saves_card: bool = False
    title: str = ""  # empty: what its listing is called


@dataclass(frozen=True, slots=True)
class Agreed:
    """How the guest of a booking is to pay, and what they pay for in the words of Stripe's page."""

    title: str
    is_request: bool
    saves_card: bool


def write_attempt(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    number: int,
    now: datetime,
    identity: Identity,
    *,
    minutes: int | None = None,
    agreed: Agreed | None = None,
) -> Attempt:
    """Write attempt N with its key and frozen parameters, and let the hold end with it. Joins the transaction.

    `minutes` is how long its session may be paid; without it, as long as the shop holds nights for guests. Without
    `agreed` that is looked up.
    """
    agreed = agreed or _find_agreed(session, booking)
    purpose, saves_card = _purpose_of(booking, agreed), agreed.saves_card
    # A guarantee is for all that the card will be charged with.
    amount = booking.amount if purpose is AttemptPurpose.GUARANTEE else booking.first_payment
    wanted = Wanted(purpose, amount, booking.stay, booking.guests, saves_card=saves_card, title=agreed.title)
    attempt = write_wanted(session, runtime, booking, wanted, number, now, identity, minutes=minutes)
    until = hold_deadline(attempt.expires_at)
    if booking.hold_until != until:  # a flush looks at what is set, the same or not
        booking.hold_until = until
    return attempt


def _find_agreed(session: Session, booking: Booking) -> Agreed:
    is_request = find_request(session, booking.id) is not None
    return Agreed(booking.listing.name, is_request, cards.find_consent(session, booking.id) is not None)


def _purpose_of(booking: Booking, agreed: Agreed) -> AttemptPurpose:
    if agreed.is_request:
        return AttemptPurpose.REQUEST
    if booking.schedule.is_guaranteed:
        return AttemptPurpose.GUARANTEE
    return AttemptPurpose.DEPOSIT if booking.schedule.is_split else AttemptPurpose.BOOKING


def write_difference(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    change: StayChange,
    number: int,
    now: datetime,
    identity: Identity,
    *,
    minutes: int | None = None,
) -> Attempt:
    """The same for what a change of a confirmed booking costs more; the hold of the change ends with it."""
    wanted = Wanted(AttemptPurpose.DIFFERENCE, change.difference, change.stay, change.guests, change_id=change.id)
    attempt = write_wanted(session, runtime, booking, wanted, number, now, identity, minutes=minutes)
    change.hold_until = hold_deadline(attempt.expires_at)
    return attempt


def write_wanted(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    wanted: Wanted,
    number: int,
    now: datetime,
    identity: Identity,
    *,
    minutes: int | None = None,
) -> Attempt:
    """Write attempt N for whatever is wanted, and hold nothing. Joins the transaction."""
    require_transaction(session)
    expires_at = session_expiry(now, minutes or runtime.settings.hold_minutes)
    token = uuid.uuid4().hex
    tag = Tag(identity.instance_id, _TOLD_AS.get(wanted.purpose, wanted.purpose.value), str(booking.id), token)
    attempt = Attempt(
        booking_id=booking.id,
        purpose=wanted.purpose,
        change_id=wanted.change_id,
        due_id=wanted.due_id,
        number=number,
        token=token,
        status=AttemptStatus.CREATING,
        amount_minor=wanted.amount.minor,
        currency=wanted.amount.currency,
        idempotency_key=f"checkout:{token}",
        params=runtime.payments.checkout_params(_order(runtime, booking, tag, expires_at, wanted)),
        expires_at=expires_at,
        created_at=now,
    )
    write_now(session, attempt)
    return attempt


def next_number(session: Session, booking: Booking) -> int:
    """What a booking's next attempt is counted as. Joins the caller's transaction."""
    return (session.scalar(select(func.max(Attempt.number)).where(Attempt.booking_id == booking.id)) or 0) + 1


def settle_now(runtime: Runtime, evidence: PaymentEvidence, cause: Cause, identity: Identity) -> Settled:
    """One walk through the one door, in a transaction of its own."""
    with transaction() as session:
        settled = settle(session, evidence, cause, runtime.clock.now(), identity)
    runtime.wake_worker()
    return settled


def ask_stripe(runtime: Runtime, attempt_id: int, cause: Cause) -> Settled | None:
    """Look at one attempt at Stripe and settle what it shows. Commits. None where no session was ever made.

    Raises:
        GatewayUnavailable: no answer; nothing changed.
    """
    identity, ticket = get_identity(runtime), _ticket(attempt_id)
    evidence = _find_out(runtime, ticket)
    if evidence is None:
        mark_ended(ticket.attempt_id)
        return None
    return settle_now(runtime, evidence, cause, identity)


def end_sessions(runtime: Runtime, booking_id: int, cause: Cause) -> BookingStatus:
    """Make sure that nobody can pay a booking any more; if somebody has, settle it. Commits.

    Raises:
        BookingNotFound, GatewayUnavailable: as abandon_checkout.
    """
    _give_up_live(runtime, booking_id)
    end_given_up(runtime, booking_id, cause)
    return _status(booking_id)


def end_given_up(runtime: Runtime, booking_id: int, cause: Cause) -> bool:
    """End at Stripe each session that was given up; whether one of them turned out to be paid."""
    identity, was_paid = get_identity(runtime), False
    for attempt_id in _find_given_up(booking_id):
        ticket = _ticket(attempt_id)
        evidence = _find_out(runtime, ticket, is_to_end=True)
        if evidence is None:
            mark_ended(attempt_id)
            continue
        is_paid = evidence.state in _PAID_OR_COMING
        # Whoever wanted it ended did not bring the money: it was found by looking.
        settle_now(runtime, evidence, Cause(Source.RECONCILE) if is_paid else cause, identity)
        was_paid = was_paid or is_paid
    return was_paid


def open_or_find(runtime: Runtime, ticket: Ticket) -> PaymentEvidence | None:
    """Ask for the attempt's session; the stored key brings the same one however often it is asked for.

    Stripe goes on replaying a stored error for the same key (https://docs.stripe.com/api/idempotent_requests), so once
    an answer has been missing for a while, its list of sessions decides. None: no session was made, and none will be.

    Raises:
        GatewayUnavailable, GatewayRefused, GatewayConflict: as open_checkout.
    """
    try:
        return runtime.payments.open_checkout(ticket.params, ticket.idempotency_key)
    except GatewayUnavailable as error:
        # Where nothing answers, its list would not either, and somebody is waiting.
        if error.is_silent or runtime.clock.now() - ticket.created_at < LOOK_AFTER:
            raise
        return _search(runtime, ticket)


def find_live(
    session: Session, booking_id: int, *, change_id: int | None = None, due_id: int | None = None
) -> Attempt | None:
    """The attempt in which a booking can still be paid, or the change or the due that is named; locked.

    None where there is none. Joins the caller's transaction.
    """
    live = select(Attempt).where(
        Attempt.booking_id == booking_id,
        Attempt.status.in_(LIVE_ATTEMPT),
        Attempt.change_id.is_not_distinct_from(change_id),
        Attempt.due_id.is_not_distinct_from(due_id),
    )
    return session.scalar(live.with_for_update())


def is_payable(session: Session, booking_id: int) -> bool:
    """Whether a page may be open, or may yet be, on which this booking can be paid. Joins the caller's transaction.

    Whoever lets unpaid nights go asks this under the booking's lock: since the sessions were ended the guest may have
    pressed the button once more, or somebody else be in the middle of ending the next one.
    """
    payable = select(Attempt.id).where(Attempt.booking_id == booking_id, Attempt.status.in_(_PAYABLE))
    return session.scalar(payable.limit(1)) is not None


def has_unended(session: Session, due_id: int) -> bool:
    """Whether something that was given up may still bring the money for a due. Joins the caller's transaction."""
    given_up = select(Attempt.id).where(Attempt.due_id == due_id, Attempt.status == AttemptStatus.SUPERSEDED)
    return session.scalar(given_up.limit(1)) is not None


def ticket_of(attempt: Attempt, reference: str) -> Ticket:
    """An attempt as plain values, to take out of the transaction."""
    return Ticket(
        attempt_id=attempt.id,
        booking_id=attempt.booking_id,
        token=attempt.token,
        reference=reference,
        params=dict(attempt.params),
        idempotency_key=attempt.idempotency_key,
        session_id=attempt.session_id,
        created_at=attempt.created_at,
        channel=attempt.channel,
        payment_intent_id=attempt.payment_intent_id,
        expires_at=attempt.expires_at,
    )


def _give_up_live(runtime: Runtime, booking_id: int) -> None:
    """From here on the sessions of this booking are not handed out; they still have to be ended at Stripe."""
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        attempt = find_live(session, booking_id)
        if attempt is not None and booking.status is BookingStatus.PENDING and _may_give_up(attempt):
            attempt.status = AttemptStatus.SUPERSEDED
            refresh_money(session, booking)


def _may_give_up(attempt: Attempt) -> bool:
    return attempt.status in (AttemptStatus.CREATING, AttemptStatus.OPEN)


def _find_out(runtime: Runtime, ticket: Ticket, *, is_to_end: bool = False) -> PaymentEvidence | None:
    """What became of an attempt; None where Stripe never made a session for it. May end the session on the way."""
    if ticket.channel is not AttemptChannel.CHECKOUT:
        return _find_out_charge(runtime, ticket, is_to_end=is_to_end)
    session_id = ticket.session_id or _find_session_id(runtime, ticket)
    if session_id is None:
        return None
    if not is_to_end:
        return runtime.payments.look_up_checkout(session_id)
    return runtime.payments.expire_checkout(session_id, _ending_key(ticket, runtime.clock.now()))


def _find_out_charge(runtime: Runtime, ticket: Ticket, *, is_to_end: bool) -> PaymentEvidence | None:
    """The same of a payment that has no session. One on a page of ours is ended by us: Stripe never ends it."""
    intent_id = ticket.payment_intent_id or _find_intent_id(runtime, ticket)
    if intent_id is None:
        return None
    now = runtime.clock.now()
    is_over = ticket.channel is AttemptChannel.ON_PAGE and now >= ticket.expires_at
    if not is_to_end and not is_over:
        return runtime.payments.look_up_charge(intent_id)
    return runtime.payments.cancel_charge(intent_id, _ending_key(ticket, now))


def _find_intent_id(runtime: Runtime, ticket: Ticket) -> str | None:
    """A charge is looked for and never asked for again: once its key is forgotten, that would be a second charge.

    Raises:
        GatewayUnavailable: it is not there, and may still be on its way.
    """
    for evidence in runtime.payments.list_payments(ticket.created_at - CLOCK_DOUBT):
        if evidence.tag.attempt == ticket.token:
            return evidence.payment_intent_id
    if runtime.clock.now() - ticket.created_at < LOOK_AFTER_CHARGE:
        raise GatewayUnavailable("the charge may still be on its way")
    return None


def _ending_key(ticket: Ticket, now: datetime) -> str:
    """Made from the attempt's own, and another one each minute: Stripe may only replay an error for the last one.

    To end a session twice is to end it once.
    """
    return f"{ticket.idempotency_key}:end:{(now - ticket.created_at) // END_KEY_LIFE}"


def _find_session_id(runtime: Runtime, ticket: Ticket) -> str | None:
    try:
        evidence = open_or_find(runtime, ticket)
    except (GatewayRefused, GatewayConflict):
        return None
    return evidence.session_id if evidence else None


def _search(runtime: Runtime, ticket: Ticket) -> PaymentEvidence | None:
    """The attempt's session in Stripe's own list, by our token."""
    for evidence in runtime.payments.list_checkouts(ticket.created_at - CLOCK_DOUBT):
        if evidence.tag.attempt == ticket.token:
            return evidence
    return None


def _find_given_up(booking_id: int) -> list[int]:
    given_up = select(Attempt.id).where(Attempt.booking_id == booking_id, Attempt.status == AttemptStatus.SUPERSEDED)
    found = list(db.session.scalars(given_up.order_by(Attempt.id)))
    end_read()
    return found


def mark_ended(attempt_id: int) -> None:
    """Stripe made no session for this attempt and never will. Commits."""
    with transaction() as session:
        booking = lock_booking(session, session.get_one(Attempt, attempt_id).booking_id)
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        is_nowhere = attempt.session_id is None and attempt.payment_intent_id is None
        if is_nowhere and attempt.status in UNFINISHED_ATTEMPT:
            attempt.status = AttemptStatus.EXPIRED
            refresh_money(session, booking)  # an earlier attempt may have ended with a declined card


def _ticket(attempt_id: int) -> Ticket:
    attempt = db.session.get_one(Attempt, attempt_id, populate_existing=True)
    ticket = ticket_of(attempt, attempt.booking.reference)
    end_read()
    return ticket


def _status(booking_id: int) -> BookingStatus:
    booking = db.session.get(Booking, booking_id, populate_existing=True)
    if booking is None:
        raise BookingNotFound
    status = booking.status
    end_read()
    return status


def _order(runtime: Runtime, booking: Booking, tag: Tag, expires_at: datetime, wanted: Wanted) -> CheckoutOrder:
    base, speak = runtime.settings.base_url, language(booking.language)
    return CheckoutOrder(
        tag=tag,
        amount=wanted.amount,
        title=wanted.title or booking.listing.name,
        description=f"{speak.stay_words(wanted.stay)}, {speak.guests(wanted.guests)}",
        guest_email=booking.guest_email,
        expires_at=expires_at,
        # The placeholder must reach Stripe as it is: url_for would escape its braces.
        success_url=base + localised("/pay/return?session_id={CHECKOUT_SESSION_ID}", speak.code),
        cancel_url=base + localised("/pay/cancelled", speak.code),
        language=speak.code,
        saves_card=wanted.saves_card,
        is_authorised_only=wanted.purpose is AttemptPurpose.REQUEST,
        is_guarantee=wanted.purpose is AttemptPurpose.GUARANTEE,
    )
