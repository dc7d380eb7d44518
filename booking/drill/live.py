"""The one look at the installation's own database: read-only, at its keys and at what the drill takes over."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from booking.config import Settings
from booking.drill.evidence import Evidence, Failed
from booking.drill.stand_ins import Own
from booking.models import Instance, Property
from booking.queries.invariants import Given, guards

FALLBACK_ZONE = "Europe/Copenhagen"


def look_at_guards(engine: Engine, now: datetime, evidence: Evidence) -> None:
    """Every key that makes a second sale or a second effect impossible must be there. Raises Failed."""
    if not has_shop(engine):
        evidence.note("this database has no tables yet (flask db upgrade makes them), so there is nothing to guard")
        return
    with reading(engine) as connection, Session(connection) as session:
        given = Given(now, instance_id="")
        missing = [*guards.find_missing_night_key(session, given), *guards.find_missing_keys(session, given)]
    if missing:
        raise Failed("; ".join(missing))
    evidence.note("the key over unit and night is there: no night can have two rows")
    evidence.note(f"the unique keys of {', '.join(sorted({*guards.UNIQUE, *guards.PARTIAL}))} are there")


def take_over(engine: Engine, settings: Settings) -> Own:
    """What the scratch shop has in common with the real one; defaults where there is none, or none to be read."""
    own = defaults(settings)
    try:
        if not has_shop(engine):
            return own
        with reading(engine) as connection:
            zone = connection.scalar(select(Property.timezone).order_by(Property.id).limit(1))
            kept = connection.scalar(select(Instance.instance_id))
    except SQLAlchemyError:
        return own  # the look at the guards says so, and fails for it
    return replace(own, timezone=zone or own.timezone, instance_id=settings.instance_id or kept or own.instance_id)


def has_shop(engine: Engine) -> bool:
    """Whether there is a database with a schema in it. Looking must not make an empty file."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and not Path(file or "").is_file():
        return False
    with reading(engine) as connection:
        return bool(inspect(connection).get_table_names())


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection on which the database itself refuses to write."""
    options = {"postgresql_readonly": True} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection:
        connection.detach()  # it must not go back to the shop's pool in this state
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        yield connection
        connection.rollback()


def defaults(settings: Settings) -> Own:
    """What the scratch shop is given where the real one cannot be asked."""
    return Own(settings.hold_minutes, settings.mail_from, FALLBACK_ZONE, settings.instance_id or str(uuid.uuid4()))


def cannot_be_read(error: SQLAlchemyError) -> str:
    """One line without the text of the error, which may name a password."""
    return f"the database cannot be read ({type(getattr(error, 'orig', None) or error).__name__})"
