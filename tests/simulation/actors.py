"""Who does something to the shop: guests, staff, the worker, Stripe, and others on its account. One step each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Ask, Quote, quote
from booking.domain.rates import Party
from booking.domain.states import CancelReason, Source
from booking.domain.terms import refund_due
from booking.extensions import db
from booking.gateways.payments import EvidenceState, PaymentEvidence
from booking.models import Booking, Listing
from booking.queries.club import find_rate
from booking.services import (
    cards,
    changes,
    checkout,
    delivery,
    listings,
    moves,
    outbox,
    reconciliation,
    refunds,
    requests,
    reservations,
    reviews,
    webhooks,
)
from booking.services.changes import ChangeWish
from booking.services.checkout import Handoff, HandoffOutcome, ReturnState
from booking.services.memberships import is_of_club
from booking.services.reservations import GuestDetails, PlaceRequest
from booking.services.timeline import Cause
from booking.services.webhooks import ReceiptStatus
from tests.simulation.gateway import SIGNATURE
from tests.simulation.house import INSTANCE
from tests.simulation.stripe_model import Event, EventState
from tests.simulation.world import BEGINNING, Act, Broken, World

STAFF, ZONE = "ada@example.org", ZoneInfo("Europe/Berlin")
WEB, WORKER = "web", "worker"
FIRST_NIGHT = (BEGINNING + timedelta(days=20)).date()
# What a line of the worker may say went wrong; anything else is a fault of the shop that it swallowed.
KNOWN_TROUBLE = ("GatewayUnavailable", "GatewayRefused", "OperationalError", "down")


@dataclass
class Guest:
    """One browser: what it asked for, and the pages that are still open in its tabs."""

    name: str
    stay: Stay | None = None
    booking_ids: list[int] = field(default_factory=list)
    tabs: list[str] = field(default_factory=list)  # sessions whose payment page is open
    account_id: int | None = None  # where there is a club, everybody is signed in


Move = tuple[int, Callable[[], None]]


class Cast:
    """Everybody, with the moves that make sense for them now."""

    def __init__(self, world: World) -> None:
        self.world, self.dice, self.stripe = world, world.dice, world.stripe
        self.runtime, self.rows = world.runtime, world.house.rows
        self.guests = [Guest(f"guest {number}") for number in range(1, world.weather.guests + 1)]
        self.challenged: list[str] = []
        self._forms = 0
        self._moves: tuple[Move, ...] = (
            (7, self._book), (5, self._press_pay_again), (20, self._type_card), (5, self._pay_unheard),
            (6, self._answer_challenge), (6, self._come_back), (2, self._let_go), (1, self._guest_cancels),
            (4, self._staff_refunds), (1, self._staff_cancels), (1, self._close_nights), (1, self._reopen_nights),
            (1, self._replay), (1, self._close_review),
            (7, self._work_outbox), (3, self._expire_holds), (3, self._ask_stripe), (1, self._compare_lists),
            (24, self._deliver), (3, self._deliver_again), (3, self._lose_event),
            (5, self._end_slow_payment), (6, self._end_refund), (1, self._refund_by_hand), (1, self._dispute),
            (2, self._end_dispute), (1, self._odd_thing), (14, self._pass_time),
            (3, self._staff_changes), (4, self._open_difference), (1, self._staff_withdraws), (1, self._staff_moves),
        )  # fmt: skip
        self._weights = [weight * self._zeal(act) for weight, act in self._moves]

    def join(self, moves: tuple[Move, ...]) -> None:
        """Others who take their turns with these."""
        self._moves += moves
        self._weights += [weight for weight, _ in moves]

    def _zeal(self, act: Callable[[], None]) -> float:
        """Where news is slow, holds run out while the money of others is on its way."""
        if act in (self._staff_changes, self._open_difference, self._staff_withdraws, self._staff_moves):
            return self.world.weather.changes
        is_news = act in (self._deliver, self._expire_holds, self._ask_stripe, self._compare_lists, self._come_back)
        return self.world.weather.slowness if is_news else 1.0

    def move(self) -> None:
        """Somebody does the next thing, or somebody who waits goes on."""
        if self.world.waiting and self.dice.random() < 0.5:
            self.world.resume_one()
            return
        before = (len(self.world.trace), self.world.clock.at)
        while before == (len(self.world.trace), self.world.clock.at):
            _, act = self.dice.choices(self._moves, self._weights)[0]
            act()

    # --- guests -----------------------------------------------------------------------------------------------------

    def _book(self) -> None:
        """Ask for nights, the same as before or others, and go on to pay; perhaps by a double click."""
        guest = self.dice.choice(self.guests)
        if guest.stay is None or self.dice.random() < 0.4:
            guest.stay = self._some_stay()
        self._ask_for(guest, guest.stay)

    def _some_stay(self) -> Stay:
        first = self.dice.randrange(self.world.weather.nights)
        nights = self.dice.randint(1, min(3, self.world.weather.nights - first))
        arrive = FIRST_NIGHT + timedelta(days=first)
        return Stay(arrive, arrive + timedelta(days=nights))

    def _ask_for(self, guest: Guest, stay: Stay) -> None:
        for _ in range(2 if self.dice.random() < 0.2 else 1):
            self._begin(f"{guest.name} books {stay.arrive:%d}-{stay.leave:%d}", WEB, lambda: self._place(guest, stay))

    def _place(self, guest: Guest, stay: Stay) -> str:
        priced = quote(self.world.house.rates, Ask(stay, Party(2), member_off=self._read_rate(guest)))
        total = priced.total
        today = self.world.clock.at.astimezone(ZONE).date()
        plan = self.world.house.plan.schedule(total, stay.arrive, today).mark
        details = GuestDetails(guest.name, f"{guest.name.replace(' ', '')}@example.org")
        request = PlaceRequest(
            self.world.house.listing_id, stay, 2, details, guest.name, total, shown_plan=plan,
            consent=self._read_consent(stay, priced) if self.world.weather.saves_cards else "",
            is_request=self.world.house.takes_requests, account_id=guest.account_id,
        )  # fmt: skip
        placed = reservations.place_booking(self.runtime, request)
        if placed.booking_id not in guest.booking_ids:
            guest.booking_ids.append(placed.booking_id)
        return self._hand_over(guest, placed.booking_id)

    def _read_rate(self, guest: Guest) -> int:
        """What the page says that a member saves."""
        rate = find_rate(db.session(), guest.account_id, False, self.world.clock.at) if guest.account_id else None
        db.session.rollback()
        return rate.off if rate else 0

    def _read_consent(self, stay: Stay, priced: Quote) -> str:
        """The words about saving a card that stand on the page."""
        listing = db.session.get_one(Listing, self.world.house.listing_id)
        consent = cards.offered_consent(listing, priced, stay.arrive, self.world.clock.at)
        db.session.rollback()
        return cards.name_of(consent, "en") if consent else ""

    def _press_pay_again(self) -> None:
        """The back button, or the button of the booking's page."""
        guest = self.dice.choice(self.guests)
        if guest.booking_ids:
            booking_id = self.dice.choice(guest.booking_ids[-2:])
            name = f"{guest.name} pays booking {booking_id}"
            self._begin(name, WEB, lambda: self._hand_over(guest, booking_id))

    def _hand_over(self, guest: Guest, booking_id: int) -> str:
        handoff = checkout.start_checkout(self.runtime, booking_id)
        if handoff.outcome is HandoffOutcome.PAY:
            guest.tabs.append(self.take_address(handoff, booking_id))
        if handoff.outcome is HandoffOutcome.CONFIRMED and not self._has_given(booking_id):
            raise Broken(f"booking {booking_id}: a guest is told that it is paid")
        return f"booking {booking_id}: {handoff.outcome}"

    def take_address(self, handoff: Handoff, booking_id: int) -> str:
        """The payment page that a guest is sent to must be the only one for the same that can still be paid."""
        session_id = str(handoff.url).rpartition("/")[2]
        self.world.handed_out.add(session_id)
        for other in self.world.handed_out - {session_id}:
            is_same = self.stripe.sessions[other]["metadata"]["booking_id"] == str(booking_id)
            are_open = self.stripe.is_payable(other) and self.stripe.is_payable(session_id)
            if is_same and are_open and self._subject(other) == self._subject(session_id):
                raise Broken(f"I10: booking {booking_id} can be paid in {other} and in {session_id}")
        return session_id

    def _subject(self, session_id: str) -> list[Any]:
        """What a page is for: a due is paid beside the booking that it is of, and beside others."""
        token = self.stripe.sessions[session_id]["metadata"]["attempt"]
        return self.rows("SELECT due_id FROM attempt WHERE token = ?", token)

    def _type_card(self) -> None:
        """On Stripe's page: pay, be declined, be asked by the bank, or choose a slow method."""
        session_id = self._payable_tab()
        if session_id is None:
            return
        how = self.dice.choice(("good", "good", "good", "declined", "challenge", "slow"))
        self.world.tell(f"Stripe: {how} card in {session_id}")
        if how == "good":
            self.stripe.pay(session_id, amount=self._odd_amount(session_id))
        elif how == "declined":
            self.stripe.decline(session_id)
        elif how == "slow":
            self.stripe.pay_slowly(session_id)
        else:
            self.stripe.challenge(session_id)
            self.challenged.append(session_id)

    def _pay_unheard(self) -> None:
        """A guest pays and no news of it comes before the hold has run out; then somebody else wants the nights."""
        payer = self.dice.choice(self.guests)
        tabs = [tab for tab in payer.tabs if self.stripe.is_payable(tab)]
        if tabs and payer.stay is not None:
            self.world.tell(f"Stripe: good card in {tabs[-1]}, and nobody hears of it")
            self.stripe.pay(tabs[-1])
            self.world.pass_time(self.dice.choice((2200, 2800, 2900)))
            rival = self.dice.choice(self.guests)
            rival.stay = payer.stay
            self._ask_for(rival, payer.stay)
            if rival.tabs and self.stripe.is_payable(rival.tabs[-1]) and self.dice.random() < 0.7:
                self.world.tell(f"Stripe: good card in {rival.tabs[-1]}")
                self.stripe.pay(rival.tabs[-1])

    def _payable_tab(self) -> str | None:
        tabs = [tab for guest in self.guests for tab in guest.tabs if self.stripe.is_payable(tab)]
        return self.dice.choice(tabs) if tabs else None

    def _odd_amount(self, session_id: str) -> int | None:
        if self.dice.random() >= self.world.weather.oddities * 0.15 or self.stripe.only_keeps_card(session_id):
            return None
        return int(self.stripe.sessions[session_id]["amount_total"]) - 100

    def _answer_challenge(self) -> None:
        if self.challenged:
            session_id = self.challenged.pop(self.dice.randrange(len(self.challenged)))
            if self.stripe.is_payable(session_id):
                self.world.tell(f"Stripe: challenge answered in {session_id}")
                self.stripe.answer_challenge(session_id, passed=self.dice.random() < 0.7)

    def _come_back(self) -> None:
        tabs = [tab for guest in self.guests for tab in guest.tabs]
        if tabs:
            session_id = self.dice.choice(tabs)
            self._begin(f"return of {session_id}", WEB, lambda: self._return(session_id))

    def _return(self, session_id: str) -> str:
        was_paid = self.stripe.sessions[session_id]["payment_status"] == "paid"
        view = checkout.finish_return(self.runtime, session_id)
        if view is None:
            return "no such session"  # the answer that named it was lost with its process
        if view.state is ReturnState.BOOKED and not self._has_given(view.booking_id):
            raise Broken(f"booking {view.booking_id}: a guest is told that it is booked")
        if view.state is ReturnState.OVER and was_paid:
            raise Broken(f"booking {view.booking_id}: a guest who had paid is told that it is over")
        return str(view.state)

    def _let_go(self) -> None:
        guest = self.dice.choice(self.guests)
        if guest.booking_ids:
            booking_id = guest.booking_ids[-1]
            act: Act = lambda: checkout.abandon_checkout(self.runtime, booking_id, Cause(Source.WEB))  # noqa: E731
            self._begin(f"{guest.name} lets go of booking {booking_id}", WEB, act)

    def _guest_cancels(self) -> None:
        self._cancel(CancelReason.GUEST, Cause(Source.WEB))

    # --- staff ------------------------------------------------------------------------------------------------------

    def _staff_refunds(self) -> None:
        """Send some of a booking's money back; perhaps by a double click."""
        found = self.rows("SELECT booking_id, amount_minor FROM payment")
        if not found:
            return
        booking_id, minor = self.dice.choice(found)
        amount, form = Money(self.dice.choice((minor, minor // 2, 1000)), "eur"), self.next_form()
        for _ in range(self.dice.choice((1, 1, 2))):
            act: Act = lambda: refunds.order_refund(self.runtime, booking_id, amount, STAFF, form)  # noqa: E731
            self._begin(f"staff refunds {amount.minor} of booking {booking_id}", WEB, act)

    def _staff_cancels(self) -> None:
        self._cancel(CancelReason.STAFF, Cause(Source.STAFF, STAFF))

    def _cancel(self, reason: CancelReason, cause: Cause) -> None:
        found = self.rows("SELECT id FROM booking WHERE status = 'confirmed' OR needs_review OR status = 'pending'")
        if not found or (reason is CancelReason.GUEST and self.dice.random() < 0.5):
            return
        self.cancel_one(self.dice.choice(found)[0], reason, cause)

    def cancel_one(self, booking_id: int, reason: CancelReason, cause: Cause) -> None:
        """Perhaps by a double click."""
        form = self.next_form()
        for _ in range(self.dice.choice((1, 1, 2))):
            name = f"{reason} cancels booking {booking_id}"
            self._begin(name, WEB, lambda: self._do_cancel(booking_id, reason, cause, form))

    def _do_cancel(self, booking_id: int, reason: CancelReason, cause: Cause, form: str) -> str:
        """With a refund by the terms, as the pages would show it for what was paid."""
        booking = db.session.get_one(Booking, booking_id)
        due = refund_due(booking.deal, self.world.clock.at)
        db.session.rollback()
        came = sum(row[0] for row in self.rows("SELECT amount_minor FROM payment WHERE booking_id = ?", booking_id))
        refund = Money(min(due.minor, came), "eur")
        reservations.cancel_booking(self.runtime, booking_id, reason, cause, refund, form)
        return f"refund {refund.minor}"

    def _staff_changes(self) -> None:
        """Give a stay other nights, at today's price or at the old one; perhaps by a double click."""
        booking_id = self.some("SELECT id FROM booking WHERE status = 'confirmed'")
        if booking_id is not None:
            wish = ChangeWish(self._some_stay(), 2, keeps_price=self.dice.random() < 0.2)
            form, name = self.next_form(), f"staff changes booking {booking_id} to {wish.stay.arrive:%d}-"
            for _ in range(self.dice.choice((1, 1, 2))):
                self._begin(f"{name}{wish.stay.leave:%d}", WEB, lambda: self._do_change(booking_id, wish, form))

    def _do_change(self, booking_id: int, wish: ChangeWish, form: str) -> str:
        total = quote(self.world.house.rates, Ask(wish.stay, Party(2))).total
        if wish.keeps_price:
            total = db.session.get_one(Booking, booking_id).amount
            db.session.rollback()
        return str(changes.change_stay(self.runtime, booking_id, wish, total, form, STAFF))

    def _open_difference(self) -> None:
        """A guest follows the link to what a change costs more."""
        booking_id = self.some("SELECT booking_id FROM stay_change WHERE status = 'open'")
        if booking_id is not None:
            guest = self.dice.choice(self.guests)
            self._begin(f"difference of booking {booking_id}", WEB, lambda: self._hand_difference(guest, booking_id))

    def _hand_difference(self, guest: Guest, booking_id: int) -> str:
        handoff = changes.start_difference(self.runtime, booking_id)
        if handoff.outcome is HandoffOutcome.PAY:
            guest.tabs.append(self.take_address(handoff, booking_id))
        return f"booking {booking_id}: {handoff.outcome}"

    def _staff_withdraws(self) -> None:
        booking_id = self.some("SELECT booking_id FROM stay_change WHERE status = 'open'")
        if booking_id is not None:
            act: Act = lambda: changes.withdraw_change(self.runtime, booking_id, STAFF)  # noqa: E731
            self._begin(f"staff withdraws the change of booking {booking_id}", WEB, act)

    def _staff_moves(self) -> None:
        booking_id = self.some("SELECT id FROM booking WHERE status IN ('confirmed', 'pending')")
        if booking_id is not None:
            unit_id = self.dice.choice(self.world.house.unit_ids)
            act: Act = lambda: moves.move_booking(self.runtime, booking_id, unit_id, STAFF)  # noqa: E731
            self._begin(f"staff moves booking {booking_id} to unit {unit_id}", WEB, act)

    def some(self, query: str) -> int | None:
        """One of the ids that a look finds, or none."""
        found = self.rows(query)
        return self.dice.choice(found)[0] if found else None

    def _close_nights(self) -> None:
        arrive = FIRST_NIGHT + timedelta(days=self.dice.randrange(self.world.weather.nights))
        stay = Stay(arrive, arrive + timedelta(days=1))
        unit_id = self.dice.choice(self.world.house.unit_ids)
        act: Act = lambda: listings.close_nights(self.runtime, unit_id, stay, "painting", STAFF)  # noqa: E731
        self._begin(f"staff closes {stay.arrive:%d} of unit {unit_id}", WEB, act)

    def _reopen_nights(self) -> None:
        for (closure_id,) in self.rows("SELECT id FROM closure LIMIT 1"):
            act: Act = lambda closure_id=closure_id: listings.reopen_nights(self.runtime, closure_id, STAFF)  # noqa: E731
            self._begin(f"staff reopens closure {closure_id}", WEB, act)

    def _replay(self) -> None:
        found = self.rows("SELECT id FROM webhook_event ORDER BY received_at, id")
        if found:
            event_id = self.dice.choice(found)[0]
            act: Act = lambda: webhooks.replay_event(self.runtime, event_id, STAFF).status  # noqa: E731
            self._begin(f"staff replays {event_id}", WEB, act)

    def _close_review(self) -> None:
        """Staff looks, and closes only where no money is left over: else it is sent back first."""
        for (booking_id,) in self.rows(
            "SELECT id FROM booking WHERE needs_review AND (SELECT SUM(amount_minor) FROM payment "
            "WHERE booking_id = booking.id) = amount_minor LIMIT 1"
        ):
            act: Act = lambda b=booking_id: reviews.close_review(self.runtime, b, STAFF, "looked")  # noqa: E731
            self._begin(f"staff closes the review of booking {booking_id}", WEB, act)

    def retry_given_up(self) -> None:
        """Staff presses the button beside each row of the outbox that was given up."""
        for (row_id,) in self.rows("SELECT id FROM outbox WHERE state = 'dead'"):
            act: Act = lambda row_id=row_id: outbox.retry(self.runtime, row_id, "ada@example.org")  # noqa: E731
            self._begin(f"staff retries outbox row {row_id}", WEB, act)

    # --- the worker -------------------------------------------------------------------------------------------------

    def _work_outbox(self) -> None:
        self._begin("worker: outbox", WORKER, lambda: self.work(self.dice.choice((1, 2, 5))))

    def _expire_holds(self) -> None:
        self._begin("worker: holds", WORKER, self.end_overdue)

    def _ask_stripe(self) -> None:
        self._begin("worker: reconcile", WORKER, lambda: self.reconcile(at_once=False))

    def _compare_lists(self) -> None:
        self._begin("worker: lists", WORKER, lambda: self.reconcile(at_once=True))

    def end_overdue(self) -> list[str]:
        """Holds and changes whose time is over, as the sweep of the worker does it."""
        return [
            *reservations.expire_holds(self.runtime),
            *changes.lapse_overdue(self.runtime),
            *requests.lapse_overdue(self.runtime),
        ]

    def work(self, limit: int) -> list[str]:
        lines = delivery.run_due(self.runtime, limit)
        for line in lines:
            if "failed (" in line and not any(known in line for known in KNOWN_TROUBLE):
                raise Broken(f"the worker swallowed an error: {line}")
        return lines

    def reconcile(self, *, at_once: bool) -> list[str]:
        return [finding.text for finding in reconciliation.reconcile(self.runtime, at_once=at_once)]

    # --- Stripe -----------------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Some event that has not been answered 2xx yet, whichever came first; perhaps twice at once."""
        due = self.stripe.due_events()
        if due:
            event = self.dice.choice(due[:8])
            for _ in range(2 if self.dice.random() < 0.1 else 1):
                self.begin_delivery(event)

    def _deliver_again(self) -> None:
        told = [event for event in self.stripe.events if event.state is EventState.TOLD]
        if told:
            self.begin_delivery(self.dice.choice(told))

    def begin_delivery(self, event: Event) -> None:
        self._begin(f"{event.id} {event.type}", WEB, lambda: self._receive(event))

    def _receive(self, event: Event) -> str:
        receipt = webhooks.receive_event(self.runtime, event.id.encode(), SIGNATURE)
        if receipt.status is not ReceiptStatus.UNMATCHED:
            event.state = EventState.TOLD
            self._check_kept(event, receipt.status)
        return f"{receipt.status} {receipt.note}"

    def _check_kept(self, event: Event, status: ReceiptStatus) -> None:
        """What was answered 2xx must be in the database at this moment, with its effect."""
        if self._whose(event.payload["data"]["object"]) != INSTANCE and status is ReceiptStatus.IGNORED:
            return
        if not self.rows("SELECT 1 FROM webhook_event WHERE id = ? AND outcome = 'handled'", event.id):
            raise Broken(f"I5: {event.id} was answered {status}, but is not in the inbox")
        evidence = webhooks_evidence(self.runtime, event)
        is_of_stay = isinstance(evidence, PaymentEvidence) and not is_of_club(evidence)
        if is_of_stay and evidence.state is EvidenceState.PAID:
            intent_id = evidence.payment_intent_id
            if not self.rows("SELECT 1 FROM payment WHERE payment_intent_id = ?", intent_id):
                raise Broken(f"I5: {event.id} tells of {intent_id}, which is not in the ledger")

    def _whose(self, record: dict[str, Any]) -> str | None:
        """The tag that an object carries; of disputes, warnings and refunds made by hand that of their payment."""
        tagged = record.get("metadata") or self.stripe.intents[record["payment_intent"]]["metadata"]
        return tagged.get("app")  # type: ignore[no-any-return]

    def _lose_event(self) -> None:
        for event in self.stripe.due_events():
            if self.dice.random() < self.world.weather.lost_events:
                self.world.tell(f"{event.id} {event.type} is lost for good")
                event.state = EventState.LOST

    def _end_slow_payment(self) -> None:
        slow = self.slow_sessions()
        if slow:
            session_id, came = self.dice.choice(slow), self.dice.random() < 0.6
            self.world.tell(f"Stripe: the slow payment of {session_id} {'came' if came else 'failed'}")
            self.stripe.end_slow_payment(session_id, came=came)

    def slow_sessions(self) -> list[str]:
        """Sessions whose payment is on its way."""
        slow = [intent["id"] for intent in self.stripe.intents.values() if intent["status"] == "processing"]
        return [session["id"] for session in self.stripe.sessions.values() if session["payment_intent"] in slow]

    def _end_refund(self) -> None:
        alive = [refund for refund in self.stripe.refunds.values() if refund["status"] in ("pending", "succeeded")]
        if not alive:
            return
        refund = self.dice.choice(alive)
        bad = ("failed",) if self.dice.random() < 0.25 else ()
        statuses = (*(("succeeded", "canceled") if refund["status"] == "pending" else ()), *bad)
        if statuses:
            status = statuses[0] if self.dice.random() < 0.8 else statuses[-1]
            self.world.tell(f"Stripe: {refund['id']} {status}")
            self.stripe.end_refund(refund["id"], status)

    def _refund_by_hand(self) -> None:
        """Somebody uses Stripe's dashboard."""
        charge = self._some_charge()
        if charge is None or any(not d["is_charge_refundable"] for d in self.stripe.disputes_of(charge)):
            return
        rest = charge["amount_captured"] - charge["amount_refunded"]
        if rest > 0:
            self.world.tell(f"dashboard: refund of {charge['id']}")
            self.stripe.refund(charge, self.dice.choice((rest, min(rest, 700))), {})

    def _dispute(self) -> None:
        charge = self._some_charge()
        if charge is None or charge["amount_refunded"] == charge["amount_captured"] or self.stripe.disputes_of(charge):
            return
        self.world.tell(f"Stripe: dispute of {charge['id']}")
        if self.dice.random() < 0.5:
            self.stripe.warn_of_fraud(charge)
        self.stripe.dispute(charge, is_inquiry=self.dice.random() < 0.3)

    def _end_dispute(self) -> None:
        for dispute in list(self.stripe.disputes.values()):
            if dispute["status"].endswith("needs_response") and self.dice.random() < 0.5:
                self.world.tell(f"Stripe: {dispute['id']} ends")
                self.stripe.end_dispute(dispute["id"], won=self.dice.random() < 0.5)

    def _odd_thing(self) -> None:
        """Another shop on the account, or somebody who copies our metadata."""
        if self.dice.random() >= self.world.weather.oddities:
            return
        ours = [self.stripe.sessions[session_id] for session_id in sorted(self.world.handed_out)]
        if ours and self.dice.random() < 0.5:
            session = self.dice.choice(ours)
            self.world.tell(f"dashboard: a copy of {session['id']} is paid")
            self.stripe.copy_session(session, (session["amount_total"] or 10_000) // 2)
        else:
            self.stripe.sell_elsewhere()

    def _some_charge(self) -> dict[str, Any] | None:
        charges = [charge for charge in self.stripe.own_charges(INSTANCE) if self.world.weather.oddities]
        return self.dice.choice(charges) if charges else None

    # --- time -------------------------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        seconds = self.dice.choice((1, 2, 5, 15, 30, 60, 200, 400, 1200, 2200, 2800, 2800, 90_000))
        self.world.pass_time(seconds)

    # --- shared -----------------------------------------------------------------------------------------------------

    def _begin(self, name: str, process: str, act: Act) -> None:
        self.world.begin(name, process, act)

    def next_form(self) -> str:
        self._forms += 1
        return f"form {self._forms}"

    def _has_given(self, booking_id: int) -> bool:
        """Whether Stripe has money for a booking, or a card that stands for it."""
        return bool(self._charges_of(booking_id)) or self.stripe.has_kept_card(booking_id)

    def _charges_of(self, booking_id: int) -> list[dict[str, Any]]:
        own = self.stripe.own_charges(INSTANCE)
        return [charge for charge in own if charge["metadata"]["booking_id"] == str(booking_id)]


def webhooks_evidence(runtime: Any, event: Event) -> object:
    """What the real readers make of an event."""
    return runtime.payments.parse_event(event.payload).evidence
