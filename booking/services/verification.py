"""Proving the promises on a live database, and its ledger against Stripe's own list to the cent. Writes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from booking.database import end_read, snapshot
from booking.domain.money import Money
from booking.domain.states import REFUND_ENDED_BADLY
from booking.extensions import db
from booking.gateways.payments import ChargeEvidence
from booking.models import Attempt, Payment
from booking.queries.invariants import PROMISES, Given, Promise
from booking.runtime import Runtime
from booking.services.instance import get_identity

# Stripe has a clock of its own.
CLOCK_DOUBT = timedelta(days=1)


class Verdict(StrEnum):
    """What a look has shown. UNSEEN promises leave no trace in a database: the tests prove them."""

    KEPT = "kept"
    BROKEN = "broken"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Proof:
    """One promise and every row that breaks it."""

    code: str
    promise: str
    verdict: Verdict
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Balance:
    """What came and what went back, in minor units of one currency, here and at Stripe."""

    currency: str
    captured_here: int
    captured_there: int
    refunded_here: int
    refunded_there: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The ledger against Stripe's list: sums by currency, and each payment that differs."""

    balances: tuple[Balance, ...]
    differences: tuple[str, ...]


def verify(runtime: Runtime) -> list[Proof]:
    """Look for every row that breaks a promise. Reads one snapshot; writes nothing."""
    given = Given(runtime.clock.now(), get_identity(runtime).instance_id)
    with snapshot() as session:
        return [_prove(session, promise, given) for promise in PROMISES]


def compare_with_stripe(runtime: Runtime) -> Comparison:
    """Set every payment and refund of the ledger against Stripe's own charges. Writes nothing.

    Raises:
        GatewayUnavailable, GatewayRefused: Stripe's list cannot be read, so nothing can be said.
    """
    identity, here = get_identity(runtime), _own_payments()
    since = _oldest_attempt() or runtime.clock.now()
    charges = runtime.payments.list_charges(since - CLOCK_DOUBT)
    there = [charge for charge in charges if charge.tag.app == identity.instance_id]
    return Comparison(tuple(_balance(here.values(), there)), tuple(_differences(here, there)))


def _prove(session: Session, promise: Promise, given: Given) -> Proof:
    problems = tuple(problem for look in promise.looks for problem in look(session, given))
    if not promise.looks:
        return Proof(promise.code, promise.text, Verdict.UNSEEN)
    return Proof(promise.code, promise.text, Verdict.BROKEN if problems else Verdict.KEPT, problems)


# --- against Stripe -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Own:
    """One payment as the ledger has it. Refunds Stripe has not answered yet may or may not be in its count."""

    booking_id: int
    captured: Money
    refunded_minor: int
    unanswered_minor: int


def _own_payments() -> dict[str, _Own]:
    payments = db.session.scalars(select(Payment).options(selectinload(Payment.refunds)))
    # Of money that the house took itself Stripe knows nothing.
    own = {payment.payment_intent_id: _own(payment) for payment in payments if payment.payment_intent_id}
    end_read()
    return own


def _own(payment: Payment) -> _Own:
    alive = [refund for refund in payment.refunds if refund.status not in REFUND_ENDED_BADLY]
    known = sum(refund.amount_minor for refund in alive if refund.stripe_refund_id)
    unanswered = sum(refund.amount_minor for refund in alive if not refund.stripe_refund_id)
    refunded = max(known, payment.reported_refunded_minor)
    return _Own(payment.booking_id, payment.amount, refunded, unanswered)


def _oldest_attempt() -> datetime | None:
    """No charge of ours is older. A payment's row can be days younger than its charge: nobody may have told us."""
    oldest = db.session.scalar(select(func.min(Attempt.created_at)))
    end_read()
    return oldest


def _differences(here: dict[str, _Own], there: Iterable[ChargeEvidence]) -> Iterator[str]:
    charges = {charge.payment_intent_id: charge for charge in there}
    for intent_id, charge in charges.items():
        own = here.get(intent_id or "")
        if own is None:
            yield f"{intent_id}: {_plain(charge.captured)} came at Stripe, and no payment here knows of it"
        else:
            yield from _difference(intent_id or "", own, charge)
    for intent_id in here.keys() - charges.keys():
        yield f"{intent_id} (booking {here[intent_id].booking_id}): in our ledger, but Stripe has no such charge"


def _difference(intent_id: str, own: _Own, charge: ChargeEvidence) -> Iterator[str]:
    name = f"{intent_id} (booking {own.booking_id})"
    if charge.captured != own.captured:
        yield f"{name}: {_plain(own.captured)} here, {_plain(charge.captured)} at Stripe"
    if not own.refunded_minor <= charge.refunded.minor <= own.refunded_minor + own.unanswered_minor:
        here = Money(own.refunded_minor, own.captured.currency)
        yield f"{name}: {_plain(here)} refunded here, {_plain(charge.refunded)} at Stripe"


def _balance(here: Iterable[_Own], there: Iterable[ChargeEvidence]) -> Iterator[Balance]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for own in here:
        sums[own.captured.currency][0] += own.captured.minor
        sums[own.captured.currency][2] += own.refunded_minor
    for charge in there:
        sums[charge.captured.currency][1] += charge.captured.minor
        sums[charge.captured.currency][3] += charge.refunded.minor
    yield from (Balance(currency, *numbers) for currency, numbers in sorted(sums.items()))


def _plain(amount: Money) -> str:
    return f"{amount.major} {amount.currency.upper()}"
