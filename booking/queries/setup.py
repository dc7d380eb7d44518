"""How far a new shop has come: what the first-run wizard asks for next."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import BookingStatus, PaymentStatus, Source
from booking.models import Booking, Listing, Photo, Property, WebhookEvent
from booking.queries.search import find_property


class Step(StrEnum):
    """The steps of the wizard, in their order."""

    HOUSE = "house"
    LISTING = "listing"
    PHOTO = "photo"
    STRIPE = "stripe"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest test booking. `webhook_at` is None while none of Stripe's events about it has arrived."""

    booking_id: int
    reference: str
    listing: str
    stay: Stay
    amount: Money
    status: BookingStatus
    payment_status: PaymentStatus
    confirmed_at: datetime | None
    confirmed_via: Source | None
    webhook_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        """Whether its payment is still awaited."""
        return self.status is BookingStatus.PENDING

    @property
    def is_confirmed(self) -> bool:
        return self.status is BookingStatus.CONFIRMED

    @property
    def is_given_back(self) -> bool:
        """Whether it was paid, cancelled, and its money is back or on its way."""
        gone = (PaymentStatus.REFUNDED, PaymentStatus.REFUND_PENDING)
        return self.status is BookingStatus.CANCELLED and self.payment_status in gone


@dataclass(frozen=True, slots=True)
class Setup:
    """What is there already."""

    place: Property | None
    listing: Listing | None  # the first one
    photos: int
    trial: Trial | None

    @property
    def next_step(self) -> Step:
        """The first step that is not done; photos can be skipped, so that nobody is held up by them for good."""
        if self.place is None:
            return Step.HOUSE
        if self.listing is None:
            return Step.LISTING
        if self.trial is not None:
            return Step.TRIAL
        return Step.STRIPE if self.photos else Step.PHOTO

    @property
    def open_steps(self) -> tuple[Step, ...]:
        """The steps that can be done now: without a house there is no listing, and without one nothing to book."""
        if self.place is None:
            return (Step.HOUSE,)
        return tuple(Step)[:2] if self.listing is None else tuple(Step)

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps that are done."""
        facts = {
            Step.HOUSE: self.place is not None,
            Step.LISTING: self.listing is not None,
            Step.PHOTO: self.photos > 0,
            Step.STRIPE: self.trial is not None and self.trial.webhook_at is not None,
            Step.TRIAL: self.trial is not None and self.trial.is_given_back,
        }
        return tuple(step for step in Step if facts[step])


def read_setup(session: Session, trial_key: str) -> Setup:
    """How far the shop has come."""
    first = select(Listing).order_by(Listing.position, Listing.id).limit(1)
    listing, photos = session.scalar(first), session.scalar(select(func.count()).select_from(Photo)) or 0
    return Setup(find_property(session), listing, photos, _find_trial(session, trial_key))


def has_house(session: Session) -> bool:
    """Whether the property is described."""
    return session.scalar(select(Property.id).limit(1)) is not None


def _find_trial(session: Session, trial_key: str) -> Trial | None:
    newest = select(Booking).where(Booking.browser_key == trial_key).order_by(Booking.id.desc()).limit(1)
    row = session.scalar(newest.execution_options(populate_existing=True))
    if row is None:
        return None
    heard = select(func.min(WebhookEvent.received_at)).where(WebhookEvent.booking_id == row.id)
    return Trial(
        row.id, row.reference, row.listing.name, row.stay, row.amount, row.status, row.payment_status,
        row.confirmed_at, row.confirmed_via, session.scalar(heard),
    )  # fmt: skip
