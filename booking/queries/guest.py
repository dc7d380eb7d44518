"""A booking as its guest sees it: plain values that outlive every transaction, with the money from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.domain.cancelling import Cancelling, Standing, cancelling
from booking.domain.charging import Consent
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.payment_plans import Schedule
from booking.domain.policy import HOLD_GRACE
from booking.domain.pricing import Quote
from booking.domain.requests import RequestState
from booking.domain.states import (
    BookingStatus,
    CancelReason,
    ChangeStatus,
    DueKind,
    PaymentStatus,
)
from booking.domain.terms import RefundStep, open_steps
from booking.domain.words import Said
from booking.models import Booking, OutboxRow, Photo, Property, StayChange
from booking.models.outbox import OutboxKind, OutboxState
from booking.queries.cards import Saved, find_saved, find_wanted_consent, has_wallet
from booking.queries.charges import Charge
from booking.queries.dues import Owed, list_owed
from booking.queries.guest_money import Paid, Returned, money_facts, read_refundable, sum_in
from booking.queries.nights import keeps_nights

_CONFIRMATION = "confirmed"
# A sum that is still reserved is being let go.
_NEVER_PAID = (PaymentStatus.UNPAID, PaymentStatus.FAILED, PaymentStatus.AUTHORIZED)
_ENDED_REQUEST = (
    RequestState.DECLINED, RequestState.LAPSED, RequestState.DATES_GONE, RequestState.CARD_FAILED,
)  # fmt: skip


class GuestState(StrEnum):
    """What a guest must be told first. Each has a part of the booking page to itself."""

    CONFIRMED = "confirmed"
    STAYED = "stayed"  # confirmed, and the day of departure has passed
    HELD = "held"  # not paid, can still pay
    OVER = "over"  # the time to pay has passed
    PROCESSING = "processing"  # a bank debit is on its way
    REQUESTED = "requested"  # a sum is reserved on the card, and the host is to answer
    REQUEST_OFF = "request_off"  # a request that came to nothing, with nothing charged
    REVIEW = "review"  # a person looks at the payment
    DATES_GONE = "dates_gone"
    LET_GO = "let_go"  # given up by its guest or the house, and nothing was ever paid
    CANCELLED = "cancelled"
    PAYMENT_FAILED = "payment_failed"  # and nothing was ever paid


@dataclass(frozen=True, slots=True)
class Place:
    """Where the guest goes, and whom to ask."""

    name: str
    address: str
    timezone: str
    contact_email: str
    contact_phone: str
    check_in_from: str
    check_out_by: str
    house_rules: str
    directions: str

    def clock(self, instant: datetime) -> str:
        """An instant on the property's own clock: "14:35"."""
        return f"{instant.astimezone(ZoneInfo(self.timezone)):%H:%M}"


class LetterStage(StrEnum):
    """How far the newest confirmation is on its way to the guest."""

    COMING = "coming"
    SENT = "sent"
    LOST = "lost"  # given up: the address takes no mail


@dataclass(frozen=True, slots=True)
class OfferedChange:
    """Other dates or guests that the house would give, once the difference is paid."""

    stay: Stay
    guests: int
    total: Money
    difference: Money
    pay_until: datetime | None  # None while a bank is working on the payment


@dataclass(frozen=True, slots=True)
class AskedStay:
    """What a guest asked for, and what became of it. `reason` is the host's own words."""

    state: RequestState
    answer_by: datetime | None  # None until a sum is reserved
    reason: str


