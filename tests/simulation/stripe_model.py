"""Stripe in memory: its objects, its rules and its events, as plain data. It rolls no dice and makes no trouble.

Shapes and rules are those that `booking.gateways.stripe_objects` reads and that docs.stripe.com/api tells of. Records
are replaced or changed at their top level only, so that a shallow copy is a snapshot.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from booking.gateways.payments import GatewayConflict, GatewayRefused, GatewayUnavailable
from tests.simulation.club_model import ClubModel

Record = dict[str, Any]

# https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
SHORTEST_SESSION, LONGEST_SESSION = 30 * 60, 24 * 3600
# https://docs.stripe.com/api/idempotent_requests
KEY_LIFE = 24 * 3600
# Of most cards; then the bank lets a reserved sum go.
RESERVED_FOR = 7 * 24 * 3600
# Small, so that lists have more than one page.
MOST_ON_PAGE = 6
ENDED_REFUND = ("failed", "canceled")
OTHER_APP = "another-shop"


class EventState(StrEnum):
    """What became of an event: not answered 2xx yet, answered, or never to be told again."""

    DUE = "due"
    TOLD = "told"
    LOST = "lost"


@dataclass
class Event:
    """One event with the object as it was then."""

    payload: Record
    state: EventState = EventState.DUE

    @property
    def id(self) -> str:
        return str(self.payload["id"])

    @property
    def type(self) -> str:
        return str(self.payload["type"])


@dataclass(frozen=True)
class Kept:
    """What was answered under an idempotency key; no answer stands for a stored 500."""

    path: str
    params: Record
    answer: Record | None
    at: int


class StripeModel:
    """One Stripe account. `now` is Stripe's own clock in seconds; `refund_begins` says how the next refund
    starts, `is_good` whether the bank lets a saved card be charged."""

    def __init__(self, now: Callable[[], int], refund_begins: Callable[[], str], is_good: Callable[[], bool]) -> None:
        self.now, self._refund_begins, self._is_good = now, refund_begins, is_good
        self.sessions: dict[str, Record] = {}
        self.intents: dict[str, Record] = {}
        self.charges: dict[str, Record] = {}
        self.refunds: dict[str, Record] = {}
        self.disputes: dict[str, Record] = {}
        self.cards: dict[str, Record] = {}  # those that were saved
        self.by_hand: set[str] = set()  # reserved sums that not we ended
        self.copies: set[str] = set()  # sessions that somebody else made with our metadata
        self.events: list[Event] = []
        self.changes = 0  # counts what happened, so that nobody looks again where nothing did
        self._kept: dict[str, Kept] = {}
        self._later: list[tuple[int, Callable[[], object]]] = []
        self._made = 0
        self._endpoints: dict[str, Callable[[Record], Record]] = {
            "checkout.sessions.create": self._create_session,
            "checkout.sessions.retrieve": lambda params: self._with_charge(self.sessions[params["id"]]),
            "checkout.sessions.expire": self._expire_by_call,
            "checkout.sessions.list": lambda params: self._page(map(self._with_intent, self.sessions.values()), params),
            "charges.list": lambda params: self._page(self.charges.values(), params),
            "disputes.retrieve": lambda params: self.disputes[params["id"]],
            "disputes.list": lambda params: self._page(self.disputes.values(), params),
            "refunds.list": self._list_refunds,
            "refunds.create": self._create_refund,
            "payment_intents.retrieve": self._retrieve_intent,
            "payment_intents.capture": self._capture_by_call,
            "payment_intents.cancel": self._cancel_by_call,
            "payment_intents.list": lambda params: self._page(self.intents.values(), params),
            "payment_intents.create": self._charge_card,
            "payment_methods.retrieve": lambda params: self.cards[params["id"]],
            "payment_methods.detach": self._forget_card,
        }
        self.club = ClubModel(self)
        self._endpoints |= self.club.endpoints()

    # --- requests ---------------------------------------------------------------------------------------------------

    def ask(self, path: str, params: Record, key: str | None = None) -> Record:
        """Do one request, or give the first answer again under its key. Raises what a gateway would."""
        self.tick()
        if key is None:
            return self._endpoints[path](params)
        kept = self._find_kept(key)
        if kept is None:
            kept = self._kept[key] = Kept(path, params, dict(self._endpoints[path](params)), self.now())
        if (kept.path, kept.params) != (path, params):
            raise GatewayConflict("another request under the same key")
        if kept.answer is None:
            raise GatewayUnavailable("the stored 500")
        return kept.answer

    def break_key(self, path: str, params: Record, key: str) -> None:
        """From now on the key is answered with a 500, whatever was done under it."""
        self._kept[key] = Kept(path, params, None, self.now())

    def knows_key(self, key: str) -> bool:
        return self._find_kept(key) is not None

    def do_later(self, seconds: int, act: Callable[[], object]) -> None:
        """A request that is still on its way."""
        self._later.append((self.now() + seconds, act))

    def time_to_next_arrival(self) -> timedelta | None:
        """How long the next of these needs; None where nothing is on its way."""
        return min((timedelta(seconds=due - self.now()) for due, _ in self._later), default=None)

    def tick(self) -> None:
        """Let the clock do what is due: requests arrive, sessions end."""
        now = self.now()
        arrived = [act for due, act in self._later if due <= now]
        self._later = [(due, act) for due, act in self._later if due > now]
        for act in arrived:
            act()
        for session in self.sessions.values():
            if session["status"] == "open" and session["expires_at"] <= now:
                self._expire(session)
        for intent in self.reserved():
            if self.charges[intent["latest_charge"]]["payment_method_details"]["card"]["capture_before"] <= now:
                self.end_reserved(intent, takes=False)

    def _find_kept(self, key: str) -> Kept | None:
        kept = self._kept.get(key)
        return kept if kept is not None and kept.at > self.now() - KEY_LIFE else None

    def _page(self, records: Any, params: Record) -> Record:
        """Newest first: https://docs.stripe.com/api/pagination."""
        since = params.get("created", {}).get("gte", 0)
        found = [record for record in list(records)[::-1] if record["created"] >= since]
        after = params.get("starting_after")
        if after:
            found = found[[record["id"] for record in found].index(after) + 1 :]
        return {"data": [dict(record) for record in found[:MOST_ON_PAGE]], "has_more": len(found) > MOST_ON_PAGE}

    # --- sessions ---------------------------------------------------------------------------------------------------

    def _create_session(self, params: Record) -> Record:
        life = params["expires_at"] - self.now()
        if not SHORTEST_SESSION <= life <= LONGEST_SESSION:
            raise GatewayRefused("expires_at is out of bounds", reason="parameter_invalid")
        if params["mode"] == "setup":
            return self._add_setup(params)
        if params["mode"] == "subscription":
            return self.club.open_page(params)
        items = params["line_items"]
        return self._add_session(
            sum(item["price_data"]["unit_amount"] * item["quantity"] for item in items),
            items[0]["price_data"]["currency"],
            params["metadata"],
            params["expires_at"],
            saves_card="setup_future_usage" in params["payment_intent_data"],
            capture_method=params["payment_intent_data"].get("capture_method", "automatic"),
        )

    def _add_session(
        self,
        amount: int,
        currency: str,
        metadata: Record,
        expires_at: int,
        *,
        saves_card: bool = False,
        capture_method: str = "automatic",
    ) -> Record:
        session_id = self._new("cs")
        return self._put(self.sessions, {
            "id": session_id, "object": "checkout.session", "mode": "payment", "livemode": False,
            "status": "open", "payment_status": "unpaid", "payment_intent": None, "amount_total": amount,
            "currency": currency, "metadata": dict(metadata), "expires_at": expires_at,
            "url": f"https://checkout.example/{session_id}", "created": self.now(), "_saves": saves_card,
            "_capture": capture_method,
        })  # fmt: skip

    def _add_setup(self, params: Record) -> Record:
        """A page on which a card is kept and nothing paid: https://docs.stripe.com/payments/checkout/save-and-reuse."""
        session = self._add_session(0, params["currency"], params["metadata"], params["expires_at"])
        session.update(mode="setup", amount_total=None, payment_status="no_payment_required", setup_intent=None)
        return session

    def only_keeps_card(self, session_id: str) -> bool:
        return bool(self.sessions[session_id]["mode"] == "setup")

    def has_kept_card(self, booking_id: int) -> bool:
        """Whether the guest of a booking has given a card on such a page."""
        own = (one for one in self.sessions.values() if one["metadata"].get("booking_id") == str(booking_id))
        return any(one["mode"] == "setup" and one["status"] == "complete" for one in own)

    def _keep_card(self, session: Record) -> None:
        card = self.cards[self._save_card()]
        session.update(status="complete", setup_intent={"status": "succeeded", "payment_method": card})
        self._emit("checkout.session.completed", session)

    def _expire_by_call(self, params: Record) -> Record:
        session = self.sessions[params["id"]]
        if session["status"] != "open":
            raise GatewayRefused("only an open session can be ended")
        self._expire(session)
        return session

    def _expire(self, session: Record) -> None:
        session.update(status="expired", url=None)
        intent = self.intents.get(session["payment_intent"] or "")
        if intent is not None:
            intent["status"] = "canceled"
            self._emit("payment_intent.canceled", intent)
        self._emit("checkout.session.expired", session)

    def _with_intent(self, session: Record) -> Record:
        intent = self.intents.get(session["payment_intent"] or "")
        return {**session, "payment_intent": dict(intent) if intent else None}

    def _with_charge(self, session: Record) -> Record:
        found = self._with_intent(session)
        if found["payment_intent"] and found["payment_intent"]["latest_charge"]:
            found["payment_intent"]["latest_charge"] = dict(self.charges[found["payment_intent"]["latest_charge"]])
        return found

    def is_payable(self, session_id: str) -> bool:
        """Whether somebody who has its address could pay now."""
        session = self.sessions[session_id]
        return session["status"] == "open" and session["expires_at"] > self.now()

    # --- paying -----------------------------------------------------------------------------------------------------

    def pay(self, session_id: str, *, amount: int | None = None) -> None:
        """A good card, or a challenge that was passed. `amount` is what a feature of Checkout made of the total."""
        session = self.sessions[session_id]
        if self.only_keeps_card(session_id):
            self._keep_card(session)
            return
        if amount is not None:
            session["amount_total"] = amount
        intent = self._intent_of(session)
        intent["amount"] = session["amount_total"]
        if session["_saves"]:
            intent["payment_method"] = self._save_card()
        if intent["capture_method"] == "manual":
            session["status"] = "complete"
            self._reserve(intent)
        else:
            session.update(status="complete", payment_status="paid")
            self._capture(intent)
        self._emit("checkout.session.completed", session)

    def decline(self, session_id: str) -> None:
        """A card that its bank refuses; the session goes on."""
        if not self.only_keeps_card(session_id):
            self._refuse_card(self._intent_of(self.sessions[session_id]))

    def challenge(self, session_id: str) -> None:
        """The bank asks the guest (3-D Secure)."""
        if not self.only_keeps_card(session_id):
            self._intent_of(self.sessions[session_id])["status"] = "requires_action"

    def answer_challenge(self, session_id: str, *, passed: bool) -> None:
        """The guest answers the bank."""
        if passed:
            self.pay(session_id)
        else:
            self.decline(session_id)

    def pay_slowly(self, session_id: str) -> None:
        """A method whose money comes days later; where a card is kept, only cards are to be had."""
        session = self.sessions[session_id]
        if self.only_keeps_card(session_id):
            self._keep_card(session)
            return
        self._intent_of(session)["status"] = "processing"
        session["status"] = "complete"
        self._emit("checkout.session.completed", session)

    def end_slow_payment(self, session_id: str, *, came: bool) -> None:
        """The money came after all, or it did not."""
        session, intent = self.sessions[session_id], self.intents[self.sessions[session_id]["payment_intent"]]
        if came:
            session["payment_status"] = "paid"
            self._capture(intent)
        else:
            self._refuse_card(intent)
        self._emit(f"checkout.session.async_payment_{'succeeded' if came else 'failed'}", session)

    def _intent_of(self, session: Record) -> Record:
        self.changes += 1
        if session["payment_intent"] is None:
            intent = self._put(self.intents, {
                "id": self._new("pi"), "object": "payment_intent", "livemode": False, "amount": session["amount_total"],
                "amount_received": 0, "currency": session["currency"], "metadata": session["metadata"],
                "status": "requires_payment_method", "latest_charge": None, "created": self.now(),
                "capture_method": session["_capture"],
            })  # fmt: skip
            session["payment_intent"] = intent["id"]
        return self.intents[session["payment_intent"]]

    # --- sums that are reserved first: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method --------------

    def end_reserved(self, intent: Record, *, takes: bool) -> None:
        """Somebody in the dashboard takes a reserved sum; or they, or the bank, let it go."""
        self.by_hand.add(intent["id"])
        if takes:
            self._take_reserved(intent)
        else:
            self._let_go(intent)

    def reserved(self) -> list[Record]:
        return [intent for intent in self.intents.values() if intent["status"] == "requires_capture"]

    def _reserve(self, intent: Record) -> None:
        charge = self._new_charge(intent, captured=0)
        charge["payment_method_details"] = {"card": {"capture_before": self.now() + RESERVED_FOR}}
        intent.update(status="requires_capture", latest_charge=charge["id"])
        intent.pop("last_payment_error", None)

    def _capture_by_call(self, params: Record) -> Record:
        intent = self.intents[params["id"]]
        if intent["status"] != "requires_capture" or params["amount_to_capture"] != intent["amount"]:
            raise GatewayRefused("not to be captured", reason="payment_intent_unexpected_state")
        self._take_reserved(intent)
        return self._retrieve_intent({"id": intent["id"], "expand": ["latest_charge"]})

    def _cancel_by_call(self, params: Record) -> Record:
        """https://docs.stripe.com/api/payment_intents/cancel: of one whose card was declined, too."""
        intent = self.intents[params["id"]]
        if intent["status"] == "requires_capture":
            self._let_go(intent)
        elif intent["status"] == "requires_payment_method":
            intent["status"] = "canceled"
            self._emit("payment_intent.canceled", intent)
        else:
            raise GatewayRefused("not to be let go", reason="payment_intent_unexpected_state")
        return self._retrieve_intent({"id": intent["id"], "expand": ["latest_charge"]})

    def _take_reserved(self, intent: Record) -> None:
        self.charges[intent["latest_charge"]].update(captured=True, amount_captured=intent["amount"])
        for session in self.sessions.values():
            if session["payment_intent"] == intent["id"]:
                session["payment_status"] = "paid"
        intent.update(status="succeeded", amount_received=intent["amount"])
        self._emit("payment_intent.succeeded", intent)

    def _let_go(self, intent: Record) -> None:
        """Stripe tells of it as of a charge that was refunded, too."""
        charge = self.charges[intent["latest_charge"]]
        charge["amount_refunded"] = intent["amount"]
        intent["status"] = "canceled"
        self._emit("charge.refunded", charge)
        self._emit("payment_intent.canceled", intent)

    def _new_charge(self, intent: Record, *, captured: int) -> Record:
        return self._put(self.charges, {
            "id": self._new("ch"), "object": "charge", "payment_intent": intent["id"], "captured": captured > 0,
            "amount_captured": captured, "amount_refunded": 0, "currency": intent["currency"],
            "metadata": intent["metadata"], "created": self.now(),
        })  # fmt: skip

    # --- paying at once ---------------------------------------------------------------------------------------------

    def _capture(self, intent: Record) -> None:
        charge = self._new_charge(intent, captured=intent["amount"])
        intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
        intent.pop("last_payment_error", None)
        self._emit("payment_intent.succeeded", intent)

    def _refuse_card(self, intent: Record) -> None:
        intent.update(status="requires_payment_method", last_payment_error={"decline_code": "insufficient_funds"})
        self._emit("payment_intent.payment_failed", intent)

    def _retrieve_intent(self, params: Record) -> Record:
        intent = dict(self.intents[params["id"]])
        if "latest_charge" in params.get("expand", ()) and intent["latest_charge"]:
            intent["latest_charge"] = dict(self.charges[intent["latest_charge"]])
        if "payment_method" in params.get("expand", ()) and intent.get("payment_method"):
            intent["payment_method"] = self.cards[intent["payment_method"]]
        return intent

    # --- saved cards: https://docs.stripe.com/payments/save-and-reuse ------------------------------------------------

    def _save_card(self) -> str:
        card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}
        made = {"id": self._new("pm"), "type": "card", "customer": self._new("cus"), "card": card}
        return str(self._put(self.cards, made)["id"])

    def _charge_card(self, params: Record) -> Record:
        """With nobody there: the bank says yes or no at once."""
        if self.cards[params["payment_method"]]["customer"] != params["customer"]:
            raise GatewayRefused("no such card of this customer", reason="resource_missing")
        intent = self._put(self.intents, {
            "id": self._new("pi"), "object": "payment_intent", "livemode": False, "amount": params["amount"],
            "amount_received": 0, "currency": params["currency"], "metadata": params["metadata"],
            "status": "requires_payment_method", "latest_charge": None, "created": self.now(),
            "payment_method": params["payment_method"],
        })  # fmt: skip
        if self._is_good():
            self._capture(intent)
        else:
            self._refuse_card(intent)
        return dict(intent)

    def _forget_card(self, params: Record) -> Record:
        card = self.cards[params["id"]]
        if card["customer"] is None:
            raise GatewayRefused("not attached")
        card["customer"] = None
        return card

    # --- refunds ----------------------------------------------------------------------------------------------------

    def _create_refund(self, params: Record) -> Record:
        charge = self.charges.get(self.intents[params["payment_intent"]]["latest_charge"] or "")
        if charge is None:
            raise GatewayRefused("nothing was captured")
        return self.refund(charge, params["amount"], params["metadata"])

    def refund(self, charge: Record, amount: int, metadata: Record) -> Record:
        """By a call or by hand in the dashboard. Raises GatewayRefused rather than give back more than came."""
        rest = charge["amount_captured"] - charge["amount_refunded"]
        if any(not dispute["is_charge_refundable"] for dispute in self.disputes_of(charge)):
            raise GatewayRefused("the charge was taken back", reason="charge_disputed")
        if rest <= 0:
            raise GatewayRefused("nothing is left", reason="charge_already_refunded")
        if amount > rest:
            raise GatewayRefused("more than is left")
        refund = self._put(self.refunds, {
            "id": self._new("re"), "object": "refund", "amount": amount, "currency": charge["currency"],
            "charge": charge["id"], "payment_intent": charge["payment_intent"], "status": self._refund_begins(),
            "metadata": dict(metadata), "created": self.now(),
        })  # fmt: skip
        charge["amount_refunded"] += amount
        self._emit("refund.created", refund)
        self._emit("charge.refunded", charge)
        return refund

    def end_refund(self, refund_id: str, status: str) -> None:
        """It arrived, or the bank sends it back, even after it had arrived."""
        refund = self.refunds[refund_id]
        refund["status"] = status
        if status in ENDED_REFUND:
            refund["failure_reason"] = "expired_or_canceled_card"
            self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._emit("refund.updated", refund)
        if status == "failed":
            self._emit("refund.failed", refund)

    def _list_refunds(self, params: Record) -> Record:
        wanted = params.get("payment_intent")
        if wanted is None:
            return self._page(self.refunds.values(), params)
        return {"data": [dict(refund) for refund in self.refunds.values() if refund["payment_intent"] == wanted]}

    # --- disputes ---------------------------------------------------------------------------------------------------

    def disputes_of(self, charge: Record) -> list[Record]:
        return [dispute for dispute in self.disputes.values() if dispute["charge"] == charge["id"]]

    def dispute(self, charge: Record, *, is_inquiry: bool) -> None:
        """The bank takes the money back, or only asks."""
        amount = charge["amount_captured"] - charge["amount_refunded"]
        dispute = self._put(self.disputes, {
            "id": self._new("dp"), "object": "dispute", "charge": charge["id"], "amount": amount,
            "payment_intent": charge["payment_intent"], "currency": charge["currency"], "reason": "fraudulent",
            "status": "warning_needs_response" if is_inquiry else "needs_response",
            "is_charge_refundable": is_inquiry, "created": self.now(), "balance_transactions": [],
            "evidence_details": {"due_by": self.now() + 7 * 24 * 3600},
        })  # fmt: skip
        self._emit("charge.dispute.created", dispute)
        if not is_inquiry:
            dispute["balance_transactions"] = [{"amount": -amount}]
            self._emit("charge.dispute.funds_withdrawn", dispute)

    def end_dispute(self, dispute_id: str, *, won: bool) -> None:
        """The bank decides; an inquiry just ends."""
        dispute = self.disputes[dispute_id]
        if not dispute["status"].endswith("needs_response"):
            return
        if dispute["status"] == "warning_needs_response":
            dispute["status"] = "warning_closed"
        else:
            dispute.update(status="won" if won else "lost", is_charge_refundable=won)
        if dispute["status"] == "won":
            dispute["balance_transactions"] = [*dispute["balance_transactions"], {"amount": dispute["amount"]}]
            self._emit("charge.dispute.funds_reinstated", dispute)
        self._emit("charge.dispute.closed", dispute)

    def warn_of_fraud(self, charge: Record) -> None:
        """A bank's early word."""
        warning = {"id": self._new("issfr"), "charge": charge["id"], "payment_intent": charge["payment_intent"]}
        self._emit("radar.early_fraud_warning.created", warning)

    # --- what others do on the account ------------------------------------------------------------------------------

    def copy_session(self, session: Record, amount: int) -> None:
        """Somebody makes a session with our metadata and a price of their own, and it is paid."""
        copied = self._add_session(amount, session["currency"], session["metadata"], self.now() + 3600)
        self.copies.add(copied["id"])
        self.pay(copied["id"])

    def sell_elsewhere(self) -> None:
        """Another shop on the same account sells something."""
        sold = self._add_session(1234, "eur", {"app": OTHER_APP, "booking_id": "1"}, self.now() + 3600)
        self.pay(sold["id"])

    # --- shared -----------------------------------------------------------------------------------------------------

    def due_events(self) -> list[Event]:
        return [event for event in self.events if event.state is EventState.DUE]

    def own_charges(self, app: str) -> Iterator[Record]:
        """Those whose money came."""
        return (c for c in self.charges.values() if c["captured"] and c["metadata"].get("app") == app)

    def _put(self, shelf: dict[str, Record], record: Record) -> Record:
        shelf[record["id"]] = record
        self.changes += 1
        return record

    def _emit(self, event_type: str, record: Record) -> None:
        self.changes += 1
        payload = {"id": self._new("evt"), "object": "event", "type": event_type, "livemode": False}
        self.events.append(Event({**payload, "created": self.now(), "data": {"object": dict(record)}}))

    def _new(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_{self._made}"
