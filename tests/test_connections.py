"""What the connections to PostgreSQL are made to do: reads that are no transaction, and no question too many."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from booking import database
from booking.database import end_read, transaction
from booking.extensions import db
from booking.models import Listing
from tests.support.servers import end_connections
from tests.support.shop import open_house
from tests.support.stray import SHOP

pytestmark = pytest.mark.postgresql
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM listing%'"


@pytest.fixture
def house(postgres_url: str) -> Iterator[Flask]:
    with open_house(postgres_url) as app:
        yield app


@pytest.fixture
def pings(house: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each time that the server is asked whether it is there."""
    asked: list[Any] = []
    ping = db.engine.dialect.do_ping

    def note(connection: Any) -> bool:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(db.engine.dialect, "do_ping", note)
    return asked


def read() -> str:
    """What a page does: look something up, and let go of it."""
    name = db.session.scalar(select(Listing.name)) or ""
    end_read()
    return name


def link() -> Any:
    """psycopg's connection, of a session that is reading or writing."""
    return db.session.connection().connection.dbapi_connection


def test_a_read_leaves_no_transaction_open(house: Flask) -> None:
    read()
    db.session.scalar(select(Listing.name))

    assert link().info.transaction_status is TransactionStatus.IDLE


def test_what_is_read_often_stays_prepared_from_page_to_page(house: Flask) -> None:
    for _ in range(8):
        read()
    with transaction():
        pass

    assert db.session.scalar(text(PREPARED)) == 1


def test_each_read_sees_what_was_committed_before_it(house: Flask) -> None:
    read()
    assert db.session.scalar(select(Listing.name)) == "Harbour Loft"
    with house.app_context(), transaction() as other:
        other.get_one(Listing, 1).name = "Mill"

    assert db.session.scalar(select(Listing.name)) == "Mill"


def test_a_transaction_that_fails_after_reads_is_taken_back(house: Flask) -> None:
    read()
    with pytest.raises(RuntimeError, match="no"), transaction() as session:
        session.get_one(Listing, 1).name = "Mill"
        session.flush()
        assert link().info.transaction_status is TransactionStatus.INTRANS
        raise RuntimeError("no")

    assert read() == "Harbour Loft"


def test_a_connection_that_was_read_with_has_a_transaction_for_whoever_takes_it_next(house: Flask) -> None:
    read()
    db.session.remove()
    with db.engine.connect() as connection:
        connection.execute(text("UPDATE listing SET name = 'Mill'"))
        connection.rollback()

    assert read() == "Harbour Loft"


def test_a_statement_prepared_before_a_migration_fails_once_at_most(house: Flask, postgres_url: str) -> None:
    for _ in range(8):
        read()
    db.session.remove()
    _by_hand(postgres_url, "ALTER TABLE listing ALTER COLUMN name TYPE text")

    with pytest.raises(DBAPIError, match="cached plan"):
        read()
    db.session.remove()

    assert read() == "Harbour Loft"


def test_a_server_that_answered_just_now_is_not_asked_whether_it_is_there(house: Flask, pings: list[Any]) -> None:
    for _ in range(3):
        read()

    assert pings == []


def test_a_server_that_was_silent_for_long_is_asked(
    house: Flask, pings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    monkeypatch.setattr(database, "SURE_SECONDS", 0)

    assert read() == "Harbour Loft"
    assert len(pings) == 1


def test_a_connection_that_the_server_ended_a_moment_ago_troubles_nobody(
    house: Flask, pings: list[Any], postgres_url: str
) -> None:
    read()
    _end_all(postgres_url)

    assert read() == "Harbour Loft"
    assert len(pings) == 1


def test_control_what_the_shops_own_code_writes_outside_a_transaction_is_an_error(house: Flask) -> None:
    """As tests see it, which may write as they like: tests/support/stray.py."""
    code = "db.session.execute(update(Listing).values(name='Mill'))"
    given = {"db": db, "update": update, "Listing": Listing}
    exec(compile(code, "a test", "exec"), given)  # noqa: S102

    with pytest.raises(AssertionError, match="writes outside"):
        exec(compile(code, f"{SHOP}/services/stray.py", "exec"), given)  # noqa: S102


def _end_all(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        end_connections(connection, connection.info.dbname)


def _by_hand(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]