@dataclass(frozen=True, slots=True)
class GuestBooking:
    """One booking with everything its page shows. Personal: only for a browser that may see it."""

    id: int
    reference: str
    state: GuestState
    status: BookingStatus
    payment_status: PaymentStatus
    cancel_reason: CancelReason | None
    stay: Stay
    guests: int
    quote: Quote
    steps: tuple[RefundStep, ...]
    rest: Money  # what comes back later than all of them
    listing_name: str
    listing_slug: str
    cover: Photo | None
    place: Place
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    message: str = field(repr=False)
    arrival_time: str
    pay_until: datetime | None  # None where no hold is running
    pays_another_day: bool  # that moment is not today, where the house is
    keeps_nights: bool  # with no end: paid for, or nobody else can have them until the news is here
    charge: Charge
    decline: Said | None  # what to say of a card that was refused; None where that matters no more
    paid: Money
    payments: tuple[Paid, ...]
    returned: tuple[Returned, ...]
    withdrawn: Money  # what the guest's bank has taken back by itself
    refund_failed: bool
    needs_review: bool
    disputed: bool  # a lost one too: that money is gone
    is_dispute_open: bool
    confirmation: LetterStage
    cancelling: Cancelling
    can_change: bool  # name, telephone, arrival time, message
    erase_asked_on: date | None
    change: OfferedChange | None
    owed: tuple[Owed, ...]  # what is still to be paid beside the first payment
    schedule: Schedule  # as it was agreed to when booking
    has_cards: bool  # a card was saved with it, or was to be
    saved: Saved  # whether it is there to be charged
    wanted_consent: Consent | None  # what is to be agreed to before a card is left; None where nothing is
    request: AskedStay | None
    sequence: int  # rises with each change that a calendar must hear of
    changed_at: datetime

    @property
    def total(self) -> Money:
        return self.quote.total

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name.split() else ""

    @property
    def sent_back(self) -> Money:
        """What went back or is on its way."""
        return sum_in((back.amount for back in self.returned if back.counts), self.total.currency)

    @property
    def kept(self) -> Money:
        """What the house has of the guest's money."""
        rest = self.paid - self.sent_back - self.withdrawn
        return Money(max(0, rest.minor), rest.currency)

    @property
    def balance(self) -> Owed | None:
        """What is left to pay of the price; None where nothing is."""
        return next((owed for owed in self.owed if owed.kind is DueKind.BALANCE), None)

    @property
    def waits_for_card(self) -> bool:
        """Whether what is left of the price will be charged to a card that is kept, on a day that has not passed."""
        balance = self.balance
        if balance is None or balance.is_stopped or balance.decline or not self._has_card_to_charge:
            return False
        return (self.stay.arrive - balance.due_on).days <= self.cancelling.days_before

    @property
    def _has_card_to_charge(self) -> bool:
        """A booking that a card alone stands for has one, also in the moment before it is looked up."""
        if self.schedule.is_guaranteed:
            return self.saved is not Saved.LOST
        return self.has_cards and self.saved is Saved.KEPT

    @property
    def received(self) -> tuple[Money, ...]:
        """Each payment as it came: one that nobody asked for may be of another currency."""
        return tuple(payment.amount for payment in self.payments)

    @property
    def is_paid_at_house(self) -> bool:
        """Whether the house took some of it itself, and so hands that back itself."""
        return any(not payment.is_with_stripe for payment in self.payments)

    @property
    def can_reopen(self) -> bool:
        """Whether its guest may ask for a new page to pay on, though the time of the last one is over."""
        return self.state is GuestState.OVER and self.status is BookingStatus.PENDING

    @property
    def masked_email(self) -> str:
        """Enough for the guest to see a slip of the finger, too little for somebody looking over a shoulder."""
        name, _, host = self.email.partition("@")
        return f"{name[:1]}•••@{host}"


def find_guest_booking(session: Session, reference: str, now: datetime, language: str = "en") -> GuestBooking | None:
    """The booking with this reference, or None. Whether the asker may see it is for the caller to know.

    Once it is erased there is nothing of a guest's left to show.
    """
    return _find(session, (Booking.reference == reference) & Booking.erased_at.is_(None), now, language)


def find_newest_held(
    session: Session, references: Sequence[str], now: datetime, language: str = "en"
) -> GuestBooking | None:
    """The newest of these bookings that is still waiting for its payment; None where there is none."""
    return _find(
        session,
        Booking.reference.in_(references)
        & (Booking.status == BookingStatus.PENDING)
        & (Booking.payment_status != PaymentStatus.AUTHORIZED)
        & (Booking.hold_until > now + HOLD_GRACE),
        now,
        language,
    )


def read_cancelling(session: Session, booking: Booking, now: datetime) -> Cancelling:
    """What it would mean to cancel this booking at this moment."""
    can_let_go = _state(booking, now) is GuestState.HELD or _can_withdraw(booking)
    standing = Standing(
        booking.status, booking.payment_status, can_let_go, booking.needs_review, booking.disputed,
        booking.no_show_at is not None,
    )  # fmt: skip
    return cancelling(standing, booking.deal, read_refundable(session, booking), now)


def _can_withdraw(booking: Booking) -> bool:
    return booking.request is not None and booking.request.state is RequestState.ASKED


def may_change(booking: Booking, now: datetime) -> bool:
    """Whether its guest may still tell the house something else: the stay is neither cancelled nor over."""
    is_on = booking.status in (BookingStatus.PENDING, BookingStatus.CONFIRMED)
    return is_on and booking.listing.property.today(now) <= booking.leave


def _find(session: Session, condition: ColumnElement[bool], now: datetime, language: str) -> GuestBooking | None:
    booking = session.scalar(select(Booking).where(condition).order_by(Booking.id.desc()).limit(1))
    return _as_guest_sees(session, booking, now, language) if booking else None


