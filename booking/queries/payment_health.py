"""How well paying works, read in a fixed number of statements: what the page, its files and the metrics show."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from booking.domain.declines import explain, wants_guest
from booking.domain.money import Money
from booking.domain.payment_health import HealthMonth, Moved, Secured, Tries, Waits
from booking.domain.reports import month_of
from booking.domain.spreadsheet import Row as SheetRow
from booking.domain.states import AttemptChannel, AttemptStatus, Authentication, PaymentMethod, RefundStatus
from booking.models import Attempt, Booking, Dispute, Payment, Refund, WebhookEvent
from booking.queries.dashboard import get_house_zone

HEALTH_HEAD = (
    "Month", "Paid", "Paid after a decline", "Declined", "Left without trying", "Success %",
    "Confirmed: bookings", "Confirmed: half within seconds", "Confirmed: 95 % within seconds", "Confirmed: longest",
    "Webhooks", "Webhooks: half within seconds", "Webhooks: 95 % within seconds", "Webhooks: longest",
    "Paid by card: looked at", "3-D Secure: the guest confirmed", "3-D Secure: without the guest", "3-D Secure: other",
    "3-D Secure %", "Saved cards charged", "Of these the bank wanted the guest",
)  # fmt: skip
MONEY_HEAD = (
    "Month", "Currency", "Payments", "Paid", "Refunds", "Refunded", "Refunds failed", "Disputes", "Disputed", "Lost",
)  # fmt: skip
# Stripe's word that money came.
_PAID_TYPES = ("checkout.session.completed", "checkout.session.async_payment_succeeded", "payment_intent.succeeded")
_ENDED_UNPAID = (AttemptStatus.EXPIRED, AttemptStatus.FAILED, AttemptStatus.SUPERSEDED)


class Reason(NamedTuple):
    """Why cards were refused, and in how many attempts it was the last word. What `is_secret` no guest is told."""

    words: str
    attempts: int
    is_secret: bool


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One year of paying."""

    year: int
    months: tuple[HealthMonth, ...]
    tries: Tries
    secured: Secured
    reasons: tuple[Reason, ...]
    confirming: Waits
    hearing: Waits
    heard_again: int  # events that came more than once
    heard_by: tuple[tuple[str, int], ...]  # what told first that a booking was paid
    money: dict[str, dict[date, Moved]]  # by currency

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened that could be counted."""
        return not (self.tries.tried or self.tries.left or self.hearing.count or self.money)

    def total(self, currency: str) -> Moved:
        """The whole year in one currency."""
        return sum(self.money[currency].values(), Moved())

    def health_sheet(self) -> Iterator[SheetRow]:
        """A row for each month, for a file under HEALTH_HEAD."""
        for each in self.months:
            tries = each.tries
            counts = (tries.paid, tries.paid_after_decline, tries.declined, tries.left, tries.success)
            waits = (*_cells(each.confirming), *_cells(each.hearing))
            yield (f"{each.month:%Y-%m}", *counts, *waits, *_secured_cells(each.secured))

    def money_sheet(self) -> Iterator[SheetRow]:
        """A row for each month and currency, for a file under MONEY_HEAD."""
        for currency, months in sorted(self.money.items()):
            for month, moved in sorted(months.items()):
                yield (f"{month:%Y-%m}", currency.upper(), *_money_cells(moved, currency))


def read_health(session: Session, year: int) -> HealthReport:
    """Everything about one year on the house's own clock."""
    span = _Span.of_year(year, get_house_zone(session))
    ended = [_Ended(*row) for row in session.execute(_ended_attempts(span))]
    tries, secured, confirmed = _tries(ended, span), _secured(session, ended, span), _confirmed(session, span)
    heard, again = _heard(session, span)
    months = tuple(
        HealthMonth(month, tries[month], Waits.of(confirmed[month]), Waits.of(heard[month]), secured[month])
        for month in span.months
    )
    return HealthReport(
        year=year,
        months=months,
        tries=sum(tries.values(), Tries()),
        secured=sum(secured.values(), Secured()),
        reasons=_reasons(session, span),
        confirming=Waits.of(_all(confirmed)),
        hearing=Waits.of(_all(heard)),
        heard_again=again,
        heard_by=_heard_by(session, span),
        money=_money(session, span),
    )


def recent_waits(session: Session, since: datetime, until: datetime) -> tuple[Waits, Waits]:
    """How long confirming and hearing took lately, for whoever watches."""
    span = _Span(since, until, ZoneInfo("UTC"), ())
    return Waits.of(_all(_confirmed(session, span))), Waits.of(_all(_heard(session, span)[0]))


