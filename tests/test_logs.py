"""Log lines: what each of them has, where they go, and what must never stand in any."""

import io
import json
import logging
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from sqlalchemy.exc import IntegrityError

from booking import jobs, logs
from booking.config import ROOT, AppEnv
from booking.gateways.mail import Letter
from booking.services.reservations import GuestDetails
from tests.support.shop import LINUS, SECRET, MemoryMailer, Shop, Visitor, fields_of

GUEST = GuestDetails("Zora Zebra-Canary", "zora.zebra@canary.example", "+49 555 01427788", "Quince-canary allergy")
PERSONAL = [GUEST.name, "zora", "zebra", "canary.example", GUEST.phone, "01427788", "quince", LINUS.name, LINUS.email]
PASSWORD, FORGED = "canary-password-of-ada", "forged-canary"
# What every line can be searched by.
ALWAYS = {"ts", "level", "event", "message", "logger", "host", "pid", "version"}


class Lines:
    """Everything that a production server would have written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict]:
        return [line for line in self.all if line["event"] == event]


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    handler = logging.StreamHandler(lines.stream)
    handler.setFormatter(logs.JsonFormatter())
    handler.addFilter(lambda record: record.name != "werkzeug")  # the tests' own server
    logger, root = logging.getLogger("booking"), logging.getLogger()
    logger.setLevel(logging.INFO)
    root.addHandler(handler)  # libraries too
    yield lines
    root.removeHandler(handler)


@pytest.fixture
def shop(small_shop: Shop) -> Shop:
    """A shop that logs as in production, and answers a crash with a page instead of passing it to the test."""
    runtime = small_shop.runtime
    settings = replace(runtime.settings, app_env=AppEnv.PRODUCTION)
    small_shop.app.extensions["holdfast"] = replace(runtime, settings=settings)
    small_shop.app.config["PROPAGATE_EXCEPTIONS"] = False
    return small_shop


# --- what a line has ------------------------------------------------------------------------------------------------


def test_the_sentences_of_the_contract_come_word_by_word_with_their_fields(shop: Shop, lines: Lines) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)

    (received,) = [line for line in lines.of("webhook_received") if "session.completed" in line["message"]]
    (confirmed,) = lines.of("booking_confirmed")

    assert received["message"] == "Processing webhook event: checkout.session.completed"
    assert confirmed["message"] == f"Booking {booking_id} confirmed successfully via webhook"
    assert confirmed["booking"] == shop.booking(booking_id).reference
    assert confirmed["cause"] == "webhook"
    assert confirmed["stripe_event"] in {event["id"] for event in shop.stripe.events()}
    assert shop.session_of(booking_id).endswith(confirmed["session"].removeprefix("..."))


def test_every_line_has_the_same_frame(shop: Shop, lines: Lines) -> None:
    shop.pay(shop.book(shop.stay()))

    for line in lines.all:
        assert set(line) >= ALWAYS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["ts"])
        assert line["pid"] == os.getpid()
        assert re.fullmatch(r"\d+\.\d+\.\d+", line["version"])


def test_lines_of_one_request_share_its_id_and_the_answer_names_it(shop: Shop, lines: Lines) -> None:
    answer = requests.post(f"{shop.url}/webhooks/stripe/", data=b"{}", timeout=20)
    other = requests.get(f"{shop.url}/terms", timeout=20)

    (refused,) = lines.of("webhook_refused")
    (first, second) = lines.of("request_answered")
    assert refused["request_id"] == first["request_id"] == answer.headers["X-Request-Id"]
    assert second["request_id"] == other.headers["X-Request-Id"] != first["request_id"]
    assert (first["route"], first["method"], first["status"]) == ("/webhooks/stripe/", "POST", 400)
    assert first["ms"] > 0


def test_an_error_is_told_with_its_place_and_kind_but_not_its_text(lines: Lines) -> None:
    secret = "zora@canary.example"
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise RuntimeError(f"Key (email)=({secret})") from error
    except RuntimeError:
        logging.getLogger("booking.test").exception("something_broke")

    (line,) = lines.all
    assert (line["event"], line["cause"]) == ("something_broke", "RuntimeError")
    assert "test_logs.py" in line["exception"]
    assert re.findall(r"^builtins\.(\w+)$", line["exception"], re.MULTILINE) == ["RuntimeError", "KeyError"]
    assert secret not in lines.text


def test_plain_lines_are_for_eyes() -> None:
    record = logging.makeLogRecord(
        {"msg": "Booking 17 needs review", "levelname": "ERROR", "event": "x", "booking": "B"}
    )

    line = logs.PlainFormatter().format(record)

    assert re.fullmatch(r"\d\d:\d\d:\d\d ERROR   Booking 17 needs review booking=B", line)


# --- where they go --------------------------------------------------------------------------------------------------

SCRIPT = """
import logging, sys
from booking import create_app
from booking.config import AppEnv
from tests.support.shop import make_settings
create_app(make_settings(sys.argv[1], app_env=AppEnv(sys.argv[2])), is_worker=sys.argv[3] == "worker")
logging.getLogger("booking.test").info("hello", extra={"booking": "B"})
"""


@pytest.mark.parametrize(
    ("app_env", "program", "command", "is_json", "goes_to"),
    [
        ("production", "web", "", True, "stdout"),
        ("production", "worker", "true", True, "stdout"),
        ("production", "command", "true", True, "stderr"),
        ("development", "web", "", False, "stderr"),
    ],
)
def test_lines_go_where_they_are_looked_for(
    sqlite_url: str, app_env: str, program: str, command: str, is_json: bool, goes_to: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, sqlite_url, app_env, program],
        cwd=ROOT, env={**os.environ, "FLASK_RUN_FROM_CLI": command}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    told = {"stdout": done.stdout, "stderr": done.stderr}
    line = told.pop(goes_to)
    assert list(told.values()) == [""]
    assert line.startswith("{") == is_json
    assert "hello" in line
    assert not is_json or json.loads(line)["booking"] == "B"


@pytest.mark.parametrize(("app_env", "log"), [("production", None), ("", None), ("development", "-")])
def test_gunicorns_own_request_lines_are_for_development(
    monkeypatch: pytest.MonkeyPatch, app_env: str, log: str | None
) -> None:
    monkeypatch.setattr("dotenv.load_dotenv", lambda path: None)
    monkeypatch.setenv("APP_ENV", app_env)

    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["accesslog"] == log


# --- what must never stand in them ----------------------------------------------------------------------------------


def test_no_line_of_a_whole_story_tells_who_it_is_or_opens_anything(
    shop: Shop, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = _live_through_everything(shop, monkeypatch)

    events = {line["event"] for line in lines.all}
    assert {
        "webhook_received", "booking_confirmed", "booking_conflict", "webhook_refused", "webhook_failed",
        "request_crashed", "request_answered", "mail_failed", "outbox_row_failed", "staff_sign_in_refused",
    } <= events  # fmt: skip
    assert [secret for secret in secrets if secret.lower() in lines.text.lower()] == []


def _live_through_everything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Book, pay, lose to somebody faster, fail, crash, look around; every text that no log may have."""
    visitor = Visitor(shop.url)
    visitor.book_and_pay("harbour-loft", shop.stay(ahead=60), GUEST)
    first = shop.bookings()[0]
    _fail_to_take_in(shop, first.id, monkeypatch)
    visitor.get("/pay/return", session_id=shop.session_of(first.id))
    late = _lose_to_somebody_faster(shop)
    form = fields_of(visitor.get("/manage").text)
    visitor.post("/manage", {**form, "reference": first.reference, "email": GUEST.email})
    _send_mail_with_difficulty(shop, monkeypatch)
    links = {token for letter in shop.mailer.letters for token in re.findall(r"/m/([\w-]+)", letter.text)}
    assert len(links) >= 2
    for link in sorted(links):
        visitor.get(f"/m/{link}")
        visitor.post(f"/m/{link}", fields_of(visitor.get(f"/m/{link}").text))
    _crash_at(visitor, min(links), monkeypatch)
    _try_the_doors(visitor, shop)
    return [*links, *map(shop.session_of, (first.id, late)), *_what_the_shop_keeps_secret(shop, visitor), *PERSONAL]


