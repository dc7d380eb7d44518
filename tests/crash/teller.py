"""The steps that stories are made of, each safe to take again, and the teller that remembers how far a story is."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.errors import EvidenceRefused, TransitionRefused
from booking.domain.evidence import FIELDS
from booking.domain.money import Money
from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.domain.states import (
    AttemptStatus,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentMethod,
    Source,
)
from booking.extensions import db
from booking.gateways.mail import Letter, MailFailed
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.models import (
    Attempt,
    Authorisation,
    Booking,
    BookingEvent,
    CatalogErrand,
    ClubPlan,
    Due,
    Joining,
    Listing,
    Membership,
    OutboxRow,
    StayChange,
    WebhookEvent,
)
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxState
from booking.services import (
    access,
    balances,
    cards,
    changes,
    charges,
    checkout,
    disputes,
    evidence,
    fees,
    heartbeat,
    limits,
    listings,
    on_page,
    outbox,
    payment_plans,
    phone,
    reconciliation,
    refunds,
    requests,
    reservations,
    reviews,
    verification,
    watch,
    webhooks,
)
from booking.services.balances import TakenMoney
from booking.services.changes import ChangeWish
from booking.services.fees import FeeWish
from booking.services.notifications import GuestMail
from booking.services.phone import PhoneRequest
from booking.services.timeline import Cause
from tests.support.cards import SAYS_NO, cards_of, keep_cards, place_with_card, swap_card
from tests.support.hostile import sign
from tests.support.later import LATER
from tests.support.servers import FakeStripe
from tests.support.shop import GRACE, SECRET, ShiftedClock, Shop, add_listing, make_settings, outfit, patched

STAFF = "ada@example.org"
ANSWER = dict.fromkeys(FIELDS, "They came and slept well.")
REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-?[0-9A-HJKMNP-TV-Z]{4}\b")
Step = Callable[["Teller"], None]


class ComeAgain(Exception):
    """The shop could not take an event in just now; Stripe will deliver it again."""


class FileMailer:
    """Writes a line for each letter, so that a letter which was sent stays sent; `trouble` makes it refuse guests'."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trouble: bool | None = None

    def send(self, letter: Letter) -> None:
        if self.trouble is not None and letter.to == GRACE.email:
            raise MailFailed("no mail server", is_final=self.trouble)
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([letter.to, letter.subject]) + "\n")


