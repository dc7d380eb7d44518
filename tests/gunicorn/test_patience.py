"""patient_worker.py: slow visitors keep nobody out, and whoever would wait too long is told when to come back."""

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

import patient_worker
from tests.gunicorn.slow_program import SECONDS
from tests.support import servers
from tests.support.gunicorn import THREADS, WORKERS, environment

pytestmark = pytest.mark.gunicorn

BEGINNING = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
MANY = 2 * WORKERS * THREADS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A program that says hello, under the shop's own settings."""
    with _serving("benchmarks.hello:app", tmp_path) as url:
        yield url


@contextlib.contextmanager
def _serving(program: str, tmp_path: Path) -> Iterator[str]:
    port = servers.lasting_port()
    url = f"http://127.0.0.1:{port}"
    env = environment("sqlite:////nonexistent/none.db", tmp_path, PORT=str(port), PYTHONPATH=str(servers.ROOT))
    command = [sys.executable, "-m", "gunicorn", program]
    with servers.running(command, f"{url}/healthz", env, tmp_path / "log"):
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
        began = time.monotonic()
        for _ in range(MANY):
            assert requests.get(server, timeout=20).text == "hello"

    assert time.monotonic() - began < 4


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


def _answer(path: str, method: str, waited: float, log: Callable[..., None] = print) -> tuple[str, dict[str, str]]:
    patient_worker._line.seconds = waited
    told: list[Any] = []

    def shop(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [])
        return [b"the shop"]

    app = patient_worker._told_to_come_back(shop, log)
    list(app({"PATH_INFO": path, "REQUEST_METHOD": method}, lambda *args: told.extend(args)))
    return told[0], dict(told[1])


@pytest.mark.parametrize("path", ["/", "/de/", "/stays", "/de/stays", "/stays/harbour-loft", "/terms"])
def test_who_looks_around_is_told_when_to_come_back(path: str) -> None:
    said: list[str] = []
    status, headers = _answer(path, "GET", waited=2.5, log=lambda text, seconds: said.append(text % seconds))

    assert said == ["No thread for 2.5 s: a visitor was asked to come back"]
    assert status == "503 Service Unavailable"
    assert int(headers["Retry-After"]) > 0
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/stays/harbour-loft/review"),
        ("GET", "/stays/harbour-loft/review"),
        ("GET", "/pay/return"),
        ("GET", "/b/ABCDEFGH"),
        ("GET", "/m/" + "x" * 43),
        ("GET", "/manage"),
        ("GET", "/admin/"),
        ("GET", "/healthz"),
        ("POST", "/webhooks/stripe/"),
        ("GET", "/static/css/base.css"),
    ],
)
def test_who_pays_works_or_watches_is_let_through_however_long_it_took(method: str, path: str) -> None:
    assert _answer(path, method, waited=60.0)[0] == "200 OK"


def test_who_waited_a_moment_is_served() -> None:
    assert _answer("/stays", "GET", waited=1.0)[0] == "200 OK"


def test_who_books_is_served_before_all_who_look_around(tmp_path: Path) -> None:
    """Four times as many lookers as threads are in line when the button is pressed; it takes the next thread."""
    done: list[str] = []

    def ask(method: str, path: str) -> None:
        requests.request(method, url + path, timeout=20)
        done.append(method)

    with _serving("tests.gunicorn.slow_program:app", tmp_path) as url, ThreadPoolExecutor(2 * MANY + 1) as visitors:
        for _ in range(2 * MANY):
            visitors.submit(ask, "GET", "/stays?guests=2")
        time.sleep(SECONDS / 2)
        visitors.submit(ask, "POST", "/stays/harbour-loft/review").result()
        before = done.index("POST")

    assert before <= 3 * WORKERS * THREADS < done.count("GET") == 2 * MANY


@pytest.mark.parametrize(
    ("said", "looks_around"),
    [
        (b"GET /stays?guests=2 HTTP/1.1\r\n", True),
        (b"GET /de/ HTTP/1.1\r\n", True),
        (b"GET /stays/harbour-loft/book?arrive=2027-03-01 HTTP/1.1\r\n", True),
        (b"GET /pay/return?session_id=cs_1 HTTP/1.1\r\n", False),
        (b"POST /stays/harbour-loft/review HTTP/1.1\r\n", False),
        (b"GET /static/css/base.css HTTP/1.1\r\n", False),
        (b"\x16\x03\x01", False),
        (b"", False),
    ],
)
def test_who_looks_around_is_told_by_the_first_line(said: bytes, looks_around: bool) -> None:
    assert patient_worker._looks_around(SimpleNamespace(seen=said)) is looks_around


def test_a_request_that_fails_in_its_thread_ends_its_line_and_no_other(server: str) -> None:
    with _lines(server, b"no words of HTTP\r\n\r\n", THREADS * 2) as lines:
        assert all(line.recv(1000).startswith(b"HTTP/1.1 400") for line in lines)

    assert requests.get(server, timeout=20).text == "hello"
