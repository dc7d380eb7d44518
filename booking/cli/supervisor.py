"""`python -m booking.cli.supervisor`: runs web, worker and fakestripe together for `make demo` and `make serve`.

Each program is its own process group, so that Ctrl-C reaches this one alone, which then ends the others in turn and
leaves no orphan. Where one of them ends by itself, all of them end.
"""

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dotenv import dotenv_values

from booking.config import ROOT, ConfigurationError, Settings, load_settings

PATIENCE_SECONDS = 60
GRACE_SECONDS = 12
VAR = ROOT / "var"


@dataclass(frozen=True, slots=True)
class Program:
    """One thing to run, and the address that answers once it is up."""

    name: str
    command: list[str]
    health: str = ""
    is_heard: bool = True  # fakestripe prints the secret it signs with


@dataclass(slots=True)
class Supervisor:
    """Starts programs in order, waits for them, ends them in the other order."""

    programs: list[Program]
    environment: dict[str, str]
    running: list[tuple[Program, subprocess.Popen[str]]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, announce: Callable[[], None]) -> int:
        """Until a signal comes (0) or a program ends by itself (1)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        try:
            if not self._start_all():
                return 0 if self.stopping.is_set() else 1
            announce()
            return self._watch()
        finally:
            self._end_all()

    def _start_all(self) -> bool:
        for program in self.programs:
            if self.stopping.is_set():
                return False
            self.running.append((program, self._start(program)))
        return all(self._is_up(program, process) for program, process in self.running)

    def _start(self, program: Program) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            program.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        stream = process.stdout
        assert stream is not None
        threading.Thread(target=_relay, args=(program, stream), daemon=True).start()
        return process

    def _is_up(self, program: Program, process: subprocess.Popen[str]) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.stopping.wait(0.1):
            if process.poll() is not None:
                print(f"{program.name} ended with code {process.returncode} before it was ready.", file=sys.stderr)
                return False
            if not program.health or _answers(program.health):
                return True
            if time.monotonic() > deadline:
                print(f"{program.name} does not answer at {program.health}.", file=sys.stderr)
                return False
        return False

    def _watch(self) -> int:
        while not self.stopping.wait(0.3):
            for program, process in self.running:
                if process.poll() is not None:
                    print(f"{program.name} ended with code {process.returncode}; stopping the rest.", file=sys.stderr)
                    return 1
        return 0

    def _end_all(self) -> None:
        print("Stopping ...", flush=True)
        for _, process in self.running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for _, process in self.running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # Whatever is left of its group goes too, even where the program itself ended in good order.
            _signal(process, signal.SIGKILL, whole_group=True)
            process.wait()
        print("Stopped.", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the shop on this machine.")
    parser.add_argument("what", choices=("demo", "serve"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fakestripe-port", type=int, required=True)
    given = parser.parse_args()
    try:
        settings = load_settings(_environment(given))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    ports = [given.port, *([given.fakestripe_port] if given.what == "demo" else [])]
    with OnlyOne():
        taken = [port for port in ports if _is_taken(port)]
        if taken:
            print(f"Port {taken[0]} is in use; choose others with PORT=... FAKESTRIPE_PORT=...", file=sys.stderr)
            return 1
        supervisor = Supervisor(_programs(given, settings), _environment(given))
        return supervisor.run(lambda: _announce(given))


def _environment(given: argparse.Namespace) -> dict[str, str]:
    kept = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    wanted = {"PORT": str(given.port), "PYTHONUNBUFFERED": "1"}
    if given.what == "demo":
        wanted["APP_BASE_URL"] = f"http://127.0.0.1:{given.port}"
        wanted["STRIPE_API_BASE"] = f"http://127.0.0.1:{given.fakestripe_port}"
    return {**kept, **os.environ, **wanted}


def _programs(given: argparse.Namespace, settings: Settings) -> list[Program]:
    python, shop = sys.executable, f"http://127.0.0.1:{given.port}"
    web = [python, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{given.port}", "wsgi:app"]
    programs = [
        Program("web", web, f"{shop}/healthz"),
        Program("worker", [python, "-m", "flask", "--app", "wsgi", "worker"]),
    ]
    if given.what == "demo":
        programs.insert(0, _fakestripe(given, settings, shop))
    return programs


def _fakestripe(given: argparse.Namespace, settings: Settings, shop: str) -> Program:
    command = [sys.executable, "-m", "fakestripe", "--port", str(given.fakestripe_port)]
    command += ["--db", str(VAR / "fakestripe.db"), "--webhook", f"{shop}/webhooks/stripe/"]
    command += ["--secret", settings.stripe_webhook_secrets[0]]
    health = f"http://127.0.0.1:{given.fakestripe_port}/_fake/healthz"
    return Program("fakestripe", command, health, is_heard=False)


def _announce(given: argparse.Namespace) -> None:
    shop = f"http://127.0.0.1:{given.port}"
    lines = ["", f"  The shop          {shop}/", f"  Its admin pages   {shop}/admin/"]
    if given.what == "demo":
        lines += [*_staff_login(), f"  fakestripe        http://127.0.0.1:{given.fakestripe_port}/ (SIMULATED Stripe)"]
        lines += ["  A card that pays  4242 4242 4242 4242, any later date, any CVC"]
    print("\n".join([*lines, "", "  Mail is printed below. Ctrl-C stops everything.", ""]), flush=True)


def _staff_login() -> list[str]:
    file = VAR / "demo-staff-password"
    if not file.exists():
        return []
    return [f"  Demo staff        ada@example.org, password {file.read_text(encoding='utf-8').strip()}"]


def _relay(program: Program, stream: IO[str]) -> None:
    for line in stream:
        if program.is_heard:
            print(f"{program.name:<7}| {line}", end="", flush=True)


def _signal(process: subprocess.Popen[str], number: signal.Signals, *, whole_group: bool = False) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if whole_group:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


class OnlyOne:
    """Two demos on one database file would both believe it to be theirs."""

    def __enter__(self) -> None:
        VAR.mkdir(exist_ok=True)
        self._file = Path(VAR / "running.lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            sys.exit("Another `make demo` or `make serve` is running in this directory.")

    def __exit__(self, *_: object) -> None:
        self._file.close()


if __name__ == "__main__":
    sys.exit(main())