class Memory:
    """What outlives a death without being the shop's: which step is next, the time, whom a name stands for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.data: dict[str, Any] = {"step": 0, "offset": 0.0, "stripe": 0.0, "bookings": {}, "acknowledged": []}
        if path.exists():
            self.data = json.loads(path.read_text(encoding="utf-8"))
        self.data.setdefault("today", ShiftedClock().today().isoformat())

    def save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.data), encoding="utf-8")
        os.replace(fresh, self._path)


class Teller:
    """One life of the process: goes on with a story where the last one died."""

    def __init__(self, folder: Path, database_url: str, stripe_url: str) -> None:
        self.folder, self.memory = folder, Memory(folder / "memory.json")
        self.mailer = FileMailer(folder / "letters.jsonl")
        self.mailer.trouble = self.memory.data.get("trouble")
        self.app: Flask = create_app(make_settings(database_url, stripe_api_base=stripe_url, rate_limits=True))
        clock = ShiftedClock()
        clock.offset = timedelta(seconds=self.memory.data["offset"])
        outfit(self.app, clock, self.mailer)  # type: ignore[arg-type]
        self.shop = Shop(self.app, FakeStripe(stripe_url), clock, self.mailer, "", self._open_house())  # type: ignore[arg-type]

    def tell(self, steps: tuple[Step, ...]) -> None:
        with self.app.app_context():
            for number in range(self.memory.data["step"], len(steps)):
                steps[number](self)
                self.memory.data["step"] = number + 1
                self.memory.save()
            self._write_result()

    @property
    def runtime(self) -> Any:
        return self.shop.runtime

    def stay(self, ahead: int) -> Stay:
        arrive = date.fromisoformat(self.memory.data["today"]) + timedelta(days=ahead)
        return Stay(arrive, arrive + timedelta(days=3))

    def id_of(self, name: str) -> int:
        return int(self.memory.data["bookings"][name])

    def move_clock(self, seconds: float, *, stripe: bool) -> None:
        """Once for each step, however often the step is taken: the memory is saved before Stripe's clock is moved."""
        mark = f"moved {self.memory.data['step']}"
        if mark in self.memory.data:
            return
        self.memory.data[mark] = True
        self.memory.data["offset"] += seconds
        self.memory.save()
        self.shop.clock.offset = timedelta(seconds=self.memory.data["offset"])
        if stripe:
            self.shop.stripe.post("clock", {"advance": seconds})

    def acknowledge(self, event_id: str) -> None:
        self.memory.data["acknowledged"].append(event_id)
        self.memory.save()

    def _open_house(self) -> int:
        with self.app.app_context():
            listing_id = db.session.scalar(select(Listing.id))
        return listing_id or add_listing(self.app)

    def _write_result(self) -> None:
        letters = self.folder / "letters.jsonl"
        sent = Counter(letters.read_text(encoding="utf-8").splitlines() if letters.exists() else [])
        proofs = verification.verify(self.runtime)
        found = {
            "bookings": {name: self._end_of(booking_id) for name, booking_id in self.memory.data["bookings"].items()},
            # References are drawn by lot, so that letters are compared without them.
            "letters": sorted(REFERENCE.sub("", line) for line in sent),
            "most_copies": max(sent.values(), default=0),
            "broken": [f"{proof.code}: {line}" for proof in proofs for line in proof.problems],
            "differences": list(verification.compare_with_stripe(self.runtime).differences),
            "lost": self._lost_events(),
            "club": self._end_of_club(),
        }
        (self.folder / "result.json").write_text(json.dumps(found), encoding="utf-8")

    def _end_of(self, booking_id: int) -> list[Any]:
        booking = self.shop.booking(booking_id)
        refunded = sorted((str(row.status), row.amount_minor) for row in self.shop.refunds(booking_id))
        mails = sorted(self.shop.mails(booking_id))
        disputed = [(row.status, self._answers_to(row.stripe_dispute_id)) for row in self.shop.disputes(booking_id)]
        states = [str(booking.status), str(booking.payment_status), len(self.shop.nights(booking_id))]
        return [*states, refunded, disputed, mails]

    def _end_of_club(self) -> list[Any]:
        """Members here and at Stripe, and what stands in Stripe's catalogue: nothing there is made twice."""
        rows = db.session.scalars(select(Membership).order_by(Membership.id)).all()
        members = [(row.status, row.joined_at is not None, row.ended_at is not None) for row in rows]
        waiting = db.session.scalars(select(CatalogErrand.act).where(CatalogErrand.done_at.is_(None))).all()
        joinings = sorted(db.session.scalars(select(Joining.status).where(Joining.session_id.is_not(None))))
        if not db.session.scalar(select(ClubPlan.id).limit(1)):
            return []
        api = self.shop.stripe_client()
        there = [one.status for one in api.subscriptions.list(params={"status": "all"}).data]
        prices = sorted((price.unit_amount, price.active) for price in api.prices.list().data)
        products = [(product.name, product.active) for product in api.products.list().data]
        return [members, list(waiting), joinings, there, prices, products, len(api.customers.list().data)]

    def _answers_to(self, stripe_dispute_id: str) -> int:
        """How often a bank was answered: once is right, and twice can never be mended."""
        found = self.shop.stripe_client().disputes.retrieve(stripe_dispute_id).to_dict()
        return int(found["evidence_details"]["submission_count"])

    def _lost_events(self) -> list[str]:
        kept = set(db.session.scalars(select(WebhookEvent.id)))
        return [event_id for event_id in self.memory.data["acknowledged"] if event_id not in kept]


