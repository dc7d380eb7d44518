"""Transactions, connections and column types for both databases. Services alone open transactions: transaction()."""

import logging
import math
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Engine, Enum, bindparam, event, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from booking.crashpoints import crash_point, name_of_caller
from booking.extensions import db

logger = logging.getLogger(__name__)

# A lock that is not had in this time is an answer of 503, so that Stripe (or the guest) tries again.
LOCK_WAIT_MS = 3000
# How long a thread waits for the others of its process, whose transactions take milliseconds each.
TURN_WAIT_SECONDS = 5
# So long after its last use a connection to PostgreSQL is taken to be there, unless it says something by itself.
SURE_SECONDS = 5
# What PostgreSQL answers to "cached plan must not change result type":
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_FEATURE_NOT_SUPPORTED = "0A000"
# Between two looks for SQLite's write lock, which others have for a few thousandths of a second.
_LOOK_AGAIN_SECONDS = 0.001
_WRITES = "holdfast_writes"
_ISOLATION = "isolation_level"
_PUT_BACK_AT = "holdfast_put_back_at"
_AT_THE_END = "holdfast_at_the_end"
_AFTERWARDS = "holdfast_afterwards"
# One writer at a time in each process, for each SQLite file, so that of those who wait in it everybody's turn comes.
_turns: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC instants. Naive ones are refused on the way in, because nobody can tell what they meant."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(enum: type[StrEnum], name: str) -> Enum:
    """A text column that holds an enum's values (not its names), with a named CHECK on both databases."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """One writing transaction: commits at the end, rolls back on any error.

    Reads made before (a page's, or the login's user loader) are ended first, so that everything inside is seen fresh
    and, on SQLite, the write lock is taken at the start: a read that turns into a write fails there at once.
    Transactions are never nested: a service that joins its caller's takes `session` as its first argument.
    """
    session = db.session()
    if session.info.get(_WRITES):
        raise RuntimeError("a transaction is already open; take its session instead of opening another")
    session.rollback()
    session.info[_WRITES] = True
    at_last: list[Callable[[], None]] = []
    afterwards: list[Callable[[], None]] = []
    session.info[_AT_THE_END], session.info[_AFTERWARDS] = at_last, afterwards
    name = name_of_caller(depth=2)  # above this generator and contextlib
    try:
        with _turn_to_write(session):
            session.connection(execution_options={_WRITES: True})
            yield session
            for act in at_last:
                act()
            crash_point("before commit", name)
            session.commit()
        crash_point("after commit", name)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_WRITES, None)
    for act in afterwards:
        act()


@contextmanager
def _turn_to_write(session: Session) -> Iterator[None]:
    """Wait for the other writers of this process. Raises OperationalError, as a lock that is not had does."""
    turn = _turns.get(session.get_bind())  # type: ignore[arg-type]
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=TURN_WAIT_SECONDS):
        raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("others of this process write all the time"))
    try:
        yield
    except BaseException:
        session.rollback()  # while the turn lasts, or the next one would meet the lock of this one
        raise
    finally:
        turn.release()


def at_the_end(session: Session, act: Callable[[], None]) -> None:
    """Do something as the last thing before the running transaction is committed, such as taking a lock all share."""
    require_transaction(session)
    session.info[_AT_THE_END].append(act)


def after_commit(session: Session, act: Callable[[], None]) -> None:
    """Do something small, such as writing a log line, once the running transaction has been committed."""
    require_transaction(session)
    session.info[_AFTERWARDS].append(act)


def write_at_commit(key: str, write: Callable[[Session, Any], None]) -> None:
    """Have what any session notes under a key written as the last thing of its transaction, services' or not.

    Of several keys the one that was named first is written last. A savepoint that ends writes nothing, and one that is
    rolled back forgets nothing: what was noted before it stays.
    """

    def end(session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        noted = session.info.pop(key, None)
        if noted:
            write(session, noted)

    def forget(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(key, None)

    event.listen(Session, "before_commit", end, insert=True)
    event.listen(Session, "after_rollback", forget)


def inserted_at_commit(key: str, statement: Callable[[Session], Any]) -> Callable[[Session, dict[str, Any]], None]:
    """What notes rows that are inserted together at the end of their transaction. It joins its caller's."""

    def note(session: Session, row: dict[str, Any]) -> None:
        require_transaction(session)
        session.info.setdefault(key, []).append(row)

    def write(session: Session, rows: list[dict[str, Any]]) -> None:
        run(session, statement(session), rows if len(rows) > 1 else rows[0])

    write_at_commit(key, write)
    return note


