"""patient_worker.py: slow visitors keep nobody out, and whoever would wait too long is told when to come back."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

import patient_worker
from tests.gunicorn.busy_program import BUSY
from tests.support import servers
from tests.support.gunicorn import THREADS, WORKERS, environment

pytestmark = pytest.mark.gunicorn

BEGINNING = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
MANY = 2 * WORKERS * THREADS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A program that says hello, under the shop's own settings."""
    with _serving(["benchmarks.hello:app"], tmp_path_factory.mktemp("hello")) as url:
        yield url


@dataclass(frozen=True)
class Busy:
    """A server whose one thread is busy until somebody who books stands in line."""

    url: str
    log: Path
    visitors: ThreadPoolExecutor

    def ask(self, method: str, path: str) -> Future[requests.Response]:
        """Somebody who asks, and waits for the answer."""
        return self.visitors.submit(requests.request, method, self.url + path, timeout=20)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    """One process of one thread, which is taken when this returns."""
    program = ["--worker-class", "tests.gunicorn.busy_program.KnownWorker", "tests.gunicorn.busy_program:app"]
    with (
        _serving(program, tmp_path, WEB_WORKERS="1", WEB_THREADS="1") as url,
        ThreadPoolExecutor(MANY + 2) as visitors,
    ):
        server = Busy(url, tmp_path / "log", visitors)
        server.ask("GET", BUSY)
        servers.wait_until(lambda: BUSY in server.log.read_text(), what="a busy thread")
        yield server


@contextlib.contextmanager
def _serving(program: list[str], tmp_path: Path, **changes: str) -> Iterator[str]:
    port = servers.lasting_port()
    url = f"http://127.0.0.1:{port}"
    changes = {"PORT": str(port), "PYTHONPATH": str(servers.ROOT), **changes}
    env = environment("sqlite:////nonexistent/none.db", tmp_path, **changes)
    with servers.running([sys.executable, "-m", "gunicorn", *program], f"{url}/healthz", env, tmp_path / "log"):
        yield url


@contextlib.contextmanager
def _lines(url: str, said: bytes, many: int = 1) -> Iterator[list[socket.socket]]:
    """Visitors who say this and then nothing."""
    host, port = url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection((host, int(port)), 10)) for _ in range(many)]
        for line in lines:
            line.sendall(said)
        time.sleep(0.2)
        yield lines


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HT", BEGINNING, BEGINNING + b"\r\nname="],
    ids=["nothing", "a word", "no end of the head", "no end of the form"],
)
def test_visitors_who_say_half_of_what_they_want_keep_nobody_waiting(server: str, said: bytes) -> None:
    """Without the shop's own worker the least of these waits would be five seconds."""
    with _lines(server, said, MANY):
        assert [requests.get(server, timeout=4).text for _ in range(MANY)] == ["hello"] * MANY


def test_a_slow_visitor_is_answered_when_all_is_said(server: str) -> None:
    with _lines(server, b"") as (line,):
        for letter in b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":
            line.sendall(bytes([letter]))
            time.sleep(0.01)

        assert line.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_a_large_form_and_a_kept_line_work_as_ever(server: str) -> None:
    with requests.Session() as web:
        statuses = [web.post(server, data=b"x" * size, timeout=20).status_code for size in (0, 10, 63_000)]
        texts = [web.get(server, timeout=20).text for _ in range(3)]

    assert (statuses, texts) == ([405] * 3, ["hello"] * 3)


def test_whoever_asks_whether_to_go_on_is_told_so(server: str) -> None:
    asked = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

    with _lines(server, asked) as (line,):
        line.settimeout(5)
        assert line.recv(1000).startswith(b"HTTP/1.1")


# --- whoever would wait too long ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [b"GET / ", b"GET /de/ ", b"GET /stays?guests=2 ", b"GET /de/stays/harbour-loft ", b"GET /terms ",
     b"GET /stays/harbour-loft/book?arrive=2027-03-01 "],
)  # fmt: skip
def test_who_looks_around_may_be_told_to_come_back(said: bytes) -> None:
    assert patient_worker._looks_around(said + b"HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"POST /stays/harbour-loft/review HTTP/1.1",
        b"GET /stays/harbour-loft/review HTTP/1.1",
        b"GET /pay/return?session_id=cs_1 HTTP/1.1",
        b"GET /b/ABCDEFGH HTTP/1.1",
        b"GET /m/" + b"x" * 43,
        b"GET /manage HTTP/1.1",
        b"GET /admin/ HTTP/1.1",
        b"GET /healthz HTTP/1.1",
        b"POST /webhooks/stripe/ HTTP/1.1",
        b"GET /static/css/base.css HTTP/1.1",
        b"\x16\x03\x01",
        b"",
    ],
)
def test_who_pays_works_or_watches_goes_first(said: bytes) -> None:
    assert not patient_worker._looks_around(said)


@pytest.mark.parametrize(
    ("looks_around", "waited", "is_late"), [(True, 2.0, True), (True, 1.0, False), (False, 60.0, False)]
)
def test_only_who_looks_around_waits_too_long(looks_around: bool, waited: float, is_late: bool) -> None:
    conn = SimpleNamespace(looks_around=looks_around, came_at=time.monotonic() - waited)
    assert patient_worker._is_late(conn) is is_late


def test_who_cannot_be_served_soon_is_told_so_while_all_threads_are_busy(busy: Busy) -> None:
    answers = [look.result() for look in [busy.ask("GET", "/stays?guests=2") for _ in range(MANY)]]

    for told in answers:
        assert (told.status_code, told.headers["Cache-Control"]) == (503, "no-store")
        assert int(told.headers["Retry-After"]) > 0
        assert told.text.rstrip().endswith("</html>")
    assert busy.log.read_text().count("No thread for") == MANY
    assert busy.ask("POST", "/stays/harbour-loft/review").result().text == "2"


@pytest.mark.parametrize("after", [b"", b"and more"])
def test_visitors_who_do_not_hang_up_keep_nobody_waiting(server: str, after: bytes) -> None:
    """They were told that this answer is the last one. gunicorn by itself would wait two seconds for each."""
    with _lines(server, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n" + after, MANY) as lines:
        began = time.monotonic()
        assert requests.get(server, timeout=60).text == "hello"
        assert time.monotonic() - began < 1.5

        for line in lines:
            line.settimeout(10)
            assert b"".join(iter(lambda line=line: line.recv(1000), b"")).endswith(b"hello")  # type: ignore[misc]


def test_who_books_is_served_before_all_who_look_around(busy: Busy) -> None:
    """They were in line when the button was pressed; it takes the next thread."""
    with _lines(busy.url, b"GET /stays?guests=2 HTTP/1.1\r\nHost: localhost\r\n\r\n", MANY):
        assert busy.ask("POST", "/stays/harbour-loft/review").result().text == "2"


def test_a_request_that_fails_in_its_thread_ends_its_line_and_no_other(server: str) -> None:
    with _lines(server, b"no words of HTTP\r\n\r\n", THREADS * 2) as lines:
        assert all(line.recv(1000).startswith(b"HTTP/1.1 400") for line in lines)

    assert requests.get(server, timeout=20).text == "hello"
