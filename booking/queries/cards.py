"""What people may see of the cards of one booking: brand, last four digits, and what was agreed to. Never a number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.charging import Consent
from booking.domain.states import BookingStatus
from booking.models import Booking, CardConsent, SavedCard


@dataclass(frozen=True, slots=True)
class CardRow:
    """One card as it is shown; `id` is for the forms of this booking alone."""

    id: int
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    is_default: bool
    saved_at: datetime

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.brand.capitalize()} ···· {self.last4}"

    @property
    def expires(self) -> str:
        """As it stands on the card."""
        return f"{self.exp_month:02}/{self.exp_year % 100:02}"


@dataclass(frozen=True, slots=True)
class Wallet:
    """The cards of one booking, the one that is charged first, and the words that its guest agreed to."""

    cards: tuple[CardRow, ...]
    agreed: tuple[str, ...]
    agreed_at: datetime | None

    @property
    def default(self) -> CardRow | None:
        """The card that is charged."""
        return self.cards[0] if self.cards else None


def has_wallet(session: Session, booking_id: int) -> bool:
    """Whether the guest of a booking was asked to have a card saved, and so has a page for it."""
    return session.scalar(select(CardConsent.id).where(CardConsent.booking_id == booking_id)) is not None


def find_wanted_consent(session: Session, booking: Booking) -> Consent | None:
    """What the guest of a booking is to agree to before a card confirms it; None where nothing, or where they have.

    Who books on the pages agrees there and then. For whom staff has booked, nobody else can.
    """
    is_wanted = booking.status is BookingStatus.PENDING and booking.schedule.is_guaranteed
    if not is_wanted or has_wallet(session, booking.id):
        return None
    return Consent.to(booking.schedule, booking.deal, booking.listing.property.chargeable_damage)


class Saved(StrEnum):
    """What became of the cards that were saved with a booking."""

    NONE = "none"  # there never was one, or it is not looked up yet
    KEPT = "kept"
    LOST = "lost"  # every one of them was removed since


def find_saved(session: Session, booking_id: int) -> Saved:
    """Whether there is a card that could be charged, or was."""
    removed = session.scalars(select(SavedCard.removed_at).where(SavedCard.booking_id == booking_id)).all()
    if not removed:
        return Saved.NONE
    return Saved.LOST if all(removed) else Saved.KEPT


def read_wallet(session: Session, booking_id: int) -> Wallet:
    """What the booking's own page and the booking sheet show."""
    consent = session.scalar(select(CardConsent).where(CardConsent.booking_id == booking_id))
    live = select(SavedCard).where(SavedCard.booking_id == booking_id, SavedCard.removed_at.is_(None))
    rows = session.scalars(live.order_by(SavedCard.is_default.desc(), SavedCard.id.desc()))
    agreed = tuple(consent.text) if consent else ()
    return Wallet(tuple(map(_row, rows)), agreed, consent.agreed_at if consent else None)


def _row(card: SavedCard) -> CardRow:
    return CardRow(
        id=card.id,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        is_default=card.is_default,
        saved_at=card.created_at,
    )