# --- what guests do -------------------------------------------------------------------------------------------------


def place(name: str, ahead: int = 30) -> Step:
    def step(teller: Teller) -> None:
        placed = teller.shop.place(teller.stay(ahead), GRACE, name)
        teller.memory.data["bookings"][name] = placed.booking_id

    return step


def check_out(name: str, *, may_fail: bool = False) -> Step:
    def step(teller: Teller) -> None:
        with suppress(*([GatewayUnavailable, GatewayRefused] if may_fail else [])):
            teller.shop.check_out(teller.id_of(name))

    return step


def pay(name: str, card: str = "4242424242424242", method: str = "card") -> Step:
    """Type a card on Stripe's page; nothing, where the session was paid before the shop died."""

    def step(teller: Teller) -> None:
        session_id = teller.shop.session_of(teller.id_of(name))
        if teller.shop.stripe_client().checkout.sessions.retrieve(session_id).status == "open":
            how = {"card": card} if method == "card" else {"method": method}
            teller.shop.stripe.post(f"sessions/{session_id}/pay", {**how, "wait": False})

    return step


def come_back(name: str) -> Step:
    return lambda teller: _use(checkout.finish_return(teller.runtime, teller.shop.session_of(teller.id_of(name))))


def abandon(name: str) -> Step:
    def step(teller: Teller) -> None:
        with suppress(TransitionRefused):  # told again: it had been let go
            checkout.abandon_checkout(teller.runtime, teller.id_of(name), Cause(Source.WEB))

    return step


def take_requests() -> Step:
    """From now on guests ask for each stay."""

    def step(teller: Teller) -> None:
        with db.engine.begin() as connection:  # not a boundary of the shop's
            connection.execute(update(Listing).values(takes_requests=True))

    return step


def accept(name: str) -> Step:
    def step(teller: Teller) -> None:
        with suppress(TransitionRefused):  # told again: it had been answered
            requests.accept_request(teller.runtime, teller.id_of(name), STAFF)

    return step


def accept_in_vain(name: str) -> Step:
    """The same once: who reads that Stripe refused to take the sum finds out why, and does not press again."""

    def step(teller: Teller) -> None:
        refused = select(BookingEvent.id).where(BookingEvent.kind == "capture_refused")
        if not teller.shop._read(refused):
            accept(name)(teller)

    return step


def miscapture(minor: int | None) -> Step:
    """What Stripe will be asked to take is more than is reserved, so that it will say no; None: it is right again."""

    def step(teller: Teller) -> None:
        db.session.scalars(select(Authorisation)).one().capture_params = (
            None if minor is None else {"amount_to_capture": minor}
        )
        db.session.commit()

    return step


def decline(name: str) -> Step:
    def step(teller: Teller) -> None:
        with suppress(TransitionRefused):  # told again: it had been answered
            requests.decline_request(teller.runtime, teller.id_of(name), "The roof is being mended.", STAFF)

    return step


def lapse() -> Step:
    return lambda teller: _use(requests.lapse_overdue(teller.runtime))


def follow_link(name: str) -> Step:
    """Ask for a link by mail, and open one."""

    def step(teller: Teller) -> None:
        booking = teller.shop.booking(teller.id_of(name))
        if GuestMail.MANAGE_LINK not in teller.shop.mails(booking.id):  # once: in the next minute it is another mail
            access.request_link(teller.runtime, booking.reference, booking.guest_email)
        with access.transaction() as session:
            token = access.mint_link(session, booking, LinkPurpose.LOOKUP, teller.runtime.clock.now())
        opened = access.open_link(teller.runtime, token)
        assert opened is not None
        assert opened.reference == booking.reference

    return step


# --- what Stripe does -----------------------------------------------------------------------------------------------


