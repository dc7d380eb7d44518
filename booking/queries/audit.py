"""The audit log: its lines for a page or a file, and the first that is not as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from booking.domain.audit import BEGINNING, Entry, Sealed, find_flaw
from booking.models import AuditHead, AuditLine

PAGE_SIZE = 50
_AT_A_TIME = 500
_COLUMNS: tuple[Any, ...] = (
    AuditLine.number, AuditLine.at, AuditLine.who, AuditLine.action, AuditLine.subject, AuditLine.before,
    AuditLine.after, AuditLine.request_id, AuditLine.address, AuditLine.previous, AuditLine.seal,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AuditWish:
    """What the log is narrowed to; empty values narrow nothing. `since` is in, `until` is out."""

    who: str = ""
    about: str = ""  # part of an action or of a subject
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log, newest first; `number` begins at 1."""

    rows: tuple[Entry, ...]
    number: int
    pages: int
    total: int


def list_audit(session: Session, wish: AuditWish, page: int) -> AuditPage:
    """One page of what was done."""
    total = session.scalar(select(func.count()).select_from(AuditLine).where(*_conditions(wish))) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    lines = select(*_COLUMNS).where(*_conditions(wish)).order_by(AuditLine.number.desc())
    shown = session.execute(lines.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE))
    return AuditPage(tuple(_sealed(line).entry for line in shown), number, pages, total)


def read_audit(session: Session, wish: AuditWish) -> Iterator[Entry]:
    """Everything that is asked for, oldest first and a few hundred lines at a time: a file may be long."""
    for line in _read(session, *_conditions(wish)):
        yield line.entry


def list_actors(session: Session) -> list[str]:
    """Everybody who stands in the log."""
    return list(session.scalars(select(AuditLine.who).distinct().order_by(AuditLine.who)))


def find_broken_line(session: Session) -> str | None:
    """The first line that is gone, was put in or was changed; None where the log is as it was written."""
    last = session.scalar(select(func.max(AuditLine.number))) or 0
    # Asked in this order, since others may write meanwhile: the head is never behind a line that was seen.
    head = session.execute(select(AuditHead.number, AuditHead.seal)).first() or (0, BEGINNING)
    if head[0] < last:
        return f"line {head[0] + 1} was put in: the log should end with line {head[0]}"
    number, previous = 0, BEGINNING
    for line in _read(session, AuditLine.number <= head[0]):
        flaw = find_flaw(line, number + 1, previous)
        if flaw:
            return flaw
        number, previous = line.entry.number, line.seal
    if number < head[0]:
        return f"line {number + 1} is gone: the log should go on to line {head[0]}"
    return None if previous == head[1] else f"line {number} is not the one that was written last"


def count_lines(session: Session) -> int:
    """How long the log is."""
    return session.scalar(select(func.count()).select_from(AuditLine)) or 0


def _read(session: Session, *conditions: ColumnElement[bool]) -> Iterator[Sealed]:
    """Lines in order. Each few hundred are a question of their own, so whoever stops reading leaves nothing open."""
    number = 0
    while True:
        rest = select(*_COLUMNS).where(AuditLine.number > number, *conditions).order_by(AuditLine.number)
        lines = session.execute(rest.limit(_AT_A_TIME)).all()
        yield from (_sealed(line) for line in lines)
        if len(lines) < _AT_A_TIME:
            return
        number = lines[-1].number


def _sealed(line: Any) -> Sealed:
    *facts, seal = line
    return Sealed(Entry(*facts), seal)


def _conditions(wish: AuditWish) -> Iterator[ColumnElement[bool]]:
    if wish.who:
        yield AuditLine.who == wish.who
    if wish.about:
        in_subject = AuditLine.subject.icontains(wish.about, autoescape=True)
        yield AuditLine.action.icontains(wish.about, autoescape=True) | in_subject
    if wish.since:
        yield AuditLine.at >= wish.since
    if wish.until:
        yield AuditLine.at < wish.until
