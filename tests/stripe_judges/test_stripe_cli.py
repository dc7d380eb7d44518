"""Judge A: the official Stripe CLI triggers events on a fakestripe, and carries them to a receiver and to the shop."""

import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.conftest import _open_shop
from tests.stripe_judges import stripe_cli
from tests.stripe_judges.conftest import IS_CI
from tests.stripe_judges.fetching import NotFetched
from tests.support import servers
from tests.support.servers import FakeStripe, wait_until

TRIGGERS = """
billing_portal.session.created charge.captured charge.dispute.closed charge.dispute.created charge.dispute.updated
charge.failed charge.refund.updated charge.refunded charge.succeeded checkout.session.async_payment_failed
checkout.session.async_payment_succeeded checkout.session.completed checkout.session.expired customer.created
customer.deleted customer.updated customer.subscription.created customer.subscription.deleted
customer.subscription.updated invoice.paid invoice.payment_succeeded invoice.payment_failed
payment_intent.amount_capturable_updated payment_intent.canceled payment_intent.created payment_intent.payment_failed
payment_intent.processing payment_intent.requires_action payment_intent.succeeded payment_method.attached
payment_method.detached price.created price.updated product.created product.updated product.deleted
setup_intent.canceled setup_intent.created setup_intent.requires_action setup_intent.setup_failed
setup_intent.succeeded
""".split()
# Enough for more than thirty events, and side by side, so that they arrive as mixed as they do from Stripe.
CARRIED = TRIGGERS[1:16]
A_DAY = 24 * 3600


@pytest.fixture(scope="module")
def program() -> Path:
    """The CLI; on a laptop without npm or a network the tests that need it are skipped."""
    try:
        return stripe_cli.program()
    except NotFetched as missing:
        if IS_CI:
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def running() -> Iterator[FakeStripe]:
    """A fakestripe for this module: the CLI also sends what Stripe's description does not know."""
    with servers.fakestripe(is_honest=False) as simulated:
        yield simulated


@pytest.fixture
def simulated(running: FakeStripe) -> FakeStripe:
    """The fakestripe, as if it had just been started."""
    running.post("reset")
    return running


@pytest.fixture
def trigger(program: Path, simulated: FakeStripe, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """`stripe trigger <event>`."""

    def run(event: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), "trigger", event, "--api-base", simulated.url]
        environment = stripe_cli.environment(tmp_path)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def listen(program: Path, simulated: FakeStripe, tmp_path: Path) -> Iterator[Callable[..., "Listener"]]:
    """`stripe listen` with some arguments, ready to hear."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> Listener:
            command = [str(program), "listen", "--api-base", simulated.url, "--skip-update", "--all-snapshot"]
            environment = stripe_cli.environment(tmp_path)
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                [*command, *arguments], env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
            )
            stack.callback(_end, process)
            return Listener(process)

        yield start


class Listener:
    """One running `stripe listen`: what it has printed so far, and the secret it names."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: "Ready!" in self.text or process.poll() is not None, 20, "stripe listen")
        assert "Ready!" in self.text, self.text
        self.secret = re.search(r"whsec_\w+", self.text)[0]

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        self.lines.extend(iter(self.process.stdout.readline, ""))