def deliver(*only: str, is_old: bool = False) -> Step:
    """Deliver each event (of some types) that has not been answered 2xx; what was answered is never sent again.

    `is_old`: as another version of the API tells it, of which nothing but the object's id can be read.
    """

    def step(teller: Teller) -> None:
        client = teller.app.test_client()
        for event in teller.shop.stripe.events():
            if event["id"] in teller.memory.data["acknowledged"] or event["id"] in teller.memory.data.get(
                "dropped", []
            ):
                continue
            if only and event["type"] not in only:
                continue
            body = json.dumps(_as_of_old(event) if is_old else event).encode()
            answer = client.post("/webhooks/stripe/", data=body, headers={"Stripe-Signature": sign(body, SECRET)})
            if answer.status_code == 503:
                raise ComeAgain
            assert answer.status_code in (200, 404), answer.data
            _note_answer(teller, event["id"], answer.get_json())

    return step


def _as_of_old(event: dict[str, Any]) -> dict[str, Any]:
    shown = event["data"]["object"]
    return {**event, "api_version": "2024-06-20", "data": {"object": {"id": shown["id"], "object": shown["object"]}}}


def _note_answer(teller: Teller, event_id: str, answer: dict[str, str]) -> None:
    if answer.get("status") == "success":
        teller.acknowledge(event_id)
    else:
        teller.memory.data.setdefault("dropped", []).append(event_id)
        teller.memory.save()


def lose_events() -> Step:
    """What happened so far is never told."""

    def step(teller: Teller) -> None:
        teller.memory.data["dropped"] = [event["id"] for event in teller.shop.stripe.events()]

    return step


def settle_delayed(name: str, outcome: str) -> Step:
    def step(teller: Teller) -> None:
        intent_id = teller.shop.attempts(teller.id_of(name))[-1].payment_intent_id
        if teller.shop.stripe_client().payment_intents.retrieve(intent_id).status == "processing":
            teller.shop.stripe.post(f"payments/{intent_id}/settle", {"outcome": outcome})

    return step


def refund_in_dashboard(name: str) -> Step:
    def step(teller: Teller) -> None:
        client, session_id = teller.shop.stripe_client(), teller.shop.session_of(teller.id_of(name))
        params: Any = {"payment_intent": client.checkout.sessions.retrieve(session_id).payment_intent, "amount": 500}
        client.refunds.create(params=params, options={"idempotency_key": f"dashboard {name}"})

    return step


def decide_dispute(name: str, status: str) -> Step:
    def step(teller: Teller) -> None:
        stripe_id = teller.shop.disputes(teller.id_of(name))[0].stripe_dispute_id
        if teller.shop.stripe_client().disputes.retrieve(stripe_id).status != status:
            teller.shop.stripe.post(f"disputes/{stripe_id}", {"status": status})

    return step


def fault(kind: str, path: str, times: int, **more: Any) -> Step:
    """Order trouble for the next calls, once; no kind takes back what was ordered."""

    def step(teller: Teller) -> None:
        mark = f"fault {teller.memory.data['step']}"
        if mark not in teller.memory.data:
            teller.memory.data[mark] = True
            orders = [{"kind": kind, "path_prefix": path, "times": times, **more}] if kind else []
            teller.shop.stripe.post("faults", orders)

    return step


def pass_time(*, stripe: bool = True, **span: float) -> Step:
    return lambda teller: teller.move_clock(timedelta(**span).total_seconds(), stripe=stripe)


# --- what staff do --------------------------------------------------------------------------------------------------


def refund(name: str, minor: int) -> Step:
    def step(teller: Teller) -> None:
        refunds.order_refund(teller.runtime, teller.id_of(name), Money(minor, "eur"), STAFF, f"refund {name}")

    return step


def change_stay(name: str, nights: int) -> Step:
    """Staff gives a booking so many nights more, or fewer; what is done already is not done again."""

    def step(teller: Teller) -> None:
        booking, token = teller.shop.booking(teller.id_of(name)), f"change {name} {nights}"
        if teller.shop._read(select(StayChange.id).where(StayChange.form_token == token)):
            changes.change_stay(teller.runtime, booking.id, _same(booking), booking.amount, token, STAFF)
            return
        wish = ChangeWish(Stay(booking.arrive, booking.leave + timedelta(days=nights)), booking.guests, False)
        total = changes.preview_change(teller.runtime, booking.id, wish).quote.total
        changes.change_stay(teller.runtime, booking.id, wish, total, token, STAFF)

    return step


