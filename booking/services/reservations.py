"""Placing a booking, cancelling one, and ending holds whose time is over."""

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import transaction, write_now
from booking.domain.charging import Consent
from booking.domain.coupons import NOTHING_LEFT, Coupon
from booking.domain.dates import Stay
from booking.domain.errors import (
    CouponRefused,
    DatesUnavailable,
    ListingNotFound,
    PlanChanged,
    PriceChanged,
    TooManyHolds,
    TransitionRefused,
    WayChanged,
)
from booking.domain.money import Money
from booking.domain.payment_plans import Schedule, schedule_in_words
from booking.domain.policy import hold_deadline, session_expiry
from booking.domain.pricing import Ask, Quote, Wishes, quote
from booking.domain.requests import RequestState, request_in_words
from booking.domain.states import (
    BookingStatus,
    CancelReason,
    ChangeStatus,
    PaymentStatus,
    RefundReason,
    Source,
)
from booking.domain.stay_rules import check_stay
from booking.domain.terms import terms_in_words
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable, PaymentGatewayError
from booking.language import language
from booking.models import Attempt, Booking, Listing, Refund, StayRequest
from booking.queries.club import MemberRate, find_rate
from booking.queries.holds import Glance, find_rivals, glance, take_first_look
from booking.queries.on_sale import find_kept, on_sale
from booking.runtime import Runtime
from booking.services import (
    attempts,
    audit,
    cards,
    checkout,
    coupons,
    dues,
    holds,
    notifications,
    refunds,
    requests,
    swaps,
    timeline,
)
from booking.services.authorisations import end_request
from booking.services.holds import Holder
from booking.services.instance import Identity, get_identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.nights import Claim, Overtaken, Picked, claim_picked, claim_swiftly, free_nights, pick_unit
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# Without the letters that are read as digits: https://www.crockford.com/base32.html
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PAID_MEANWHILE = "This booking was paid just now. Look at it again before you cancel it."


@dataclass(frozen=True, slots=True)
class GuestDetails:
    """What the guest typed of themselves."""

    name: str
    email: str
    phone: str = ""
    message: str = ""
    arrival_time: str = ""  # "16:30" on the property's own clock; empty where the guest did not say
    language: str = "en"  # in which they booked


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """What the review page asks for. `browser_id` is the random id in the browser's own cookie."""

    listing_id: int
    stay: Stay
    guests: int
    guest: GuestDetails
    browser_id: str
    shown_total: Money
    network: str = ""  # where the request came from, as limits count it; empty where nobody asked over a network
    wishes: Wishes = field(default_factory=Wishes)
    shown_plan: str = ""  # Schedule.mark of what was shown; empty: all of it at once
    account_id: int | None = None  # who is signed in; what they save is looked up anew when the booking is placed
    consent: str = ""  # the name of the words about saving a card that stood on the page; empty where none did
    is_request: bool | None = None  # whether the guest read that it is one; None where nobody was asked


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold, new or the guest's own from before; `is_confirmed` where it is paid already."""

    booking_id: int
    reference: str
    is_confirmed: bool


def place_booking(runtime: Runtime, request: PlaceRequest) -> Placed:
    """Hold the nights for a guest, with the price frozen and the payment attempt written. Commits.

    The same browser asking again for the same stay gets the same hold: double clicks, the back button and a second tab
    change nothing. An earlier unpaid hold of this browser that is in the way is ended at Stripe first.

    Raises:
        ListingNotFound, StayRuleBroken, DatesUnavailable, PriceChanged, PlanChanged, TooManyHolds, CouponRefused:
            nothing is held.
        GatewayUnavailable: an earlier hold is in the way and Stripe does not answer.
    """
    identity = get_identity(runtime)
    placed = _place_or_find(runtime, request, identity) or _place_or_find(runtime, request, identity, is_second=True)
    assert placed is not None, "the second look raises where nothing is found"
    return placed


