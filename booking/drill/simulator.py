"""fakestripe as a process of its own, in memory only, and the controls that a disaster pulls."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from booking.config import ROOT
from booking.drill.evidence import DrillRefused, Failed

SECONDS = 30
# No setting of the shop's goes to the programs that the drill starts.
_HARMLESS = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class Simulator:
    """The controls under /_fake/, and Stripe's API as somebody else on the same account would use it."""

    def __init__(self, url: str) -> None:
        self.url = url

    # --- what guests and banks do -----------------------------------------------------------------------------------

    def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Any:
        """Pay on Stripe's page; does not wait for the shop."""
        how = more if "method" in more else {"card": card, **more}
        return self.control(f"sessions/{session_id}/pay", {**how, "wait": False})

    def refund(self, payment_intent_id: str, minor: int) -> Any:
        """Refund in Stripe's dashboard, behind the shop's back."""
        data = {"payment_intent": payment_intent_id, "amount": str(minor)}
        return self._send("POST", "/v1/refunds", data=data, auth=("sk_test_of_the_dashboard", ""))

    def refunds_of(self, payment_intent_id: str) -> list[int]:
        """The amounts in Stripe's own list, in minor units."""
        params = {"payment_intent": payment_intent_id}
        page = self._send("GET", "/v1/refunds", params=params, auth=("sk_test_of_the_dashboard", ""))
        return [refund["amount"] for refund in page["data"]]

    def count_sessions(self) -> int:
        """How many Checkout Sessions there are."""
        return len(self.look("state")["sessions"])

    # --- events -----------------------------------------------------------------------------------------------------

    def lose_webhooks(self) -> None:
        """What happens from now on is never told."""
        self.control("delivery", {"mode": "drop"})

    def hold_webhooks(self) -> None:
        """What happens from now on is told when it is asked for."""
        self.control("delivery", {"mode": "hold"})

    def deliver_held(self, order: list[str] | str | None = None) -> list[Any]:
        """Deliver what was held, one after the other; the answers."""
        answers: list[Any] = self.control("delivery/flush", {} if order is None else {"order": order})
        return answers

    def deliver_again(self, event_id: str, times: int = 1) -> list[Any]:
        """Deliver one event again, all of them at once; the answers."""
        answers: list[Any] = self.control(f"events/{event_id}/resend", {"times": times, "concurrency": times})
        return answers

    def events(self, event_type: str = "") -> list[Any]:
        """The events so far, oldest first."""
        found: list[Any] = self.look("events", **({"type": event_type} if event_type else {}))
        return found

    def settle_down(self) -> None:
        """Wait until no delivery is on its way."""
        if not self.control("delivery/wait", {"timeout": SECONDS})["quiet"]:
            raise Failed(f"deliveries were still on their way after {SECONDS} seconds")

    # --- time and trouble -------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Move Stripe's clock on."""
        self.control("clock", {"advance": seconds})

    def make_trouble(self, kind: str, path: str, times: int, **more: Any) -> None:
        """Have the next calls below a path fail, whatever their method."""
        self.control("faults", [{"kind": kind, "method": "*", "path_prefix": path, "times": times, **more}])

    def end_trouble(self) -> None:
        self.control("faults", [])

    def begin_anew(self, webhook: str, secret: str) -> None:
        """As just started, with events going to the shop."""
        self.lose_webhooks()
        self.settle_down()
        self.control("reset", {})
        self.control("webhook", {"url": webhook, "secrets": [secret]})

    def control(self, name: str, body: Any) -> Any:
        return self._send("POST", f"/_fake/{name}", json=body)

    def look(self, name: str, **params: str) -> Any:
        return self._send("GET", f"/_fake/{name}", params=params)

    def _send(self, method: str, path: str, **more: Any) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: it is on this machine
            answer = session.request(method, self.url + path, timeout=2 * SECONDS, **more)
        if answer.status_code >= 400:
            raise Failed(f"fakestripe answered {answer.status_code} to {method} {path}: {answer.text[:200]}")
        return answer.json()


@contextmanager
def running_simulator(folder: Path) -> Iterator[Simulator]:
    """A fakestripe on a free port, ended at the end. Raises DrillRefused where it does not start."""
    # Retries at Stripe's own pace: a delivery that failed comes again when the drill's time passes.
    command = [sys.executable, "-m", "fakestripe", "--port", "0", "--retry-scale", "1"]
    with (folder / "fakestripe.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=harmless_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            yield Simulator(_read_address(process, folder))
        finally:
            _end(process)


def harmless_environment() -> dict[str, str]:
    """What a program of ours needs to start, without anything that the shop's settings may hold."""
    return {name: os.environ[name] for name in _HARMLESS if name in os.environ}


def _read_address(process: subprocess.Popen[str], folder: Path) -> str:
    """Its first line ends with its address."""
    assert process.stdout is not None
    words = process.stdout.readline().split()
    if words and words[-1].startswith("http://127.0.0.1:"):
        return words[-1]
    last = (folder / "fakestripe.log").read_text(errors="replace").strip().splitlines()[-1:]
    raise DrillRefused(f"fakestripe does not start: {''.join(last) or 'it says nothing'}")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=8)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