def _same(booking: Booking) -> ChangeWish:
    return ChangeWish(booking.stay, booking.guests, keeps_price=True)


def book_by_phone(name: str, method: PaymentMethod, ahead: int = 40) -> Step:
    """Staff books for a guest, with a link or with the money in hand. Told again it is the same form."""

    def step(teller: Teller) -> None:
        stay = teller.stay(ahead)
        token = f"{sum(map(ord, name)):032x}"
        wish = PhoneRequest(teller.shop.listing_id, stay, 2, GRACE, teller.shop.total(stay), method, token)
        teller.memory.data["bookings"][name] = phone.place_by_phone(teller.runtime, wish, STAFF).booking_id

    return step


def hand_over(name: str) -> Step:
    """Staff gives back what the house had taken itself."""

    def step(teller: Teller) -> None:
        for row in teller.shop.refunds(teller.id_of(name)):
            refunds.note_handed_over(teller.runtime, row.id, STAFF)

    return step


def cancel(name: str, minor: int | None) -> Step:
    """Cancel and send back so much, or everything."""

    def step(teller: Teller) -> None:
        booking = teller.shop.booking(teller.id_of(name))
        if booking.status is BookingStatus.CANCELLED:
            return
        came = sum(payment.amount_minor for payment in teller.shop.payments(booking.id))
        amount = Money(came if minor is None else minor, "eur")
        cause = Cause(Source.STAFF, STAFF)
        reservations.cancel_booking(teller.runtime, booking.id, CancelReason.STAFF, cause, amount, f"cancel {name}")

    return step


def draft_answer(name: str) -> Step:
    def step(teller: Teller) -> None:
        dispute_id = teller.shop.disputes(teller.id_of(name))[0].id
        evidence.save_draft(teller.runtime, dispute_id, ANSWER, "", STAFF)

    return step


def answer_dispute(name: str) -> Step:
    def step(teller: Teller) -> None:
        dispute_id = teller.shop.disputes(teller.id_of(name))[0].id
        with suppress(EvidenceRefused):  # told again: it was on its way, and the worker sees to it
            evidence.submit_evidence(teller.runtime, dispute_id, ANSWER, "", STAFF)

    return step


def misprice(name: str) -> Step:
    """The payment that comes will not be what this row says."""

    def step(teller: Teller) -> None:
        attempt = db.session.query(Attempt).filter_by(booking_id=teller.id_of(name)).one()
        attempt.amount_minor = attempt.booking.amount_minor + 1
        db.session.commit()

    return step


def misdate(name: str) -> Step:
    """What Stripe will be asked for is a session that is over before it begins, so that it will say no."""

    def step(teller: Teller) -> None:
        attempt = db.session.query(Attempt).filter_by(booking_id=teller.id_of(name)).one()
        attempt.params = {**attempt.params, "expires_at": 1}
        db.session.commit()

    return step


def close_review(name: str) -> Step:
    def step(teller: Teller) -> None:
        db.session.get_one(Booking, teller.id_of(name)).needs_review = True
        db.session.commit()
        reviews.close_review(teller.runtime, teller.id_of(name), STAFF, "looked at")

    return step


def close_and_reopen() -> Step:
    def step(teller: Teller) -> None:
        unit_id = db.session.get_one(Listing, teller.shop.listing_id).units[0].id
        for closure in db.session.query(listings.Closure).all():  # told again: it was closed before the shop died
            listings.reopen_nights(teller.runtime, closure.id, STAFF)
        closure_id = listings.close_nights(teller.runtime, unit_id, teller.stay(90), "painting", STAFF)
        listings.reopen_nights(teller.runtime, closure_id, STAFF)

    return step