def cancel_booking(
    runtime: Runtime, booking_id: int, reason: CancelReason, cause: Cause, refund: Money | None, form_token: str
) -> None:
    """Cancel a booking, free its nights, and write the refund in the same transaction. Commits.

    An unpaid booking is first ended at Stripe. The same form sent twice cancels once.

    Raises:
        BookingNotFound, RefundRefused: nothing was changed.
        TransitionRefused: it was cancelled before, or paid while it was being let go.
        GatewayUnavailable: it could still be paid and Stripe does not answer.
    """
    for _ in range(checkout.MOST_ROUNDS):
        status = _end_unpaid(runtime, booking_id, cause)
        if status is BookingStatus.CANCELLED:
            return  # its payment had failed, and that was the last of it
        if _cancel(runtime, booking_id, reason, cause, refund, form_token, was_unpaid=status is not None):
            requests.release_now(runtime, booking_id)
            runtime.wake_worker()
            return
    raise GatewayUnavailable("sessions are opened as fast as they are ended")


def browser_key(browser_id: str) -> str:
    """What a booking keeps of the browser that made it."""
    return _digest(browser_id)


def expire_holds(runtime: Runtime) -> list[str]:
    """End every unpaid booking whose hold is over, asking Stripe first; a line for each. Commits one by one.

    Nothing waits for this: nights of a hold that is over are free to take already. It gives such bookings their final
    status, and confirms those that turn out to be paid.
    """
    lines = []
    for booking_id in _find_overdue(runtime.clock.now()):
        try:
            status = checkout.close_overdue(runtime, booking_id)
            lines.append(f"booking {booking_id}: {status}")
        except PaymentGatewayError as error:
            logger.warning("hold_not_ended", extra={"booking": booking_id, "error": error.code})
            lines.append(f"booking {booking_id}: Stripe did not answer, will be tried again")
    return lines


def check_and_quote(
    listing: Listing,
    stay: Stay,
    guests: int,
    now: datetime,
    wishes: Wishes | None = None,
    coupon: Coupon | None = None,
    member_off: int = 0,
) -> Quote:
    """The price of a stay that the listing's rules allow; `member_off` as a member of the club saves.

    Raises:
        StayRuleBroken: it names the field.
        CouponRefused: nothing would be left to pay.
    """
    today = listing.property.today(now)
    check_stay(listing.rules, stay, guests, today)
    priced = quote(listing.rates, Ask.by(stay, guests, today, wishes, coupon, member_off))
    if coupon and priced.total.minor <= 0:
        raise CouponRefused(NOTHING_LEFT)
    return priced


def freeze_terms(listing: Listing, now: datetime, code: str) -> dict[str, Any]:
    """The listing's cancellation terms as a booking keeps them: with the moment, and with the words its guest read."""
    terms, speaker = listing.terms, language(code)
    text = [speaker.speak(said) for said in terms_in_words(terms)]
    return {**terms.as_json(), "booked_at": now.isoformat(), "text": text, "language": speaker.code}


def freeze_plan(schedule: Schedule, now: datetime, code: str, *, from_card: bool = False) -> dict[str, Any] | None:
    """What is paid when, as a booking keeps it: with the moment of agreeing, and with the words its guest agreed to.

    `from_card` where the guest lets the house charge the card that is saved. None where all is paid at once: there is
    nothing to keep but the price.
    """
    if not schedule.mark:
        return None
    speaker = language(code)
    text = [speaker.speak(said) for said in schedule_in_words(schedule, from_card=from_card)]
    return {**schedule.as_json(), "agreed_at": now.isoformat(), "text": text, "language": speaker.code}


# --- placing --------------------------------------------------------------------------------------------------------


def _place_or_find(
    runtime: Runtime, request: PlaceRequest, identity: Identity, *, is_second: bool = False
) -> Placed | None:
    """A new hold, or what this browser has made of the same wish: the other half of a double click may be first.

    None where there is one at another price that came after rivals were let go of: that is to be tried once more. What
    is there then cannot be let go of, because its guest is paying for it or the host has to answer: it is the stay.
    """
    seen = _glance(runtime, request)
    if seen.has_rivals and _let_go_of_rivals(runtime, request):
        seen = _glance(runtime, request)
    _refuse_taken(runtime, request, seen)
    try:
        return _place_swiftly(runtime, request, identity)
    except (IntegrityError, DatesUnavailable, TooManyHolds):
        if not _glance(runtime, request).was_wished:  # few have, and only they wait for those who write
            raise
        placed = _find_placed(request, at_any_price=is_second)
        if placed is None and is_second:
            raise
        return placed


def _place_swiftly(runtime: Runtime, request: PlaceRequest, identity: Identity) -> Placed:
    try:
        return _place(runtime, request, identity, claim_swiftly)
    except Overtaken:
        return _place(runtime, request, identity, claim_picked)


