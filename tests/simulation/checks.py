"""What must be true: after each step (cheap looks past the shop's own code), and once all has come to rest."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from booking.domain.states import REFUND_RANK, TRANSITIONS, BookingStatus, RefundReason, RefundStatus
from booking.extensions import db
from booking.queries.invariants import PROMISES, Given, guards
from booking.services import checkout, verification
from booking.services.letter_facts import short_hash
from tests.simulation.club_model import OVER
from tests.simulation.house import INSTANCE
from tests.simulation.stripe_model import ENDED_REFUND, Record
from tests.simulation.world import Broken, World

BY_ITSELF = (RefundReason.DATES_UNAVAILABLE, RefundReason.ALREADY_CANCELLED, RefundReason.DUPLICATE)
# A night's work of a person, not the shop's: these need one by design.
WITH_A_PERSON = "needs_review OR refund_failed OR disputed"
# What goes back of each payment, without what was asked for before Stripe told of another refund: then there may not
# be enough left, and Stripe will say so.
BACK = """SELECT payment.id, payment.amount_minor, refund.amount_minor, refund.stripe_refund_id
FROM refund JOIN payment ON payment.id = refund.payment_id
WHERE refund.status NOT IN ('failed', 'canceled') AND NOT (refund.status = 'requested'
    AND refund.stripe_refund_id IS NULL AND EXISTS (
    SELECT 1 FROM refund AS told WHERE told.payment_id = refund.payment_id AND told.stripe_refund_id IS NOT NULL
    AND told.updated_at >= refund.created_at))"""

CHANGED = "FROM stay_change WHERE status = 'done' AND booking_id"
# Beside the first payment: of changes that a balance did not take, and of all that was owed.
PAID_BESIDE = """SELECT booking_id FROM stay_change WHERE status = 'done' AND amount_minor > from_minor
    AND EXISTS (SELECT 1 FROM attempt WHERE change_id = stay_change.id)
UNION ALL SELECT due.booking_id FROM due JOIN attempt ON attempt.due_id = due.id
    WHERE due.status = 'paid' AND attempt.status = 'paid' GROUP BY due.id"""
UNPAID = "SELECT COALESCE(SUM(amount_minor), 0) FROM due WHERE kind = 'balance' AND status <> 'paid' AND booking_id = ?"
CASH = "SELECT COALESCE(SUM(amount_minor), 0) FROM payment WHERE method <> 'stripe' AND booking_id = ?"
OWN_CARD = "SELECT 1 FROM saved_card WHERE payment_method_id = ? AND booking_id = ?"
WAITING_FOR_HOST = """SELECT booking.id, julianday(leave) - julianday(arrive), COUNT(night.day)
FROM stay_request JOIN booking ON booking.id = stay_request.booking_id
LEFT JOIN night ON night.booking_id = booking.id AND night.unit_id = booking.unit_id
WHERE state IN ('asked', 'accepting') AND booking.status = 'pending'
    AND (booking.hold_until IS NULL OR booking.hold_until > ?) GROUP BY booking.id"""
OVER_WITH_SUM = """SELECT stay_request.booking_id, stay_request.state, payment_intent_id
FROM stay_request JOIN authorisation ON authorisation.booking_id = stay_request.booking_id
WHERE stay_request.state IN ('declined', 'lapsed', 'withdrawn')"""
TOO_HIGH = """SELECT due.booking_id, kind, SUM(due.amount_minor) AS asked, most FROM due JOIN (
    SELECT booking_id AS whose, 'damage' AS subject, damage_minor AS most FROM card_consent
    UNION ALL SELECT booking_id, 'no_show_fee', no_show_minor FROM card_consent
) ON subject = kind AND whose = due.booking_id WHERE status <> 'waived' GROUP BY 1, 2, most HAVING asked > most"""
RATED = """SELECT booking.id, membership.id, membership.status FROM booking
JOIN membership ON membership.id = booking.membership_id WHERE booking.member_off > 0"""
PAID_FOR = """SELECT 1 FROM payment JOIN due ON due.booking_id = payment.booking_id
LEFT JOIN attempt ON attempt.id = payment.attempt_id WHERE due.id = ? AND payment.amount_minor = ?
AND (attempt.due_id = due.id OR payment.method <> 'stripe')"""

# What waits for a bank: its nights, those that it has with no end, and those that somebody else has.
WAITING = """SELECT booking.id, julianday(leave) - julianday(arrive),
    SUM(booking_id IS booking.id AND night.hold_until IS NULL), SUM(booking_id IS NOT booking.id AND day IS NOT NULL)
