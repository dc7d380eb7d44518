"""One line of the audit log: its seal is the same for ever and everywhere, and what was done to it has a name."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from booking.domain.audit import BEGINNING, Entry, Sealed, find_flaw

FIRST = Entry(
    number=1,
    at=datetime(2027, 3, 1, 12, tzinfo=UTC),
    who="ada@example.org",
    action="rates.changed",
    subject="listing 1",
    before=None,
    after={"nightly_minor": 9500, "name": "Sümmer", "is_open": True},
    request_id="abc123",
    address="203.0.113.7",
    previous=BEGINNING,
)
WRITTEN = (
    '{"action":"rates.changed","address":"203.0.113.7",'
    '"after":{"is_open":true,"name":"S\\u00fcmmer","nightly_minor":9500},"at":"2027-03-01T12:00:00.000000+00:00",'
    f'"before":null,"number":1,"previous":"{BEGINNING}","request_id":"abc123","subject":"listing 1",'
    '"who":"ada@example.org"}'
)
SECOND = replace(FIRST, number=2, previous="5ea1" * 16)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose clock shows the time of Tokyo."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_a_seal_is_the_hash_of_the_line_as_it_has_always_been_written() -> None:
    assert FIRST.seal() == sha256(WRITTEN.encode()).hexdigest()


@pytest.mark.usefixtures("far_east")
def test_a_seal_is_the_same_whatever_the_zone_of_the_server_or_of_the_database() -> None:
    in_berlin = replace(FIRST, at=FIRST.at.astimezone(ZoneInfo("Europe/Berlin")))

    assert in_berlin.seal() == FIRST.seal() == sha256(WRITTEN.encode()).hexdigest()


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        (SECOND, None),
        (replace(SECOND, number=4), "line 2 is gone: the next one is line 4"),
        (
            replace(SECOND, previous=BEGINNING),
            "line 2 does not follow the line before it: one of them was changed or put in",
        ),
        (replace(SECOND, who="linus@example.org"), "line 2 was changed after it was written"),
    ],
)
def test_what_was_done_to_a_line_is_said(line: Entry, flaw: str | None) -> None:
    assert find_flaw(Sealed(line, SECOND.seal()), 2, SECOND.previous) == flaw