def _place(runtime: Runtime, request: PlaceRequest, identity: Identity, claim: Claim) -> Placed:
    now = runtime.clock.now()
    with transaction() as session:
        look = take_first_look(session, request.listing_id, request.stay, _browser_key(request), now)
        own = _find_own(session, request) if hold_key(request) in look.hold_keys else None
        if own is not None:
            return _use_again(own, request.guest)
        # What is on sale is read from memory where the number says that it is what this transaction would read.
        listing = find_kept(session, request.listing_id, look.version) or _get_listing(session, request.listing_id)
        coupon = coupons.take_coupon(session, listing, request.stay, request.wishes.code, now)
        terms = coupon.terms if coupon else None
        rate = _find_rate(session, request, listing, identity, now)
        off = rate.off if rate else 0
        priced = check_and_quote(listing, request.stay, request.guests, now, request.wishes, terms, off)
        if request.is_request not in (None, listing.takes_requests):
            raise WayChanged
        if priced.total != request.shown_total:
            raise PriceChanged(shown=request.shown_total, total=priced.total)
        schedule = _agreed_schedule(listing, request, priced, now)
        holder = Holder(_browser_key(request), request.guest.email, request.network)
        holds.refuse_too_many(session, runtime, holder, look, listing, request.stay, now)
        picked = pick_unit(session, listing, request.stay, now, look.unit_id)
        consent = _agreed_consent(listing, request, priced, schedule, now)
        booking = write_booking(
            session, listing, picked.first, request, priced, now,
            coupon_id=coupon.id if coupon else None,
            plan=freeze_plan(schedule, now, request.guest.language, from_card=consent is not None),
            membership_id=rate.membership_id if rate else None, member_off=off,
            hold_until=hold_deadline(session_expiry(now, runtime.settings.hold_minutes)),
        )  # fmt: skip
        if consent is not None:
            cards.agree(session, booking, consent, now)
        holds.note_network(session, runtime, holder, booking.id, now)
        if listing.takes_requests:
            _write_request(session, listing, booking, now)
        agreed = attempts.Agreed(listing.name, listing.takes_requests, consent is not None)
        attempt = attempts.write_attempt(session, runtime, booking, 1, now, identity, agreed=agreed)
        take_unit(session, booking, picked, now, claim)
        return _note_placed(session, booking, attempt, now)


def _note_placed(session: Session, booking: Booking, attempt: Attempt, now: datetime) -> Placed:
    note = f"session until {attempt.expires_at:%H:%M} UTC"
    timeline.record(session, booking, "placed", Cause(Source.WEB), now, new=BookingStatus.PENDING, note=note)
    return Placed(booking.id, booking.reference, is_confirmed=False)


def _agreed_schedule(listing: Listing, request: PlaceRequest, priced: Quote, now: datetime) -> Schedule:
    """What is paid when. Raises PlanChanged where that is not what the guest saw."""
    schedule = listing.schedule(priced.total, request.stay.arrive, now)
    if schedule.mark != request.shown_plan:
        raise PlanChanged
    return schedule


def _find_rate(
    session: Session, request: PlaceRequest, listing: Listing, identity: Identity, now: datetime
) -> MemberRate | None:
    """What whoever is signed in saves at this very moment; a page may have promised it, and it may have ended since."""
    if request.account_id is None or not listing.property.in_club:
        return None
    return find_rate(session, request.account_id, identity.livemode, now)


def _agreed_consent(
    listing: Listing, request: PlaceRequest, priced: Quote, schedule: Schedule, now: datetime
) -> Consent | None:
    """What the guest read about saving a card. Where the house asks for something else by now, nothing.

    That a card is saved is no condition of the booking then: nobody is held to words that they did not see. Only for
    a stay that is paid later it is one: raises PlanChanged.
    """
    consent = cards.offered_consent(listing, priced, request.stay.arrive, now)
    if consent and cards.name_of(consent, request.guest.language) == request.consent:
        return consent
    if schedule.is_guaranteed:
        raise PlanChanged
    return None


def _write_request(session: Session, listing: Listing, booking: Booking, now: datetime) -> None:
    """What the guest agreed to ask, in the words that they read."""
    speaker = language(booking.language)
    words = [speaker.speak(said) for said in request_in_words(booking.amount, listing.answer_hours)]
    session.add(
        StayRequest(
            booking_id=booking.id,
            state=RequestState.STARTED,
            answer_hours=listing.answer_hours,
            consent=words,
            consented_at=now,
        )
    )
    session.flush()  # the attempt asks for what the request needs