def run(session: Session, statement: Any, given: Any) -> Any:
    """Run a statement of tables that was put together once, past the objects of a session.

    What they were changed in is not written before it, and they do not hear of it; whoever needs that says so.
    """
    return session.connection().execute(statement, given)


def write_now(session: Session, row: Any) -> None:
    """Write the row of a new object at once; from then on the session knows it as any other. Joins the transaction.

    Adding and flushing it does the same, and first looks through all that hangs together with every object that was
    changed, which takes longer than the statement. Only the row itself is written, nothing that it is related to.
    """
    require_transaction(session)
    statement, key, columns = _writing(row.__class__)
    given = {name: row.__dict__[name] for name in columns.keys() & row.__dict__.keys()}
    result = run(session, statement, {name: one for name, one in given.items() if one is not None or columns[name]})
    setattr(row, key, result.scalar_one())
    for name, one in result.last_inserted_params().items():
        if row.__dict__.get(name) is None:  # what the column has filled in by itself
            setattr(row, name, one)
    make_transient_to_detached(row)
    session.add(row)


@cache
def _writing(kind: Any) -> tuple[Any, str, dict[str, bool]]:
    """The INSERT of a kind of row, the name of its key, and of each column whether None is a value to be kept there.

    Elsewhere None stands for what the column fills in by itself, as it does where objects are flushed.
    """
    table = kind.__table__
    (key,) = table.primary_key
    return insert(table).returning(key), key.name, {one.name: one.type.should_evaluate_none for one in table.columns}


def change_now(session: Session, row: Any, values: Mapping[str, Any], **still: Any) -> bool:
    """Change columns of an object's row at once, where others are `still` so; whether they were. Joins the transaction.

    The object says the same afterwards. What it was changed in before, and was not written yet, is written first.
    """
    require_transaction(session)
    if row in session.dirty:
        session.flush()
    given = {"of_id": row.id} | {f"to_{name}": one for name, one in values.items()}
    given |= {f"was_{name}": one for name, one in still.items()}
    if run(session, _changing(row.__class__, tuple(values), tuple(still)), given).rowcount != 1:
        return False
    for name, one in values.items():
        set_committed_value(row, name, one)
    session.expire(row, ["updated_at"])
    return True


@cache
def _changing(kind: Any, names: tuple[str, ...], still: tuple[str, ...]) -> Any:
    columns = kind.__table__.c
    as_it_was = [columns[name] == bindparam(f"was_{name}") for name in still]
    changed = update(kind.__table__).where(columns.id == bindparam("of_id"), *as_it_was)
    return changed.values({name: bindparam(f"to_{name}") for name in names})


def insert_into(session: Session, table: Any) -> Any:
    """An INSERT that can say ON CONFLICT, in the words of the session's database."""
    return insert_of(session)(table)


def insert_of(session: Session) -> Callable[[Any], Any]:
    """What makes such an INSERT: the same for each session of a database, so that statements can be made once."""
    return postgresql.insert if is_postgresql(session) else sqlite.insert


def is_postgresql(session: Session) -> bool:
    """Whether its database has locks of rows."""
    return session.get_bind().dialect.name == "postgresql"


def require_transaction(session: Session) -> None:
    """Refuse to go on outside transaction(): what the caller decides must be committed or rolled back as one."""
    if not session.info.get(_WRITES):
        raise RuntimeError("this must run inside transaction()")


def is_writing(session: Session) -> bool:
    """Whether a transaction() is open on it."""
    return bool(session.info.get(_WRITES))


