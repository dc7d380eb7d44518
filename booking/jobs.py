"""Huey tasks and sweeps: thin calls into services. The outbox is the truth; Huey only makes things happen soon.

Each task may run twice at once and may be killed at any point: rows are leased, states are compared and set.
"""

import logging
import threading
from collections.abc import Callable, Iterable

from flask import Flask
from huey import crontab

from booking.queue import TASKS, build_huey
from booking.runtime import Runtime
from booking.services import (
    balances,
    cards,
    changes,
    charges,
    delivery,
    disputes,
    guest_accounts,
    heartbeat,
    job_board,
    job_work,
    limits,
    memberships,
    occasions,
    occupancy,
    photos,
    privacy,
    reconciliation,
    requests,
    reservations,
    retention,
    sign_ins,
    watch,
)
from booking.services.stripes_lists import Finding

logger = logging.getLogger(__name__)

# A wake-up that got lost costs a mail no more than this.
LOOK_EVERY_SECONDS = 3.0
THREADS = 2


class Worker:
    """The consumer with its tasks, a first sweep at the start, and a look at the outbox every few seconds."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._runtime: Runtime = app.extensions["holdfast"]
        self._stop = threading.Event()
        self.huey = build_huey(self._runtime.settings)
        self._register()

    def run(self) -> None:
        """Work until SIGTERM, which lets a task in hand end first."""
        for sweep in SWEEPS:
            self._do(sweep)
        lookers = [
            threading.Thread(target=self._look_often, args=(work,), name=work.__name__, daemon=True)
            for work in (work_outbox, work_jobs)
        ]
        for looker in lookers:
            looker.start()
        options = {"workers": THREADS, "max_delay": 1.0, "graceful_signal": "TERM", "shutdown_timeout": 25}
        try:
            self.huey.create_consumer(**options).run()
        finally:
            self._stop.set()
            for looker in lookers:
                looker.join(timeout=5)

    def _register(self) -> None:
        self.huey.task(name="work_outbox")(self._task(work_outbox))
        for sweep, when in TIMETABLE.items():
            self.huey.periodic_task(when, name=sweep.__name__)(self._task(sweep))

    def _task(self, sweep: Callable[[Runtime], None]) -> Callable[[], None]:
        def run() -> None:
            self._do(sweep)

        run.__module__ = TASKS
        return run

    def _look_often(self, work: Callable[[Runtime], None]) -> None:
        # Each in a thread of its own: a letter waits for no picture.
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            self._do(work)

    def _do(self, sweep: Callable[[Runtime], None]) -> None:
        try:
            with self._app.app_context():
                sweep(self._runtime)
        except Exception:  # one failed sweep must not end the worker; the next one tries again
            logger.exception("sweep_failed", extra={"sweep": sweep.__name__})


def work_outbox(runtime: Runtime) -> None:
    """Send mail and refunds that are due."""
    _tell("outbox_row", delivery.run_due(runtime))


def work_jobs(runtime: Runtime) -> None:
    """Do the long work that somebody asked for on a page."""
    _tell("job_ended", job_work.run_due(runtime))


def expire_holds(runtime: Runtime) -> None:
    """Let go of holds whose time has passed."""
    _tell("request_lapsed", requests.lapse_overdue(runtime))
    _tell("hold_expired", [*reservations.expire_holds(runtime), *changes.lapse_overdue(runtime)])
    _tell("reserved_sum", (f"booking {found[0]}: {found[1]}" for found in requests.settle_open(runtime, at_once=False)))


def charge_cards(runtime: Runtime) -> None:
    """Charge saved cards with what is due today, and announce what will be."""
    _tell("card_charged", charges.charge_due_cards(runtime))


def forget_cards(runtime: Runtime) -> None:
    """Have Stripe forget the cards of stays that are over."""
    _tell("card_forgotten", cards.forget_old_cards(runtime))


def reconcile(runtime: Runtime) -> None:
    """Ask Stripe about what is unfinished here, and leave the youngest to their webhook."""
    _log(reconciliation.reconcile(runtime, at_once=False))


def compare_lists(runtime: Runtime) -> None:
    """Look through Stripe's own list too: the only way to find what was never told."""
    _log(job_work.reconcile_by_timetable(runtime))


def _tell(event: str, lines: Iterable[str]) -> None:
    for line in lines:
        logger.info(event, extra={"result": line})


def _log(findings: list[Finding]) -> None:
    for finding in findings:
        level = logging.WARNING if finding.is_problem else logging.INFO
        logger.log(level, "reconciled", extra={"kind": finding.kind, "result": finding.text})


def remind(runtime: Runtime) -> None:
    """Remind staff of disputes that must be answered soon."""
    _tell("reminded", disputes.remind_of_due(runtime))


def write_before_arrivals(runtime: Runtime) -> None:
    """Write to guests who come soon."""
    _tell("mail_asked", occasions.write_before_arrivals(runtime))


def write_about_balances(runtime: Runtime) -> None:
    """Ask guests for what they still owe, and tell staff of what is overdue."""
    _tell("mail_asked", balances.write_about_balances(runtime))


def write_after_holds(runtime: Runtime) -> None:
    """Write once to guests who did not pay in time."""
    _tell("mail_asked", occasions.write_after_holds(runtime))


def write_before_trials_end(runtime: Runtime) -> None:
    """Write to members whose trial is over soon, before they are charged."""
    _tell("mail_asked", memberships.write_before_trials_end(runtime))


def erase_guests(runtime: Runtime) -> None:
    """Erase guests who asked for it, once nothing stands in the way."""
    _tell("guest_erased", privacy.erase_due(runtime))


def forget_old(runtime: Runtime) -> None:
    """Forget what is older than it need be."""
    _tell("forgotten", retention.forget_old(runtime))


def prove(runtime: Runtime) -> None:
    """Look whether every promise is kept in this very database."""
    watch.prove_promises(runtime)


def mend_occupancy(runtime: Runtime) -> None:
    """Make anew what searches read of the nights: an older version beside this one writes nights alone."""
    occupancy.rebuild()


def beat(runtime: Runtime) -> None:
    """Show that the worker lives."""
    heartbeat.beat(runtime)


def purge(runtime: Runtime) -> None:
    """Drop what only mattered for some hours or days."""
    limits.purge_windows(runtime)
    job_board.purge(runtime)
    photos.forget_uploads(runtime)
    sign_ins.purge(runtime)
    guest_accounts.purge(runtime)


SWEEPS = (beat, work_outbox, expire_holds, write_before_arrivals, write_after_holds, reconcile, remind, mend_occupancy)
TIMETABLE = {
    beat: crontab(minute="*"),
    expire_holds: crontab(minute="*"),
    write_before_arrivals: crontab(minute="*/10"),
    write_after_holds: crontab(minute="*/5"),
    write_about_balances: crontab(minute="*/10"),
    charge_cards: crontab(minute="*/10"),
    reconcile: crontab(minute="*/5"),
    compare_lists: crontab(minute="17"),
    remind: crontab(minute="37"),
    prove: crontab(minute="7"),
    write_before_trials_end: crontab(minute="11"),
    erase_guests: crontab(minute="27"),
    purge: crontab(minute="47", hour="3"),
    forget_old: crontab(minute="57", hour="3"),
    forget_cards: crontab(minute="7", hour="4"),
    mend_occupancy: crontab(minute="17", hour="4"),
}
