"""Starts `python -m fakestripe` as a process of its own, and a small shop that hears its events."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests.support.recordings import recordings

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_first"
KEY = "sk_test_grace"
stripe.enable_telemetry = False


@dataclass
class Process:
    """One running simulator."""

    url: str
    popen: subprocess.Popen[str]
    said: list[str]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        try:
            return self.popen.wait(timeout=10)
        finally:
            assert self.popen.stdout is not None
            self.popen.stdout.close()


@dataclass
class Heard:
    """One delivery as the shop received it."""

    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Shop:
    """A webhook endpoint that does what a test tells it: `answers` are used up, then 200."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delay: float = 0.0

    def types(self) -> list[str]:
        return [heard.event["type"] for heard in self.heard]

    def forget(self) -> None:
        self.heard.clear()
        self.answers.clear()
        self.delay = 0.0


class Sim:
    """The test controls, and a wait that fails loudly."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        return self._read(requests.get(f"{self.url}/_fake/{path}", timeout=15))

    def post(self, path: str, body: Any = None) -> Any:
        return self._read(requests.post(f"{self.url}/_fake/{path}", json=body or {}, timeout=30))

    def order_faults(self, *faults: dict[str, Any]) -> None:
        answer = requests.post(f"{self.url}/_fake/faults", json=list(faults), timeout=15)
        self._read(answer)

    def pay(self, session_id: str, **body: Any) -> Any:
        return self.post(f"sessions/{session_id}/pay", body)

    def quiet(self) -> None:
        assert self.post("delivery/wait", {"timeout": 10})["quiet"]

    def events(self, type_: str) -> list[dict[str, Any]]:
        return self.get(f"events?type={type_}")

    @staticmethod
    def wait_for(question: Callable[[], Any], seconds: float = 5.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = question()
            if answer:
                return answer
            time.sleep(0.02)
        raise AssertionError("waited in vain")

    @staticmethod
    def _read(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.status_code}: {answer.text}"
        return answer.json()


def start(*arguments: str) -> Process:
    """Start a simulator and read what it says until it is ready."""
    command = [sys.executable, "-m", "fakestripe", "--port", "0", *recordings.new(), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    popen = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert popen.stdout is not None
    said = [popen.stdout.readline()]
    url = said[0].split()[-1]
    return Process(url, popen, said)


@pytest.fixture(scope="session")
def launch() -> Callable[..., Process]:
    return start


@pytest.fixture(scope="session")
def process() -> Iterator[Process]:
    process = start("--seed", "7", "--redirect-hold", "2", "--webhook-timeout", "3")
    yield process
    process.stop()


@pytest.fixture(scope="session")
def shop_server() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(shop.delay)
            shop.heard.append(Heard(body, dict(self.headers)))
            status = shop.answers.pop(0) if shop.answers else 200
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop.url = f"http://127.0.0.1:{server.server_port}/webhooks/stripe"
    yield shop
    server.shutdown()
    server.server_close()


@pytest.fixture
def sim(process: Process) -> Sim:
    """The controls of a simulator that has just been reset; it knows no shop."""
    sim = Sim(process.url)
    sim.post("reset")
    return sim


@pytest.fixture
def shop(shop_server: Shop, sim: Sim) -> Shop:
    shop_server.forget()
    sim.post("webhook", {"url": shop_server.url, "secrets": [SECRET]})
    return shop_server


@pytest.fixture
def api(sim: Sim) -> Any:
    return make_client(sim.url)


@pytest.fixture
def connect() -> Callable[..., Any]:
    return make_client


def make_client(url: str, key: str = KEY, **options: Any) -> Any:
    client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0, **options)
    return client.v1


@pytest.fixture
def call(sim: Sim) -> Callable[..., requests.Response]:
    """A raw request with a good key, for what the SDK would not send."""

    def send(method: str, path: str, data: Any = None, **headers: str) -> requests.Response:
        given = {"Authorization": f"Bearer {KEY}"}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        return requests.request(method, sim.url + path, data=data, headers=given, timeout=20)

    return send


@pytest.fixture
def offer() -> Callable[..., dict[str, Any]]:
    """The parameters of a good Checkout Session, with changes."""

    def make(amount: int = 42000, currency: str = "eur", **changes: Any) -> dict[str, Any]:
        price = {
            "currency": currency,
            "unit_amount": amount,
            "product_data": {"name": "Seaview Cottage", "description": "Three nights"},
        }
        return {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "http://shop.test/ok?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/back",
            **changes,
        }

    return make


@pytest.fixture
def card_form() -> Callable[..., dict[str, str]]:
    """What a guest types on the hosted page, with changes."""

    def make(card: str = "4242 4242 4242 4242", **changes: str) -> dict[str, str]:
        return {
            "method": "card",
            "email": "grace@example.com",
            "cardNumber": card,
            "cardExpiry": "12 / 34",
            "cardCvc": "123",
            "billingName": "Grace Hopper",
            "billingCountry": "CZ",
            "billingPostalCode": "110 00",
            **changes,
        }

    return make
