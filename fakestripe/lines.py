"""The lines to `stripe listen`: who listens, what is said on each line, what comes back.

Stripe documents `stripe listen` (docs.stripe.com/cli/listen), not what it says on its WebSocket; that is
read off the official CLI. A line is no webhook endpoint: it lives as long as this process, and what
nobody answered is not tried again.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from fakestripe.store import Record

PREFIX = "cliws_"


class Socket(Protocol):
    """What a line needs of a WebSocket."""

    def send(self, data: str) -> None: ...


Found = TypeVar("Found", bound=Socket)


@dataclass
class Answer:
    """What the CLI says to one event; filled in by the thread that listens."""

    arrived: threading.Event = field(default_factory=threading.Event)
    status: int | None = None
    body: str = ""


@dataclass
class Line:
    """One `stripe listen`. It may be away for a moment: the CLI then comes back with the same id."""

    id: str
    forward_to: str | None
    secret: str
    api_version: str
    is_open: bool = False
    _socket: Socket | None = None
    _waiting: dict[str, Answer] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def target(self) -> Record:
        """The line as an endpoint that wants everything: the CLI itself picks what it shows."""
        return {
            "id": self.id,
            "url": self.forward_to or "stripe listen",
            "status": "enabled" if self.is_open else "disabled",
            "enabled_events": ["*"],
            "api_version": self.api_version,
            "_secrets": [self.secret],
        }

    def open(self, connect: Callable[[], Found]) -> Found:
        """Greet the CLI. What happens from here on is for it: events wait until the greeting is over."""
        with self._turn:
            self.is_open = True
            try:
                self._socket = socket = connect()
            except BaseException:
                self.is_open = False
                raise
        return socket

    def close(self, socket: Socket) -> None:
        """Nobody is there any more, unless the CLI has already come back on another socket."""
        with self._turn:
            if self._socket is not socket:
                return
            self._socket, self.is_open = None, False
        for answer in list(self._waiting.values()):
            answer.arrived.set()

    def deliver(self, body: bytes, headers: dict[str, str], seconds: float) -> tuple[int, str]:
        """Say an event and wait for what the CLI's own receiver answers to it."""
        conversation, answer = f"wc_{secrets.token_hex(12)}", Answer()
        self._waiting[conversation] = answer
        try:
            # Each event goes out twice: with no version for `stripe listen`, with one for `--latest`.
            for version in (None, self.api_version):
                self._say(_webhook_event(conversation, body, headers, version))
            if not answer.arrived.wait(seconds):
                raise TimeoutError("stripe listen did not answer")
        finally:
            del self._waiting[conversation]
        if answer.status is None:
            raise ConnectionError("stripe listen went away")
        return answer.status, answer.body

    def hear(self, text: str) -> None:
        """An acknowledgement is the answer where nothing is forwarded; else the receiver's follows it."""
        message = _read(text)
        answer = self._waiting.get(str(message.get("webhook_conversation_id")))
        if answer is None:
            return
        if message.get("type") == "webhook_response":
            answer.status, answer.body = message.get("status"), str(message.get("body", ""))
        elif message.get("type") == "event_ack" and not self.forward_to:
            answer.status, answer.body = 200, "shown by stripe listen"
        else:
            return
        answer.arrived.set()

    def _say(self, message: dict[str, Any]) -> None:
        with self._turn:
            if self._socket is None:
                raise ConnectionError("stripe listen went away")
            try:
                self._socket.send(json.dumps(message))
            except Exception as failure:  # of whatever kind the library of the WebSocket has for one that is closing
                raise ConnectionError("stripe listen went away") from failure


class Lines:
    """All lines of this process."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def add(self, forward_to: str | None, secret: str, api_version: str) -> Line:
        line = Line(PREFIX + secrets.token_hex(12), forward_to, secret, api_version)
        self._lines[line.id] = line
        return line

    def get(self, line_id: str) -> Line | None:
        return self._lines.get(line_id)

    def listening(self) -> list[Record]:
        """Those at the other end of which somebody is, as endpoints."""
        return [line.target() for line in list(self._lines.values()) if line.is_open]


def _read(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _webhook_event(conversation: str, body: bytes, headers: dict[str, str], version: str | None) -> dict[str, Any]:
    return {
        "type": "webhook_event",
        "webhook_id": f"wh_{conversation.removeprefix('wc_')}",
        "webhook_conversation_id": conversation,
        "event_payload": body.decode(),
        "http_headers": headers,
        "endpoint": {"api_version": version},
    }