def replay() -> Step:
    def step(teller: Teller) -> None:
        event_id = db.session.scalars(select(WebhookEvent.id)).first()
        assert event_id is not None
        webhooks.replay_event(teller.runtime, event_id, STAFF)

    return step


# --- what the worker does -------------------------------------------------------------------------------------------


def work() -> Step:
    return lambda teller: _use(teller.shop.work())


def end_holds() -> Step:
    return lambda teller: _use(reservations.expire_holds(teller.runtime))


def reconcile() -> Step:
    return lambda teller: _use(reconciliation.reconcile(teller.runtime))


def remind() -> Step:
    """It is due in so many days that staff must be told."""

    def step(teller: Teller) -> None:
        with patched(disputes, "REMIND_BEFORE", timedelta(days=40)):
            disputes.remind_of_due(teller.runtime)

    return step


def ask_for_deposits() -> Step:
    """From now on a part of the price is paid with the booking."""
    plan = PaymentPlan(PlanKind.DEPOSIT, 30, 14)
    return lambda teller: payment_plans.choose_for_property(teller.runtime, 1, plan, STAFF)


def let_pay_later() -> Step:
    """From now on a card is kept with the booking, and charged some days before arrival."""
    return lambda teller: payment_plans.choose_for_property(teller.runtime, 1, LATER, STAFF)


def place_for_later(name: str, ahead: int = 60) -> Step:
    """Hold some nights, and agree that the card is charged."""

    def step(teller: Teller) -> None:
        teller.memory.data["bookings"][name] = place_with_card(teller.shop, teller.stay(ahead), browser=name)

    return step


def charge(name: str) -> Step:
    """It is the day on which the card is charged. Told again, nothing that may have been charged is asked for again."""

    def step(teller: Teller) -> None:
        charges.charge_due(teller.runtime, _balance(teller, name).id, Cause(Source.TIMER))

    return step


def charge_until_paid(name: str, *, may_refuse: bool = False) -> Step:
    """The worker comes again and again, and Stripe's lists are looked at in between; a card may be refused once."""

    def step(teller: Teller) -> None:
        for _ in range(6):
            tried = {attempt.status for attempt in teller.shop.attempts(teller.id_of(name))}
            if _balance(teller, name).status is DueStatus.PAID or (may_refuse and AttemptStatus.FAILED in tried):
                return
            charge(name)(teller)
            _let_pass(teller, timedelta(minutes=10))
            reconciliation.reconcile(teller.runtime)
        raise AssertionError("the card was never charged")

    return step


def keep_cards_from_now_on() -> Step:
    """From now on the house asks for cards, for damage."""
    return lambda teller: keep_cards(teller.shop)


def use_refused_card(name: str) -> Step:
    """The card that is kept can be saved, and is refused when it is charged."""
    return lambda teller: swap_card(teller.shop, teller.id_of(name), SAYS_NO)


def charge_damage(name: str, minor: int) -> Step:
    """Staff charges the saved card. Told again it is the same form, and what came of it the worker finds out."""

    def step(teller: Teller) -> None:
        wish = FeeWish(DueKind.DAMAGE, Money(minor, "eur"), "A broken window", f"{sum(map(ord, name)):032x}")
        fees.charge_fee(teller.runtime, teller.id_of(name), wish, STAFF)

    return step


def stop_and_send_link(name: str) -> Step:
    """Staff has the card tried no more, and mails the guest where to pay instead."""

    def step(teller: Teller) -> None:
        due_id = _balance(teller, name).id
        charges.stop_trying(teller.runtime, due_id, STAFF)
        charges.send_link(teller.runtime, due_id, f"link {name}", STAFF)

    return step


def pay_on_page(name: str) -> Step:
    """The guest opens the page of the shop, and pays with the fields of Stripe.js."""

    def step(teller: Teller) -> None:
        shown = on_page.begin(teller.runtime, _balance(teller, name).id)
        if shown.client_secret:  # told again: it may be paid already
            intent_id = shown.client_secret.partition("_secret_")[0]
            params: Any = {"payment_method": "pm_card_visa", "return_url": "https://guests.example.org/"}
            teller.shop.stripe_client().payment_intents.confirm(intent_id, params=params)

    return step


