"""Doing what stands on the board of long work. Each kind says how far it is after each part."""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import BookingError
from booking.gateways.payments import PaymentGatewayError
from booking.models import WebhookEvent
from booking.models.job import JobKind
from booking.queries.health import RECONCILER
from booking.queries.inbox import STUCK
from booking.runtime import Runtime
from booking.services import audit, heartbeat, job_board, photos, reconciliation, webhooks
from booking.services.job_board import JobLost, Line, Work
from booking.services.stripes_lists import Finding

logger = logging.getLogger(__name__)

# One replay of everything that is stuck; more than this is done by pressing once more.
MOST_REPLAYED = 500
TOLD_EVERY = timedelta(seconds=2)


def run_due(runtime: Runtime) -> list[str]:
    """Do all work that nobody does yet; a line for each piece. Safe to run twice at once and to be killed."""
    told = []
    while work := job_board.lease_next(runtime):
        told.append(f"job {work.job_id} ({work.kind}): {_do(runtime, work)}")
    return told


def ask_for_reconciling(runtime: Runtime, who: str) -> int:
    """Ask Stripe about everything, now; the id of the work. Where it waits or runs already, that one. Commits."""
    with transaction() as session:
        known = job_board.find_same(session, JobKind.RECONCILE)
        if known is not None:
            return known
        job_id = job_board.ask_for(session, JobKind.RECONCILE, who, {})
        audit.record(session, who, "stripe.compared", f"job {job_id}", runtime.clock.now())
    runtime.wake_worker()
    return job_id


def ask_for_replays(runtime: Runtime, who: str) -> int | None:
    """Replay each event that waits for a person; the id of the work, None where nothing waits. Commits."""
    with transaction() as session:
        known = job_board.find_same(session, JobKind.REPLAY)
        if known is not None:
            return known
        stuck = _list_stuck(session)
        if not stuck:
            return None
        job_id = job_board.ask_for(session, JobKind.REPLAY, who, {"events": stuck}, of=len(stuck))
        facts = {"events": len(stuck)}
        audit.record(session, who, "webhooks.replayed", f"job {job_id}", runtime.clock.now(), after=facts)
    runtime.wake_worker()
    return job_id


def reconcile_by_timetable(runtime: Runtime) -> list[Finding]:
    """Walk through Stripe's lists, write down what was found, and show that this was done. Commits step by step."""
    findings = reconciliation.reconcile(runtime)
    job_board.note_done(runtime, JobKind.RECONCILE, _sum_up(findings), map(_line_of, findings))
    heartbeat.beat(runtime, RECONCILER)
    return findings


def _do(runtime: Runtime, work: Work) -> str:
    try:
        message = _DOERS[work.kind](runtime, work)
        job_board.finish(runtime, work, message)
    except JobLost:
        return "another worker goes on with it"
    except Exception as error:  # one bad piece of work must not stop the rest; its page says that it broke
        logger.exception("job_failed", extra={"job": work.job_id, "kind": work.kind})
        job_board.give_up(runtime, work, f"Stopped by an error of our own ({type(error).__name__}). See the log.")
        return type(error).__name__
    return message


def _make_pictures(runtime: Runtime, work: Work) -> str:
    files = work.params["files"]
    for number, file in enumerate(files[work.done :], work.done + 1):
        line = _make_one(runtime, work, file["key"], file["name"])
        job_board.report(runtime, work, number, f"{number} of {len(files)} pictures", [line])
    return f"{len(files)} {'picture' if len(files) == 1 else 'pictures'} looked at."


def _make_one(runtime: Runtime, work: Work, key: str, name: str) -> Line:
    try:
        photos.hang_photo(runtime, work.params["listing_id"], key, work.who)
    except BookingError as refused:
        return Line(f"{name}: {refused.user_message}", is_problem=True)
    return Line(f"{name}: kept")


def _reconcile(runtime: Runtime, work: Work) -> str:
    job_board.report(runtime, work, 0, "Asking Stripe")
    findings, told_at = [], runtime.clock.now()
    for finding in reconciliation.look_both_ways(runtime):
        findings.append(finding)
        if runtime.clock.now() - told_at > TOLD_EVERY:
            job_board.report(runtime, work, len(findings), f"Asking Stripe: {len(findings)} looked at")
            told_at = runtime.clock.now()
    heartbeat.beat(runtime, RECONCILER)
    job_board.report(runtime, work, len(findings), "Asked", map(_line_of, findings))
    return _sum_up(findings)


def _replay(runtime: Runtime, work: Work) -> str:
    events = work.params["events"]
    for number, event_id in enumerate(events[work.done :], work.done + 1):
        line = _replay_one(runtime, event_id, work.who)
        job_board.report(runtime, work, number, f"{number} of {len(events)} events", [line])
    return f"{len(events)} {'event' if len(events) == 1 else 'events'} replayed."


def _replay_one(runtime: Runtime, event_id: str, who: str) -> Line:
    try:
        receipt = webhooks.replay_event(runtime, event_id, who)
    except (BookingError, PaymentGatewayError) as error:
        return Line(f"{event_id}: {type(error).__name__}", is_problem=True)
    except Exception as error:  # it failed before, and may again; the others must have their turn
        logger.warning("replay_failed", extra={"stripe_event": event_id, "error": type(error).__name__})
        return Line(f"{event_id}: {type(error).__name__}", is_problem=True)
    is_problem = receipt.status is webhooks.ReceiptStatus.UNMATCHED
    return Line(f"{event_id}: {receipt.note or receipt.status}", is_problem)


def _list_stuck(session: Session) -> list[str]:
    stuck = select(WebhookEvent.id).where(WebhookEvent.outcome.in_(STUCK))
    return list(session.scalars(stuck.order_by(WebhookEvent.received_at, WebhookEvent.id).limit(MOST_REPLAYED)))


def _line_of(finding: Finding) -> Line:
    return Line(f"{finding.kind}: {finding.text}", finding.is_problem)


def _sum_up(findings: list[Finding]) -> str:
    problems = sum(finding.is_problem for finding in findings)
    if not findings:
        return "Nothing differs from Stripe."
    looked = f"{len(findings)} looked at"
    return (
        f"{looked}, {problems} of them {'needs' if problems == 1 else 'need'} a person." if problems else f"{looked}."
    )


_DOERS: dict[JobKind, Callable[[Runtime, Work], str]] = {
    JobKind.PICTURES: _make_pictures,
    JobKind.RECONCILE: _reconcile,
    JobKind.REPLAY: _replay,
}
