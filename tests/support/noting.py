"""What a database is asked while something is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event

from booking.extensions import db

Asked = list[tuple[str, Any]]


@contextmanager
def noting(engine: Engine) -> Iterator[Asked]:
    """Every statement, with what it was given."""
    asked: Asked = []

    def note(_connection: object, _cursor: object, statement: str, given: Any, *_more: object) -> None:
        asked.append((statement, given))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def engine_of(app: Flask) -> Engine:
    """The database of an app, for whoever is in no context of it."""
    with app.app_context():
        return db.engine


def selects(asked: Asked) -> list[str]:
    """Those that read."""
    return [statement for statement, _ in asked if statement.startswith("SELECT")]