def is_for_writing(connection: Connection) -> bool:
    """Whether a transaction() has it."""
    return bool(connection.get_execution_options().get(_WRITES))


@contextmanager
def snapshot() -> Iterator[Session]:
    """Reading as of one moment, however many statements it takes: for whoever sets rows against rows. Nothing is kept.

    SQLite reads so anyway. On PostgreSQL each statement would otherwise see what was committed before itself.
    https://www.postgresql.org/docs/current/transaction-iso.html
    """
    end_read()
    session = db.session()
    try:
        if is_postgresql(session):
            session.connection(execution_options={_ISOLATION: "REPEATABLE READ"})
        yield session
    finally:
        session.rollback()


def end_read() -> None:
    """Let go of the snapshot that reads have taken, before a call that may take long."""
    session = db.session()
    if session.info.get(_WRITES):
        raise RuntimeError("a writing transaction is open; it must end before anything slow begins")
    session.rollback()


def let_go(_error: BaseException | None = None) -> None:
    """End what a request or command has read. Its answer stands: a connection that died meanwhile cannot undo it."""
    try:
        db.session.remove()
    except DBAPIError as error:
        logger.warning("connection_lost", extra={"kind": type(error.orig).__name__})


def prepare_engine(engine: Engine) -> None:
    """Give an engine the habits this application relies on."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        _turns[engine] = threading.Lock()
    else:
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkout", partial(_ask_whether_there, engine.dialect))
        event.listen(engine, "checkin", _put_back_postgresql)
        event.listen(engine, "handle_error", _give_up_old_plans)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite says which kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an event answered 200 must survive a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # who is erased must not be left in the free pages of the file
    cursor.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if not is_for_writing(connection):
        connection.exec_driver_sql("BEGIN")
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA busy_timeout=0")
    try:
        if not _begins_to_write(driver):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what is wrong, as any statement does
    finally:
        driver.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")


def _begins_to_write(driver: sqlite3.Connection) -> bool:
    """Wait for the writers of other processes. Left to SQLite, a look in vain is followed by an ever longer sleep."""
    ends_at = time.monotonic() + LOCK_WAIT_MS / 1000
    while time.monotonic() < ends_at:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                return False
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return True
    return False


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # For reads too: while a migration has a table, a page or a delivery must be answered with 503 and not hang.
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT_MS}ms'")
    connection.commit()


@event.listens_for(db.session, "after_begin")
def _read_plainly(session: Session, _transaction: object, connection: Connection) -> None:
    """On PostgreSQL, reading is no transaction: nothing to begin and to end, and statements stay prepared.

    psycopg forgets at each ROLLBACK what it had prepared, and reads that open a transaction always end with one. Each
    statement sees what is committed when it begins, as it would inside one (READ COMMITTED).
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """
    if is_postgresql(session) and connection.get_execution_options().keys().isdisjoint({_WRITES, _ISOLATION}):
        connection.connection.dbapi_connection.autocommit = True  # type: ignore[union-attr]


def _ask_whether_there(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _fairy: object) -> None:
    """Before a connection is used again, ask the server where it rested for long, or where it says something unasked.

    That is how it tells its end; asking each time would be one more journey for each page.

    Raises:
        InvalidatePoolError: it is gone, and the pool opens others.
    """
    rested = time.monotonic() - record.info.get(_PUT_BACK_AT, math.inf)  # a new one has not
    try:
        if rested > SURE_SECONDS or _has_something_to_say(connection):
            dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _has_something_to_say(connection: Any) -> bool:
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))


def _put_back_postgresql(connection: Any, record: ConnectionPoolEntry) -> None:
    """Whoever takes this connection next has a transaction again, unless a session reads with it."""
    record.info[_PUT_BACK_AT] = time.monotonic()
    if connection is not None and not connection.closed:
        connection.autocommit = False


def _give_up_old_plans(context: ExceptionContext) -> None:
    """A statement that was prepared before a migration changed what it answers would fail again and again."""
    if getattr(context.original_exception, "sqlstate", None) == _FEATURE_NOT_SUPPORTED:
        context.is_disconnect = True