class Receiver:
    """A webhook endpoint that keeps what it gets and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint that only `stripe listen` knows."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(timeout=10)
    process.stdout.close()


@pytest.mark.parametrize("event", TRIGGERS)
def test_the_cli_triggers_this_event(trigger: Any, simulated: FakeStripe, event: str) -> None:
    done = trigger(event)

    assert done.returncode == 0, done.stderr
    simulated.post("clock", {"advance": A_DAY})  # delayed payments take minutes, disputes seconds
    assert simulated.events(event), [happened["type"] for happened in simulated.events()]


def test_stripe_listen_carries_events_that_verify(
    trigger: Any, simulated: FakeStripe, listen: Any, receiver: Receiver
) -> None:
    listener = listen("--forward-to", receiver.url)

    with ThreadPoolExecutor(6) as pool:
        assert {done.returncode for done in pool.map(trigger, CARRIED)} == {0}
    simulated.post("clock", {"advance": A_DAY})  # so that nothing happens by itself while we look
    simulated.settle_down()

    carried = [stripe.Webhook.construct_event(body, signed, listener.secret).id for body, signed in receiver.got]
    assert len(carried) >= 30
    assert sorted(carried) == sorted(event["id"] for event in simulated.events())
    deliveries = simulated.get("deliveries")
    assert {row["status"] for row in deliveries} == {"delivered"}
    assert {(row["attempts"][0]["status"], row["attempts"][0]["body"]) for row in deliveries} == {(200, "thanks")}


def test_the_shop_confirms_a_booking_by_what_stripe_listen_brings(
    simulated: FakeStripe, listen: Any, sqlite_url: str
) -> None:
    def bring_events(_: FakeStripe, address: str) -> str:
        return listen("--forward-to", address).secret

    with contextlib.contextmanager(_open_shop)(sqlite_url, simulated, bring_events) as shop:
        booking_id = shop.book(shop.stay())
        shop.pay(booking_id)

        assert shop.state(booking_id) == ("confirmed", "paid")
        assert shop.causes(booking_id, "confirmed") == ["webhook"]


def test_what_the_receiver_refuses_is_logged_and_not_tried_again(
    trigger: Any, simulated: FakeStripe, listen: Any, receiver: Receiver
) -> None:
    receiver.status = 500
    listen("--forward-to", receiver.url)

    trigger("product.created")
    simulated.settle_down()
    simulated.post("clock", {"advance": A_DAY})
    simulated.settle_down()

    assert len(receiver.got) == 1
    delivery = simulated.get("deliveries")[0]
    assert (delivery["status"], [tried["status"] for tried in delivery["attempts"]]) == ("failed", [500])


def test_stripe_listen_can_ask_for_the_latest_version(
    trigger: Any, simulated: FakeStripe, listen: Any, receiver: Receiver
) -> None:
    listen("--latest", "--forward-to", receiver.url)

    trigger("product.created")
    simulated.settle_down()

    assert [json.loads(body)["type"] for body, _ in receiver.got] == ["product.created"]


def test_without_an_address_stripe_listen_shows_events(trigger: Any, simulated: FakeStripe, listen: Any) -> None:
    listener = listen()

    trigger("product.created")

    wait_until(lambda: "product.created" in listener.text)
    simulated.settle_down()
    assert simulated.get("deliveries")[0]["status"] == "delivered"


def test_the_cli_sends_an_event_again(
    program: Path, trigger: Any, simulated: FakeStripe, listen: Any, receiver: Receiver, tmp_path: Path
) -> None:
    trigger("product.created")
    event = simulated.events("product.created")[0]["id"]
    listen("--forward-to", receiver.url)

    command = [str(program), "events", "resend", event, "--api-base", simulated.url]
    environment = stripe_cli.environment(tmp_path)
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout
    simulated.settle_down()

    assert json.loads(printed)["id"] == event
    assert [json.loads(body)["id"] for body, _ in receiver.got] == [event]


def test_once_stripe_listen_has_gone_nothing_waits_for_it(trigger: Any, simulated: FakeStripe, listen: Any) -> None:
    listener = listen()
    listener.process.terminate()
    listener.process.wait(timeout=10)

    wait_until(lambda: _deliveries_of(trigger, simulated) == 0)


def test_the_secret_is_known_before_listening(
    program: Path, simulated: FakeStripe, listen: Any, tmp_path: Path
) -> None:
    command = [str(program), "listen", "--print-secret", "--all-snapshot", "--api-base", simulated.url]
    environment = stripe_cli.environment(tmp_path)
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout

    assert printed.strip() == listen().secret


def _deliveries_of(trigger: Any, simulated: FakeStripe) -> int:
    before = len(simulated.get("deliveries"))
    trigger("product.created")
    return len(simulated.get("deliveries")) - before
