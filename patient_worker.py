"""gunicorn's worker for this shop: gthread that waits for no visitor, and lets those who book go first."""

import contextlib
import re
import selectors
import socket
import ssl
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# As much of a request is waited for before it gets a thread; what is larger, a photo of the staff's, gets one at once.
_WHOLE = 64_000
# A visitor has so many seconds to say what he wants, to wait for a thread where there is no hurry, and to hang up.
_SECONDS_TO_ARRIVE, _SECONDS_IN_LINE, _SECONDS_TO_HANG_UP = 10.0, 1.5, 2.0
# The page of a visitor who is slow to read fits into the system's memory, and needs no thread meanwhile.
_UNREAD = 200_000
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*\r?$")
_ASKED = re.compile(rb"GET ([^\s?]+)")
# In no hurry are those who look around. Whoever pays, manages a booking, works here or watches the shop goes first.
_CAN_COME_BACK = re.compile(r"(/[a-z]{2})?(/|/stays(/[^/]*)?|/terms|/privacy|/accessibility|/stays/[^/]*/book)/?")
_AWAY = (Path(__file__).parent / "static" / "unavailable.html").read_bytes()
_COME_BACK = b"""HTTP/1.1 503 Service Unavailable\r
Connection: close\r
Content-Type: text/html; charset=utf-8\r
Content-Length: %d\r
Cache-Control: no-store\r
Retry-After: 5\r
X-Content-Type-Options: nosniff\r
\r
%b""" % (len(_AWAY), _AWAY)


class PatientWorker(ThreadWorker):
    """gthread that gives a request a thread when all of it has arrived, and tells whoever would wait too long.

    By itself gthread gives a thread to each connection: sixteen visitors who send nothing, or a letter now and then,
    keep everybody else out; whoever presses the button waits behind all who look around; and at the end of a line it
    waits up to two seconds for the visitor to hang up, with all others behind. It uses what that class calls its own;
    a test starts it with slow visitors.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In line for a thread: those who go first, and those who look around. And lines on which all is said.
        self._first: deque[TConn] = deque()
        self._later: deque[TConn] = deque()
        self._closing: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        """Give it a thread if all is there, or listen on."""
        conn.close = partial(self._close, conn)
        conn.seen = _peek(conn)
        missing = 1 if conn.seen is None else _missing(conn.seen)
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

    def murder_pending(self) -> None:
        """Hang up on whoever took too long; gthread looks at the first in the row alone."""
        if len(self.pending_conns) > 1:
            self.pending_conns = deque(sorted(self.pending_conns, key=lambda conn: conn.timeout))
        super().murder_pending()
        while self._closing and self._closing[0].timeout < time.monotonic():
            self._hang_up(self._closing[0])
        self._send_away_the_late()

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that stops waits no longer for what has not arrived than for lines that are kept."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.due = conn.timeout = min(conn.timeout, deadline)

    def handle(self, conn: TConn) -> Any:
        """Let the system keep what a slow visitor has not read yet."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)
        return super().handle(conn)

    # --- in line for a thread ---

    def _stand_in_line(self, conn: TConn) -> None:
        """Those who look around behind the others, each in the order of coming. A thread serves who is first then."""
        conn.looks_around, conn.done = _looks_around(conn.seen), Future()
        conn.done.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))
        (self._later if conn.looks_around else self._first).append(conn)
        self.tpool.submit(self._serve_next)

    def _serve_next(self) -> None:
        conn = _take(self._first) or _take(self._later)
        if conn is None:
            return  # told to come back meanwhile
        if _is_late(conn):
            self._send_away(conn)
            return
        try:
            conn.done.set_result(self.handle(conn))
        except BaseException as error:
            conn.done.set_exception(error)

    def _send_away_the_late(self) -> None:
        """All threads may be busy for long: nobody has to wait for one in order to hear that there is none."""
        while (conn := _take(self._later)) is not None:
            if not _is_late(conn):
                self._later.appendleft(conn)
                return
            self._send_away(conn)

    def _send_away(self, conn: TConn) -> None:
        self.log.warning("No thread for %.1f s: a visitor was asked to come back", time.monotonic() - conn.came_at)
        with contextlib.suppress(OSError):  # hung up already
            conn.sock.send(_COME_BACK)
        conn.done.set_result(False)

    # --- the end of a line ---

    def _close(self, conn: TConn, graceful: bool = False) -> None:
        """As gthread closes it, which waits for the visitor to hang up too; here nobody else waits with it.

        What is unread when a line is cut would take the end of the answer with it: RFC 9112, 9.6.
        """
        if not graceful or not self._half_closed(conn):
            conn.sock.close()
            return
        conn.timeout = time.monotonic() + _SECONDS_TO_HANG_UP
        self.nr_conns += 1
        self._closing.append(conn)

    def _half_closed(self, conn: TConn) -> bool:
        """Say that this was all, and listen on; False where nobody is there any more."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read_out, conn))
        except (OSError, ValueError, KeyError):
            return False
        return True

    def _read_out(self, conn: TConn, _sock: object) -> None:
        try:
            is_over = not conn.sock.recv(_WHOLE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            is_over = True
        if is_over:
            self._hang_up(conn)

    def _hang_up(self, conn: TConn) -> None:
        self._closing.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.sock.close()


def _take(line: "deque[TConn]") -> TConn | None:
    """Whoever is first; several threads ask, so it is not asked before whether anybody is there."""
    try:
        return line.popleft()
    except IndexError:
        return None


def _is_late(conn: TConn) -> bool:
    return conn.looks_around and time.monotonic() - conn.came_at > _SECONDS_IN_LINE


def _peek(conn: TConn) -> bytes | None:
    """What lies ready of a request; None: nothing yet. Empty where the line is dead, or more was read before."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return b""  # with the one before it
    conn.sock.setblocking(False)
    try:
        return conn.sock.recv(_WHOLE, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _missing(seen: bytes) -> int:
    """How many bytes must lie ready before a look is worth it; 0 where the request is whole, or nothing will come."""
    if not seen:
        return 0
    head, end, _ = seen.partition(b"\r\n\r\n")
    if b"100-continue" in head.lower():
        return 0  # the rest comes when it is asked for
    length = _LENGTH.search(head) if end else None
    whole = len(head) + len(end) + (int(length[1]) if length else 0) if end else len(seen) + 1
    return min(whole, _WHOLE) if len(seen) < min(whole, _WHOLE) else 0


def _looks_around(seen: bytes) -> bool:
    """As far as can be told from what lies ready; what nobody can read yet goes first."""
    asked = _ASKED.match(seen)
    return asked is not None and _CAN_COME_BACK.fullmatch(asked[1].decode("latin-1")) is not None
