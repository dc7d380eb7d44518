"""Asking Stripe about everything unfinished here, and Stripe's own list about everything we should know.

With webhooks and redirects lost for good, this alone brings every booking to its right end, through the same door.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from booking.database import end_read
from booking.domain.states import REFUND_IN_FLIGHT, UNFINISHED_ATTEMPT, AttemptStatus, Source
from booking.extensions import db
from booking.gateways.payments import EvidenceState, PaymentEvidence, PaymentGatewayError
from booking.models import Attempt, Refund
from booking.runtime import Runtime
from booking.services import attempts, refunds
from booking.services.instance import Identity, get_identity
from booking.services.settlement import Outcome
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# Younger than this, the webhook is probably on its way.
UNTOUCHED_FOR = timedelta(minutes=2)
# Stripe retries a webhook for three days: https://docs.stripe.com/webhooks#retries
LOOK_BACK = timedelta(days=4)
_CAUSE = Cause(Source.RECONCILE)
_IN_WORDS: dict[str, str] = {Outcome.NOTHING: "nothing new at Stripe", Outcome.CLOSED: "its session has ended unpaid"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `is_problem` where a person must look."""

    kind: str
    text: str
    is_problem: bool = False


def reconcile(
    runtime: Runtime, since: timedelta | None = None, dry_run: bool = False, *, at_once: bool = True
) -> list[Finding]:
    """Look both ways and repair through the one door. Commits one by one; safe to run twice at once.

    `at_once` asks about attempts however young they are (a person wants to know now); the worker's sweep leaves the
    youngest to their webhook and skips Stripe's list.
    """
    identity = get_identity(runtime)
    findings = [*_ask_about_attempts(runtime, at_once, dry_run), *_ask_about_refunds(runtime, dry_run)]
    if at_once:
        findings += _walk_stripes_list(runtime, since or LOOK_BACK, identity, dry_run)
    return findings


# --- what is unfinished here ----------------------------------------------------------------------------------------


def _ask_about_attempts(runtime: Runtime, at_once: bool, dry_run: bool) -> Iterator[Finding]:
    youngest = runtime.clock.now() - (timedelta(0) if at_once else UNTOUCHED_FOR)
    for attempt_id, booking_id, is_given_up in _unfinished_attempts(youngest):
        if dry_run:
            yield Finding("attempt", f"booking {booking_id}: attempt {attempt_id} would be asked about")
            continue
        try:
            yield _ask_about(runtime, attempt_id, booking_id, is_given_up)
        except PaymentGatewayError as error:
            yield _no_answer("attempt", f"booking {booking_id}", error)


def _ask_about(runtime: Runtime, attempt_id: int, booking_id: int, is_given_up: bool) -> Finding:
    if is_given_up:
        attempts.end_given_up(runtime, booking_id, _CAUSE)
        return Finding("attempt", f"booking {booking_id}: a session that was given up is ended at Stripe")
    settled = attempts.ask_stripe(runtime, attempt_id, _CAUSE)
    outcome = settled.outcome if settled else "no session was made"
    text = f"booking {booking_id}: {_IN_WORDS.get(outcome, outcome)}"
    return Finding("attempt", text, is_problem=outcome == Outcome.NEEDS_REVIEW)


def _unfinished_attempts(youngest: datetime) -> list[tuple[int, int, bool]]:
    rows = db.session.execute(
        select(Attempt.id, Attempt.booking_id, Attempt.status)
        .where(Attempt.status.in_(UNFINISHED_ATTEMPT), Attempt.created_at <= youngest)
        .order_by(Attempt.id)
    ).all()
    end_read()
    return [(row.id, row.booking_id, row.status is AttemptStatus.SUPERSEDED) for row in rows]


def _ask_about_refunds(runtime: Runtime, dry_run: bool) -> Iterator[Finding]:
    for refund_id, booking_id, stripe_id, payment_id in _unfinished_refunds():
        if dry_run:
            yield Finding("refund", f"booking {booking_id}: refund {refund_id} would be asked about")
            continue
        try:
            _ask_about_refund(runtime, refund_id, stripe_id, payment_id)
            yield Finding("refund", f"booking {booking_id}: refund {refund_id} {_refund_status(refund_id)}")
        except PaymentGatewayError as error:
            yield _no_answer("refund", f"booking {booking_id}", error)


def _ask_about_refund(runtime: Runtime, refund_id: int, stripe_id: str | None, payment_id: int) -> None:
    if stripe_id is None:
        refunds.send_refund(runtime, refund_id)
    else:
        refunds.sync_refunds(runtime, payment_id)


def _unfinished_refunds() -> list[tuple[int, int, str | None, int]]:
    rows = db.session.execute(
        select(Refund.id, Refund.booking_id, Refund.stripe_refund_id, Refund.payment_id)
        .where(Refund.status.in_(REFUND_IN_FLIGHT))
        .order_by(Refund.id)
    ).all()
    end_read()
    return [(row.id, row.booking_id, row.stripe_refund_id, row.payment_id) for row in rows]


def _refund_status(refund_id: int) -> str:
    status = db.session.scalar(select(Refund.status).where(Refund.id == refund_id))
    end_read()
    return str(status)


# --- what Stripe knows ----------------------------------------------------------------------------------------------


def _walk_stripes_list(runtime: Runtime, since: timedelta, identity: Identity, dry_run: bool) -> Iterator[Finding]:
    """The only way to find what was never told: lost events, rows lost in a restore."""
    try:
        for evidence in runtime.payments.list_checkouts(runtime.clock.now() - since):
            if evidence.tag.app == identity.instance_id:
                yield from _compare(runtime, evidence, identity, dry_run)
    except PaymentGatewayError as error:
        yield _no_answer("list", "Stripe's list of sessions", error)


def _compare(runtime: Runtime, evidence: PaymentEvidence, identity: Identity, dry_run: bool) -> Iterator[Finding]:
    known = _find_known(evidence)
    if known is None:
        yield _missing(evidence)
    elif _is_news(known, evidence) and dry_run:
        yield Finding("list", f"booking {known.booking_id}: Stripe says {evidence.state}, would be settled")
    elif _is_news(known, evidence):
        settled = attempts.settle_now(runtime, evidence, _CAUSE, identity)
        yield Finding("list", f"booking {known.booking_id}: {settled.outcome}")


def _find_known(evidence: PaymentEvidence) -> Attempt | None:
    attempt = db.session.scalar(select(Attempt).where(Attempt.token == evidence.tag.attempt))
    if attempt is not None:
        db.session.expunge(attempt)
    end_read()
    return attempt


def _is_news(attempt: Attempt, evidence: PaymentEvidence) -> bool:
    is_over = evidence.state in (EvidenceState.PAID, EvidenceState.FAILED, EvidenceState.EXPIRED)
    paid_late = evidence.state is EvidenceState.PAID and attempt.status is not AttemptStatus.PAID
    return paid_late or (is_over and attempt.status in UNFINISHED_ATTEMPT)


def _missing(evidence: PaymentEvidence) -> Finding:
    money = " and it is PAID" if evidence.state is EvidenceState.PAID else ""
    text = f"session {evidence.session_id} carries our id, but no attempt here knows it{money}"
    logger.error("reconcile_unknown_session", extra={"session": evidence.session_id, "state": evidence.state})
    return Finding("list", text, is_problem=evidence.state is EvidenceState.PAID)


def _no_answer(kind: str, what: str, error: PaymentGatewayError) -> Finding:
    logger.warning("reconcile_no_answer", extra={"kind": kind, "error": error.code})
    return Finding(kind, f"{what}: no usable answer from Stripe ({error.code})", is_problem=True)
