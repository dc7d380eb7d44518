"""The shop in its simplest form: a dict of nights and some lists of money. Pure; knows nothing of the shop's code.

Each session has two sides: `there` is what is true at Stripe, `here` what the shop has heard. News moves the one to the
other. Times are seconds, money is cents.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SESSION_LIFE, GRACE, LEAST_LIFE, YOUNG = 35 * 60, 10 * 60, 5 * 60, 2 * 60
IN_FLIGHT, BAD = ("requested", "pending"), ("failed", "canceled")
# What a bank's dispute does to a charge while it stands there: no refund is taken.
BLOCKING, SETTLED = ("needs_response", "lost"), ("won", "warning_closed")


class Refused(Exception):
    """The shop must say no, and nothing changes."""


@dataclass(eq=False)
class Back:
    """Money on its way back."""

    minor: int
    reason: str
    here: str | None = "requested"  # None: made by hand, and not heard of
    there: str | None = None  # None: not asked for yet
    is_called_off: bool = False


@dataclass(eq=False)
class Session:
    """One page on which a booking can be paid, and what became of the money."""

    booking: "Booking"
    made: int
    there: str = "open"  # open, expired, paid, processing, failed
    here: str = "open"
    is_declined_there: bool = False
    is_declined_here: bool = False
    minor: int = 0
    refunds: list[Back] = field(default_factory=list)
    dispute_there: str = ""
    dispute_here: str = ""
    charge_news: int = 0  # news of the charge's refunds that has not come here

    @property
    def ends(self) -> int:
        return self.made + SESSION_LIFE

    @property
    def is_known(self) -> bool:
        return self.here == "paid"

    @property
    def left_there(self) -> int:
        return self.minor - sum(back.minor for back in self.refunds if back.there and back.there not in BAD)

    @property
    def kept_here(self) -> int:
        return self.minor - sum(back.minor for back in self.refunds if back.here in (*IN_FLIGHT, "succeeded"))

    @property
    def refundable_here(self) -> int:
        return max(0, self.kept_here) if self.is_known and self.dispute_here not in BLOCKING else 0


@dataclass(eq=False)
class Booking:
    """A guest's claim on some nights."""

    number: int
    days: tuple[int, ...]
    price: int
    unit: int
    until: int | None
    status: str = "pending"
    reason: str | None = None
    needs_review: bool = False
    sessions: list[Session] = field(default_factory=list)

    @property
    def money(self) -> list[Session]:
        return [session for session in self.sessions if session.is_known]

    @property
    def live(self) -> Session | None:
        return next((session for session in self.sessions if session.here in ("open", "processing")), None)

    @property
    def disputed(self) -> bool:
        return any(session.dispute_here and session.dispute_here not in SETTLED for session in self.sessions)

    @property
    def refund_failed(self) -> bool:
        return any(_lacks_a_refund(session) for session in self.money)

    @property
    def payment_status(self) -> str:
        if not self.money:
            return self._status_without_money()
        backs = [back for session in self.money for back in session.refunds]
        succeeded = sum(back.minor for back in backs if back.here == "succeeded")
        if any(back.here in IN_FLIGHT for back in backs):
            return "refund_pending"
        if not succeeded:
            return "paid"
        return "refunded" if succeeded >= sum(session.minor for session in self.money) else "partially_refunded"

    def _status_without_money(self) -> str:
        if self.live:
            return "processing" if self.live.here == "processing" else "unpaid"
        was_refused = any(session.here == "failed" or session.is_declined_here for session in self.sessions)
        return "failed" if was_refused else "unpaid"


def _lacks_a_refund(session: Session) -> bool:
    bad = sum(back.minor for back in session.refunds if back.here in BAD and not back.is_called_off)
    gone = session.minor - session.kept_here
    return bad > 0 and gone < min(session.minor, bad)


