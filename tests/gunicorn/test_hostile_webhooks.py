"""The webhook as the internet sees it: W1 to W11 of the security notes, over raw sockets, through real gunicorn."""

import contextlib
import gzip
import itertools
import json
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from sqlalchemy import select

from booking.extensions import db
from booking.models import WebhookEvent
from booking.models.webhook import InboxOutcome
from tests.support.crowd import prepare
from tests.support.gunicorn import gunicorn_shop
from tests.support.hostile import Answer, completed_event, in_chunks, post, request_of, send, sign
from tests.support.servers import FakeStripe, end_connections
from tests.support.shop import SECRET, Shop

pytestmark = pytest.mark.gunicorn

NEW_SECRET = "whsec_newest_0123456789abcdef"
_ahead = itertools.count(10, 2)


@pytest.fixture(scope="module")
def served(
    sqlite_template: Path, fakestripe_process: FakeStripe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """One server for all of these tests, with two secrets as while one of them is being replaced."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(sqlite_template, folder / "shop.db")
    fakestripe_process.post("reset")
    secrets = {"STRIPE_WEBHOOK_SECRET": f"{NEW_SECRET},{SECRET}"}
    with gunicorn_shop(f"sqlite:///{folder / 'shop.db'}", fakestripe_process, folder, **secrets) as shop:
        yield shop


@pytest.fixture
def grace(served: Shop) -> int:
    """A booking that waits for its payment."""
    number = next(_ahead)
    return served.book(served.stay(nights=1, ahead=number), browser=f"grace-{number}")


def _inbox(shop: Shop, event_id: str) -> WebhookEvent | None:
    with shop.app.app_context():
        return db.session.scalar(select(WebhookEvent).where(WebhookEvent.id == event_id))


@contextlib.contextmanager
def _nothing_happens(shop: Shop, booking_id: int) -> Iterator[None]:
    """Whatever is done meanwhile writes no inbox row, asks Stripe nothing, moves nothing, and kills no worker."""
    rows, calls = shop.count(WebhookEvent), len(shop.stripe.get("requests"))
    yield
    assert shop.count(WebhookEvent) == rows
    assert len(shop.stripe.get("requests")) == calls
    assert shop.state(booking_id) == ("pending", "unpaid")
    # As many answers as there are threads: none of them is stuck.
    for _ in range(16):
        assert requests.get(f"{shop.url}/healthz", timeout=3).json() == {"status": "ok"}


def _body(shop: Shop, booking_id: int) -> bytes:
    return json.dumps(completed_event(shop, booking_id)).encode()


# --- W1 to W3: signatures -------------------------------------------------------------------------------------------

_BAD_SIGNATURES: dict[str, Callable[[bytes], str | bytes | None]] = {
    "missing": lambda body: None,
    "empty": lambda body: "",
    "garbled": lambda body: "t=now,v1=zz,,=",
    "no time": lambda body: sign(body).split(",")[1],
    "no signature": lambda body: sign(body).split(",")[0],
    "another scheme": lambda body: sign(body).replace("v1=", "v0="),
    "letters that are not ascii": lambda body: sign(body).encode() + b"\xc3\xa9",
    "hash of the body alone, as naive shops make it": lambda body: sign(body).split("=")[-1],
    "of another secret": lambda body: sign(body, "whsec_of_somebody_else_0123"),
    "of another event": lambda body: sign(body + b" "),
    "three hundred and one seconds old": lambda body: sign(body, age=302),
    "a year old": lambda body: sign(body, age=365 * 86_400),
    "three kilobytes": lambda body: sign(body) + ",v1=" + "0" * 3000,
}


@pytest.mark.parametrize("kind", _BAD_SIGNATURES)
def test_w1_to_w3_a_signature_that_is_not_stripes_is_400(served: Shop, grace: int, kind: str) -> None:
    body = _body(served, grace)

    with _nothing_happens(served, grace):
        answer = post(served.url, body, _BAD_SIGNATURES[kind](body))

    assert answer.status == 400
    assert set(answer.json) == {"error"}


def test_w1_a_header_of_two_megabytes_is_refused(served: Shop, grace: int) -> None:
    with _nothing_happens(served, grace):
        answer = post(served.url, _body(served, grace), "t=1,v1=" + "0" * 2_000_000)

    assert answer.status in (400, 431, 0)  # 0: gunicorn hung up before it had read all of it


def test_w2_one_changed_byte_is_400(served: Shop, grace: int) -> None:
    body = _body(served, grace)
    position = body.index(b'"paid"') + 1

    with _nothing_happens(served, grace):
        answer = post(served.url, body[:position] + b"P" + body[position + 1 :], sign(body))

    assert answer.status == 400


def test_w3_a_signature_of_299_seconds_ago_is_still_good(served: Shop, grace: int) -> None:
    body = _body(served, grace)

    assert post(served.url, body, sign(body, age=299)).json == {"status": "success"}

    assert served.state(grace) == ("confirmed", "paid")


@pytest.mark.parametrize("key", [(NEW_SECRET,), (SECRET,), (NEW_SECRET, SECRET), ("whsec_unknown_to_us_01", SECRET)])
def test_w4_while_secrets_rotate_each_of_them_is_good(served: Shop, grace: int, key: tuple[str, ...]) -> None:
    body = _body(served, grace)

    assert post(served.url, body, sign(body, *key)).json == {"status": "success"}

    assert served.state(grace) == ("confirmed", "paid")


# --- W5: bodies -----------------------------------------------------------------------------------------------------

_BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "not utf-8": b'\xff\xfe{"id": "evt_1"}',
    "no json": b"{",
    "form": b"id=evt_1&type=checkout.session.completed",
    "array": b"[]",
    "text": b'"evt_1"',
    "number": b"17",
    "null": b"null",
    "nan": b'{"id": "evt_1", "object": "event", "type": "x", "amount": NaN}',
    "no id": b"{}",
    "id is a list": b'{"id": [], "object": "event", "type": "x"}',
    "data is a number": b'{"id": "evt_1", "object": "event", "type": "checkout.session.completed", "data": 1}',
    "a number of a million digits": b'{"id": ' + b"9" * 900_000 + b"}",
    "nested a hundred thousand deep": b"[" * 100_000 + b"]" * 100_000,
    "objects nested deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("kind", _BAD_BODIES)
def test_w5_signed_but_no_event_is_400(served: Shop, grace: int, kind: str) -> None:
    body = _BAD_BODIES[kind]

    with _nothing_happens(served, grace):
        answer = post(served.url, body, sign(body))

    assert answer.status == 400
    assert set(answer.json) == {"error"}


@pytest.mark.parametrize("signs_plain_text", [True, False])
def test_w5_a_packed_body_is_400(served: Shop, grace: int, signs_plain_text: bool) -> None:
    body = _body(served, grace)
    packed = gzip.compress(body)

    with _nothing_happens(served, grace):
        signature = sign(body if signs_plain_text else packed)
        answer = post(served.url, packed, signature, Content_Encoding="gzip")

    assert answer.status == 400


@pytest.mark.parametrize("size", [1_000_001, 30_000_000])
def test_w5_more_than_a_megabyte_is_413(served: Shop, grace: int, size: int) -> None:
    body = _body(served, grace).ljust(size)

    with _nothing_happens(served, grace):
        answer = post(served.url, body, sign(body))

    # A server that hangs up on somebody who is still talking may lose its own answer on the way.
    assert answer.status == 413 or (size > 2_000_000 and answer.status == 0)


def test_w5_an_event_of_just_under_a_megabyte_is_taken(served: Shop, grace: int) -> None:
    body = _body(served, grace).ljust(999_999)

    assert post(served.url, body, sign(body)).json == {"status": "success"}


@pytest.mark.parametrize("size", [2_000, 3_000_000])
def test_w5_a_body_in_chunks_is_411_and_never_cut_off_in_silence(served: Shop, grace: int, size: int) -> None:
    body = _body(served, grace).ljust(size)

    with _nothing_happens(served, grace):
        answer = send(served.url, in_chunks(body, sign(body)))

    assert answer.status == 411 or (size > 2_000_000 and answer.status == 0)


def test_w5_no_length_at_all_is_411(served: Shop, grace: int) -> None:
    with _nothing_happens(served, grace):
        answer = send(served.url, b"POST /webhooks/stripe/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")

    assert answer.status == 411
    assert set(answer.json) == {"error"}


@pytest.mark.parametrize(
    "length", ["Content-Length: -1", "Content-Length: ten", "Content-Length: 5\r\nContent-Length: 6"]
)
def test_w5_a_length_that_is_none_is_400(served: Shop, grace: int, length: str) -> None:
    request = f"POST /webhooks/stripe/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{length}\r\n\r\nhello"

    with _nothing_happens(served, grace):
        answer = send(served.url, request.encode())

    assert answer.status == 400


def test_w5_length_and_chunks_together_are_400(served: Shop, grace: int) -> None:
    """Two readers who disagree about where a request ends can be made to see different requests."""
    request = in_chunks(b"{}", sign(b"{}")).replace(b"Transfer-Encoding", b"Content-Length: 4\r\nTransfer-Encoding")

    with _nothing_happens(served, grace):
        answer = send(served.url, request)

    assert answer.status == 400


def test_slow_senders_keep_nobody_else_waiting(served: Shop, grace: int) -> None:
    address = urlsplit(served.url)
    half = request_of("POST", _body(served, grace), "t=1,v1=0")[:-20]
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            wire = stack.enter_context(socket.create_connection((str(address.hostname), int(address.port or 80))))
            wire.sendall(half)
        body = _body(served, grace)

        began = time.monotonic()
        answer = post(served.url, body, sign(body))

    assert answer.json == {"status": "success"}
    assert time.monotonic() - began < 3


# --- W6: the same again ---------------------------------------------------------------------------------------------


@pytest.mark.race
def test_w6_one_event_a_thousand_times_by_fifty_at_once_has_one_effect(
    database_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    with gunicorn_shop(database_url, stripe, tmp_path) as shop:
        booking_id = shop.book(shop.stay())
        stripe.hold_webhooks()
        stripe.pay(shop.session_of(booking_id), wait=False)
        (event,) = stripe.events("checkout.session.completed")
        body = json.dumps(event).encode()

        answers = prepare(lambda _number: post(shop.url, body, sign(body)), range(1000), at_a_time=50)

        codes = {answer.status for answer in answers}
        assert codes == {200}, [answer for answer in answers if answer.status != 200][:3]
        assert sorted(answer.json["status"] for answer in answers) == ["ignored"] * 999 + ["success"]
        assert shop.state(booking_id) == ("confirmed", "paid")
        assert len(shop.payments(booking_id)) == len(shop.causes(booking_id, "confirmed")) == 1
        assert shop.mails(booking_id) == ["confirmed", "new_booking"]
        assert shop.count(WebhookEvent) == 1


# --- W7, W8: signed by Stripe, and still not for us -----------------------------------------------------------------


def test_w7_our_own_id_with_an_unknown_booking_is_404_and_kept_as_unmatched(served: Shop, grace: int) -> None:
    ours = served.attempts(grace)[-1].params["metadata"]
    tag = {**ours, "booking_id": "999999", "attempt": "f" * 32}
    event = completed_event(served, grace, id="cs_test_never_ours", metadata=tag)
    body = json.dumps(event).encode()

    answers = [post(served.url, body, sign(body)) for _ in range(3)]

    assert [(answer.status, answer.json) for answer in answers] == [(404, {"error": "booking not found"})] * 3
    row = _inbox(served, event["id"])
    assert row is not None
    assert (row.outcome, row.booking_id, row.deliveries) == (InboxOutcome.UNMATCHED, None, 3)


_NOT_FOR_US: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "of another program": lambda event: _with_object(event, id="cs_other", metadata={"app": "another-shop"}),
    "without metadata": lambda event: _with_object(event, id="cs_other", metadata={}),
    "with metadata null": lambda event: _with_object(event, id="cs_other", metadata=None),
    "of the live mode": lambda event: {**event, "livemode": True},
    "of a type we did not ask for": lambda event: {**event, "type": "customer.created"},
    "of a type of tomorrow": lambda event: {**event, "type": "x" * 200},
    "of a connected account": lambda event: {**event, "account": "acct_1"},
    "thin": lambda event: {"id": event["id"], "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"},
}


def _with_object(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**event, "data": {"object": {**event["data"]["object"], "payment_intent": "pi_other", **changes}}}


@pytest.mark.parametrize("kind", _NOT_FOR_US)
def test_w7_w8_an_event_that_is_not_for_us_is_200_and_leaves_no_row(served: Shop, grace: int, kind: str) -> None:
    event = _NOT_FOR_US[kind](completed_event(served, grace))
    body = json.dumps(event).encode()

    with _nothing_happens(served, grace):
        answer = post(served.url, body, sign(body))

    assert (answer.status, answer.json) == (200, {"status": "ignored"})


@pytest.mark.parametrize("change", [{"amount_total": 1}, {"currency": "usd"}, {"livemode": True}, {"mode": "setup"}])
def test_w7_money_that_does_not_fit_is_a_decision_and_confirms_nothing(
    served: Shop, grace: int, change: dict[str, Any]
) -> None:
    event = completed_event(served, grace, **change)
    body = json.dumps(event).encode()

    answer = post(served.url, body, sign(body))

    booking = served.booking(grace)
    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert (str(booking.status), booking.needs_review) == ("pending", True)
    assert [night.hold_until for night in served.nights(grace)] == [None]
    row = _inbox(served, event["id"])
    assert row is not None
    assert row.note == "needs_review"


# --- W9, W10: the route ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/webhooks/stripe/", "/webhooks/stripe"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_w9_only_post_is_answered_and_nothing_is_redirected(served: Shop, grace: int, path: str, method: str) -> None:
    with _nothing_happens(served, grace):
        answer = send(served.url, request_of(method, b"", path=path))

    assert answer.status == 405
    assert "POST" in answer.headers.partition("Allow: ")[2].splitlines()[0]


@pytest.mark.parametrize("path", ["/webhooks/stripe/", "/webhooks/stripe"])
def test_w9_w10_both_spellings_answer_at_once_without_cookie_or_form_token(served: Shop, grace: int, path: str) -> None:
    body = _body(served, grace)

    answer = post(
        served.url, body, sign(body), path=path, Cookie="stay=stolen; session=x", Origin="https://evil.example"
    )

    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers


def test_w10_errors_set_no_cookie_and_name_no_inner_thing(served: Shop, grace: int) -> None:
    answers = [
        post(served.url, b"{", None),
        send(served.url, request_of("GET", b"")),
        post(served.url, b"[]", sign(b"[]")),
    ]

    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert not any(word in answer.body for word in ("Traceback", "sqlalchemy", "stripe.", "booking."))


# --- W11: the database ----------------------------------------------------------------------------------------------


def _deliver_timed(shop: Shop, event: dict[str, Any]) -> tuple[Answer, float]:
    body, began = json.dumps(event).encode(), time.monotonic()
    return post(shop.url, body, sign(body)), time.monotonic() - began


def _fails_then_works(shop: Shop, trouble: contextlib.AbstractContextManager[Any]) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    (event,) = shop.stripe.events("checkout.session.completed")
    with shop.app.app_context():
        db.engine.dispose()
    with trouble:
        refused, seconds = _deliver_timed(shop, event)
        assert requests.get(f"{shop.url}/healthz", timeout=3).status_code == 200
    assert refused.status == 503
    assert set(refused.json) == {"error"}
    assert seconds < 5
    assert shop.state(booking_id) == ("pending", "unpaid")
    assert shop.count(WebhookEvent) == 0

    again, _seconds = _deliver_timed(shop, event)

    assert (again.status, again.json) == (200, {"status": "success"})
    assert shop.state(booking_id) == ("confirmed", "paid")


@contextlib.contextmanager
def _sqlite_locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def _postgres_locked(url: str, table: str) -> Iterator[None]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextlib.contextmanager
def _postgres_down(url: str) -> Iterator[None]:
    """To everybody who asks for this database, the server is as good as gone."""
    server, name = url.replace("+psycopg", "").rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        end_connections(connection, name)
        yield
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def test_w11_a_locked_sqlite_is_503_in_time_and_the_retry_works(
    sqlite_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    with gunicorn_shop(sqlite_url, stripe, tmp_path) as shop:
        _fails_then_works(shop, _sqlite_locked(Path(sqlite_url.removeprefix("sqlite:///"))))


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["booking", "instance"])
def test_w11_a_locked_postgresql_is_503_in_time_and_the_retry_works(
    postgres_url: str, stripe: FakeStripe, tmp_path: Path, table: str
) -> None:
    with gunicorn_shop(postgres_url, stripe, tmp_path) as shop:
        _fails_then_works(shop, _postgres_locked(postgres_url, table))


@pytest.mark.postgresql
def test_w11_a_postgresql_that_is_down_is_503_in_time_and_the_retry_works(
    postgres_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    with gunicorn_shop(postgres_url, stripe, tmp_path) as shop:
        _fails_then_works(shop, _postgres_down(postgres_url))


def test_twenty_different_events_at_once_are_all_taken(served: Shop) -> None:
    """What a burst after an outage looks like: no event may be lost to a crowded database."""
    numbers = [next(_ahead) for _ in range(20)]
    ids = [served.book(served.stay(nights=1, ahead=number), browser=f"burst-{number}") for number in numbers]
    bodies = [_body(served, booking_id) for booking_id in ids]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: post(served.url, body, sign(body)), bodies))

    assert {answer.status for answer in answers} == {200}
    assert {served.state(booking_id) for booking_id in ids} == {("confirmed", "paid")}