FROM booking LEFT JOIN night ON night.unit_id = booking.unit_id AND day >= arrive AND day < leave
WHERE booking.status = 'pending' AND booking.hold_until IS NULL AND NOT needs_review
GROUP BY booking.id"""


class Watch:
    """Looks at database and Stripe after each step, and remembers what may not go back."""

    def __init__(self, world: World) -> None:
        self._world, self._rows, self._stripe = world, world.house.rows, world.stripe
        self._seen = (-1, -1)
        self._status: dict[int, str] = {}
        self._waiting: set[int] = set()
        self._payments: dict[str, tuple[int, int]] = {}
        self._ranks: dict[int, int] = {}
        self._members_seen: dict[int, str] = {}
        self._rated: set[int] = set()
        self._dues_seen: dict[int, tuple[int, str, str]] = {}
        self._looks: tuple[Callable[[], Iterator[str]], ...] = (
            self._bookings, self._waits, self._dues, self._money_that_came, self._money_that_went, self._twins,
            self._saved_cards, self._requests, self._fees, self._members,
        )  # fmt: skip

    def look(self) -> None:
        """Raise Broken where a promise is broken now."""
        now = (self._world.house.raw.total_changes, self._stripe.changes)
        if now == self._seen:
            return
        self._seen = now
        for look in self._looks:
            for problem in look():
                raise Broken(problem)

    def _bookings(self) -> Iterator[str]:
        """I1, I2, I7, I14: sold once, paid, never moved back, and let go only when nobody can pay."""
        nights: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for booking_id, unit_id, day, hold_until in self._rows(
            "SELECT booking_id, unit_id, day, hold_until FROM night WHERE booking_id IS NOT NULL"
        ):
            nights[booking_id].append((unit_id, day, hold_until))
        sold: dict[tuple[int, str], int] = {}
        for booking_id, status, unit_id, arrive, leave, amount in self._rows(
            "SELECT id, status, unit_id, arrive, leave, amount_minor FROM booking"
        ):
            yield from self._moved(booking_id, status)
            wanted = (date.fromisoformat(leave) - date.fromisoformat(arrive)).days
            held = [night for night in nights[booking_id] if night[0] == unit_id and arrive <= night[1] < leave]
            if status == "confirmed":
                yield from self._confirmed(booking_id, wanted, held, amount, sold)
            else:
                yield from self._payable(booking_id, status, len(held) == wanted)

    def _waits(self) -> Iterator[str]:
        """A booking begins to wait for a bank: it has its nights with no end, unless somebody else has one of them."""
        for booking_id, wanted, kept, others in self._rows(WAITING):
            if booking_id not in self._waiting and kept != wanted and not others:
                yield f"booking {booking_id} waits for a bank, and {kept} of its {wanted} nights are kept for it"
            self._waiting.add(booking_id)

    def _moved(self, booking_id: int, status: str) -> Iterator[str]:
        before = self._status.get(booking_id)
        self._status[booking_id] = status
        if before not in (None, status) and status not in _reachable(before):
            yield f"I7: booking {booking_id} went from {before} to {status}"

    def _confirmed(
        self, booking_id: int, wanted: int, held: list[tuple[Any, ...]], amount: int, sold: dict[tuple[int, str], int]
    ) -> Iterator[str]:
        if sum(until is None for _, _, until in held) != wanted:
            yield f"I1: booking {booking_id} is confirmed for {wanted} nights and has {held}"
        for unit_id, day, _ in held:
            if sold.setdefault((unit_id, day), booking_id) != booking_id:
                yield f"I1: {day} in unit {unit_id} is sold to bookings {sold[unit_id, day]} and {booking_id}"
        charges = [c for c in self._stripe.own_charges(INSTANCE) if c["metadata"]["booking_id"] == str(booking_id)]
        if not self._was_captured(booking_id, amount, [charge["amount_captured"] for charge in charges]):
            yield f"I2: booking {booking_id} is confirmed, but {amount} was never captured for it"

    def _was_captured(self, booking_id: int, amount: int, captured: list[int]) -> bool:
        """The price before all changes, its deposit or a card first; and by and by all that is not owed still."""
        [(more,)] = self._rows(f"SELECT COALESCE(SUM(amount_minor - from_minor), 0) {CHANGED} = ?", booking_id)
        [(deposit,)] = self._rows("SELECT json_extract(plan, '$.now_minor') FROM booking WHERE id = ?", booking_id)
        [(unpaid,)] = self._rows(UNPAID, booking_id)
        [(cash,)] = self._rows(CASH, booking_id)
        first = amount - more if deposit is None else deposit
        has_begun = first in captured if first else self._stripe.has_kept_card(booking_id)
        return has_begun and sum(captured) + cash >= amount - unpaid

    def _payable(self, booking_id: int, status: str, has_nights: bool) -> Iterator[str]:
        """While a guest has a page on which this booking can be paid, or has paid slowly, its nights are its own."""
        if status == "pending" and has_nights:
            return
        copied = {self._stripe.sessions[session_id]["metadata"]["attempt"] for session_id in self._stripe.copies}
        # What is paid for a change or a balance of a stay that is over goes back.
        later = "SELECT token FROM attempt WHERE change_id IS NOT NULL OR due_id IS NOT NULL"
        copied |= {token for (token,) in self._rows(later)}
        for session_id in sorted(self._world.handed_out):
            session = self._stripe.sessions[session_id]
            is_copied = session["metadata"]["attempt"] in copied  # by hand: what its payment means, a person decides
            if is_copied or session["metadata"]["booking_id"] != str(booking_id):
                continue
            if self._stripe.is_payable(session_id):
                yield f"I14: booking {booking_id} is {status} without its nights, but can be paid in {session_id}"
            if status == "expired" and self._is_on_its_way(session):
                yield f"I14: booking {booking_id} has expired, but a slow payment of {session_id} is on its way"

    def _is_on_its_way(self, session: Record) -> bool:
        """Whether its guest has paid by a slow method, and Stripe was there to say so."""
        intent = self._stripe.intents.get(session["payment_intent"] or "")
        is_slow = intent is not None and intent["status"] == "processing"
        return is_slow and self._stripe.now() < session["expires_at"] + checkout.SURELY_OVER.total_seconds()

    def _requests(self) -> Iterator[str]:
        """I1, I11, I23: what waits for the host has its nights, and nothing is charged for what nobody accepted."""
        for booking_id, wanted, held in self._rows(WAITING_FOR_HOST, f"{self._world.clock.at:%Y-%m-%d %H:%M:%S}"):
            if wanted != held:
                yield f"I1: booking {booking_id} waits for the host with {held} of its {wanted} nights"
        for booking_id, state, intent_id in self._rows(OVER_WITH_SUM):
            is_taken = self._stripe.intents[intent_id]["status"] == "succeeded"
            if is_taken and intent_id not in self._stripe.by_hand:
                yield f"I11: booking {booking_id} was {state}, and {intent_id} was charged"

    def _dues(self) -> Iterator[str]:
        """I2, I7: paid means that its money came; what is paid or waived stays so, and a booking has one balance."""
        known = self._rows("SELECT id, booking_id, kind, status, amount_minor FROM due")
        for due_id, booking_id, kind, status, amount in known:
            before = self._dues_seen.get(due_id)
            self._dues_seen[due_id] = (booking_id, kind, status)
            if before is not None and before[2] != "open" and before[2] != status:
                yield f"I7: due {due_id} went from {before[2]} to {status}"
            if status == "paid" and not self._rows(PAID_FOR, due_id, amount):
                yield f"I2: due {due_id} is paid, and {amount} never came for it"
        for booking_id, count in Counter(row[1] for row in known if row[2] == "balance").items():
            if count > 1:
                yield f"I4: booking {booking_id} owes {count} balances"

    def _money_that_came(self) -> Iterator[str]:
        """I9, I15: each payment is a charge of ours, to the cent, and never changes again."""
        payments = self._rows("SELECT payment_intent_id, booking_id, amount_minor FROM payment WHERE method = 'stripe'")
        now = {intent_id: (booking_id, amount) for intent_id, booking_id, amount in payments}
        for intent_id, known in self._payments.items():
            if now.get(intent_id) != known:
                yield f"payment {intent_id} was {known} and is {now.get(intent_id)}"
        self._payments = now
        for intent_id, (booking_id, amount) in now.items():
            intent = self._stripe.intents[intent_id]
            if intent["amount_received"] != amount or intent["metadata"].get("app") != INSTANCE:
                yield f"booking {booking_id}: {amount} recorded for {intent_id}, {intent['amount_received']} came"

    def _money_that_went(self) -> Iterator[str]:
        """I8: never more on its way back than came."""
        goes_back: Counter[tuple[int, int]] = Counter()
        for payment_id, amount, back, refund_id in self._rows(BACK):
            # One that has failed makes room for another at once; the news of it may be late.
            has_failed = refund_id is not None and self._stripe.refunds[refund_id]["status"] in ("failed", "canceled")
            goes_back[payment_id, amount] += 0 if has_failed else back
        for (payment_id, amount), back in goes_back.items():
            if back > amount:
                yield f"I8: {back} go back of payment {payment_id}, which brought {amount}"
        for refund_id, status in self._rows("SELECT id, status FROM refund WHERE stripe_refund_id IS NOT NULL"):
            rank = REFUND_RANK[RefundStatus(status)]
            if rank < self._ranks.get(refund_id, 0):
                yield f"I7: refund {refund_id} went back to {status}"
            self._ranks[refund_id] = rank
        for charge in self._stripe.charges.values():
            if charge["captured"] and charge["amount_refunded"] > charge["amount_captured"]:
                yield f"I8: Stripe gave back more than came of {charge['id']}"

    def _twins(self) -> Iterator[str]:
        """I4, I13: what was asked for once is there once: a refund by its token, a session by its attempt."""
        made = [s["metadata"]["attempt"] for s in self._stripe.sessions.values() if self._is_ours(s)]
        for attempt, count in Counter(made).items():
            if count > 1:
                yield f"I13: Stripe made {count} sessions of the one with token {attempt}"
        tokens = Counter(r["metadata"]["refund_id"] for r in self._stripe.refunds.values() if r["metadata"])
        for token, count in tokens.items():
            if count > 1:
                yield f"I4: Stripe made {count} refunds of the one with token {token}"

    def _saved_cards(self) -> Iterator[str]:
        """I11, I13: a saved card pays for its own booking alone, and each charge was asked for once."""
        for intent in self._charges_alone():
            if not self._rows(OWN_CARD, intent["payment_method"], intent["metadata"]["booking_id"]):
                yield f"I11: {intent['id']} charged a card that was not saved with its booking"
        alone = Counter(intent["metadata"]["attempt"] for intent in self._charges_alone())
        for attempt, count in alone.items():
            if count > 1:
                yield f"I13: Stripe was asked for {count} charges of the one with token {attempt}"

    def _fees(self) -> Iterator[str]:
        """I25: no more is asked for damage, or of who did not come, than was agreed to."""
        for booking_id, kind, asked, most in self._rows(TOO_HIGH):
            yield f"I25: {asked} are asked for as {kind} of booking {booking_id}, and {most} were agreed to"

    def _members(self) -> Iterator[str]:
        """One customer and one subscription for each person; what is over stays over, and only a member saves."""
        if not self._world.weather.club:
            return
        made = Counter(customer["metadata"]["customer"] for customer in self._stripe.club.customers.values())
        alive = Counter(
            one["customer"] for one in self._stripe.club.subscriptions.values() if one["status"] not in OVER
        )
        for who, count in (*made.items(), *alive.items()):
            if count > 1:
                yield f"I13: {who} has {count} customers or memberships at Stripe"
        yield from self._rates()
        for row_id, status in self._rows("SELECT id, status FROM membership"):
            before = self._members_seen.get(row_id)
            self._members_seen[row_id] = status
            if before in OVER and status != before:
                yield f"I7: membership {row_id} went from {before} to {status}"

    def _rates(self) -> Iterator[str]:
        """Whoever books at the members' rate was a member then, or had been when this was looked at last."""
        for booking_id, membership_id, status in self._rows(RATED):
            was = self._members_seen.get(membership_id)
            if booking_id not in self._rated and not {status, was} & {"active", "past_due"}:
                yield f"booking {booking_id} is at the members' rate, and membership {membership_id} is {status}"
            self._rated.add(booking_id)

    def _charges_alone(self) -> Iterator[Record]:
        """Those of saved cards, made with nobody there."""
        paged = {session["payment_intent"] for session in self._stripe.sessions.values()}
        return (intent for intent_id, intent in self._stripe.intents.items() if intent_id not in paged)

    def _is_ours(self, session: Record) -> bool:
        return session["metadata"]["app"] == INSTANCE and session["id"] not in self._stripe.copies


