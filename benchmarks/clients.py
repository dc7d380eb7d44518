"""Clients that ask a server by lines that they keep, and what their questions cost its processor."""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.places import Server

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: without a body a GET, else a POST. The answer must be a 200 with `expected` in it."""

    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    expected: bytes = b""


def cost(server: Server, asks: Sequence[Ask]) -> tuple[float, float]:
    """Seconds of processor time for one request, and the time that the slowest hundredth had to wait."""
    before = server.seconds()
    waits = ask_all(server.url, asks)
    return (server.seconds() - before) / len(waits), statistics.quantiles(waits, n=100)[98]


def ask_all(url: str, asks: Sequence[Ask], clients: int = CLIENTS, patience: float = 60) -> list[float]:
    """How long each answer took, in seconds.

    Raises RuntimeError where one was not as it should be, and TimeoutError where none came in `patience` seconds.
    """
    waits: list[float] = []
    errors: list[Exception] = []
    shares = [asks[number::clients] for number in range(clients)]
    lines = [http.client.HTTPConnection(urlsplit(url).netloc, timeout=patience) for _ in shares]
    work = zip(lines, shares, strict=True)
    threads = [threading.Thread(target=_client, args=(line, share, waits.append, errors)) for line, share in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return waits


def _client(
    connection: http.client.HTTPConnection,
    asks: Sequence[Ask],
    note: Callable[[float], None],
    errors: list[Exception],
) -> None:
    try:
        for ask in asks:
            began = time.perf_counter()
            _check(ask, connection)
            note(time.perf_counter() - began)
    except Exception as error:  # told to whoever measures, in another thread
        errors.append(error)
    finally:
        connection.close()


def _check(ask: Ask, connection: http.client.HTTPConnection) -> None:
    headers = {"Accept-Encoding": "identity", **ask.headers}
    connection.request("GET" if ask.body is None else "POST", ask.path, ask.body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or ask.expected not in text:
        raise RuntimeError(f"{ask.path}: {answer.status} {text[:100]!r}")