def _as_guest_sees(session: Session, booking: Booking, now: datetime, language: str) -> GuestBooking:
    """Long, because a page shows much."""
    quote = Quote.from_json(booking.quote)
    listing, place = booking.listing, booking.listing.property
    return GuestBooking(
        id=booking.id,
        reference=booking.reference,
        state=_state(booking, now),
        status=booking.status,
        payment_status=booking.payment_status,
        cancel_reason=booking.cancel_reason,
        stay=booking.stay,
        guests=booking.guests,
        quote=quote,
        steps=open_steps(booking.deal, now),
        rest=booking.deal.rest,
        listing_name=listing.words("name", language),
        listing_slug=listing.slug,
        cover=listing.cover,
        place=_place(place, language),
        name=booking.guest_name,
        email=booking.guest_email,
        phone=booking.guest_phone,
        message=booking.message,
        arrival_time=booking.arrival_time,
        pay_until=_pay_until(booking),
        pays_another_day=_pays_another_day(booking, now),
        keeps_nights=keeps_nights(session, booking.id, booking.stay),
        confirmation=_confirmation(session, booking),
        cancelling=read_cancelling(session, booking, now),
        can_change=may_change(booking, now),
        erase_asked_on=place.today(booking.erase_asked_at) if booking.erase_asked_at else None,
        change=_offered_change(session, booking),
        owed=list_owed(session, booking),
        schedule=booking.schedule,
        has_cards=has_wallet(session, booking.id),
        saved=find_saved(session, booking.id),
        wanted_consent=find_wanted_consent(session, booking),
        request=_request(booking),
        sequence=booking.calendar_sequence,
        changed_at=booking.updated_at,
        **money_facts(session, booking, now),
    )


def _offered_change(session: Session, booking: Booking) -> OfferedChange | None:
    waiting = select(StayChange).where(StayChange.booking_id == booking.id, StayChange.status == ChangeStatus.OPEN)
    found = session.scalar(waiting) if booking.status is BookingStatus.CONFIRMED else None
    if found is None:
        return None
    until = found.hold_until - HOLD_GRACE if found.hold_until else None
    return OfferedChange(found.stay, found.guests, found.amount, found.difference, until)


def _request(booking: Booking) -> AskedStay | None:
    found = booking.request
    return AskedStay(found.state, found.answer_by, found.reason) if found else None


def _place(place: Property, language: str) -> Place:
    return Place(
        place.name,
        place.address,
        place.timezone,
        place.contact_email,
        place.contact_phone,
        place.check_in_from,
        place.check_out_by,
        place.words("house_rules", language),
        place.words("directions", language),
    )


def _pay_until(booking: Booking) -> datetime | None:
    # The nights are kept a little longer than the payment page lives, but nobody can pay in that time.
    return booking.hold_until - HOLD_GRACE if booking.hold_until else None


def _pays_another_day(booking: Booking, now: datetime) -> bool:
    until, place = _pay_until(booking), booking.listing.property
    return until is not None and place.today(until) != place.today(now)


def _state(booking: Booking, now: datetime) -> GuestState:
    if booking.status is BookingStatus.CONFIRMED:
        return GuestState.STAYED if booking.listing.property.today(now) > booking.leave else GuestState.CONFIRMED
    if booking.status is BookingStatus.CANCELLED:
        return _cancelled_state(booking)
    if booking.needs_review:
        return GuestState.REVIEW
    if booking.payment_status is PaymentStatus.AUTHORIZED:
        return GuestState.REQUESTED
    if booking.payment_status is PaymentStatus.PROCESSING:
        return GuestState.PROCESSING  # also where its news came after the end of the hold
    if booking.status is BookingStatus.EXPIRED:
        return GuestState.OVER
    pay_until = _pay_until(booking)
    return GuestState.HELD if pay_until and pay_until > now else GuestState.OVER


def _cancelled_state(booking: Booking) -> GuestState:
    is_unpaid = booking.confirmed_at is None and booking.payment_status in _NEVER_PAID
    if is_unpaid and booking.request and booking.request.state in _ENDED_REQUEST:
        return GuestState.REQUEST_OFF
    if booking.cancel_reason is CancelReason.DATES_UNAVAILABLE:
        return GuestState.DATES_GONE
    if not is_unpaid:
        return GuestState.CANCELLED
    if booking.cancel_reason is CancelReason.PAYMENT_FAILED:
        return GuestState.PAYMENT_FAILED
    return GuestState.LET_GO


def _confirmation(session: Session, booking: Booking) -> LetterStage:
    """Of the newest one: an earlier one may have gone to an address that was wrong."""
    asked = select(OutboxRow).where(OutboxRow.booking_id == booking.id, OutboxRow.kind == OutboxKind.MAIL)
    rows = session.scalars(asked.order_by(OutboxRow.id.desc()))
    newest = next((row for row in rows if row.payload.get("mail") == _CONFIRMATION), None)
    stages = {OutboxState.DONE: LetterStage.SENT, OutboxState.DEAD: LetterStage.LOST}
    return stages.get(newest.state, LetterStage.COMING) if newest else LetterStage.COMING