@dataclass(frozen=True, slots=True)
class _Span:
    """Half-open, and how its moments become months."""

    first: datetime
    end: datetime
    zone: ZoneInfo
    months: tuple[date, ...]

    @classmethod
    def of_year(cls, year: int, zone: ZoneInfo) -> "_Span":
        def begin(of: int) -> datetime:
            return datetime.combine(date(of, 1, 1), time(), zone).astimezone(UTC)

        return cls(begin(year), begin(year + 1), zone, tuple(date(year, month, 1) for month in range(1, 13)))

    def holds(self, moment: Any) -> ColumnElement[bool]:
        return (moment >= self.first) & (moment < self.end)

    def month(self, moment: datetime) -> date:
        return month_of(moment.astimezone(self.zone).date())


# --- attempts -------------------------------------------------------------------------------------------------------


class _Ended(NamedTuple):
    """One attempt that is over."""

    channel: AttemptChannel
    status: AttemptStatus
    decline_code: str | None
    at: datetime


def _tries(ended: Iterable[_Ended], span: _Span) -> dict[date, Tries]:
    found: dict[date, Tries] = defaultdict(Tries)
    for one in ended:
        found[span.month(one.at)] += _counted(one.status, is_declined=one.decline_code is not None)
    return found


def _ended_attempts(span: _Span) -> Select[AttemptChannel, AttemptStatus, str | None, datetime]:
    """Each with the moment at which it ended: when it was paid, when a card was last refused, when time was up."""
    paid_at = select(func.min(Payment.captured_at)).where(Payment.attempt_id == Attempt.id).scalar_subquery()
    is_paid = Attempt.status == AttemptStatus.PAID
    at = case((is_paid, func.coalesce(paid_at, Attempt.expires_at)), else_=_unpaid_at()).label("at")
    over = Attempt.status.in_((AttemptStatus.PAID, *_ENDED_UNPAID))
    # What was given up for another attempt before any card was tried tells nothing of paying.
    counts = (Attempt.status != AttemptStatus.SUPERSEDED) | Attempt.decline_code.is_not(None)
    return select(Attempt.channel, Attempt.status, Attempt.decline_code, at).where(over, counts, span.holds(at))


def _unpaid_at() -> ColumnElement[datetime]:
    return func.coalesce(Attempt.declined_at, Attempt.expires_at)


def _counted(status: AttemptStatus, *, is_declined: bool) -> Tries:
    if status is AttemptStatus.PAID:
        return Tries(paid=1, paid_after_decline=int(is_declined))
    return Tries(declined=1) if is_declined or status is AttemptStatus.FAILED else Tries(left=1)


def _reasons(session: Session, span: _Span) -> tuple[Reason, ...]:
    """Those with the most refusals first. Several of a bank's words may mean the same."""
    code = func.coalesce(Attempt.decline_code, "declined").label("code")
    is_refused = Attempt.decline_code.is_not(None) | (Attempt.status == AttemptStatus.FAILED)
    wanted = select(code, func.count()).where(Attempt.status.in_(_ENDED_UNPAID), is_refused, span.holds(_unpaid_at()))
    found: dict[tuple[str, bool], int] = defaultdict(int)
    for word, count in session.execute(wanted.group_by(code)):
        known = explain(word)
        found[known.reason, known.is_secret] += count
    reasons = [Reason(words, attempts, is_secret) for (words, is_secret), attempts in found.items()]
    return tuple(sorted(reasons, key=lambda reason: (-reason.attempts, reason.words)))


# --- 3-D Secure -----------------------------------------------------------------------------------------------------


_SECURED = {
    None: Secured(unknown=1),
    Authentication.NO_CARD: Secured(),
    Authentication.NONE: Secured(without=1),
    Authentication.CHALLENGE: Secured(challenged=1),
    Authentication.FRICTIONLESS: Secured(silent=1),
    Authentication.OTHER: Secured(other=1),
}


def _secured(session: Session, ended: Iterable[_Ended], span: _Span) -> dict[date, Secured]:
    """Payments count when they were captured, charges of saved cards when they ended."""
    found: dict[date, Secured] = defaultdict(Secured)
    is_with_stripe = Payment.method == PaymentMethod.STRIPE
    paid = select(Payment.authentication, Payment.captured_at).where(is_with_stripe, span.holds(Payment.captured_at))
    for authentication, at in session.execute(paid):
        found[span.month(at)] += _SECURED[authentication]
    for one in ended:
        if one.channel is AttemptChannel.OFF_SESSION and one.status in (AttemptStatus.PAID, AttemptStatus.FAILED):
            found[span.month(one.at)] += Secured(saved=1, wanted=int(wants_guest(one.decline_code)))
    return found


