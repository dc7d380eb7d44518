"""How fast fakestripe is: start-up, session creations a second, and what a call costs as objects pile up.

`make bench-fakestripe`, or `python -m benchmarks.fakestripe --objects 2000` for a shorter run. The clients run in
processes of their own and keep their connections, as Stripe's library does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[1]
FEW = 100
SAMPLES = 200
CLIENTS = 4
SESSION = urlencode(
    {
        "mode": "payment",
        "success_url": "http://shop.test/ok?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/back",
        "client_reference_id": "booking-4711",
        "metadata[booking]": "4711",
        "payment_intent_data[metadata][booking]": "4711",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "42000",
        "line_items[0][price_data][product_data][name]": "Seaview Cottage",
        "line_items[0][quantity]": "1",
    }
)


class Client:
    """One kept connection; each POST has an idempotency key of its own."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"Authorization": "Bearer sk_test_bench"}

    def get(self, path: str) -> dict:
        return self._ask("GET", path, None, {})

    def post(self, path: str, form: str) -> dict:
        key = {"Idempotency-Key": os.urandom(12).hex(), "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, form, key)

    def control(self, path: str, body: dict) -> dict:
        return self._ask("POST", f"/_fake/{path}", json.dumps(body), {"Content-Type": "application/json"})

    def open_session(self) -> dict:
        return self.post("/v1/checkout/sessions", SESSION)

    def pay_session(self) -> str:
        """A paid session; gives its PaymentIntent."""
        paid = self.control(f"sessions/{self.open_session()['id']}/pay", {"wait": False})
        return str(paid["payment_intent"]["id"])

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> dict:
        self._connection.request(method, path, body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)


@contextmanager
def simulator(*arguments: str) -> Iterator[tuple[str, float]]:
    """A fresh one, its address, and the seconds from exec to its first answer."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "fakestripe", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        Client(url).get("/_fake/healthz")
        yield url, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=10)


def measure_start(times: int = 5) -> float:
    seconds = []
    for _ in range(times):
        with simulator() as (_, took):
            seconds.append(took)
    return statistics.median(seconds)


def open_many(url: str, count: int) -> float:
    """Sessions a second, from several client processes at once."""
    shares = [count // CLIENTS] * CLIENTS
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.starmap(_open_share, [(url, 2)] * CLIENTS)
        started = time.perf_counter()
        pool.starmap(_open_share, [(url, share) for share in shares], chunksize=1)
        return sum(shares) / (time.perf_counter() - started)


def _open_share(url: str, count: int) -> None:
    client = Client(url)
    for _ in range(count):
        client.open_session()


def cost_of_calls(client: Client) -> dict[str, float]:
    """Milliseconds of the usual calls, each the median of many."""
    session = client.open_session()["id"]
    intents = iter([client.pay_session() for _ in range(SAMPLES + 1)])
    intent = next(intents)
    calls: dict[str, Callable[[], object]] = {
        "create a session": client.open_session,
        "retrieve a session": lambda: client.get(f"/v1/checkout/sessions/{session}"),
        "find the session of a payment": lambda: client.get(f"/v1/checkout/sessions?payment_intent={intent}"),
        "list 10 sessions": lambda: client.get("/v1/checkout/sessions"),
        "list 10 events": lambda: client.get("/v1/events?limit=10&types[]=checkout.session.completed"),
        "create and pay a session": client.pay_session,
        "refund": lambda: client.post("/v1/refunds", urlencode({"payment_intent": next(intents)})),
    }
    return {name: _median_ms(call) for name, call in calls.items()}


def _median_ms(call: Callable[[], object]) -> float:
    took = []
    for _ in range(SAMPLES):
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def measure_growth(objects: int) -> None:
    with simulator() as (url, _):
        client = Client(url)
        for _ in range(FEW):
            client.pay_session()
        few = cost_of_calls(client)
        rate = open_many(url, objects)
        many = cost_of_calls(client)
    print(f"\n{objects:,} sessions were opened at {rate:,.0f} a second. One call takes, in milliseconds:\n")
    print(f"  {'':32}{f'at {FEW}':>10}{f'at {objects:,}':>12}{'ratio':>8}")
    for name in few:
        print(f"  {name:32}{few[name]:10.2f}{many[name]:12.2f}{many[name] / few[name]:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=20_000, help="how many sessions pile up (default: %(default)s)")
    objects = parser.parse_args().objects
    print(f"fakestripe on {os.cpu_count()} cores, Python {sys.version.split()[0]}, {CLIENTS} client processes\n")
    print(f"start-up, exec to first answer:        {measure_start():6.2f} s")
    with simulator() as (url, _):
        print(f"session creations, in memory:          {open_many(url, 4000):6,.0f} a second")
    with tempfile.TemporaryDirectory() as folder, simulator("--db", f"{folder}/state.db") as (url, _):
        print(f"session creations, in a SQLite file:   {open_many(url, 4000):6,.0f} a second")
    measure_growth(objects)


if __name__ == "__main__":
    main()
