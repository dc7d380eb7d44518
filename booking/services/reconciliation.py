"""Asking Stripe about everything unfinished here, and Stripe's own list about everything we should know.

With webhooks and redirects lost for good, this alone brings every booking to its right end, through the same door.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from booking.database import end_read
from booking.domain.states import (
    DISPUTE_CLOSED,
    DISPUTE_WAITING,
    REFUND_IN_FLIGHT,
    UNFINISHED_ATTEMPT,
    AttemptStatus,
    PaymentMethod,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import PaymentGatewayError
from booking.models import Attempt, Dispute, EvidenceDraft, EvidenceSubmission, Payment, Refund
from booking.models.evidence import SubmissionState
from booking.runtime import Runtime
from booking.services import attempts, disputes, evidence, memberships, refund_news, refunds, requests
from booking.services.cases import Outcome
from booking.services.stripes_lists import Finding, no_answer, walk_stripes_lists
from booking.services.timeline import Cause

# Younger than this, the webhook is probably on its way.
UNTOUCHED_FOR = timedelta(minutes=2)
# Stripe retries a webhook for three days: https://docs.stripe.com/webhooks#retries
LOOK_BACK = timedelta(days=4)
_CAUSE = Cause(Source.RECONCILE)
_IN_WORDS: dict[str, str] = {Outcome.NOTHING: "nothing new at Stripe", Outcome.CLOSED: "its session has ended unpaid"}


def reconcile(
    runtime: Runtime, since: timedelta | None = None, dry_run: bool = False, *, at_once: bool = True
) -> list[Finding]:
    """Look both ways and repair through the one door. Commits one by one; safe to run twice at once.

    `at_once` asks about attempts however young they are (a person wants to know now); the worker's sweep leaves the
    youngest to their webhook and skips Stripe's list.
    """
    return list(look_both_ways(runtime, since, dry_run, at_once=at_once))


def look_both_ways(
    runtime: Runtime, since: timedelta | None = None, dry_run: bool = False, *, at_once: bool = True
) -> Iterator[Finding]:
    """The same, finding by finding, for who wants to tell how far it is: no transaction is open in between."""
    yield from _ask_about_attempts(runtime, at_once, dry_run)
    yield from _ask_about_sums(runtime, at_once, dry_run)
    yield from _ask_about_refunds(runtime, dry_run)
    yield from _ask_about_answers(runtime, at_once, dry_run)
    if at_once:
        yield from walk_stripes_lists(runtime, since or LOOK_BACK, dry_run)
        yield from _ask_about_disputes(runtime, dry_run)
    yield from memberships.look_again(runtime, since or LOOK_BACK, dry_run, at_once=at_once)


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
            yield no_answer("attempt", f"booking {booking_id}", error)


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


def _ask_about_sums(runtime: Runtime, at_once: bool, dry_run: bool) -> Iterator[Finding]:
    """Sums on guests' cards that Stripe was asked to take or to let go, and did not say so."""
    if dry_run:
        for booking_id in requests.list_open(at_once=at_once, now=runtime.clock.now()):
            yield Finding("request", f"booking {booking_id}: a reserved sum would be asked about")
        return
    for booking_id, text, is_problem in requests.settle_open(runtime, at_once=at_once):
        yield Finding("request", f"booking {booking_id}: {text}", is_problem=is_problem)


def _ask_about_refunds(runtime: Runtime, dry_run: bool) -> Iterator[Finding]:
    for refund_id, booking_id, stripe_id, payment_id in _unfinished_refunds():
        if dry_run:
            yield Finding("refund", f"booking {booking_id}: refund {refund_id} would be asked about")
            continue
        try:
            _ask_about_refund(runtime, refund_id, stripe_id, payment_id)
            yield Finding("refund", f"booking {booking_id}: refund {refund_id} {_refund_status(refund_id)}")
        except PaymentGatewayError as error:
            yield no_answer("refund", f"booking {booking_id}", error)