# --- how long it took -----------------------------------------------------------------------------------------------


def _confirmed(session: Session, span: _Span) -> dict[date, list[int]]:
    """Seconds from the first event that said so to the confirmation, of bookings confirmed in this time."""
    said = func.min(WebhookEvent.payload["created"].as_integer())
    rows = (
        select(Booking.confirmed_at, said)
        .join(WebhookEvent, WebhookEvent.booking_id == Booking.id)
        .where(WebhookEvent.type.in_(_PAID_TYPES), span.holds(Booking.confirmed_at))
        .group_by(Booking.id, Booking.confirmed_at)
    )
    return _seconds(session.execute(rows), span)


def _heard(session: Session, span: _Span) -> tuple[dict[date, list[int]], int]:
    """Seconds from each event to its arrival; how many came more than once."""
    here = span.holds(WebhookEvent.received_at)
    rows = select(WebhookEvent.received_at, WebhookEvent.payload["created"].as_integer()).where(here)
    again = session.scalar(select(func.count()).where(here, WebhookEvent.deliveries > 1)) or 0
    return _seconds(session.execute(rows), span), again


def _seconds(rows: Iterable[Any], span: _Span) -> dict[date, list[int]]:
    """What was erased with its guest does not say any more when it was."""
    found: dict[date, list[int]] = defaultdict(list)
    for at, created in rows:
        if created is not None:
            found[span.month(at)].append(int(at.timestamp()) - created)
    return found


def _heard_by(session: Session, span: _Span) -> tuple[tuple[str, int], ...]:
    rows = select(Booking.confirmed_via, func.count()).where(span.holds(Booking.confirmed_at))
    counted = session.execute(rows.where(Booking.confirmed_via.is_not(None)).group_by(Booking.confirmed_via))
    return tuple(sorted((str(via), count) for via, count in counted))


# --- money ----------------------------------------------------------------------------------------------------------


def _money(session: Session, span: _Span) -> dict[str, dict[date, Moved]]:
    found: dict[str, dict[date, Moved]] = defaultdict(lambda: defaultdict(Moved))
    for currency, at, moved in (*_came(session, span), *_went(session, span), *_disputed(session, span)):
        found[currency][span.month(at)] += moved
    return {currency: dict(months) for currency, months in found.items()}


def _came(session: Session, span: _Span) -> Iterator[tuple[str, datetime, Moved]]:
    columns = (Payment.currency, Payment.captured_at, Payment.amount_minor)
    is_card = Payment.method == PaymentMethod.STRIPE
    for currency, at, minor in session.execute(select(*columns).where(is_card, span.holds(Payment.captured_at))):
        yield currency, at, Moved(paid_count=1, paid=minor)


def _went(session: Session, span: _Span) -> Iterator[tuple[str, datetime, Moved]]:
    at = func.coalesce(Refund.first_sent_at, Refund.created_at).label("at")
    wanted = select(Refund.currency, at, Refund.amount_minor, Refund.status).join(Refund.payment)
    for currency, moment, minor, status in session.execute(
        wanted.where(Payment.method == PaymentMethod.STRIPE, span.holds(at))
    ):
        if status is RefundStatus.SUCCEEDED:
            yield currency, moment, Moved(refund_count=1, refunded=minor)
        elif status is RefundStatus.FAILED:
            yield currency, moment, Moved(refunds_failed=1)


def _disputed(session: Session, span: _Span) -> Iterator[tuple[str, datetime, Moved]]:
    columns = (Dispute.currency, Dispute.created_at, Dispute.amount_minor, Dispute.status)
    for currency, at, minor, status in session.execute(select(*columns).where(span.holds(Dispute.created_at))):
        yield currency, at, Moved(dispute_count=1, disputed=minor, lost=minor if status == "lost" else 0)


def _all(months: dict[date, list[int]]) -> Iterator[int]:
    for seconds in months.values():
        yield from seconds


def _cells(waits: Waits) -> tuple[int | None, ...]:
    return (waits.count, waits.middle, waits.most, waits.longest)


def _secured_cells(told: Secured) -> tuple[int | Decimal | None, ...]:
    return (told.cards, told.challenged, told.silent, told.other, told.share, told.saved, told.wanted)


def _money_cells(moved: Moved, currency: str) -> tuple[int | Decimal, ...]:
    def major(minor: int) -> Decimal:
        return Money(minor, currency).major

    came = (moved.paid_count, major(moved.paid))
    went = (moved.refund_count, major(moved.refunded), moved.refunds_failed)
    return (*came, *went, moved.dispute_count, major(moved.disputed), major(moved.lost))
