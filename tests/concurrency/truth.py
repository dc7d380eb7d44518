"""What must be so after a race: looked up in the shop's rows and, for money, in Stripe's own lists."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from booking.domain.states import BookingStatus, RefundStatus
from booking.extensions import db
from booking.models import Attempt, Booking, OutboxRow, Payment, Refund
from booking.models.outbox import OutboxState
from tests.support.shop import Shop

# The letter that tells a guest that the money goes back.
CONSOLING = {"dates_gone", "late_refund", "cancelled"}


@dataclass(frozen=True)
class Truth:
    """The shop's rows and Stripe's objects, read once when all has come to rest."""

    shop: Shop
    bookings: list[Booking]
    sessions_known: set[str]
    payments: list[Payment]
    refunds: list[Refund]
    charges: list[dict[str, Any]]
    balance_minor: int  # Stripe's, before its fees

    @property
    def confirmed(self) -> list[Booking]:
        return [booking for booking in self.bookings if booking.status is BookingStatus.CONFIRMED]

    def sold_twice(self) -> list[str]:
        """Every unit-night that more than one confirmed booking has."""
        sold = Counter((booking.unit_id, day) for booking in self.confirmed for day in booking.stay)
        return [f"unit {unit}, {day}: {times} times" for (unit, day), times in sorted(sold.items()) if times > 1]

    def astray(self) -> list[str]:
        """Every payer who has neither a stay, paid once, nor all the money back, once and with one letter."""
        paid: dict[int, list[dict[str, Any]]] = {}
        for charge in self.charges:
            paid.setdefault(int(charge["metadata"]["booking_id"]), []).append(charge)
        rows = {booking.id: booking for booking in self.bookings}
        lines = [line for number, charges in paid.items() for line in self._astray(rows[number], charges)]
        return lines + [f"{row.id}: a stay for no money" for row in self.confirmed if row.id not in paid]

    def _astray(self, booking: Booking, charges: list[dict[str, Any]]) -> Iterator[str]:
        kept = [charge for charge in charges if charge["amount_refunded"] == 0]
        wanted = 1 if booking.status is BookingStatus.CONFIRMED else 0
        if len(kept) != wanted:
            yield f"{booking.id} is {booking.status}, and {len(kept)} of its {len(charges)} payments are kept"
        for charge in charges:
            back = self._sent_back.get(charge["payment_intent"], [])
            if charge not in kept and not ([charge["amount_refunded"]] == [charge["amount"]] == back):
                yield f"{booking.id}: {charge['amount']} came, {charge['amount_refunded']} went back, here {back}"
        letters = [mail for mail in self.shop.mails(booking.id) if mail in CONSOLING]
        if wanted == bool(letters) or len(set(letters)) != len(letters):
            yield f"{booking.id} is {booking.status}, and got the letters {letters}"

    @cached_property
    def _sent_back(self) -> dict[str, list[int]]:
        """The amounts of the refunds that Stripe has confirmed, by PaymentIntent."""
        intents = {payment.id: payment.payment_intent_id for payment in self.payments}
        found: dict[str, list[int]] = {}
        for refund in self.refunds:
            if refund.status is RefundStatus.SUCCEEDED:
                found.setdefault(intents[refund.payment_id], []).append(refund.amount_minor)
        return found

    def books(self) -> tuple[int, int]:
        """What is left of all the money, in minor units: by the ledger, and by Stripe's balance."""
        came = sum(payment.amount_minor for payment in self.payments)
        went = sum(sum(amounts) for amounts in self._sent_back.values())
        return came - went, self.balance_minor

    def unfinished(self) -> list[str]:
        """What the worker still had to do."""
        with self.shop.app.app_context():
            rows = db.session.scalars(db.select(OutboxRow).where(OutboxRow.state != OutboxState.DONE)).all()
            return [f"{row.dedupe_key} {row.state} {row.last_error}" for row in rows]

    def verify(self) -> tuple[int, str]:
        """Exit code and words of `flask verify --stripe`."""
        ended = self.shop.app.test_cli_runner().invoke(args=["verify", "--stripe"])
        return ended.exit_code, ended.output


def find_truth(shop: Shop) -> Truth:
    """Read all there is, here and at Stripe."""
    stripe = shop.stripe_client()
    with shop.app.app_context():
        payments, refunds = _all(Payment), _all(Refund)
        sessions = {attempt.session_id for attempt in _all(Attempt) if attempt.session_id}
        db.session.expunge_all()
    charges = [charge for charge in _list(stripe.charges) if charge["status"] == "succeeded"]
    return Truth(shop, shop.bookings(), sessions, payments, refunds, charges, _balance(stripe))


def kind_of(database_url: str) -> str:
    """sqlite or postgresql, for the names of figures."""
    return database_url.partition(":")[0].partition("+")[0]


def _all(model: Any) -> list[Any]:
    return list(db.session.scalars(db.select(model)))


def _balance(stripe: Any) -> int:
    moved = _list(stripe.balance_transactions)
    balance = stripe.balance.retrieve().to_dict()
    minor: int = sum(part["amount"] for part in [*balance["available"], *balance["pending"]])
    assert minor == sum(line["net"] for line in moved)
    return minor + sum(line["fee"] for line in moved)


def _list(kind: Any) -> list[dict[str, Any]]:
    return [found.to_dict() for found in kind.list({"limit": 100}).auto_paging_iter()]