def check_end(world: World) -> None:
    """Raise Broken unless all is as it must be once everything has come to rest."""
    with world.house.app.app_context():
        problems = list(_verify(world))
        comparison = verification.compare_with_stripe(world.runtime)
    problems += [*comparison.differences, *_balances(comparison), *_ends(world)]
    if problems:
        raise Broken("at the end: " + "; ".join(problems))


def _verify(world: World) -> Iterator[str]:
    """`flask verify`, without its looks at the schema, which no run changes and which take as long as all the rest."""
    given = Given(world.clock.now(), INSTANCE)
    for promise in PROMISES:
        for look in promise.looks:
            if look.__module__ != guards.__name__:
                yield from (f"{promise.code}: {line}" for line in look(db.session(), given))
    db.session.rollback()


def _balances(comparison: verification.Comparison) -> Iterator[str]:
    for balance in comparison.balances:
        if (balance.captured_here, balance.refunded_here) != (balance.captured_there, balance.refunded_there):
            yield f"the ledger is not Stripe's: {balance}"


def _ends(world: World) -> Iterator[str]:
    yield from _losers(world)
    yield from _reserved(world)
    yield from _refunds(world)
    yield from _disputes(world)
    yield from _effects(world)
    yield from _letters(world)
    yield from _club(world)


