"""The shop and the model side by side: Hypothesis chooses what happens to both, and they must never differ."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking.domain.dates import Stay
from booking.domain.errors import BookingError
from booking.domain.pricing import Ask, quote
from booking.domain.rates import Party
from booking.domain.states import CancelReason, Source
from booking.extensions import db
from booking.queries.invariants import PROMISES, Given, guards, inbox, nights
from booking.services import listings
from booking.services.timeline import Cause
from tests.histories.model import BLOCKING, Back, Booking, Model, Refused, Session
from tests.histories.stage import FIRST_NIGHT, STAFF, Stage
from tests.simulation.checks import Watch, check_end
from tests.simulation.house import INSTANCE
from tests.simulation.stripe_model import Event
from tests.simulation.world import Broken

NIGHTS_ON_SALE, VERIFIED_EVERY = 4, 3
WHICH = st.integers(0, 11)
THEN = ("", "pays, told", "pays, unheard")
PARTS = st.sampled_from(("nothing", "all", "half", "little", "more"))
# Looks at the schema, which nothing here changes, and those that ask whether the worker is late: here it may be.
LEFT_OUT = (guards.find_missing_keys, guards.find_missing_night_key, nights.find_stuck_holds, inbox.find_dropped_work)
LOOKS = tuple((promise.code, look) for promise in PROMISES for look in promise.looks if look not in LEFT_OUT)


def _pick(found: list[Any], which: int) -> Any:
    return found[which % len(found)]


def _some(found: str) -> Callable[[Any], Any]:
    """The rule has something to work on."""
    return precondition(lambda machine: bool(getattr(machine, found)))


class ShopMachine(RuleBasedStateMachine):
    """Each rule does one thing to the shop (through its services, or at Stripe) and the same to the model."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._guests = 0
        self.closures: list[tuple[int, object]] = []
        self.by_hand: dict[Back, str] = {}
        self.ids: dict[Booking | Session, Any] = {}

    @initialize(units=st.integers(1, 2), told=st.lists(st.booleans(), min_size=1, max_size=2))
    def open_house(self, units: int, told: list[bool]) -> None:
        """With a guest or two who have paid, so that there is money from the first step on."""
        self.stage = Stage(0, units)
        self._stack.enter_context(self.stage.begun())
        self.model, self.watch = Model(self.stage.house.unit_ids[:units]), Watch(self.stage)
        self._seen, self._steps = -1, 0
        for number, is_told in enumerate(told):
            self.book(2 * number, 2, "pays, told" if is_told else "pays, unheard")

    def teardown(self) -> None:
        """All comes to rest, in both."""
        try:
            if hasattr(self, "model"):
                self._come_to_rest()
        finally:
            self._stack.close()

    def _come_to_rest(self) -> None:
        self.stage.pass_time(3600)
        self.model.pass_time(3600)
        for _ in range(2):
            self.stage.deliver_all()
            for session in self.model.sessions:
                self.model.hear(session)
            for side in (self.stage, self.model):
                side.work()
                side.expire_holds()
                side.reconcile(at_once=True)
                side.work()
        self.stage.deliver_all()
        self.is_like_the_model()
        check_end(self.stage)

    # --- what there is to choose from -------------------------------------------------------------------------------

    @property
    def bookings(self) -> list[Booking]:
        return self.model.bookings

    @property
    def sessions(self) -> list[Session]:
        return self.model.sessions

    @property
    def payable(self) -> list[Session]:
        return [session for session in self.sessions if session.there == "open"]

    @property
    def unheard(self) -> list[Session]:
        return [session for session in self.sessions if session.there == "paid" and not session.is_known]

    @property
    def slow(self) -> list[Session]:
        return [session for session in self.sessions if session.there == "processing"]

    @property
    def charged(self) -> list[Session]:
        return [s for s in self.sessions if s.there == "paid" and s.left_there and s.dispute_there not in BLOCKING]

    @property
    def disputable(self) -> list[Session]:
        fresh = [session for session in self.charged if not session.dispute_there]
        return fresh + [session for session in self.sessions if session.dispute_there.endswith("needs_response")]

    @property
    def going_back(self) -> list[Back]:
        return [r for s in self.sessions for r in s.refunds if r.there in ("pending", "succeeded")]

    @property
    def owed(self) -> list[Booking]:
        return [b for b in self.bookings if b.money]

    # --- guests -----------------------------------------------------------------------------------------------------

    @rule(first=st.integers(0, NIGHTS_ON_SALE - 1), length=st.integers(1, 3), then=st.sampled_from(THEN))
    def book(self, first: int, length: int, then: str) -> None:
        """And, as most guests do, pay; of which the shop hears at once, or not yet."""
        days = tuple(range(first, min(first + length, NIGHTS_ON_SALE)))
        self._guests, before = self._guests + 1, len(self.sessions)
        self._both(
            lambda: self.stage.book(f"guest {self._guests}", first, len(days)),
            lambda: self.model.book(days, self._price(days)),
            self._know,
        )
        if len(self.sessions) > before and then:
            self._pay(self.sessions[-1], self.sessions[-1].booking.price, then == "pays, told")

    @_some("bookings")
    @rule(which=WHICH)
    def press_pay_again(self, which: int) -> None:
        booking = _pick(self.bookings, which)
        self._both(
            lambda: self.stage.check_out(self.ids[booking]),
            lambda: self.model.pay_again(booking),
            self._know_session,
        )

    @_some("payable")
    @rule(which=WHICH, how=st.sampled_from(("good", "odd amount", "declined", "slow")), told=st.booleans())
    def use_card(self, which: int, how: str, told: bool) -> None:
        session = _pick(self.payable, which)
        if how == "declined":
            session.is_declined_there = True
            self.stage.stripe.decline(self.ids[session])
        elif how == "slow":
            session.there = "processing"
            self.stage.stripe.pay_slowly(self.ids[session])
        else:
            self._pay(session, 100 if how == "odd amount" else session.booking.price, told)

    @_some("slow")
    @rule(which=WHICH, came=st.booleans())
    def slow_payment_ends(self, which: int, came: bool) -> None:
        session = _pick(self.slow, which)
        session.there, session.minor = ("paid", session.booking.price) if came else ("failed", 0)
        session.is_declined_there |= not came
        self.stage.stripe.end_slow_payment(self.ids[session], came=came)

    @_some("sessions")
    @rule(which=WHICH)
    def come_back(self, which: int) -> None:
        session = _pick(self.sessions, which)
        self.stage.come_back(self.ids[session])
        self.model.settle(session)

    @_some("unheard")
    @rule(which=WHICH, told=st.booleans())
    def be_overtaken(self, which: int, told: bool) -> None:
        """A payment of which nobody hears until the hold is over and somebody else has booked the same nights."""
        booking = _pick(self.unheard, which).booking
        self.pass_time(50)
        self.book(booking.days[0], len(booking.days), "pays, told" if told else "pays, unheard")

    # --- staff ------------------------------------------------------------------------------------------------------

    @_some("bookings")
    @rule(which=WHICH, how=st.sampled_from(("let go", "by guest", "by staff")), part=PARTS)
    def end_booking(self, which: int, how: str, part: str) -> None:
        booking = _pick(self.bookings, which)
        if how == "let go":
            self.stage.let_go(self.ids[booking], Cause(Source.WEB))
            self.model.let_go(booking)
            return
        minor, reason = self._part(booking, part), CancelReason.GUEST if how == "by guest" else CancelReason.STAFF
        self._both(
            lambda: self.stage.cancel(self.ids[booking], minor, reason),
            lambda: self.model.cancel(booking, minor, str(reason)),
        )

    @_some("owed")
    @rule(which=WHICH, part=PARTS)
    def send_back(self, which: int, part: str) -> None:
        booking = _pick(self.owed, which)
        minor = self._part(booking, part)
        self._both(lambda: self.stage.send_back(self.ids[booking], minor), lambda: self.model.send_back(booking, minor))

    @rule(day=st.integers(0, NIGHTS_ON_SALE - 1), unit=st.integers(0, 1))
    def close_or_reopen_night(self, day: int, unit: int) -> None:
        if self.closures:
            closure_id, owner = self.closures.pop()
            self.stage.do(lambda: listings.reopen_nights(self.stage.runtime, closure_id, STAFF))
            self.model.free(owner)
            return
        unit_id, owner, stay = _pick(self.model.units, unit), object(), Stay(_date(day), _date(day + 1))
        self._both(
            lambda: self.stage.do(lambda: listings.close_nights(self.stage.runtime, unit_id, stay, "", STAFF)),
            lambda: self.model.close(unit_id, day, owner),
            lambda closure_id, _: self.closures.append((closure_id, owner)),
        )

    # --- Stripe and the banks ---------------------------------------------------------------------------------------

    @_some("charged")
    @rule(which=WHICH, is_half=st.booleans())
    def refund_by_hand(self, which: int, is_half: bool) -> None:
        session = _pick(self.charged, which)
        minor = (session.left_there + 1) // 2 if is_half else session.left_there
        back = Back(minor, "external", here=None, there="pending")
        session.refunds.append(back)
        session.charge_news += 1
        self.by_hand[back] = self.stage.stripe.refund(self._charge(session), minor, {})["id"]

    @_some("going_back")
    @rule(which=WHICH, end=st.sampled_from(("succeeded", "succeeded", "failed", "canceled")))
    def bank_ends_a_refund(self, which: int, end: str) -> None:
        back = _pick(self.going_back, which)
        back.there = "failed" if back.there == "succeeded" else end
        self.stage.stripe.end_refund(self._refund_id(back), back.there)

    @_some("disputable")
    @rule(which=WHICH, first=st.sampled_from(("asks", "takes")), later=st.sampled_from(("takes", "wins", "loses")))
    def bank_disputes(self, which: int, first: str, later: str) -> None:
        """A new dispute, or what becomes of one: the bank asks, takes the money, and loses or wins."""
        session = _pick(self.disputable, which)
        if not session.dispute_there:
            session.dispute_there = "warning_needs_response" if first == "asks" else "needs_response"
            self.stage.dispute(self.ids[session], is_inquiry=first == "asks")
        elif session.dispute_there == "warning_needs_response" and later == "takes":
            session.dispute_there = "needs_response"
            self.stage.escalate(self._dispute(session))
        else:
            is_inquiry = session.dispute_there == "warning_needs_response"
            session.dispute_there = "warning_closed" if is_inquiry else "lost" if later == "wins" else "won"
            self.stage.stripe.end_dispute(self._dispute(session)["id"], won=later != "wins")

    # --- news, the worker, and time ---------------------------------------------------------------------------------

    @_some("sessions")
    @rule(which=WHICH, order=st.integers(0, 5))
    def hear(self, which: int, order: int) -> None:
        self._hear(_pick(self.sessions, which), order)

    @rule(what=st.sampled_from(("outbox", "holds", "unfinished", "lists")))
    def worker(self, what: str) -> None:
        for side in (self.stage, self.model):
            if what == "outbox":
                side.work()
            elif what == "holds":
                side.expire_holds()
            else:
                side.reconcile(at_once=what == "lists")

    @rule(minutes=st.sampled_from((1, 3, 32, 36, 50)))
    def pass_time(self, minutes: int) -> None:
        for side in (self.stage, self.model):
            side.pass_time(minutes * 60)

    # --- what must be so after each step ----------------------------------------------------------------------------

    @invariant()
    def is_like_the_model(self) -> None:
        shown, wanted = self._picture(), self.model.picture()
        for part, value in wanted.items():
            assert shown[part] == value, f"{part}: the shop has {shown[part]}, the model {value}"

    @invariant()
    def keeps_its_promises(self) -> None:
        """The quick looks after every step; those of `flask verify` after every third, and at the end."""
        self.watch.look()
        self._steps += 1
        if self._seen == self.stage.house.raw.total_changes or self._steps % VERIFIED_EVERY:
            return
        self._seen = self.stage.house.raw.total_changes
        problems = [line for line in self.stage.do(self._verify) if not self._is_for_the_worker(line)]
        if problems:
            raise Broken("; ".join(problems))

    def _is_for_the_worker(self, problem: str) -> bool:
        """Staff and dashboard have sent back the same money; Stripe will refuse the second, once it is asked."""
        over = [session.booking.number for session in self.sessions if session.is_known and session.kept_here < 0]
        return any(problem.startswith(f"I8: booking {self.ids[self.bookings[number]]}:") for number in over)

    def _verify(self) -> list[str]:
        given = Given(self.stage.clock.now(), INSTANCE)
        found = [f"{code}: {line}" for code, look in LOOKS for line in look(db.session(), given)]
        db.session.rollback()
        return found

    def _picture(self) -> dict[str, Any]:
        """The database, as the model would draw it."""
        rows, numbers = self.stage.house.rows, {self.ids[booking]: booking.number for booking in self.bookings}
        nights_held = rows("SELECT unit_id, day, booking_id, hold_until IS NULL FROM night")
        booked = rows(
            "SELECT status, payment_status, cancel_reason, disputed, refund_failed, needs_review, unit_id, "
            "hold_until IS NULL FROM booking ORDER BY id"
        )
        refunds = rows(
            "SELECT booking_id, amount_minor, reason, status, failure_reason = 'lost_in_dispute' FROM refund"
        )
        return {
            "nights": {(unit, _number(day)): (numbers.get(owner, "closed"), bool(is_for_good))
                       for unit, day, owner, is_for_good in nights_held},
            "bookings": [(*row[:3], bool(row[3]), bool(row[4]), bool(row[5]), row[6], bool(row[7])) for row in booked],
            "payments": sorted((numbers[b], m) for b, m in rows("SELECT booking_id, amount_minor FROM payment")),
            "refunds": sorted((numbers[b], m, why, status, bool(off)) for b, m, why, status, off in refunds),
            "disputes": sorted((numbers[b], status) for b, status in rows("SELECT booking_id, status FROM dispute")),
        }  # fmt: skip

    # --- shared -----------------------------------------------------------------------------------------------------

    def _both(
        self, act: Callable[[], Any], wanted: Callable[[], Any], know: Callable[[Any, Any], object] = lambda *_: None
    ) -> None:
        """Do it in both; both must do it, or both must refuse."""
        try:
            expected = wanted()
        except Refused:
            expected = Refused
        try:
            done = act()
        except BookingError as refusal:
            if expected is not Refused:
                raise Broken(f"the shop refuses with {refusal!r}, the model does not") from refusal
        else:
            assert expected is not Refused, "the model refuses, the shop does not"
            know(done, expected)

    def _pay(self, session: Session, minor: int, told: bool) -> None:
        session.there, session.minor = "paid", minor
        self.stage.stripe.pay(self.ids[session], amount=minor)
        if told:
            self._hear(session, 0)

    def _know(self, session_id: str, booking: Booking) -> None:
        self.ids[booking] = self.stage.booking_of(session_id)
        self.ids[booking.sessions[0]] = session_id

    def _know_session(self, session_id: str, session: Session | None) -> None:
        assert bool(session_id) == (session is not None)
        if session is not None:
            assert self.ids.setdefault(session, session_id) == session_id

    def _hear(self, session: Session, order: int) -> None:
        """All news of a session in some order, some of it twice."""
        dice = Random(order)
        due = [event for event in self.stage.stripe.due_events() if self._is_about(event, self.ids[session])]
        if order:
            due += dice.sample(due, len(due) // 2)
            dice.shuffle(due)
        for event in due:
            self.stage.deliver(event)
        self.model.hear(session)

    def _is_about(self, event: Event, session_id: str) -> bool:
        intent_id = self.stage.stripe.sessions[session_id]["payment_intent"]
        record = event.payload["data"]["object"]
        return record["id"] in (session_id, intent_id) or (intent_id is not None and _intent(record) == intent_id)

    def _part(self, booking: Booking, part: str) -> int:
        left = sum(session.refundable_here for session in booking.sessions)
        return {"nothing": 0, "all": left, "half": left // 2, "little": min(left, 1000), "more": left + 1}[part]

    def _price(self, days: tuple[int, ...]) -> int:
        return quote(self.stage.house.rates, Ask(Stay(_date(days[0]), _date(days[-1] + 1)), Party(2))).total.minor

    def _charge(self, session: Session) -> Any:
        return self.stage.charge_of(self.ids[session])

    def _dispute(self, session: Session) -> Any:
        return self.stage.stripe.disputes_of(self._charge(session))[-1]

    def _refund_id(self, back: Back) -> str:
        if back in self.by_hand:
            return self.by_hand[back]
        ours = self.stage.house.rows("SELECT stripe_refund_id FROM refund WHERE reason <> 'external' ORDER BY id")
        return str(ours[[row for row, _ in self.model.rows].index(back)][0])


def _intent(record: dict[str, Any]) -> object:
    return record.get("payment_intent")


def _date(number: int) -> date:
    return FIRST_NIGHT + timedelta(days=number)


def _number(day: str) -> int:
    return (date.fromisoformat(day) - FIRST_NIGHT).days
