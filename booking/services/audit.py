"""Writing the audit log: one line for each change that staff makes, in the very transaction of the change."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.database import at_the_end, insert_into, require_transaction
from booking.domain.audit import BEGINNING, Entry, Facts, Plain
from booking.models import AuditHead, AuditLine
from booking.services.timeline import Cause

COMMAND_LINE = "command line"
_LONGEST_FACT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from, as far as it is known. A command has neither."""

    request_id: str = ""
    address: str = ""


NOWHERE = Origin()
# Set for each request by web/watch.py.
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def record(
    session: Session,
    who: str,
    action: str,
    subject: str,
    now: datetime,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add one line to the audit log. Joins the caller's transaction.

    It is written as the last thing before the commit, because all writers of the log wait for one another there: a
    transaction that held the log and then waited for a booking could wait for one that does it the other way round.
    `before` and `after` hold a few plain values, and never anything about a guest: the log cannot be erased.
    """
    require_transaction(session)
    told = origin.get()
    words = (_plain(who)[:254], action[:60], _plain(subject)[:120])
    facts = (_facts(before), _facts(after))
    at_the_end(session, lambda: _write(session, words, facts, now, told))


def record_if_staff(session: Session, cause: Cause, action: str, subject: str, now: datetime, **facts: object) -> None:
    """Add a line where a person of the house is the cause. Joins the caller's transaction.

    For services that guests, staff and the worker share.
    """
    if cause.actor:
        record(session, cause.actor, action, subject, now, after=facts or None)


def _write(
    session: Session, words: tuple[str, str, str], facts: tuple[Facts | None, Facts | None], now: datetime, told: Origin
) -> None:
    number, previous = _hold_head(session)
    who, action, subject = words
    entry = Entry(number, now, who, action, subject, *facts, told.request_id[:32], told.address[:45], previous)
    seal = entry.seal()
    line = AuditLine(
        number=number, at=now, who=who, action=action, subject=subject, before=facts[0], after=facts[1],
        request_id=entry.request_id, address=entry.address, previous=previous, seal=seal,
    )  # fmt: skip
    session.add(line)
    session.execute(update(AuditHead).values(seal=seal))


def _hold_head(session: Session) -> tuple[int, str]:
    """Keep every other writer waiting until the commit; the number of the new line, and the seal of the last one."""
    counted = update(AuditHead).values(number=AuditHead.number + 1).returning(AuditHead.number, AuditHead.seal)
    row = session.execute(counted).first()
    if row is None:  # the first line of all
        first = insert_into(session, AuditHead).values(id=1, number=0, seal=BEGINNING)
        session.execute(first.on_conflict_do_nothing(index_elements=[AuditHead.id]))
        row = session.execute(counted).one()
    return row.number, row.seal


def _facts(given: Mapping[str, object] | None) -> Facts | None:
    return None if given is None else {name: _value(value) for name, value in given.items()}


def _value(value: object) -> Plain:
    if value is None or isinstance(value, bool | int):
        return value
    return _plain(str(value))[:_LONGEST_FACT]


def _plain(text: str) -> str:
    # PostgreSQL has no place for NUL, and what is half a character would not come back as it was written.
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
