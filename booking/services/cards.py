"""Saved cards: what guests agree to, keeping what Stripe has kept, choosing one, and having one forgotten.

A card belongs to the booking that it was saved with. Removing one is written down with its key first; the worker then
tells Stripe. No transaction is open during a call.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.charging import Consent, digest
from booking.domain.errors import TransitionRefused
from booking.domain.pricing import Quote
from booking.domain.states import BookingStatus, Source
from booking.domain.terms import Deal
from booking.extensions import db
from booking.gateways.payments import KeptCard
from booking.language import language
from booking.models import Attempt, Booking, CardConsent, Listing, SavedCard
from booking.models.outbox import OutboxKind
from booking.queries.cards import find_wanted_consent
from booking.runtime import Runtime
from booking.services import outbox, timeline
from booking.services.locks import lock_booking
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# For so long Stripe is asked to forget a card under one key.
DETACH_KEY_LIFE = timedelta(minutes=1)
# So long after the last night a card is kept for damage that is found late; then Stripe forgets it.
KEPT_AFTER = timedelta(days=30)


def offered_consent(listing: Listing, priced: Quote, arrive: date, now: datetime) -> Consent | None:
    """What a guest is asked to agree to before paying for such a stay; None where the house keeps no cards.

    A stay that is paid later needs one always. A stay that is only asked for saves none: its card is authorised, and
    whether it is charged nobody knows yet.
    """
    place, schedule = listing.property, listing.schedule(priced.total, arrive, now)
    consent = Consent.to(schedule, Deal(priced, listing.terms, arrive, now, place.zone), place.chargeable_damage)
    # Whoever pays later leaves a card in any case: without one nothing would stand behind the booking.
    is_asked = (place.keeps_cards or schedule.is_guaranteed) and consent.is_needed
    return consent if is_asked and not listing.takes_requests else None


def name_of(consent: Consent, code: str) -> str:
    """A short name for what a page showed, for its form to bring back."""
    return digest(consent_text(consent, code))


def consent_text(consent: Consent, code: str) -> list[str]:
    """The sentences that a guest reads, in their language; what is frozen is exactly this."""
    speaker = language(code)
    return [speaker.speak(said) for said in consent.words]


def agree_before_paying(runtime: Runtime, booking_id: int, shown: str, code: str) -> bool:
    """The guest for whom staff has booked agrees to what the page said in a language; False where it says otherwise.

    `shown` is the name that the page gave its words. Where nothing is to be agreed to any more, that is fine. Commits.

    Raises:
        BookingNotFound: no such booking.
    """
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        consent = find_wanted_consent(session, booking)
        if consent is not None and name_of(consent, code) != shown:
            return False
        if consent is not None:
            agree(session, booking, consent, runtime.clock.now(), code)
            timeline.record(session, booking, "card_agreed", Cause(Source.WEB), runtime.clock.now())
    return True


def agree(session: Session, booking: Booking, consent: Consent, now: datetime, code: str = "") -> None:
    """Write down what a guest agreed to; in the booking's language where no other is named. Joins the transaction."""
    require_transaction(session)
    session.add(
        CardConsent(
            booking_id=booking.id,
            text=consent_text(consent, code or booking.language),
            language=code or booking.language,
            agreed_at=now,
            no_show_minor=consent.no_show.minor,
            damage_minor=consent.damage.minor,
            currency=booking.currency,
        )
    )


def find_consent(session: Session, booking_id: int) -> CardConsent | None:
    """What the guest of a booking agreed to; None where they agreed to nothing."""
    return session.scalar(select(CardConsent).where(CardConsent.booking_id == booking_id))


def find_default(session: Session, booking_id: int) -> SavedCard | None:
    """The card of a booking that is charged; None where there is none (any more)."""
    of_booking = select(SavedCard).where(SavedCard.booking_id == booking_id, SavedCard.removed_at.is_(None))
    return session.scalar(of_booking.order_by(SavedCard.is_default.desc(), SavedCard.id.desc()).limit(1))


def will_charge(session: Session, booking_id: int) -> bool:
    """Whether dues of this booking are charged to a saved card by themselves. Joins the caller's transaction."""
    has_consent = find_consent(session, booking_id) is not None
    return has_consent and find_default(session, booking_id) is not None


def note_saving(session: Session, attempt: Attempt, now: datetime) -> None:
    """Ask for the card of an attempt that was to save it. Joins the transaction in which the money came."""
    if is_saving(attempt):
        outbox.enqueue(
            session, OutboxKind.KEEP_CARD, f"keep-card:{attempt.id}", {"attempt_id": attempt.id}, now,
            booking_id=attempt.booking_id,
        )  # fmt: skip


def is_saving(attempt: Attempt) -> bool:
    """Whether the parameters of an attempt ask Stripe to keep the card for later."""
    data = attempt.params.get("payment_intent_data") or {}
    return data.get("setup_future_usage") == "off_session" or attempt.params.get("mode") == "setup"


def keep_card(runtime: Runtime, attempt_id: int) -> str:
    """Look up which card an attempt has left with Stripe, and write it down; why not, in words. Commits.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was written; the outbox tries again.
    """
    session_id, intent_id, is_setup = _where_to_look(attempt_id)
    find_card, find_guarantee = runtime.payments.find_card, runtime.payments.find_guarantee
    kept = find_guarantee(session_id) if is_setup and session_id else find_card(intent_id) if intent_id else None
    if kept is None:
        return "no card was kept"  # paid in a way that cannot be charged again
    with transaction() as session:
        _write(session, attempt_id, kept, runtime.clock.now())
    return ""


