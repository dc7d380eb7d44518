"""A look at the audit log: each line must carry the seal of the one before it."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from booking.queries.audit import find_broken_line
from booking.queries.invariants.given import Given


def find_broken_log(session: Session, given: Given) -> Iterator[str]:
    """The first line that is not as it was written; what comes after it proves nothing."""
    flaw = find_broken_line(session)
    if flaw:
        yield f"audit log: {flaw}"
