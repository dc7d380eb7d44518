"""Looks at saved cards: each pays for its own booking alone, within what was agreed, and is forgotten when asked."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.states import AttemptChannel, AttemptPurpose, AttemptStatus, BookingStatus, DueKind, DueStatus
from booking.models import Attempt, Booking, CardConsent, Due, SavedCard
from booking.queries.invariants.given import Given

# With a worker Stripe is told within minutes; it may be away for some hours.
LONGEST_FORGETTING = timedelta(days=1)


def find_foreign_cards(session: Session, given: Given) -> Iterator[str]:
    """A charge with nobody there to a card that was not saved with its booking, or for nothing that is owed."""
    customers: dict[int, set[str]] = defaultdict(set)
    owners: dict[str, int] = {}
    for card in session.scalars(select(SavedCard)):
        customers[card.booking_id].add(card.customer_id)
        owners[card.payment_method_id] = card.booking_id
    for attempt in _charges(session):
        is_own = attempt.params.get("customer") in customers[attempt.booking_id]
        owner = owners.get(attempt.params.get("payment_method", ""), attempt.booking_id)
        if not is_own or owner != attempt.booking_id:
            yield f"booking {attempt.booking_id}: attempt {attempt.id} charges a card that was not saved with it"
        if attempt.due_id is None:
            yield f"booking {attempt.booking_id}: attempt {attempt.id} charges a card for nothing that is owed"


def find_unagreed(session: Session, given: Given) -> Iterator[str]:
    """A card that is kept, charged or confirmed on though its guest agreed to nothing; or was charged before that."""
    agreed = {consent.booking_id: consent.agreed_at for consent in session.scalars(select(CardConsent))}
    for attempt in _charges(session):
        since = agreed.get(attempt.booking_id)
        if since is None or attempt.created_at < since:
            yield f"booking {attempt.booking_id}: attempt {attempt.id} charges a card, and nothing was agreed before"
    none = ~exists().where(CardConsent.booking_id == SavedCard.booking_id)
    for card_id, booking_id in session.execute(select(SavedCard.id, SavedCard.booking_id).where(none)):
        yield f"booking {booking_id}: card {card_id} is kept, and its guest agreed to nothing"


def find_unguaranteed(session: Session, given: Given) -> Iterator[str]:
    """Confirmed on a card alone, without the guest's word that what is owed may be charged to it."""
    is_kept = (Attempt.purpose == AttemptPurpose.GUARANTEE) & (Attempt.status == AttemptStatus.PAID)
    rows = select(Booking.id).where(
        Booking.status == BookingStatus.CONFIRMED,
        exists().where(Attempt.booking_id == Booking.id, is_kept),
        ~exists().where(CardConsent.booking_id == Booking.id),
    )
    for booking_id in session.scalars(rows):
        yield f"booking {booking_id} is confirmed on a card, and its guest never agreed that it is charged"


def find_too_much(session: Session, given: Given) -> Iterator[str]:
    """Fees and damages that come to more than their guest agreed to, whether they are paid or not."""
    asked = (
        select(Due.booking_id, Due.kind, func.sum(Due.amount_minor))
        .where(Due.kind != DueKind.BALANCE, Due.status != DueStatus.WAIVED)
        .group_by(Due.booking_id, Due.kind)
        .order_by(Due.booking_id, Due.kind)
    )
    agreed = {consent.booking_id: consent for consent in session.scalars(select(CardConsent))}
    for booking_id, kind, minor in session.execute(asked):
        consent, most = agreed.get(booking_id), 0
        if consent is not None:
            most = consent.no_show_minor if kind is DueKind.NO_SHOW_FEE else consent.damage_minor
        if minor > most:
            yield f"booking {booking_id}: {minor} minor units are asked for as {kind}, and {most} were agreed to"


def find_unforgotten(session: Session, given: Given) -> Iterator[str]:
    """A card that was removed and is still the one to charge, or that Stripe was not told of in time."""
    removed = select(SavedCard).where(SavedCard.removed_at.is_not(None))
    late = SavedCard.detached_at.is_(None) & (SavedCard.removed_at < given.now - LONGEST_FORGETTING)
    for card in session.scalars(removed.where(or_(SavedCard.is_default, late)).order_by(SavedCard.id)):
        if card.is_default:
            yield f"booking {card.booking_id}: card {card.id} was removed, and is the one that would be charged"
        else:
            yield f"booking {card.booking_id}: card {card.id} was removed, and Stripe keeps it: is the worker running?"


def find_unkeyed(session: Session, given: Given) -> Iterator[str]:
    """A card that Stripe is to forget without a key to ask it under."""
    unkeyed = SavedCard.removed_at.is_not(None) & or_(SavedCard.detach_key.is_(None), SavedCard.detach_key == "")
    for card_id in session.scalars(select(SavedCard.id).where(unkeyed)):
        yield f"card {card_id} is to be forgotten and has no key"


def _charges(session: Session) -> list[Attempt]:
    """Every try to charge a saved card with nobody there."""
    tried = select(Attempt).where(Attempt.channel == AttemptChannel.OFF_SESSION).order_by(Attempt.id)
    return list(session.scalars(tried.execution_options(populate_existing=True)))
