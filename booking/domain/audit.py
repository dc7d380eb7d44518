"""What one line of the audit log is, and how each is sealed with the one before it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256

# What the first line names as the one before it.
BEGINNING = "0" * 64
# Plain values alone: what is written must read back as exactly the same, on every database and for ever.
Plain = str | int | bool | None
Facts = Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: who, when, what, to what, from where, and what was there before and after. Of guests it says nothing.

    `who` is an address of the staff, or the command line. `previous` is the seal of the line before.
    """

    number: int  # 1, 2, 3 without a gap
    at: datetime
    who: str
    action: str  # "refund.ordered"
    subject: str  # "booking H7K2M9QL"
    before: Facts | None
    after: Facts | None
    request_id: str
    address: str
    previous: str

    def seal(self) -> str:
        """A hash of everything in the line: whoever changes one word changes it, and with it every later one."""
        facts = {**asdict(self), "at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}
        written = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A line as it stands in the log, with the seal that was put on it."""

    entry: Entry
    seal: str


def find_flaw(line: Sealed, number: int, previous: str) -> str | None:
    """Why a line cannot be the one that comes `number`th after `previous`; None where it is as it was written."""
    if line.entry.number != number:
        return f"line {number} is gone: the next one is line {line.entry.number}"
    if line.entry.previous != previous:
        return f"line {number} does not follow the line before it: one of them was changed or put in"
    if line.entry.seal() != line.seal:
        return f"line {number} was changed after it was written"
    return None
