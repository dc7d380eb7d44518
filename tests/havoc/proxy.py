"""A bad link to PostgreSQL: a proxy that reads along, and cuts at a COMMIT, cuts all, or lets nothing through."""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a connection that has just asked for a COMMIT."""

    PASS = "pass"
    BEFORE = "before"  # cut before the server hears of it: it rolls back
    WHILE = "while"  # sent on and cut in the same moment: nobody knows, and the commit may come late
    AFTER = "after"  # done by the server, whose answer never arrives
    LATE = "late"  # cut, and yet on its way: the server hears of it when the test says so


CUTS = (Fate.BEFORE, Fate.WHILE, Fate.AFTER)
_PROTOCOL_3 = 3 << 16
_READY = (b"Z\0\0\0\x05I", b"Z\0\0\0\x05T", b"Z\0\0\0\x05E")


class Proxy:
    """Listens on a port of its own; `decide` is asked at each COMMIT but the pool's own, made when it connects."""

    def __init__(self, server_port: int) -> None:
        self.decide: Callable[[], Fate] = lambda: Fate.PASS
        self.fates: Counter[Fate] = Counter()
        self.flowing = threading.Event()  # cleared: nothing comes through
        self.flowing.set()
        self.waiting = 0  # messages held up by that
        self.late = threading.Event()  # set: what is late arrives
        self.is_down = False  # whoever comes is sent away
        self._server_port = server_port
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def cuts(self) -> int:
        return sum(self.fates[fate] for fate in CUTS)

    def cut_all(self) -> int:
        """Hang up on everybody; how many that were."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()
        return len(links)

    def close(self) -> None:
        self._listener.close()
        self.flowing.set()
        self.late.set()
        self.cut_all()

    def next_fate(self) -> Fate:
        fate = self.decide()
        self.fates[fate] += 1
        return fate

    def wait_to_flow(self) -> None:
        if not self.flowing.is_set():
            self.waiting += 1
            self.flowing.wait()
            self.waiting -= 1

    def forget(self, link: "_Link") -> None:
        with self._lock:
            self._links.discard(link)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_down:
                    client.close()
                    continue
                link = _Link(self, client, socket.create_connection(("127.0.0.1", self._server_port)))
                with self._lock:
                    self._links.add(link)
                link.start()


class _Link:
    """One connection: two threads that carry bytes, message by message on the way to the server."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._swallows, self._is_new = False, True
        for wire in (client, server):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for carry in (self._to_server, self._to_client):
            threading.Thread(target=self._until_cut, args=(carry,), daemon=True).start()

    def cut(self) -> None:
        self._proxy.forget(self)
        _hang_up(self._client)
        _hang_up(self._server)

    def _until_cut(self, carry: Callable[[], None]) -> None:
        with contextlib.suppress(OSError, EOFError):
            carry()
        self.cut()

    def _to_server(self) -> None:
        for message in _messages(self._client):
            self._proxy.wait_to_flow()
            fate = self._fate_of(message)
            if fate is Fate.BEFORE:
                return
            self._swallows = fate is not Fate.PASS
            if fate is Fate.LATE:
                _hang_up(self._client)
                self._proxy.late.wait()
            self._server.sendall(message)
            if fate is Fate.WHILE:
                return

    def _fate_of(self, message: bytes) -> Fate:
        if not _is_commit(message):
            return Fate.PASS
        if self._is_new:
            self._is_new = False
            return Fate.PASS
        return self._proxy.next_fate()

    def _to_client(self) -> None:
        held = b""
        while part := self._server.recv(65536):
            self._proxy.wait_to_flow()
            if not self._swallows:
                self._client.sendall(part)
                continue
            held += part
            if held.endswith(_READY):
                return


def _hang_up(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
    wire.close()


def _messages(wire: socket.socket) -> Iterator[bytes]:
    """What a client says: first greetings without a type, then type, length, body.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    code = 0
    while code != _PROTOCOL_3:
        length = _exactly(wire, 4)
        body = _exactly(wire, int.from_bytes(length, "big") - 4)
        code = int.from_bytes(body[:4], "big")
        yield length + body
    while True:
        head = _exactly(wire, 5)
        yield head + _exactly(wire, int.from_bytes(head[1:], "big") - 4)


def _is_commit(message: bytes) -> bool:
    """Asked for in one go, or as the first half of a statement that is prepared."""
    body = message[5:].split(b"\0")
    said = body[0] if message[:1] == b"Q" else body[1] if message[:1] == b"P" else b""
    return said.strip().upper().startswith(b"COMMIT")


def _exactly(wire: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        part = wire.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return bytes(found)