def choose_card(runtime: Runtime, booking_id: int, card_id: int) -> None:
    """Charge this card of the booking from now on. Commits.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: the booking has no such card (any more).
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        card = _get_own(session, booking_id, card_id)
        _make_default(session, card)
        timeline.record(session, booking, "card_chosen", Cause(Source.WEB), now, note=f"card {card.id}, {card.name}")


def remove_card(runtime: Runtime, booking_id: int, card_id: int, cause: Cause) -> None:
    """Charge this card no more, and have Stripe forget it. Commits; the worker tells Stripe.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: the booking has no such card; to remove one twice is to remove it once.
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        _remove(session, booking, _get_own(session, booking_id, card_id, is_removed_fine=True), cause, now)
    runtime.wake_worker()


def detach_card(runtime: Runtime, card_id: int) -> None:
    """Tell Stripe to forget a card that was removed, under the stored key; asking again changes nothing. Commits.

    Raises:
        GatewayUnavailable, GatewayRefused: the outbox tries again.
    """
    card = db.session.get_one(SavedCard, card_id, populate_existing=True)
    method, key, removed_at = card.payment_method_id, card.detach_key, card.removed_at
    is_done = card.detached_at is not None
    end_read()
    if is_done or key is None or removed_at is None:
        return
    # Another key each minute: Stripe may only replay an error for the last one. To forget a card twice is once.
    runtime.payments.detach_card(method, f"{key}:{(runtime.clock.now() - removed_at) // DETACH_KEY_LIFE}")
    with transaction() as session:
        session.get_one(SavedCard, card_id, with_for_update=True).detached_at = runtime.clock.now()


def forget_old_cards(runtime: Runtime) -> list[str]:
    """Have Stripe forget the cards of bookings that are over; a line for each. Commits one by one."""
    now, lines = runtime.clock.now(), []
    for card_id, booking_id in _find_old(now):
        remove_card(runtime, booking_id, card_id, Cause(Source.TIMER))
        lines.append(f"booking {booking_id}: card {card_id} is forgotten")
    return lines


# --- rows -----------------------------------------------------------------------------------------------------------


def _where_to_look(attempt_id: int) -> tuple[str | None, str | None, bool]:
    attempt = db.session.get_one(Attempt, attempt_id, populate_existing=True)
    found = attempt.session_id, attempt.payment_intent_id, attempt.params.get("mode") == "setup"
    end_read()
    return found


def _write(session: Session, attempt_id: int, kept: KeptCard, now: datetime) -> None:
    attempt = session.get_one(Attempt, attempt_id)
    booking = lock_booking(session, attempt.booking_id)
    if session.scalar(select(SavedCard.id).where(SavedCard.payment_method_id == kept.payment_method_id)):
        return
    card = SavedCard(
        booking_id=booking.id,
        customer_id=kept.customer_id,
        payment_method_id=kept.payment_method_id,
        brand=kept.brand[:30],
        last4=kept.last4,
        exp_month=kept.exp_month,
        exp_year=kept.exp_year,
        is_default=False,
    )
    session.add(card)
    session.flush()  # the timeline names its id
    _make_default(session, card)
    timeline.record(session, booking, "card_saved", Cause(Source.WORKER), now, note=f"card {card.id}, {card.name}")


def _make_default(session: Session, chosen: SavedCard) -> None:
    for card in _live(session, chosen.booking_id):
        card.is_default = False
    session.flush()  # one at a time: a unique index says so
    chosen.is_default = True


def _remove(session: Session, booking: Booking, card: SavedCard, cause: Cause, now: datetime) -> None:
    if card.removed_at is not None:
        return
    was_default, card.is_default = card.is_default, False
    card.removed_at, card.detach_key = now, f"detach:{uuid.uuid4().hex}"
    session.flush()
    left = _live(session, booking.id)
    if was_default and left:
        left[-1].is_default = True
    timeline.record(session, booking, "card_removed", cause, now, note=f"card {card.id}, {card.name}")
    outbox.enqueue(
        session, OutboxKind.DETACH_CARD, f"detach-card:{card.id}", {"card_id": card.id}, now, booking_id=booking.id
    )


def _live(session: Session, booking_id: int) -> Sequence[SavedCard]:
    of_booking = select(SavedCard).where(SavedCard.booking_id == booking_id, SavedCard.removed_at.is_(None))
    return session.scalars(of_booking.order_by(SavedCard.id)).all()


def _get_own(session: Session, booking_id: int, card_id: int, *, is_removed_fine: bool = False) -> SavedCard:
    card = session.get(SavedCard, card_id, populate_existing=True)
    if card is None or card.booking_id != booking_id or not (card.removed_at is None or is_removed_fine):
        raise TransitionRefused("This booking has no such card.")
    return card


def _find_old(now: datetime) -> list[tuple[int, int]]:
    is_over = (Booking.leave < (now - KEPT_AFTER).date()) | (Booking.status == BookingStatus.CANCELLED)
    old = (
        select(SavedCard.id, SavedCard.booking_id)
        .join(Booking, Booking.id == SavedCard.booking_id)
        .where(SavedCard.removed_at.is_(None), is_over | Booking.erased_at.is_not(None))
    )
    rows = [(row[0], row[1]) for row in db.session.execute(old.order_by(SavedCard.id))]
    end_read()
    return rows
