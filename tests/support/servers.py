"""Programs that tests start: PostgreSQL, fakestripe, gunicorn, and the app in a thread."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from flask import Flask
from werkzeug.serving import make_server

from tests.support.recordings import recordings

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lasting_port() -> int:
    """A free port for a server that is down at times: none that the system gives to somebody's outgoing call."""
    for port in random.sample(range(20_000, 32_000), 50):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("fifty ports tried, none of them free")


def wait_until(is_true: Callable[[], Any], seconds: float = 15, what: str = "it") -> Any:
    """Look again and again until something is so; fails loudly instead of waiting for ever."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = is_true()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def answers(url: str) -> bool:
    """Whether a server is there."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=2).status_code < 500
    return False


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


class NoPostgres(Exception):
    """There is no PostgreSQL to test with; the text says what was looked for."""


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server of a test's own in a scratch folder, which may be crashed and started again."""

    binaries: Path
    folder: Path
    port: int
    as_user: dict[str, Any]
    is_durable: bool

    @property
    def url(self) -> str:
        """Without a database's name."""
        return f"postgresql+psycopg://holdfast@127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers; after a crash that is after its recovery."""
        fsync = "on" if self.is_durable else "off"
        settings = f"-c listen_addresses=127.0.0.1 -c fsync={fsync} -c max_connections=120"
        options, log = f"-p {self.port} -k {self.folder} {settings}", self.folder / "log"
        _run([self.binaries / "pg_ctl", "-D", self.data, "-w", "-o", options, "-l", log, "start"], self.as_user)

    def crash(self) -> None:
        """End all of its processes at once; nothing is written that was not."""
        _run([self.binaries / "pg_ctl", "-D", self.data, "-m", "immediate", "stop"], self.as_user)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The address (without a database's name) of a server: TEST_DATABASE_URL, or one of our own in a scratch folder."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given.rsplit("/", 1)[0]
        return
    with own_postgres(is_durable=False) as cluster:
        yield cluster.url


@contextlib.contextmanager
def own_postgres(*, is_durable: bool) -> Iterator[Cluster]:
    """A server of our own; only a durable one waits for the disk, and may be crashed."""
    binaries = _postgres_binaries()
    # A short path: a Unix socket's name may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="hf-pg-", dir="/tmp"))
    cluster = Cluster(binaries, folder, lasting_port(), _unprivileged(folder), is_durable)
    initdb = [binaries / "initdb", "-D", cluster.data, "-U", "holdfast", "-A", "trust", "-E", "UTF8", "--no-sync"]
    try:
        _run(initdb, cluster.as_user)
        cluster.start()
        yield cluster
    finally:
        if (cluster.data / "postmaster.pid").exists():
            cluster.crash()
        shutil.rmtree(folder, ignore_errors=True)


def end_connections(control: psycopg.Connection, database: str) -> None:
    """Have the server end what all others have open to a database; they are gone when this returns.

    Told to end, and not waited for, one may live long enough to take the next question and die of it.
    """
    others = "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    control.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}", (database,))  # type: ignore[arg-type]


def _postgres_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise NoPostgres("no TEST_DATABASE_URL and no initdb: install Debian's package postgresql")


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then the scratch folder and the processes are nobody's."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(command: list[object], as_user: dict[str, Any]) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", **as_user
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


# --- fakestripe -----------------------------------------------------------------------------------------------------


class FakeStripe:
    """A running fakestripe and its test controls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, control: str, **params: str) -> Any:
        """Read one of the controls."""
        return self._answer(requests.get(f"{self.url}/_fake/{control}", params=params, timeout=20))

    def post(self, path: str, body: Any = None) -> Any:
        """Use one of the controls."""
        return self._answer(requests.post(f"{self.url}/_fake/{path}", json={} if body is None else body, timeout=60))

    def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Any:
        """Pay as the hosted page would."""
        return self.post(f"sessions/{session_id}/pay", {"card": card, **more})

    def events(self, event_type: str = "") -> list[dict[str, Any]]:
        """All events so far, oldest first."""
        return self.get("events", **({"type": event_type} if event_type else {}))

    def resend(self, event_id: str, times: int = 1, concurrency: int = 1) -> list[dict[str, Any]]:
        """Deliver an event again; the answers it got."""
        return self.post(f"events/{event_id}/resend", {"times": times, "concurrency": concurrency})

    def sessions(self) -> list[str]:
        """The ids of all Checkout Sessions."""
        return [session["id"] for session in self.get("state")["sessions"]]

    def drop_webhooks(self) -> None:
        """From now on no event is delivered."""
        self.post("delivery", {"mode": "drop"})

    def hold_webhooks(self) -> None:
        """From now on events wait until they are released."""
        self.post("delivery", {"mode": "hold"})

    def release(self, order: Any = None) -> Any:
        """Deliver what was held, one after the other."""
        return self.post("delivery/flush", {} if order is None else {"order": order})

    def settle_down(self) -> None:
        """Wait until no delivery is on its way."""
        assert self.post("delivery/wait", {"timeout": 15})["quiet"]

    def created(self, path: str = "/v1/checkout/sessions") -> list[dict[str, Any]]:
        """The creating requests at a path that were executed and not replayed."""
        rows = self.get("requests", method="POST", path=path)
        return [row for row in rows if row["path"] == path and row["status"] == 200 and not row["replayed"]]

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        assert response.status_code < 400, f"{response.url}: {response.status_code} {response.text[:300]}"
        return response.json()


@contextlib.contextmanager
def fakestripe(*, is_honest: bool = True) -> Iterator[FakeStripe]:
    """A fakestripe of our own, as a process of its own, on a free port; honest if no bad request is sent on purpose.

    Or the one at `FAKESTRIPE_URL`, which somebody lends who has no use for it meanwhile.
    """
    given = os.environ.get("FAKESTRIPE_URL")
    if given:
        yield FakeStripe(given)
        return
    port = free_port()
    command = [sys.executable, "-m", "fakestripe", "--port", str(port), "--retry-scale", "0.0002"]
    command += recordings.new(is_honest=is_honest)
    with running(command, f"http://127.0.0.1:{port}/_fake/healthz"):
        yield FakeStripe(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def running(
    command: list[str], health_url: str, env: dict[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that answers at its address, stopped with all its children at the end."""
    with contextlib.ExitStack() as stack:
        out: Any = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_until(lambda: answers(health_url) or process.poll() is not None, 40, f"{command[2:4]} at {health_url}")
            assert process.poll() is None, f"{command} ended with {process.returncode}: {_tail(log)}"
            yield process
        finally:
            _stop(process)


def _tail(log: Path | None) -> str:
    return log.read_text(errors="replace")[-2000:] if log else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=8)
            return


# --- the app --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    """The app behind a real socket, in threads of this process."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