def _ask_about_refund(runtime: Runtime, refund_id: int, stripe_id: str | None, payment_id: int) -> None:
    if stripe_id is None:
        refunds.send_refund(runtime, refund_id)
    else:
        refund_news.sync_refunds(runtime, payment_id)


def _unfinished_refunds() -> list[tuple[int, int, str | None, int]]:
    rows = db.session.execute(
        select(Refund.id, Refund.booking_id, Refund.stripe_refund_id, Refund.payment_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.status.in_(REFUND_IN_FLIGHT), Payment.method == PaymentMethod.STRIPE)
        .order_by(Refund.id)
    ).all()
    end_read()
    return [(row.id, row.booking_id, row.stripe_refund_id, row.payment_id) for row in rows]


def _refund_status(refund_id: int) -> str:
    status = db.session.scalar(select(Refund.status).where(Refund.id == refund_id))
    end_read()
    return str(status)


def _ask_about_answers(runtime: Runtime, at_once: bool, dry_run: bool) -> Iterator[Finding]:
    """Answers to disputes that may or may not have reached Stripe, and drafts that may or may not lie there."""
    youngest = runtime.clock.now() - (timedelta(0) if at_once else UNTOUCHED_FOR)
    for what, rows, settle in (
        ("answer", _unsettled_submissions(youngest), evidence.settle_submission),
        ("draft", _unstaged_drafts(youngest), evidence.stage_draft),
    ):
        for dispute_id, booking_id in rows:
            outcome = "would be asked about" if dry_run else settle(runtime, dispute_id, _CAUSE)
            is_open = outcome in (evidence.Answer.UNKNOWN, evidence.Answer.REFUSED)
            text = f"booking {booking_id}: {what} to dispute {dispute_id} {outcome}"
            yield Finding("dispute", text, is_problem=is_open)


def _unsettled_submissions(youngest: datetime) -> list[tuple[int, int]]:
    return _disputes_where(
        select(Dispute.id, Dispute.booking_id)
        .join(EvidenceSubmission)
        .where(EvidenceSubmission.state == SubmissionState.SENDING, EvidenceSubmission.asked_at <= youngest)
    )


def _unstaged_drafts(youngest: datetime) -> list[tuple[int, int]]:
    return _disputes_where(
        select(Dispute.id, Dispute.booking_id)
        .join(EvidenceDraft)
        .outerjoin(EvidenceSubmission)
        .where(EvidenceDraft.staged_at.is_(None), EvidenceDraft.refused == "", EvidenceDraft.saved_at <= youngest)
        .where(EvidenceSubmission.dispute_id.is_(None), Dispute.status.in_(DISPUTE_WAITING))
    )


def _ask_about_disputes(runtime: Runtime, dry_run: bool) -> Iterator[Finding]:
    """Every dispute that is not over: it may last longer than Stripe's lists are walked back."""
    going_on = select(Dispute.id, Dispute.booking_id).where(Dispute.status.not_in(DISPUTE_CLOSED))
    for dispute_id, booking_id in [] if dry_run else _disputes_where(going_on):
        try:
            before = _dispute_status(dispute_id)
            disputes.look_again(runtime, dispute_id, _CAUSE)
            after = _dispute_status(dispute_id)
            if after != before:
                yield Finding("dispute", f"booking {booking_id}: dispute {dispute_id} is {after}")
        except PaymentGatewayError as error:
            yield no_answer("dispute", f"booking {booking_id}", error)


def _disputes_where(wanted: Select[int, int]) -> list[tuple[int, int]]:
    rows = [(row[0], row[1]) for row in db.session.execute(wanted.order_by(Dispute.id))]
    end_read()
    return rows


def _dispute_status(dispute_id: int) -> str:
    status = db.session.scalar(select(Dispute.status).where(Dispute.id == dispute_id))
    end_read()
    return str(status)