def come_back_to_page(name: str) -> Step:
    return lambda teller: _use(on_page.look(teller.runtime, _balance(teller, name).id))


def try_card_now(name: str) -> Step:
    """Staff wants it charged at this moment: what is open on a page is ended first."""
    return lambda teller: _use(charges.try_now(teller.runtime, _balance(teller, name).id, STAFF))


def remove_card(name: str) -> Step:
    """The guest has the card forgotten."""

    def step(teller: Teller) -> None:
        (card,) = cards_of(teller.shop, teller.id_of(name))
        cards.remove_card(teller.runtime, card.booking_id, card.id, Cause(Source.WEB))

    return step


def check_out_balance(name: str) -> Step:
    """Press the button that leads to Stripe for what is left of the price."""
    return lambda teller: _use(balances.start_due(teller.runtime, _balance(teller, name).id))


def ask_for_balances() -> Step:
    """It is the time at which guests are written to about what they owe."""

    def step(teller: Teller) -> None:
        with patched(balances, "ASK_BEFORE", timedelta(days=60)), patched(balances, "MORNING", time(0)):
            balances.write_about_balances(teller.runtime)

    return step


def take_balance(name: str) -> Step:
    """Staff has the money in hand. Told again it is the same money."""

    def step(teller: Teller) -> None:
        due = _balance(teller, name)
        with suppress(TransitionRefused):
            balances.take_due(teller.runtime, due.id, TakenMoney(PaymentMethod.CASH, due.amount), STAFF)

    return step


def waive_balance(name: str) -> Step:
    return lambda teller: _use(balances.waive_due(teller.runtime, _balance(teller, name).id, STAFF))


def _balance(teller: Teller, name: str) -> Due:
    (due,) = teller.shop._read(select(Due).where(Due.booking_id == teller.id_of(name)))
    return due


def purge() -> Step:
    def step(teller: Teller) -> None:
        heartbeat.beat(teller.runtime)
        limits.check_limit(teller.runtime, "look-up", "somebody", 5, timedelta(hours=1))
        limits.forget_tries(teller.runtime, "look-up", "somebody")
        limits.purge_windows(teller.runtime)

    return step


def prove() -> Step:
    return lambda teller: _use(watch.prove_promises(teller.runtime))


def retry_mail() -> Step:
    """Staff asks for another try of what was given up."""

    def step(teller: Teller) -> None:
        for row_id in db.session.scalars(select(OutboxRow.id).where(OutboxRow.state == OutboxState.DEAD)).all():
            outbox.retry(teller.runtime, row_id, "ada@example.org")

    return step


def abort_mail(is_final: bool | None) -> Step:
    """Have the mail server refuse letters to guests, for now or for good; None: it takes them again."""

    def step(teller: Teller) -> None:
        teller.memory.data["trouble"] = teller.mailer.trouble = is_final

    return step


def settle() -> Step:
    """The process is left alone until nothing is due any more: leases of the dead run out, Stripe is asked."""

    def step(teller: Teller) -> None:
        for _ in range(12):
            deliver()(teller)
            teller.shop.work()
            reconciliation.reconcile(teller.runtime)
            if not _is_anything_due():
                return
            _let_pass(teller, timedelta(minutes=6))
        raise AssertionError("there is still something to do")

    return step


def _let_pass(teller: Teller, span: timedelta) -> None:
    """In the shop alone; told again it is more time."""
    teller.shop.clock.offset += span
    teller.memory.data["offset"] = teller.shop.clock.offset.total_seconds()
    teller.memory.save()


def _is_anything_due() -> bool:
    found = db.session.scalar(select(OutboxRow.id).where(OutboxRow.state == OutboxState.DUE).limit(1))
    db.session.rollback()
    return found is not None


def _use(_result: object) -> None:
    """The step was taken for what it does."""
