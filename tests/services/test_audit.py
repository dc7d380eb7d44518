"""services/audit.py: who did what is written with the change itself, and nobody can rewrite it unnoticed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from booking import create_app
from booking.database import transaction
from booking.domain.audit import BEGINNING
from booking.extensions import db
from booking.models import Heartbeat
from booking.queries.audit import AuditWish, find_broken_line, list_actors, list_audit, read_audit
from booking.services import audit
from tests.support.crowd import rush
from tests.support.shop import make_settings

NOW = datetime(2027, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ADA = "ada@example.org"


@pytest.fixture
def log(database_url: str) -> Iterator[Flask]:
    """An app on a migrated database, with an empty log."""
    app = create_app(make_settings(database_url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def write(who: str = ADA, action: str = "rates.changed", subject: str = "listing 1", **more: Any) -> None:
    with transaction() as session:
        audit.record(session, who, action, subject, more.pop("now", NOW), **more)


def lines() -> list[Any]:
    found = list(read_audit(db.session(), AuditWish()))
    db.session.rollback()
    return found


def flaw() -> str | None:
    db.session.rollback()
    return find_broken_line(db.session())


def tamper(*statements: str) -> None:
    """Change the log as somebody could who owns the database."""
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for what in ("UPDATE", "DELETE"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_line_no_{what}"))
        else:
            connection.execute(text("ALTER TABLE audit_line DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))


def test_a_line_says_who_what_when_and_what_was_there_before(log: Flask) -> None:
    write(before={"nightly_minor": 9000}, after={"nightly_minor": 9500, "name": "Sümmer", "open": True, "end": None})

    (line,) = lines()
    assert (line.number, line.who, line.action, line.subject) == (1, ADA, "rates.changed", "listing 1")
    assert line.at == NOW
    assert line.before == {"nightly_minor": 9000}
    assert line.after == {"nightly_minor": 9500, "name": "Sümmer", "open": True, "end": None}
    assert (line.request_id, line.address, line.previous) == ("", "", BEGINNING)
    assert flaw() is None


def test_where_a_change_came_from_is_kept(log: Flask) -> None:
    told = audit.origin.set(audit.Origin("abc123", "203.0.113.7"))
    write()
    audit.origin.reset(told)

    assert [(line.request_id, line.address) for line in lines()] == [("abc123", "203.0.113.7")]


def test_a_line_is_kept_exactly_if_its_change_is(log: Flask) -> None:
    write()

    with pytest.raises(ZeroDivisionError), transaction() as session:
        audit.record(session, ADA, "never.happened", "nothing", NOW)
        raise ZeroDivisionError
    write(action="later")

    assert [(line.number, line.action) for line in lines()] == [(1, "rates.changed"), (2, "later")]
    assert flaw() is None


def test_no_line_is_written_outside_a_transaction(log: Flask) -> None:
    with pytest.raises(RuntimeError):
        audit.record(db.session(), ADA, "rates.changed", "listing 1", NOW)


def test_odd_signs_and_long_words_are_kept_in_a_way_that_verifies(log: Flask) -> None:
    write(who="a\0da" + "x" * 400, subject="\ud800 \u202e <b>" * 60, after={"reason": "=1+1\0\ud800" * 90, "n": 10**30})

    (line,) = lines()
    assert flaw() is None
    assert len(line.who) == 254
    assert len(line.subject) == 120
    assert line.after["n"] == 10**30


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_line SET who = 'linus@example.org' WHERE number = 2", "line 2 was changed"),
        ("UPDATE audit_line SET after = '{\"n\": 3}' WHERE number = 2", "line 2 was changed"),
        ("UPDATE audit_line SET before = '{}' WHERE number = 2", "line 2 was changed"),
        ("UPDATE audit_line SET address = '203.0.113.9' WHERE number = 2", "line 2 was changed"),
        ("UPDATE audit_line SET at = '2027-03-02 12:00:00.123456' WHERE number = 2", "line 2 was changed"),
        ("DELETE FROM audit_line WHERE number = 2", "line 2 is gone"),
        ("DELETE FROM audit_line WHERE number = 1", "line 1 is gone"),
        ("DELETE FROM audit_line WHERE number = 3", "line 3 is gone"),
        ("DELETE FROM audit_line", "line 1 is gone"),
        ("UPDATE audit_line SET number = 13 WHERE number = 3", "line 4 was put in"),
        ("UPDATE audit_head SET number = 2", "line 3 was put in"),
        ("UPDATE audit_head SET number = 9", "line 4 is gone"),
        ("UPDATE audit_head SET seal = 'none'", "line 3 is not the one"),
    ],
)
def test_whatever_is_changed_or_taken_out_is_found_and_named(log: Flask, statement: str, told: str) -> None:
    for number in range(3):
        write(after={"n": number})
    assert flaw() is None

    tamper(statement)

    assert (flaw() or "").startswith(told)


def test_a_line_whose_seal_was_made_anew_breaks_the_one_after_it(log: Flask) -> None:
    for number in range(3):
        write(after={"n": number})
    second = lines()[1]
    forged = replace(second, who="linus@example.org")

    seal = forged.seal()
    tamper(f"UPDATE audit_line SET who = 'linus@example.org', seal = '{seal}' WHERE number = 2")  # noqa: S608

    assert (flaw() or "").startswith("line 3 does not follow")


@pytest.mark.parametrize("statement", ["UPDATE audit_line SET who = 'nobody'", "DELETE FROM audit_line"])
def test_the_database_itself_refuses_to_change_the_log(log: Flask, statement: str) -> None:
    write()

    with pytest.raises(DBAPIError, match="only ever added to"), db.engine.begin() as connection:
        connection.execute(text(statement))

    assert len(lines()) == 1


@pytest.mark.usefixtures("patience")
def test_writers_at_the_same_moment_make_one_chain(log: Flask) -> None:
    def act(number: int) -> None:
        with log.app_context():
            for turn in range(5):
                write(subject=f"listing {number}", after={"turn": turn})

    assert rush(act, range(8)) == [None] * 8
    found = lines()
    assert [line.number for line in found] == list(range(1, 41))
    assert sorted({line.subject for line in found}) == [f"listing {number}" for number in range(8)]
    assert flaw() is None


@pytest.mark.usefixtures("patience")
def test_writers_who_lock_other_things_afterwards_do_not_wait_for_each_other_in_a_ring(log: Flask) -> None:
    """The log is taken last of all, whatever a service locks after it has said what to write."""
    with transaction() as session:
        session.add(Heartbeat(name="one", beaten_at=NOW))

    def act(number: int) -> None:
        with log.app_context():
            for _ in range(10):
                with transaction() as session:
                    touch = text("UPDATE heartbeat SET updated_at = updated_at WHERE name = 'one'")
                    if number % 2:
                        session.execute(touch)
                        audit.record(session, ADA, "odd", "thing", NOW)
                    else:
                        audit.record(session, ADA, "even", "thing", NOW)
                        session.execute(touch)

    assert rush(act, range(4)) == [None] * 4
    assert len(lines()) == 40
    assert flaw() is None


def test_the_log_is_narrowed_by_person_words_and_days(log: Flask) -> None:
    write()
    write("ben@example.org", "refund.ordered", "booking H7K2M9QL", now=NOW + timedelta(days=1))
    write("ben@example.org", "rates.100%_off", "listing 2", now=NOW + timedelta(days=2))

    def found(**wish: Any) -> list[int]:
        return [line.number for line in list_audit(db.session(), AuditWish(**wish), 1).rows]

    assert found() == [3, 2, 1]
    assert found(who="ben@example.org") == [3, 2]
    assert found(about="h7k2") == [2]
    assert found(about="rates") == [3, 1]
    assert found(about="%_") == [3]
    assert found(since=NOW + timedelta(days=1)) == [3, 2]
    assert found(until=NOW + timedelta(days=1)) == [1]
    assert list_actors(db.session()) == [ADA, "ben@example.org"]


def test_pages_of_the_log_hold_fifty_lines_newest_first(log: Flask) -> None:
    with transaction() as session:
        for number in range(51):
            audit.record(session, ADA, "many", f"thing {number}", NOW)

    first, last = list_audit(db.session(), AuditWish(), 1), list_audit(db.session(), AuditWish(), 9)

    assert (len(first.rows), first.rows[0].number, first.pages, first.total) == (50, 51, 2, 51)
    assert ([line.number for line in last.rows], last.number) == ([1], 2)


def test_the_command_says_whether_the_log_is_whole(log: Flask) -> None:
    write()
    whole = log.test_cli_runner().invoke(args=["audit-verify"])
    db.session.rollback()  # the command ran in the context of this test
    tamper("UPDATE audit_line SET action = 'nothing'")
    broken = log.test_cli_runner().invoke(args=["audit-verify"])

    assert (whole.exit_code, whole.output) == (0, "1 lines, each as it was written.\n")
    assert (broken.exit_code, broken.output) == (1, "BROKEN: line 1 was changed after it was written\n")


def test_a_broken_log_breaks_a_promise(log: Flask) -> None:
    write()
    tamper("DELETE FROM audit_line")

    result = log.test_cli_runner().invoke(args=["verify"])

    assert result.exit_code == 1
    assert "audit log: line 1 is gone" in result.output
