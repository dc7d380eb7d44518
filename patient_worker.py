"""gunicorn's worker for this shop: gthread that waits for whole requests, and lets those who book go first."""

import itertools
import re
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import PriorityQueue
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# As much of a request is waited for before it gets a thread; what is larger, a photo of the staff's, gets one at once.
_WHOLE = 64_000
# A visitor has so many seconds to say what he wants; and so long, no longer, it waits for a thread.
_SECONDS_TO_ARRIVE, _SECONDS_IN_LINE = 10.0, 1.5
# The page of a visitor who is slow to read fits into the system's memory, and needs no thread meanwhile.
_UNREAD = 200_000
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*\r?$")
_ASKED = re.compile(rb"GET ([^\s?]+)")
# In no hurry are those who look around. Whoever pays, manages a booking, works here or watches the shop goes first.
_CAN_COME_BACK = re.compile(r"(/[a-z]{2})?(/|/stays(/[^/]*)?|/terms|/privacy|/accessibility|/stays/[^/]*/book)/?")
_AWAY = Path(__file__).parent / "static" / "unavailable.html"
_AWAY_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Retry-After", "5"),
    ("X-Content-Type-Options", "nosniff"),
]
_line = threading.local()
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PatientWorker(ThreadWorker):
    """gthread that gives a request a thread when all of it has arrived, and tells whoever would wait too long.

    By itself gthread gives a thread to each connection: sixteen visitors who send nothing, or a letter now and then,
    keep everybody else out; and whoever presses the button waits behind all who look around. It uses what that class
    calls its own; a test starts it with slow visitors.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line: PriorityQueue[tuple[bool, int, TConn, Future[Any]]] = PriorityQueue()
        self._numbers = itertools.count()

    def load_wsgi(self) -> None:
        """Ask those to come back who have waited too long."""
        super().load_wsgi()
        self.wsgi = _told_to_come_back(self.wsgi, self.log.warning)

    def enqueue_req(self, conn: TConn) -> None:
        """Give it a thread if all is there, or listen on."""
        missing = _bytes_to_wait_for(conn)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, missing or 1)
        if not missing:
            conn.due, conn.came_at = None, time.monotonic()
            self._stand_in_line(conn)
            return
        conn.sock.setblocking(False)
        conn.due = getattr(conn, "due", None) or time.monotonic() + _SECONDS_TO_ARRIVE
        conn.timeout = conn.due
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _stand_in_line(self, conn: TConn) -> None:
        """Those who look around behind the others, each in the order of coming. A thread serves who is first then."""
        done: Future[Any] = Future()
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))
        self._line.put((_looks_around(conn), next(self._numbers), conn, done))
        self.tpool.submit(self._serve_next)

    def _serve_next(self) -> None:
        *_, conn, done = self._line.get()
        try:
            done.set_result(self.handle(conn))
        except BaseException as error:
            done.set_exception(error)

    def murder_pending(self) -> None:
        """Hang up on whoever took too long; gthread looks at the first in the row alone."""
        if len(self.pending_conns) > 1:
            self.pending_conns = deque(sorted(self.pending_conns, key=lambda conn: conn.timeout))
        super().murder_pending()

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that stops waits no longer for what has not arrived than for lines that are kept."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.due = conn.timeout = min(conn.timeout, deadline)

    def handle(self, conn: TConn) -> Any:
        """Note how long the request has waited for this thread."""
        _line.seconds = time.monotonic() - conn.came_at
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)
        return super().handle(conn)


def _bytes_to_wait_for(conn: TConn) -> int:
    """How many bytes must lie ready before a look is worth it; 0 where the request is whole, or the line dead."""
    conn.seen = b""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return 0  # read ahead of, with the one before it
    conn.sock.setblocking(False)
    try:
        conn.seen = conn.sock.recv(_WHOLE, socket.MSG_PEEK)
    except BlockingIOError:
        return 1
    except OSError:
        return 0
    return _missing(conn.seen) if conn.seen else 0


def _missing(seen: bytes) -> int:
    head, end, _ = seen.partition(b"\r\n\r\n")
    if b"100-continue" in head.lower():
        return 0  # the rest comes when it is asked for
    length = _LENGTH.search(head) if end else None
    whole = len(head) + len(end) + (int(length[1]) if length else 0) if end else len(seen) + 1
    return min(whole, _WHOLE) if len(seen) < min(whole, _WHOLE) else 0


def _looks_around(conn: TConn) -> bool:
    """As far as can be told from what lies ready; what nobody can read yet goes first."""
    asked = _ASKED.match(conn.seen)
    return asked is not None and _CAN_COME_BACK.fullmatch(asked[1].decode("latin-1")) is not None


def _told_to_come_back(app: WsgiApp, log: Callable[..., None]) -> WsgiApp:
    page = _AWAY.read_bytes()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_late = getattr(_line, "seconds", 0.0) > _SECONDS_IN_LINE
        if not is_late or environ["REQUEST_METHOD"] != "GET" or not _CAN_COME_BACK.fullmatch(environ["PATH_INFO"]):
            return app(environ, start_response)
        log("No thread for %.1f s: a visitor was asked to come back", _line.seconds)
        start_response("503 Service Unavailable", [*_AWAY_HEADERS, ("Content-Length", str(len(page)))])
        return [page]

    return answer
