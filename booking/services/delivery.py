"""Doing what the outbox asks for: mail, refunds, looking at Stripe's refunds, keeping and forgetting cards."""

import logging
from collections.abc import Callable

from booking.database import transaction
from booking.gateways.mail import MailFailed
from booking.gateways.payments import PaymentGatewayError
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import cards, notifications, outbox, refund_news, refunds

logger = logging.getLogger(__name__)
# About a day, with waits that double up to an hour: a mail server that is down over night costs no letter.
# A refund is never given up: it is owed.
MOST_TRIES = 34


def run_due(runtime: Runtime, limit: int = 50) -> list[str]:
    """Do what is due, one row after the other; a line for each. Safe to run twice at once and to be killed."""
    lines = []
    for _ in range(limit):
        task = outbox.lease_next(runtime)
        if task is None:
            break
        lines.append(_do(runtime, task))
    return lines


def _do(runtime: Runtime, task: outbox.Task) -> str:
    try:
        done = _DOERS[task.kind](runtime, task)
    except MailFailed as error:
        return _mail_failed(runtime, task, error)
    except PaymentGatewayError as error:
        return _put_back(runtime, task, error)
    except Exception as error:  # one bad row must not stop the rest
        logger.exception("outbox_row_failed", extra={"row": task.row_id, "kind": task.kind})
        return _put_back(runtime, task, error)
    outbox.finish(runtime, task, done)
    return f"{task.dedupe_key}: {done.note or 'done'}"


def _put_back(runtime: Runtime, task: outbox.Task, error: Exception) -> str:
    # Only the name: the text of an error may hold what a log or a page must not show.
    is_dead = task.kind is not OutboxKind.REFUND and task.tries >= MOST_TRIES
    with transaction() as session:
        outbox.put_back(session, task, type(error).__name__, runtime.clock.now(), is_dead=is_dead)
    return _told(task, type(error).__name__, is_dead)


def _mail_failed(runtime: Runtime, task: outbox.Task, error: MailFailed) -> str:
    is_dead, now = error.is_final or task.tries >= MOST_TRIES, runtime.clock.now()
    with transaction() as session:
        outbox.put_back(session, task, str(error), now, is_dead=is_dead)
        if is_dead:  # given up and told of in one commit: a death in between would leave nobody knowing
            notifications.report_dead_mail(session, task, now)
    logger.warning("mail_failed", extra={"row": task.row_id, "tries": task.tries, "given_up": is_dead})
    return _told(task, str(error), is_dead)


def _told(task: outbox.Task, why: str, is_dead: bool) -> str:
    return f"{task.dedupe_key}: try {task.tries} failed ({why}), {'given up' if is_dead else 'will be tried again'}"


def _mail(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    return notifications.deliver(runtime, task)


def _refund(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    refunds.send_refund(runtime, task.payload["refund_id"], tries=task.tries)
    return outbox.Done()


def _sync_refunds(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    refund_news.sync_refunds(runtime, task.payload["payment_id"])
    return outbox.Done()


def _keep_card(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    return outbox.Done(cards.keep_card(runtime, task.payload["attempt_id"]))


def _detach_card(runtime: Runtime, task: outbox.Task) -> outbox.Done:
    cards.detach_card(runtime, task.payload["card_id"])
    return outbox.Done()


_DOERS: dict[OutboxKind, Callable[[Runtime, outbox.Task], outbox.Done]] = {
    OutboxKind.MAIL: _mail,
    OutboxKind.REFUND: _refund,
    OutboxKind.SYNC_REFUNDS: _sync_refunds,
    OutboxKind.KEEP_CARD: _keep_card,
    OutboxKind.DETACH_CARD: _detach_card,
}
