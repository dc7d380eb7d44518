"""Log lines: JSON in production, plain elsewhere. Ids only: no personal data, keys or payloads."""

import json
import logging
import sys
from datetime import UTC, datetime

from booking.config import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the fields given as `extra` beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainFormatter(logging.Formatter):
    """The same for human eyes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD]
        head, *trace = super().format(record).split("\n", 1)
        return "\n".join([" ".join([head, *fields]), *trace])


def configure(settings: Settings) -> None:
    """Send this program's log lines to standard error, once a process."""
    logger = logging.getLogger("booking")
    logger.setLevel(logging.INFO)
    if not any(getattr(handler, "is_holdfast", False) for handler in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.is_holdfast = True  # type: ignore[attr-defined]
        handler.setFormatter(JsonFormatter() if settings.is_production else PlainFormatter())
        logger.addHandler(handler)