def _what_the_shop_keeps_secret(shop: Shop, visitor: Visitor) -> list[str]:
    settings, cookies = shop.runtime.settings, list(visitor.web.cookies.values())
    assert cookies
    return [SECRET, settings.secret_key, settings.stripe_secret_key, PASSWORD, FORGED, *cookies]


def _fail_to_take_in(shop: Shop, booking_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that breaks on its first way in, with an error that quotes a row, and comes again."""

    def broken(*_args: object) -> None:
        raise IntegrityError("INSERT", {"email": GUEST.email}, Exception(f"Key (email)=({GUEST.email})"))

    shop.stripe.hold_webhooks()
    shop.pay(booking_id)
    (event,) = shop.stripe.events("checkout.session.completed")
    with monkeypatch.context() as patch:
        patch.setattr("booking.services.webhooks.settle", broken)
        shop.stripe.resend(event["id"])
    shop.stripe.resend(event["id"])
    shop.stripe.post("delivery", {"mode": "normal"})


def _lose_to_somebody_faster(shop: Shop) -> int:
    """Zora's hold runs out on our clock, Linus pays for the nights, and then Zora pays too."""
    late = shop.book(shop.stay(), GUEST, "zebra")
    shop.clock.offset += timedelta(minutes=50)
    shop.pay(shop.book(shop.stay(), LINUS, "linus"))
    shop.pay(late)
    return late


def _send_mail_with_difficulty(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses everything, then something nobody thought of, and then it works."""

    def broken(_mailer: object, letter: Letter) -> None:
        raise RuntimeError(f"{letter.to}: {letter.text}")

    with shop.app.app_context():
        shop.mailer.is_down = True
        jobs.work_outbox(shop.runtime)
        shop.mailer.is_down = False
        shop.clock.offset += timedelta(hours=1)
        with monkeypatch.context() as patch:
            patch.setattr(MemoryMailer, "send", broken)
            jobs.work_outbox(shop.runtime)
        shop.clock.offset += timedelta(hours=1)
        jobs.work_outbox(shop.runtime)


def _crash_at(visitor: Visitor, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page breaks whose address is a secret."""

    def broken(token: str, _now: object) -> None:
        raise RuntimeError(f"{token} of {GUEST.email}")

    with monkeypatch.context() as patch:
        patch.setattr("booking.web.manage.links.peek_link", broken)
        assert visitor.get(f"/m/{link}").status_code == 500


def _try_the_doors(visitor: Visitor, shop: Shop) -> None:
    """A wrong password, and an event that nobody signed."""
    login = fields_of(visitor.get("/admin/login").text)
    visitor.post("/admin/login", {**login, "email": GUEST.email, "password": PASSWORD})
    forged = {"Stripe-Signature": f"t=1,v1={FORGED}"}
    requests.post(f"{shop.url}/webhooks/stripe/", data=GUEST.email.encode(), headers=forged, timeout=20)
