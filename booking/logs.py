"""Log lines: JSON in production, plain elsewhere. Ids only: no personal data, keys or payloads."""

import json
import logging
import re
import socket
import sys
import tomllib
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Any

from booking.config import ROOT, Settings

# The request that a line belongs to; empty outside of requests. web/watch.py sets it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_EVENT = re.compile(r"[a-z]+(_[a-z]+)*")
_HOST = socket.gethostname()


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the fields given as `extra` beside the message.

    `event` never changes with what happened, so that it can be searched for; `message` is what a person reads.
    """

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": message if _EVENT.fullmatch(message) else record.name,
            "message": message,
            "logger": record.name,
            "host": _HOST,
            "pid": record.process,
            "version": _version(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= _fields(record)
        if record.exc_info and record.exc_info[1]:
            line["cause"] = type(record.exc_info[1]).__name__
            line["exception"] = _trace(record.exc_info[1])
        return json.dumps(line, default=str)


class PlainFormatter(logging.Formatter):
    """The same for human eyes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{key}={value}" for key, value in _fields(record).items() if key != "event"]
        head, *trace = super().format(record).split("\n", 1)
        return "\n".join([" ".join([head, *fields]), *trace])


def configure(settings: Settings, *, is_service: bool) -> None:
    """Send this program's log lines to where they are looked for, once a process.

    In production a service, that is the web or the worker, writes to standard output. A command keeps that for what
    it has to say, which a script may read.
    """
    logger = logging.getLogger("booking")
    logger.setLevel(logging.INFO)
    if not any(getattr(handler, "is_holdfast", False) for handler in logger.handlers):
        handler = logging.StreamHandler(sys.stdout if settings.is_production and is_service else sys.stderr)
        handler.is_holdfast = True  # type: ignore[attr-defined]
        handler.setFormatter(JsonFormatter() if settings.is_production else PlainFormatter())
        logger.addHandler(handler)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    if fields.get("session"):  # enough to tell two apart: the whole of it opens the page that Stripe sends guests to
        fields["session"] = f"...{str(fields['session'])[-8:]}"
    return fields


def _trace(error: BaseException) -> str:
    """Where it happened and what kind it was. Never an error's own text: a database quotes whole rows in it."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(told) < 10:
        frames = "".join(traceback.format_list(traceback.extract_tb(seen.__traceback__)))
        told.append(f"{frames}{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\ncaused by\n".join(told)


@cache
def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