def _glance(runtime: Runtime, request: PlaceRequest) -> Glance:
    key, wish = _browser_key(request), hold_key(request)
    return glance(db.session(), request.listing_id, request.stay, key, wish, runtime.clock.now())


def _refuse_taken(runtime: Runtime, request: PlaceRequest, seen: Glance) -> None:
    """Tell most of those who come too late at a plain look, before anything is locked, written or worked out.

    Whoever gets past it may still be too late: the claim of the nights decides. Whose own hold has the nights is let
    past, and a stay that no rule allows is told so.

    Raises:
        StayRuleBroken, DatesUnavailable: as placing it would.
    """
    session = db.session()
    # Where it was not kept it is from here on, also for the transaction that follows.
    listing = find_kept(session, request.listing_id, seen.version) or on_sale(session).by_id.get(request.listing_id)
    if listing is None or seen.is_free or seen.was_wished:
        return
    check_stay(listing.rules, request.stay, request.guests, listing.property.today(runtime.clock.now()))
    raise DatesUnavailable


def _find_placed(request: PlaceRequest, *, at_any_price: bool) -> Placed | None:
    """What this browser has made of the same wish."""
    with transaction() as session:
        own = _find_own(session, request, at_any_price=at_any_price)
        return _use_again(own, request.guest) if own else None


def _get_listing(session: Session, listing_id: int) -> Listing:
    listing = session.get(Listing, listing_id)
    if listing is None or not listing.is_active:
        raise ListingNotFound
    return listing


def _find_own(session: Session, request: PlaceRequest, *, at_any_price: bool = False) -> Booking | None:
    """This browser's booking of exactly this stay: held (at exactly this price and plan, unless any), or confirmed."""
    own = select(Booking).where(
        Booking.hold_key == hold_key(request),
        Booking.status.in_((BookingStatus.PENDING, BookingStatus.CONFIRMED)),
    )
    booking = session.scalar(own.order_by(Booking.id.desc()).limit(1))
    if booking is None or booking.status is BookingStatus.CONFIRMED or at_any_price:
        return booking
    is_as_shown = (booking.amount, booking.schedule.mark) == (request.shown_total, request.shown_plan)
    return booking if is_as_shown else None


def _use_again(booking: Booking, guest: GuestDetails) -> Placed:
    if booking.status is BookingStatus.PENDING:
        _write_guest(booking, guest)
    return Placed(booking.id, booking.reference, booking.status is BookingStatus.CONFIRMED)


def write_booking(
    session: Session, listing: Listing, unit_id: int, request: PlaceRequest, priced: Quote, now: datetime, **more: Any
) -> Booking:
    """A pending booking at a frozen price, whose nights are still to be taken. Joins the caller's transaction.

    `more` are columns that not every way of booking fills.
    """
    booking = Booking(
        reference="".join(secrets.choice(_ALPHABET) for _ in range(8)),
        listing_id=listing.id,
        unit_id=unit_id,
        arrive=request.stay.arrive,
        leave=request.stay.leave,
        guests=request.guests,
        status=BookingStatus.PENDING,
        payment_status=PaymentStatus.UNPAID,
        hold_key=hold_key(request),
        browser_key=_browser_key(request),
        amount_minor=priced.total.minor,
        currency=priced.total.currency,
        quote=priced.as_json(),
        terms=freeze_terms(listing, now, request.guest.language),
        wishes=request.wishes.as_json(),
        **more,
    )
    _write_guest(booking, request.guest)
    write_now(session, booking)  # the nights and the attempt name its id; a rival half of a double click waits here
    return booking


def _write_guest(booking: Booking, guest: GuestDetails) -> None:
    booking.guest_name, booking.guest_email = guest.name, guest.email
    booking.guest_phone, booking.message = guest.phone, guest.message
    booking.arrival_time, booking.language = guest.arrival_time, guest.language


def take_unit(session: Session, booking: Booking, picked: Picked, now: datetime, claim: Claim = claim_picked) -> None:
    """Take the nights of a new booking until its hold ends. Joins the transaction. Raises DatesUnavailable."""
    unit_id = claim(session, booking, picked, now, hold_until=booking.hold_until)
    if unit_id is None:
        raise DatesUnavailable
    if unit_id != booking.unit_id:  # a flush looks at what is set, the same or not
        booking.unit_id = unit_id


