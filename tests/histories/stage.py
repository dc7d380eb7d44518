"""The simulation's world without troubles: one step after the other, each at once, told by a test and not by dice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Ask, Quote, quote
from booking.domain.rates import Party
from booking.domain.states import CancelReason, DueKind, Source
from booking.extensions import db
from booking.models import Listing
from booking.services import cards, checkout, delivery, fees, reconciliation, refunds, reservations, webhooks
from booking.services.charges import Try
from booking.services.checkout import HandoffOutcome, ReturnView
from booking.services.fees import FeeWish
from booking.services.reservations import GuestDetails, PlaceRequest
from booking.services.timeline import Cause
from booking.services.webhooks import Receipt, ReceiptStatus
from tests.simulation.gateway import SIGNATURE
from tests.simulation.house import house
from tests.simulation.run import _quiet
from tests.simulation.stripe_model import Event, EventState, Record
from tests.simulation.weather import Weather
from tests.simulation.world import BEGINNING, Broken, Died, World
from tests.support.shop import ZONE

T = TypeVar("T")
Ends = Callable[[Record], tuple[str, ...]]  # what becomes of a refund that is on its way, step by step
STAFF = "ada@example.org"
FIRST_NIGHT = (BEGINNING + timedelta(days=20)).date()
MOST_DAMAGE = 50_000  # whoever agrees to it, leaves a card
ENOUGH, MOST_ROUNDS = 5000, 12  # rows of the outbox, and looks of the worker until all is at rest


class Stage(World):
    """Calm weather. Refunds begin `pending` at Stripe, and end as the test says."""

    def __init__(self, seed: int = 0, units: int = 1, *, pays_later: bool = False) -> None:
        super().__init__(seed, house())
        self.weather = Weather(
            units=units, guests=0, nights=0, steps=0, damage=MOST_DAMAGE, pays_later=pays_later, days_before=7
        )
        self.loses: str | None = None  # the call whose answers are lost just now
        self.stripe._is_good = lambda: self.cards_are_good
        self.cards_are_good = True
        self.has_faults = self.has_pauses = False
        self.dies_at: int | None = None  # the process dies when it comes to so many boundaries from here
        self._forms = 0

    @contextmanager
    def begun(self) -> Iterator[None]:
        """As World.begun, with this world's runtime behind the pages too."""
        extensions = self.house.app.extensions
        before = extensions["holdfast"]
        with _quiet(), super().begun():
            extensions["holdfast"] = self.runtime
            try:
                yield
            finally:
                extensions["holdfast"] = before

    def _begin_refund(self) -> str:
        return "pending"

    def _draw_trouble(self, path: str, key: str | None) -> str:
        return "answer lost" if path == self.loses else ""

    def _visit(self, name: str) -> None:
        if self.dies_at is None or name.startswith("tests."):
            return
        if self.dies_at == 0:
            self.dies_at = None
            self.tell(f"the process dies at: {name}")
            raise Died
        self.dies_at -= 1

    def do(self, act: Callable[[], T]) -> T:
        """Somebody's request, from its beginning to its end. Raises whatever comes of it."""
        with self.house.app.app_context():
            return act()

    def survive(self, act: Callable[[], object]) -> None:
        """A request in a process that may die during it."""
        try:
            act()
        except Died:
            self.deaths += 1

    # --- guests -----------------------------------------------------------------------------------------------------

    def place(self, guest: str, first: int, nights: int = 1, *, leaves_card: bool = False) -> int:
        """Ask for nights, counted from the first that is on sale; the booking's id."""
        arrive = FIRST_NIGHT + timedelta(days=first)
        stay = Stay(arrive, arrive + timedelta(days=nights))
        details = GuestDetails(guest, f"{guest.replace(' ', '')}@example.org")
        priced = quote(self.house.rates, Ask(stay, Party(2)))
        agreed = self.do(lambda: self._words(stay, priced)) if leaves_card or self.weather.pays_later else ""
        plan = self.house.plan.schedule(priced.total, arrive, self.clock.at.astimezone(ZONE).date()).mark
        listing_id = self.house.listing_id
        request = PlaceRequest(listing_id, stay, 2, details, guest, priced.total, shown_plan=plan, consent=agreed)
        return self.do(lambda: reservations.place_booking(self.runtime, request)).booking_id

    def check_out(self, booking_id: int) -> str:
        """Press "pay"; the session that the guest is sent to, or "" where there is nothing to pay."""
        handoff = self.do(lambda: checkout.start_checkout(self.runtime, booking_id))
        if handoff.outcome is not HandoffOutcome.PAY:
            return ""
        session_id = str(handoff.url).rpartition("/")[2]
        self.handed_out.add(session_id)
        return session_id

    def _words(self, stay: Stay, priced: Quote) -> str:
        """What the page says of saving a card."""
        listing = db.session.get_one(Listing, self.house.listing_id)
        consent = cards.offered_consent(listing, priced, stay.arrive, self.clock.at)
        db.session.rollback()
        assert consent is not None
        return cards.name_of(consent, "en")

    def book(self, guest: str, first: int, nights: int = 1, *, leaves_card: bool = False) -> str:
        """Ask for nights and go on to pay; the session."""
        return self.check_out(self.place(guest, first, nights, leaves_card=leaves_card))

    def come_back(self, session_id: str) -> ReturnView | None:
        """The return page."""
        return self.do(lambda: checkout.finish_return(self.runtime, session_id))

    def let_go(self, booking_id: int, cause: Cause) -> None:
        """Let unpaid nights go."""
        self.do(lambda: checkout.abandon_checkout(self.runtime, booking_id, cause))

    # --- staff ------------------------------------------------------------------------------------------------------

    def cancel(self, booking_id: int, refund_minor: int, reason: CancelReason = CancelReason.STAFF) -> None:
        """Cancel with some of the money back."""
        cause = Cause(Source.WEB) if reason is CancelReason.GUEST else Cause(Source.STAFF, STAFF)
        refund = Money(refund_minor, "eur")
        self.do(lambda: reservations.cancel_booking(self.runtime, booking_id, reason, cause, refund, self._form()))

    def send_back(self, booking_id: int, minor: int) -> None:
        """Send some of the money back, and leave the booking as it is."""
        self.do(lambda: refunds.order_refund(self.runtime, booking_id, Money(minor, "eur"), STAFF, self._form()))

    def charge(self, booking_id: int, minor: int, *, is_good: bool = True) -> Record:
        """Charge the saved card for damage, and hear nothing of what came of it; the payment at Stripe."""
        wish = FeeWish(DueKind.DAMAGE, Money(minor, "eur"), "a chair", self._form())
        self.cards_are_good, self.loses = is_good, "payment_intents.create"
        try:
            assert self.do(lambda: fees.charge_fee(self.runtime, booking_id, wish, STAFF)) is Try.UNKNOWN
        finally:
            self.cards_are_good, self.loses = True, None
        return list(self.stripe.intents.values())[-1]

    # --- the worker, and Stripe's news ------------------------------------------------------------------------------

    def work(self) -> list[str]:
        """Everything in the outbox that is due."""
        return self.do(lambda: delivery.run_due(self.runtime, ENOUGH))

    def expire_holds(self) -> None:
        """The sweep of holds that are over."""
        self.do(lambda: reservations.expire_holds(self.runtime))

    def reconcile(self, *, at_once: bool = True) -> None:
        """Ask Stripe about what is unfinished here, and (at once) walk its lists."""
        self.do(lambda: reconciliation.reconcile(self.runtime, at_once=at_once))

    def deliver(self, event: Event) -> Receipt:
        """One delivery of one event; one that is not answered 2xx is due again."""
        receipt = self.do(lambda: webhooks.receive_event(self.runtime, event.id.encode(), SIGNATURE))
        if receipt.status is not ReceiptStatus.UNMATCHED:
            event.state = EventState.TOLD
        return receipt

    def deliver_all(self) -> None:
        """All that is due, oldest first."""
        for event in self.stripe.due_events():
            self.deliver(event)

    def end_refunds(self, ends: Ends) -> None:
        """The banks decide on each refund that is on its way."""
        for refund in list(self.stripe.refunds.values()):
            for status in ends(refund) if refund["status"] == "pending" else ():
                self.stripe.end_refund(refund["id"], status)

    def settle_down(self, ends: Ends = lambda _refund: ("succeeded",), *, walks_lists: bool = True) -> None:
        """Let all that is still to come be told and done, until nothing changes any more. Raises Broken.

        Without `walks_lists` Stripe is asked about what is unfinished here, but not for what was never told.
        """
        for _ in range(MOST_ROUNDS):
            before = self._changes()
            self.end_refunds(ends)
            self.deliver_all()
            self.work()
            if before == self._changes():
                self.expire_holds()
                self.reconcile(at_once=walks_lists)
            if before == self._changes():
                return
        raise Broken("it does not come to rest")

    def dispute(self, session_id: str, *, is_inquiry: bool = False) -> Record:
        """A bank takes back what was paid in a session, or only asks about it; it had warned of fraud before."""
        charge = self.charge_of(session_id)
        self.stripe.warn_of_fraud(charge)
        self.stripe.dispute(charge, is_inquiry=is_inquiry)
        return self.stripe.disputes_of(charge)[-1]

    def escalate(self, dispute: Record) -> None:
        """The bank is done with asking: it takes the money."""
        moved = [{"amount": -dispute["amount"]}]
        dispute.update(status="needs_response", is_charge_refundable=False, balance_transactions=moved)
        self.stripe._emit("charge.dispute.updated", dispute)
        self.stripe._emit("charge.dispute.funds_withdrawn", dispute)

    # --- looking ----------------------------------------------------------------------------------------------------

    def charge_of(self, session_id: str) -> Record:
        """What was paid in a session."""
        intent = self.stripe.intents[self.stripe.sessions[session_id]["payment_intent"]]
        return self.stripe.charges[intent["latest_charge"]]

    def booking_of(self, session_id: str) -> int:
        """The booking that a session is for."""
        return int(self.stripe.sessions[session_id]["metadata"]["booking_id"])

    def _changes(self) -> tuple[int, int]:
        return self.house.raw.total_changes, self.stripe.changes

    def _form(self) -> str:
        self._forms += 1
        return f"form {self._forms}"
