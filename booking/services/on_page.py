"""Paying what is owed on a page of the shop, with the fields of Stripe.js: a PaymentIntent that a browser confirms.

The second way beside Stripe's hosted page, and off by default. It changes nothing about what counts: the row with key
and parameters is there before Stripe is asked, and money comes through the one door, by webhook, by the way back or by
looking. https://docs.stripe.com/payments/accept-a-payment?ui=elements
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.declines import Decline, explain
from booking.domain.states import AttemptChannel, AttemptStatus, Source
from booking.extensions import db
from booking.gateways.payments import ChargeOrder, EvidenceState, GatewayUnavailable, PaymentEvidence, Tag
from booking.models import Attempt, Booking, Due
from booking.runtime import Runtime
from booking.services import attempts, charges
from booking.services.attempts import Ticket
from booking.services.instance import Identity, get_identity
from booking.services.timeline import Cause

# As long as a hosted page by default; after it the worker ends the payment at Stripe.
PAGE_LIFE = timedelta(minutes=35)
ENOUGH_LEFT = timedelta(minutes=5)
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class OnPage:
    """What the page needs. Without `client_secret` there is nothing to pay here: it is paid, or on its way."""

    client_secret: str | None
    decline: Decline | None = None
    is_paid: bool = False
    is_under_way: bool = False


def is_offered(runtime: Runtime, booking_id: int) -> bool:
    """Whether the house lets guests pay on a page of its own, and has the key that browsers need for it."""
    booking = db.session.get(Booking, booking_id)
    return (
        bool(runtime.settings.stripe_publishable_key) and booking is not None and booking.listing.property.pays_on_page
    )


def is_of(booking_id: int, due_id: int) -> bool:
    """Whether a due, paid or not, is of this booking."""
    return db.session.scalar(select(Due.id).where(Due.id == due_id, Due.booking_id == booking_id)) is not None


def begin(runtime: Runtime, due_id: int) -> OnPage:
    """Make (or find) the payment that a browser may confirm for a due. Commits. Twice is once.

    Raises:
        BookingNotFound: there is no such due.
        GatewayUnavailable, GatewayRefused, GatewayConflict: nothing can be paid here just now.
    """
    identity = get_identity(runtime)
    for _ in range(MOST_ROUNDS):
        step = _next_step(runtime, due_id, identity)
        if isinstance(step, OnPage):
            return step
        if attempts.end_given_up(runtime, step.booking_id, Cause(Source.WEB)):
            continue  # one of them was paid: look again
        return _show(runtime, step, identity)
    raise GatewayUnavailable("pages are opened as fast as they are ended")


def look(runtime: Runtime, due_id: int) -> OnPage | None:
    """How the payment of a due stands that was begun here, settled by what Stripe shows; None where there is none.

    Raises:
        GatewayUnavailable, GatewayRefused: Stripe does not say.
    """
    identity, ticket = get_identity(runtime), _find_ticket(due_id)
    if ticket is None:
        return None
    return _show(runtime, ticket, identity, Cause(Source.REDIRECT))


def _next_step(runtime: Runtime, due_id: int, identity: Identity) -> OnPage | Ticket:
    now = runtime.clock.now()
    with transaction() as session:
        due = charges.get_due(session, due_id)
        if not charges.is_owed(due, due.booking):
            return OnPage(None, is_paid=True)
        live = attempts.find_live(session, due.booking_id, due_id=due.id)
        if live is not None and _is_at_work(live):
            return OnPage(None, is_under_way=True)
        if live is None or not _is_usable(live, now):
            if live is not None:
                live.status = AttemptStatus.SUPERSEDED
                session.flush()  # one at a time
            live = _write(session, runtime, due, now, identity)
        return attempts.ticket_of(live, due.booking.reference)


def _is_at_work(attempt: Attempt) -> bool:
    return attempt.status is AttemptStatus.PROCESSING or attempt.channel is AttemptChannel.OFF_SESSION


def _is_usable(attempt: Attempt, now: datetime) -> bool:
    return attempt.channel is AttemptChannel.ON_PAGE and attempt.expires_at > now + ENOUGH_LEFT


def _write(session: Session, runtime: Runtime, due: Due, now: datetime, identity: Identity) -> Attempt:
    token, booking = uuid.uuid4().hex, due.booking
    tag = Tag(identity.instance_id, due.purpose.value, str(booking.id), token)
    order = ChargeOrder(tag=tag, amount=due.amount, description=f"{booking.listing.name}, {booking.reference}")
    return charges.write_charge(session, runtime, due, order, AttemptChannel.ON_PAGE, now, now + PAGE_LIFE)


def _show(runtime: Runtime, ticket: Ticket, identity: Identity, cause: Cause | None = None) -> OnPage:
    """Ask Stripe, settle what it says, and tell the page. No secret is stored: each page asks for it anew."""
    if ticket.payment_intent_id:
        evidence = runtime.payments.look_up_charge(ticket.payment_intent_id)
    else:
        evidence = runtime.payments.open_charge(ticket.params, ticket.idempotency_key)
    attempts.settle_now(runtime, evidence, cause or Cause(Source.WEB), identity)
    return _as_page(evidence)


def _as_page(evidence: PaymentEvidence) -> OnPage:
    if evidence.state in (EvidenceState.OPEN, EvidenceState.DECLINED):
        decline = explain(evidence.decline_code) if evidence.decline_code else None
        return OnPage(evidence.client_secret, decline)
    is_paid = evidence.state is EvidenceState.PAID
    return OnPage(None, is_paid=is_paid, is_under_way=evidence.state is EvidenceState.PROCESSING)


def _find_ticket(due_id: int) -> Ticket | None:
    """The newest payment that was begun on our page, if it is not given up."""
    newest = select(Attempt).where(Attempt.due_id == due_id, Attempt.channel == AttemptChannel.ON_PAGE)
    attempt = db.session.scalar(newest.order_by(Attempt.id.desc()).limit(1).execution_options(populate_existing=True))
    usable = (AttemptStatus.CREATING, AttemptStatus.OPEN, AttemptStatus.PROCESSING, AttemptStatus.PAID)
    ticket = attempts.ticket_of(attempt, attempt.booking.reference) if attempt and attempt.status in usable else None
    end_read()
    return ticket