def hold_key(request: PlaceRequest) -> str:
    """What makes two requests the same wish: one browser, one stay, one party, the same extras."""
    stay, wishes = request.stay, request.wishes
    wanted = [json.dumps(wishes.as_json(), sort_keys=True)] if wishes else []
    return _digest(request.browser_id, request.listing_id, stay.arrive, stay.leave, request.guests, *wanted)


def _browser_key(request: PlaceRequest) -> str:
    return browser_key(request.browser_id)


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


# --- letting go -----------------------------------------------------------------------------------------------------


def _let_go_of_rivals(runtime: Runtime, request: PlaceRequest) -> bool:
    """A guest who changes dates, party or price must not be kept out by a hold of their own; whether there was one."""
    rivals = _find_rivals(request)
    for booking_id in rivals:
        checkout.abandon_checkout(runtime, booking_id, Cause(Source.WEB))
    return bool(rivals)


def _find_rivals(request: PlaceRequest) -> list[int]:
    """Unpaid bookings of this browser that want nights of this stay, but are not what is asked for now."""
    wanted = hold_key(request), request.shown_total, request.shown_plan
    rivals = find_rivals(db.session(), request.listing_id, request.stay, _browser_key(request))
    return [rival.id for rival in rivals if (rival.hold_key, rival.amount, rival.schedule.mark) != wanted]


def _end_unpaid(runtime: Runtime, booking_id: int, cause: Cause) -> BookingStatus | None:
    """Where an unpaid booking stands once nobody can pay it any more; None where there was nothing to end."""
    booking = db.session.get(Booking, booking_id, populate_existing=True)
    if booking is None or booking.status is not BookingStatus.PENDING:
        return None
    status = attempts.end_sessions(runtime, booking_id, cause)
    if status is BookingStatus.CONFIRMED:
        raise TransitionRefused(PAID_MEANWHILE)
    return status


def _cancel(
    runtime: Runtime,
    booking_id: int,
    reason: CancelReason,
    cause: Cause,
    refund: Money | None,
    form_token: str,
    *,
    was_unpaid: bool,
) -> bool:
    """Cancel in one transaction; False where it can be paid again since its sessions were ended."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if _was_sent_before(session, booking, form_token):
            return True
        if was_unpaid and booking.status is BookingStatus.CONFIRMED:
            raise TransitionRefused(PAID_MEANWHILE)  # or its money would stay here, with no stay for it
        if booking.status is BookingStatus.PENDING and attempts.is_payable(session, booking_id):
            return False
        timeline.move(
            session, booking, BookingStatus.CANCELLED, "cancelled", cause, now,
            cancel_reason=reason, cancelled_at=now, hold_until=None, needs_review=False,
            calendar_sequence=booking.calendar_sequence + 1,
        )  # fmt: skip
        change = swaps.find_open_change(session, booking.id)
        if change is not None:
            swaps.drop_change(session, booking, change, ChangeStatus.WITHDRAWN, cause, now)
        dues.drop_with_booking(session, booking, cause, now)
        free_nights(session, booking_id=booking.id)
        end_request(session, booking, RequestState.WITHDRAWN, now, answered_by=cause.actor)
        refresh_money(session, booking)
        if refund is not None and refund.minor:
            refunds.spread_refund(session, booking, refund, RefundReason.CANCELLATION, cause, now, form_token)
        notifications.tell_guest(
            session, booking, GuestMail.CANCELLED, now, refund=refund, by_guest=reason is CancelReason.GUEST
        )
        back = {"refund_minor": refund.minor if refund else 0, "currency": booking.currency}
        audit.record_if_staff(session, cause, "booking.cancelled", f"booking {booking.reference}", now, **back)
        return True


def _was_sent_before(session: Session, booking: Booking, form_token: str) -> bool:
    if booking.status is not BookingStatus.CANCELLED:
        return False
    return session.scalar(select(Refund.id).where(Refund.form_token == form_token)) is not None


def _find_overdue(now: datetime) -> list[int]:
    overdue = select(Booking.id).where(
        Booking.status == BookingStatus.PENDING,
        Booking.payment_status != PaymentStatus.AUTHORIZED,  # it lapses: see requests.py
        Booking.hold_until <= now,
        Booking.needs_review.is_(False),
    )
    return list(db.session.scalars(overdue.order_by(Booking.hold_until)))