class Model:
    """One listing with some equal units."""

    def __init__(self, units: Iterable[int]) -> None:
        self.now, self.units = 0, list(units)
        self.nights: dict[tuple[int, int], tuple[object, int | None]] = {}  # who has it, and until when
        self.bookings: list[Booking] = []
        self.sessions: list[Session] = []
        self.rows: list[tuple[Back, Session]] = []  # refunds that the shop asked for, oldest first
        self.outbox: list[tuple[Back | None, Session]] = []  # a refund to send, or refunds to look at

    # --- nights -----------------------------------------------------------------------------------------------------

    def claim(self, unit: int, days: Iterable[int], owner: object, until: int | None) -> bool:
        """All of the nights or none."""
        wanted = [(unit, day) for day in days]
        if not all(self._is_free(night, owner) for night in wanted):
            return False
        self.nights |= dict.fromkeys(wanted, (owner, until))
        return True

    def free(self, owner: object, except_unit: int | None = None) -> None:
        self.nights = {
            night: held for night, held in self.nights.items() if held[0] is not owner or night[0] == except_unit
        }

    def close(self, unit: int, day: int, owner: object) -> None:
        if not self.claim(unit, (day,), owner, None):
            raise Refused

    def _is_free(self, night: tuple[int, int], owner: object) -> bool:
        holder, until = self.nights.get(night, (owner, None))
        return holder is owner or (until is not None and until <= self.now)

    def _retake(self, booking: Booking, until: int | None) -> bool:
        for unit in (booking.unit, *self.units):
            if self.claim(unit, booking.days, booking, until):
                self.free(booking, except_unit=unit)
                booking.unit, booking.until = unit, until
                return True
        return False

    # --- what guests and staff ask for ------------------------------------------------------------------------------

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        for session in self.sessions:
            if session.there == "open" and session.ends <= self.now:
                session.there = "expired"

    def book(self, days: tuple[int, ...], price: int) -> Booking:
        booking = Booking(len(self.bookings), days, price, 0, None)
        until = self.now + SESSION_LIFE + GRACE
        unit = next((unit for unit in self.units if self.claim(unit, days, booking, until)), None)
        if unit is None:
            raise Refused
        booking.unit, booking.until = unit, until
        self.bookings.append(booking)
        self._open_session(booking)
        return booking

    def pay_again(self, booking: Booking) -> Session | None:
        """Press the button once more; the page to pay on, None where there is nothing to pay."""
        live = booking.live
        if booking.status != "pending" or booking.needs_review or live is None or live.here == "processing":
            return None
        if live.ends - self.now > LEAST_LIFE:
            return live
        if not self._retake(booking, self.now + SESSION_LIFE + GRACE):
            raise Refused
        session = self._open_session(booking)
        self._end(live)
        if live.here in ("paid", "processing"):
            booking.sessions.remove(session)
            self.sessions.remove(session)
            return None
        return session

    def _open_session(self, booking: Booking) -> Session:
        session = Session(booking, self.now)
        booking.sessions.append(session)
        self.sessions.append(session)
        return session

    def let_go(self, booking: Booking) -> None:
        self._end_sessions(booking)
        if booking.status in ("pending", "expired") and not booking.needs_review:
            self._stop(booking, "cancelled", "guest")

    def cancel(self, booking: Booking, minor: int, reason: str) -> None:
        if booking.status == "pending":
            self._end_sessions(booking)
            if booking.status == "cancelled":
                return
            if booking.status == "confirmed":
                raise Refused
        if booking.status == "cancelled":
            raise Refused
        if minor:
            self._check(booking, minor)
        self._stop(booking, "cancelled", reason)
        booking.needs_review = False
        if minor:
            self._ask_back(booking.money[0], minor, "cancellation")

    def send_back(self, booking: Booking, minor: int) -> None:
        self._check(booking, minor)
        self._ask_back(booking.money[0], minor, "goodwill")

    def _check(self, booking: Booking, minor: int) -> None:
        if not 0 < minor <= sum(session.refundable_here for session in booking.money):
            raise Refused

    def _ask_back(self, session: Session, minor: int, reason: str) -> None:
        back = Back(minor, reason)
        session.refunds.append(back)
        self.rows.append((back, session))
        self.outbox.append((back, session))

    def _stop(self, booking: Booking, status: str, reason: str | None) -> None:
        booking.status, booking.reason, booking.until = status, reason, None
        self.free(booking)

    def _end_sessions(self, booking: Booking) -> None:
        if booking.status == "pending" and booking.live is not None and booking.live.here == "open":
            self._end(booking.live)

    def _end(self, session: Session) -> None:
        """End it at Stripe; or find out there what became of it."""
        session.there = "expired" if session.there == "open" else session.there
        self.settle(session)

    # --- news -------------------------------------------------------------------------------------------------------

    def settle(self, session: Session) -> None:
        """What Stripe says of one session, through the one door."""
        if session.there == "paid" and not session.is_known:
            self._settle_paid(session, session.booking)
        elif session.there == "processing" and session.here == "open":
            session.here = "processing"
            self._keep(session.booking)
        elif session.there in ("failed", "expired") and session.here in ("open", "processing"):
            session.here = session.there
            session.is_declined_here |= session.is_declined_there
            self._close(session)

    def _settle_paid(self, session: Session, booking: Booking) -> None:
        session.here = "paid"
        if session.minor != booking.price:
            booking.needs_review = True
            self._keep(booking)
        elif booking.status == "cancelled":
            self._ask_back(session, session.minor, "already_cancelled")
        elif self._retake(booking, None):
            booking.status = "confirmed"
        else:
            self._stop(booking, "cancelled", "dates_unavailable")
            self._ask_back(session, session.minor, "dates_unavailable")

    def _keep(self, booking: Booking) -> None:
        """With no end, if they are still to be had in its own unit."""
        if booking.status == "pending" and self.claim(booking.unit, booking.days, booking, None):
            booking.until = None

    def _close(self, session: Session) -> None:
        booking = session.booking
        if booking.status not in ("pending", "expired") or booking.money or booking.needs_review or booking.live:
            return
        if session.here == "failed" or session.is_declined_here:
            self._stop(booking, "cancelled", "payment_failed")
        elif booking.status == "pending":
            self._stop(booking, "expired", None)

    def hear(self, session: Session) -> None:
        """Every event about a session has come."""
        self.settle(session)
        if session.is_declined_there and not session.booking.money and not session.is_declined_here:
            session.is_declined_here = True
            if session.here in ("expired", "failed"):
                self._close(session)
        if session.is_known:
            self.learn_refunds(session)
            session.dispute_here = session.dispute_there
            self.outbox += [(None, session)] * session.charge_news
            session.charge_news = 0

    def learn_refunds(self, session: Session) -> None:
        for back in session.refunds:
            back.here = back.there or back.here

    # --- what the worker does ---------------------------------------------------------------------------------------

    def work(self) -> None:
        while self.outbox:
            back, session = self.outbox.pop(0)
            if back is None:
                self.learn_refunds(session)
            else:
                self._send(back, session)

    def _send(self, back: Back, session: Session) -> None:
        if back.here != "requested":
            return
        if session.dispute_here in BLOCKING:
            self._wait(back, session)
        elif session.dispute_there in BLOCKING:
            return  # Stripe says so, and the refund waits for the news
        elif back.minor > session.left_there:
            self._give_up(back, session)
        else:
            back.here = back.there = "pending"
            session.charge_news += 1

    def _wait(self, back: Back, session: Session) -> None:
        if session.dispute_here == "lost":
            back.here, back.is_called_off = "canceled", True
        elif session.kept_here < 0:
            self._give_up(back, session)

    def _give_up(self, back: Back, session: Session) -> None:
        back.here = "failed"
        self.outbox.append((None, session))

    def expire_holds(self) -> None:
        overdue = [
            booking for booking in self.bookings
            if booking.status == "pending" and not booking.needs_review and self._is_over(booking)
        ]  # fmt: skip
        for booking in sorted(overdue, key=lambda booking: booking.until or 0):
            self._end_sessions(booking)
            if booking.status == "pending" and not booking.needs_review and self._is_over(booking):
                self._stop(booking, "expired", None)

    def _is_over(self, booking: Booking) -> bool:
        return booking.until is not None and booking.until <= self.now

    def reconcile(self, *, at_once: bool) -> None:
        for session in self.sessions:
            if at_once or session.made <= self.now - YOUNG:
                self.settle(session)
        for back, session in [row for row in self._all_rows() if row[0].here in IN_FLIGHT]:
            if back.there is None:
                self._send(back, session)
            else:
                self.learn_refunds(session)
        if at_once:
            for session in self.sessions:
                if session.is_known:
                    self.learn_refunds(session)
                    session.dispute_here = session.dispute_there

    def _all_rows(self) -> list[tuple[Back, Session]]:
        """Those that were made by hand come last: of them the shop only asks."""
        return [*self.rows, *((b, s) for s in self.sessions for b in s.refunds if b.reason == "external" and b.here)]

    # --- the end of a comparison ------------------------------------------------------------------------------------

    def picture(self) -> dict[str, Any]:
        """All that the database must show."""
        return {
            "nights": {night: (_owner(who), until is None) for night, (who, until) in self.nights.items()},
            "bookings": [_row(booking) for booking in self.bookings],
            "payments": sorted((b.number, s.minor) for b in self.bookings for s in b.money),
            "refunds": sorted(
                (b.number, r.minor, r.reason, r.here, r.is_called_off)
                for b in self.bookings for s in b.money for r in s.refunds if r.here
            ),
            "disputes": sorted(
                (b.number, s.dispute_here) for b in self.bookings for s in b.sessions if s.dispute_here
            ),
        }  # fmt: skip


def _owner(who: object) -> object:
    return who.number if isinstance(who, Booking) else "closed"


def _row(booking: Booking) -> tuple[object, ...]:
    held = booking.until is None
    return (
        booking.status, booking.payment_status, booking.reason, booking.disputed, booking.refund_failed,
        booking.needs_review, booking.unit, held,
    )  # fmt: skip
