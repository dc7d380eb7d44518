"""The HTTP server in front of the application: cheroot, with connections that can be broken on purpose.

One process on purpose: the state lives in memory, so there is nothing a second worker could serve and
nothing a supervisor could restart. A signal ends it at once, also while connections are held open.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest
from flask import Flask

from fakestripe.world import World

logger = logging.getLogger(__name__)
THREADS = 128
"""A guest's redirect, a time-out on order and `stripe listen` hold one each."""
IDLE_SECONDS = 75
"""How long an unused connection stays; longer than clients keep theirs, so that none is torn in use."""
LONGEST_HEADERS = 64 * 1024
LARGEST_BODY = 32 * 1024 * 1024
LAST_ANSWERS_SECONDS = 0.5
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Request(HTTPRequest):
    """One request; what the application never gets to see is answered here."""

    def simple_response(self, status: str, msg: str = "") -> None:
        """In Stripe's envelope, which whoever calls an API expects whatever was wrong."""
        type_ = "api_error" if status.startswith("5") else "invalid_request_error"
        body = json.dumps({"error": {"type": type_, "message": msg or status}}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.conn.wfile.write(head.encode() + b"Connection: close\r\n\r\n" + body)


class Connection(HTTPConnection):
    """One client's connection. The application finds it in the WSGI environment."""

    RequestHandlerClass = Request
    is_torn = False

    def close(self) -> None:
        """Close it; when torn with a TCP reset, which a shutdown would turn into an orderly end."""
        if not self.is_torn:
            # Whoever took the connection over, as a WebSocket does, may have closed it already.
            with contextlib.suppress(OSError):
                super().close()
            return None
        self.rfile.close()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        return socket.close(self.socket.detach())


class Gateway(wsgi.Gateway_10):
    """Between cheroot and Flask."""

    _is_silent = False

    def get_environ(self) -> dict[str, Any]:
        """The second name is where simple-websocket looks for the socket."""
        connection = self.req.conn
        own = {"fakestripe.silence": self.silence, "werkzeug.socket": connection.socket}
        return {**super().get_environ(), **own}

    def silence(self, *, hard: bool = False) -> None:
        """Send nothing more, whatever the application answers; tear the connection when `hard`."""
        self._is_silent = True
        self.req.close_connection = True
        self.req.conn.is_torn = hard

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Headers that count as sent are never sent."""
        if self._is_silent:
            self.req.sent_headers = self.started_response = True
            return self.write
        return super().start_response(status, headers, exc_info)


class Server(wsgi.Server):
    """Listens from `prepare()` on, so that the port is known before anybody is served."""

    ConnectionClass = Connection
    version = "fakestripe"
    max_request_header_size = LONGEST_HEADERS
    max_request_body_size = LARGEST_BODY

    def __init__(self, app: Flask, host: str, port: int) -> None:
        address = (host, port)
        super().__init__(address, app, THREADS, "fakestripe", request_queue_size=THREADS, timeout=IDLE_SECONDS)
        self.gateway = Gateway

    @property
    def port(self) -> int:
        return int(self.bind_addr[1])

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        logger.log(level, msg, exc_info=traceback)


def stop_on_signal(world: World) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: world.stopping.set())


def serve(server: Server, world: World) -> None:
    """Serve until a signal comes, then end this process. Needs a server that is prepared."""
    threading.Thread(target=_listen, args=(server, world), daemon=True).start()
    world.stopping.wait()
    _let_answers_out(server)
    _end(world, status=1 if server.interrupt else 0)


def _listen(server: Server, world: World) -> None:
    """A server that broke down ends the process instead of leaving it deaf."""
    try:
        server.serve()
    finally:
        world.stopping.set()


def _let_answers_out(server: Server) -> None:
    """Requests under way get a moment; those that hold on purpose must not hold the exit."""
    end = time.monotonic() + LAST_ANSWERS_SECONDS
    while server.requests.idle < THREADS and time.monotonic() < end:
        time.sleep(0.01)


def _end(world: World, status: int) -> None:
    """Without waiting for threads; under the lock, so that nothing unsaved is answered as done."""
    with world.store.lock:
        world.store.close()
        sys.stdout.flush()
        os._exit(status)