def _club(world: World) -> Iterator[str]:
    """Each membership here is what it is at Stripe, and each there is here."""
    here = {row[0]: row[1:] for row in world.house.rows("SELECT subscription_id, status, cancels_at FROM membership")}
    for one in world.stripe.club.subscriptions.values():
        status, cancels_at = here.pop(one["id"], ("not known", None))
        if status != one["status"] or (status == "active" and bool(cancels_at) != one["cancel_at_period_end"]):
            yield f"{one['id']} is {one['status']} at Stripe and {status} here"
    for subscription_id in here:
        yield f"{subscription_id} is nowhere at Stripe"


def _losers(world: World) -> Iterator[str]:
    """Whoever paid without getting the nights has got all of it back, once: by a refund, or by the bank itself."""
    people = {row[0] for row in world.house.rows(f"SELECT id FROM booking WHERE {WITH_A_PERSON}")}  # noqa: S608
    told = {row[0] for row in world.house.rows("SELECT booking_id FROM booking_event WHERE kind = 'needs_review'")}
    failed = {row[0] for row in world.house.rows("SELECT id FROM booking WHERE refund_failed")}
    by_bank = {dispute["charge"] for dispute in world.stripe.disputes.values() if dispute["status"] == "lost"}
    kept: Counter[int] = Counter()
    for charge, booking_id, reasons in _charges(world):
        is_loser = any(reason in BY_ITSELF for reason in reasons)
        kept[booking_id] += not is_loser and charge["id"] not in by_bank
        if booking_id in people:
            continue
        if is_loser and charge["amount_refunded"] != charge["amount_captured"]:
            yield f"booking {booking_id}: {charge['amount_refunded']} of {charge['amount_captured']} went back"
        if sum(reason in BY_ITSELF for reason in reasons) > 1:
            yield f"booking {booking_id}: refunded by itself more than once"
    beside = Counter(row[0] for row in world.house.rows(PAID_BESIDE))
    for booking_id, status in world.house.rows("SELECT id, status FROM booking"):
        if booking_id not in told and booking_id not in failed and kept[booking_id] > 1 + beside[booking_id]:
            yield f"booking {booking_id} ({status}) keeps {kept[booking_id]} payments"


def _reserved(world: World) -> Iterator[str]:
    """I23: no sum stays on a card, and each that was reserved ended here as it did at Stripe."""
    for intent in world.stripe.reserved():
        if intent["metadata"].get("app") == INSTANCE:
            yield f"{intent['id']} is still reserved on a guest's card"
    for intent_id, state in world.house.rows("SELECT payment_intent_id, state FROM authorisation"):
        if (state == "captured") != (world.stripe.intents[intent_id]["status"] == "succeeded"):
            yield f"{intent_id} is {world.stripe.intents[intent_id]['status']} at Stripe and {state} here"


def _charges(world: World) -> Iterator[tuple[Record, int, list[str]]]:
    """Each charge of ours, its booking, and why we sent refunds of it that have not failed."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for intent_id, reason in world.house.rows(
        "SELECT payment.payment_intent_id, refund.reason FROM refund JOIN payment ON payment.id = refund.payment_id "
        "WHERE refund.status NOT IN ('failed', 'canceled')"
    ):
        reasons[intent_id].append(reason)
    for charge in world.stripe.own_charges(INSTANCE):
        yield charge, int(charge["metadata"]["booking_id"]), reasons[charge["payment_intent"]]


def _refunds(world: World) -> Iterator[str]:
    """Every refund at Stripe of a payment of ours is a row, and says the same."""
    here = dict(world.house.rows("SELECT stripe_refund_id, status FROM refund WHERE stripe_refund_id IS NOT NULL"))
    ours = {charge["id"] for charge in world.stripe.own_charges(INSTANCE)}
    for refund in world.stripe.refunds.values():
        told = here.get(refund["id"])
        is_same = told == refund["status"] or (told in ENDED_REFUND and refund["status"] in ENDED_REFUND)
        if refund["charge"] in ours and not is_same:
            yield f"{refund['id']} is {refund['status']} at Stripe and {told} here"


def _disputes(world: World) -> Iterator[str]:
    here = dict(world.house.rows("SELECT stripe_dispute_id, status FROM dispute"))
    for dispute in world.stripe.disputes.values():
        if here.get(dispute["id"]) != dispute["status"]:
            yield f"{dispute['id']} is {dispute['status']} at Stripe and {here.get(dispute['id'])} here"


def _effects(world: World) -> Iterator[str]:
    """I4: one event has each of its effects once, however often it came."""
    for event_id, kind, count in world.house.rows(
        "SELECT stripe_event_id, kind, COUNT(*) FROM booking_event "
        "WHERE stripe_event_id IS NOT NULL AND source = 'webhook' GROUP BY 1, 2 HAVING COUNT(*) > 1"
    ):
        yield f"I4: {event_id} had the effect {kind} {count} times"


def _letters(world: World) -> Iterator[str]:
    """Each mail that was asked for was sent, unless it would not have been true any more; again only after trouble.

    Trouble is a death or a fault that may have hidden that it was sent.
    """
    sent = Counter(letter.message_id.strip("<").partition("@")[0] for letter in world.letters)
    done = world.house.rows("SELECT dedupe_key, last_error FROM outbox WHERE kind = 'mail' AND state = 'done'")
    if missing := [key for key, note in done if not note and short_hash(key, 32) not in sent]:
        yield f"letters were to be sent and were not: {missing}"
    if stray := set(sent) - {short_hash(key, 32) for key, _ in done}:
        yield f"{len(stray)} letters were sent that nobody asked for"
    again = sum(sent.values()) - len(sent)
    if again > world.deaths + world.faults:
        yield f"{again} letters were sent twice"
    for kind, booking_id, count in world.house.rows(
        "SELECT json_extract(payload, '$.mail') AS mail, booking_id, COUNT(*) FROM outbox WHERE kind = 'mail' "
        "AND mail IN ('confirmed', 'dates_gone', 'payment_processing', 'cancelled') GROUP BY 1, 2 HAVING COUNT(*) > 1"
    ):
        yield f"booking {booking_id} is told {count} times that it is {kind}"
    for booking_id, count in world.house.rows(
        "SELECT booking_id, COUNT(*) FROM outbox WHERE json_extract(payload, '$.mail') = 'refund_sent' GROUP BY 1 "
        "HAVING COUNT(*) > (SELECT COUNT(*) FROM refund WHERE refund.booking_id = outbox.booking_id)"
    ):
        yield f"booking {booking_id} is told {count} times of fewer refunds"


def _reachable(status: str | None) -> set[str]:
    """Where a booking may stand after some steps of the table."""
    reached: set[str] = set()
    edge = {BookingStatus(status)} if status else set()
    while edge:
        edge = {new for old in edge for new in TRANSITIONS[old]} - {BookingStatus(known) for known in reached}
        reached |= {str(new) for new in edge}
    return reached
