"""`/metrics`: who may look, what is counted and read, and that the alerts ask for nothing that is not there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import yaml  # comes with `responses`
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from booking import metrics
from booking.config import ROOT, ConfigurationError, load_settings
from booking.domain.dates import Stay
from booking.extensions import db
from booking.jobs import compare_lists, prove
from booking.models import Payment
from booking.queries.figures import list_figures
from booking.services import heartbeat
from tests.support.gunicorn import gunicorn_shop
from tests.support.servers import FakeStripe
from tests.support.shop import Shop
from tests.test_factory import DEVELOPMENT
from tests.web.admin_house import NOW, House

TOKEN = "f3c1a9e7c8f6d4b20b1c7f9d2e8a4c6f"
ALERTS = ROOT / "docs" / "alerts.yml"
Page = dict[tuple[str, frozenset[tuple[str, str]]], float]


def switch_on(app: Flask, **changes: object) -> None:
    runtime = app.extensions["holdfast"]
    settings = replace(runtime.settings, metrics=True, **changes)
    app.extensions["holdfast"] = replace(runtime, settings=settings)


def read(text: str) -> Page:
    """Every figure of the page by its name and labels."""
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def figure(page: Page, name: str, **labels: str) -> float | None:
    return page.get((f"holdfast_{name}", frozenset(labels.items())))


@pytest.fixture
def watched(app: Flask) -> FlaskClient:
    switch_on(app)
    return app.test_client()


@pytest.fixture
def watched_shop(small_shop: Shop) -> Shop:
    switch_on(small_shop.app)
    return small_shop


def look(shop: Shop) -> Page:
    return read(requests.get(f"{shop.url}/metrics", timeout=20).text)


# --- who may look ---------------------------------------------------------------------------------------------------


def test_nothing_is_there_unless_it_is_switched_on(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404


def test_this_machine_may_look(watched: FlaskClient) -> None:
    answer = watched.get("/metrics", base_url="http://127.0.0.1:8000")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    [
        {"environ_overrides": {"REMOTE_ADDR": "10.0.0.7"}},
        {"headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"headers": {"Forwarded": "for=127.0.0.1"}},
        {"headers": {"X-Real-IP": "127.0.0.1"}},
        {"headers": {"Via": "1.1 proxy"}},
        {"base_url": "https://stay.example.org"},
    ],
    ids=str,
)
def test_strangers_and_proxies_find_no_such_page(watched: FlaskClient, asked: dict) -> None:
    assert watched.get("/metrics", **asked).status_code == 404


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 404), ("Bearer ", 404), ("Bearer é", 404), ("", 404)],
)
def test_from_elsewhere_the_token_decides(app: Flask, given: str, status: int) -> None:
    switch_on(app, metrics_token=TOKEN)
    far = {"REMOTE_ADDR": "10.0.0.7"}

    answer = app.test_client().get("/metrics", headers={"Authorization": given}, environ_overrides=far)

    assert answer.status_code == status


def test_an_empty_token_opens_nothing(watched: FlaskClient) -> None:
    far = {"REMOTE_ADDR": "10.0.0.7"}

    assert watched.get("/metrics", headers={"Authorization": "Bearer "}, environ_overrides=far).status_code == 404


def test_settings_that_cannot_work_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking.config.find_spec", lambda name: None)

    with pytest.raises(ConfigurationError) as refusal:
        load_settings({**DEVELOPMENT, "METRICS": "on", "METRICS_TOKEN": "short"})

    assert [problem.partition(":")[0] for problem in refusal.value.problems] == ["METRICS", "METRICS_TOKEN"]


def test_without_the_library_the_shop_is_as_it_was(sqlite_url: str) -> None:
    script = f"""
import sys
sys.modules["prometheus_client"] = None  # as if it were not installed
from booking import create_app, metrics
from tests.support.shop import make_settings
client = create_app(make_settings({sqlite_url!r})).test_client()
answer = client.post("/webhooks/stripe/", data=b"x")
print(client.get("/healthz").status_code, answer.status_code, client.get("/metrics").status_code)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["200", "400", "404"]


# --- what this process counts ---------------------------------------------------------------------------------------


def test_requests_are_counted_by_rule_and_never_by_path(watched: FlaskClient) -> None:
    def counts() -> list[float]:
        page = read(watched.get("/metrics").text)
        asked = [
            {"route": "/m/<token>", "method": "GET", "status": "404"},
            {"route": "none", "method": "OTHER", "status": "404"},
        ]
        return [figure(page, "http_requests_total", **labels) or 0 for labels in asked]

    before = counts()
    watched.get("/m/canary-token")
    watched.open("/canary-path", method="CANARY")

    assert counts() == [number + 1 for number in before]
    text = watched.get("/metrics").text
    assert "canary" not in text.lower()
    assert 'holdfast_http_request_seconds_bucket{le="0.1",method="GET",route="/m/<token>"}' in text


def test_a_paid_booking_is_seen_in_webhooks_and_calls(watched_shop: Shop) -> None:
    told = {"type": "checkout.session.completed", "result": "handled"}
    called = {"operation": "open_checkout", "result": "ok"}
    before = look(watched_shop)

    watched_shop.pay(watched_shop.book(watched_shop.stay()))
    page = look(watched_shop)

    for name, labels in (("webhook_received_total", told), ("stripe_call_seconds_count", called)):
        assert (figure(page, name, **labels) or 0) == (figure(before, name, **labels) or 0) + 1


def test_a_call_that_stripe_refuses_is_counted_as_such(watched_shop: Shop) -> None:
    labels = {"operation": "look_up_checkout", "result": "gateway_refused"}
    before = look(watched_shop)

    with watched_shop.app.app_context(), pytest.raises(Exception, match="InvalidRequestError"):
        watched_shop.runtime.payments.look_up_checkout("cs_test_unknown")

    assert figure(look(watched_shop), "stripe_call_seconds_count", **labels) == 1 + (
        figure(before, "stripe_call_seconds_count", **labels) or 0
    )


def test_what_is_not_signed_is_counted(watched: FlaskClient) -> None:
    def failures() -> float:
        return figure(read(watched.get("/metrics").text), "webhook_signature_failures_total") or 0

    before = failures()
    watched.post("/webhooks/stripe/", data=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})

    assert failures() == before + 1


def test_an_event_that_fails_here_is_counted_as_failed(watched_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"type": "checkout.session.completed", "result": "failed"}
    before = figure(look(watched_shop), "webhook_received_total", **labels) or 0
    booking_id = watched_shop.book(watched_shop.stay())

    def broken(*_args: object) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr("booking.services.webhooks.settle", broken)
        watched_shop.stripe.post("delivery", {"mode": "hold"})
        watched_shop.pay(booking_id)
        (event,) = watched_shop.stripe.events("checkout.session.completed")
        watched_shop.stripe.resend(event["id"])

    page = look(watched_shop)
    assert (figure(page, "webhook_received_total", **labels) or 0) > before
    assert figure(page, "inbox_pending", outcome="failed") == 1
    watched_shop.stripe.resend(event["id"])


# --- what the database shows ----------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def figures(house: House, **later: float) -> Page:
    with house.app.app_context():
        facts = list(list_figures(db.session(), NOW + timedelta(**later)))
    return read(metrics.expose(facts)[0].decode())


def test_an_empty_shop_has_no_ages_and_no_moments(house: House) -> None:
    page = figures(house)

    assert figure(page, "holds_active") == 0
    ages = {name for name, (_text, labels) in metrics.FACTS.items() if name.endswith("_seconds") and not labels}
    assert {figure(page, name) for name in ages if "stamp" not in name} == {0}
    assert not any("quantile" in dict(labels) for _name, labels in page)  # nothing happened, so nothing took any time
    assert {figure(page, name) for name in metrics.FACTS if name.endswith("timestamp_seconds")} == {None}


def test_bookings_money_and_errands_are_counted(house: House) -> None:
    first = house.book()
    gone = Stay(NOW.date() + timedelta(days=90), NOW.date() + timedelta(days=92))
    house.book(gone, status="cancelled", cancel_reason="dates_unavailable", needs_review=True)
    house.refund(first, 1000)
    house.dispute(first)
    house.event("evt_1", "failed")
    house.event("evt_2", "handled")
    house.errand(first, "due")
    house.errand(first, "dead")

    page = figures(house, minutes=10)

    assert figure(page, "bookings", state="confirmed", cause="") == 1
    assert figure(page, "bookings", state="cancelled", cause="dates_unavailable") == 1
    assert figure(page, "bookings_needing_review") == 1
    assert sum(value for (name, _), value in page.items() if name == "holdfast_payments") == 2
    assert figure(page, "refunds", reason="goodwill", state="succeeded") == 1
    assert figure(page, "dispute_due_timestamp_seconds") == (NOW + timedelta(days=7)).timestamp()
    assert figure(page, "webhook_last_timestamp_seconds") == NOW.timestamp()
    assert figure(page, "inbox_pending", outcome="failed") == 1
    assert figure(page, "inbox_oldest_seconds") == 600
    assert figure(page, "outbox_pending", kind="mail") == 1
    assert figure(page, "outbox_dead", kind="mail") == 1
    assert figure(page, "outbox_oldest_seconds") == 600


def test_requests_are_counted_by_their_state(house: House) -> None:
    house.ask()

    assert figure(figures(house), "requests", state="asked") == 1


def test_a_hold_is_active_until_its_end_and_overdue_after_it(house: House) -> None:
    house.book(status="pending", paid=False, hold_until=NOW + timedelta(minutes=30))

    before, after = figures(house, minutes=29), figures(house, minutes=33)

    assert (figure(before, "holds_active"), figure(before, "hold_overdue_seconds")) == (1, 0)
    assert (figure(after, "holds_active"), figure(after, "hold_overdue_seconds")) == (0, 180)


def test_money_that_waits_and_refunds_that_were_not_sent_grow_old(house: House) -> None:
    booking_id = house.book(status="pending", hold_until=NOW + timedelta(minutes=30))
    house.refund(booking_id, 1000, "requested")

    page = figures(house, days=3650)

    assert (figure(page, "paid_unconfirmed_oldest_seconds") or 0) > 86400
    assert (figure(page, "refund_oldest_pending_seconds") or 0) > 86400


def test_worker_and_reconciler_leave_their_pulse(small_shop: Shop) -> None:
    with small_shop.app.app_context():
        heartbeat.beat(small_shop.runtime)
        compare_lists(small_shop.runtime)
        page = read(metrics.expose(list_figures(db.session(), small_shop.clock.now()))[0].decode())

    now = small_shop.clock.now().timestamp()
    assert figure(page, "worker_heartbeat_timestamp_seconds") == pytest.approx(now, abs=60)
    assert figure(page, "reconcile_last_success_timestamp_seconds") == pytest.approx(now, abs=60)


def test_a_broken_promise_shows_as_long_as_it_is_broken(small_shop: Shop) -> None:
    small_shop.breaks = ("I2", "I9")
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    with small_shop.app.app_context():
        prove(small_shop.runtime)
        db.session.execute(update(Payment).values(amount_minor=1))
        db.session.commit()
        before = _promises(small_shop)
        prove(small_shop.runtime)

    assert before["I2"] == 0
    assert _promises(small_shop)["I2"] == 1


def _promises(shop: Shop) -> dict[str, float]:
    with shop.app.app_context():
        facts = list(list_figures(db.session(), shop.clock.now()))
    assert [fact.value for fact in facts if fact.name == "invariants_checked_timestamp_seconds"] == [
        pytest.approx(shop.clock.now().timestamp(), abs=60)
    ]
    return {fact.labels[0]: fact.value for fact in facts if fact.name == "invariant_violations"}


def test_no_figure_has_an_id_for_a_label() -> None:
    labels = {label for _text, names in metrics.FACTS.values() for label in names}

    assert labels == {"state", "cause", "source", "outcome", "kind", "reason", "promise", "code", "quantile"}


# --- many processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def two_processes(sqlite_url: str, stripe: FakeStripe, tmp_path: Path) -> Iterator[Shop]:
    with gunicorn_shop(sqlite_url, stripe, tmp_path, METRICS="on") as shop:
        yield shop


@pytest.mark.gunicorn
def test_any_process_tells_of_what_all_have_counted(two_processes: Shop) -> None:
    for _ in range(40):  # each on a connection of its own, so that both processes get some
        requests.get(f"{two_processes.url}/terms", timeout=20)

    seen = {figure(look(two_processes), "http_requests_total", route="/terms", method="GET", status="200")
            for _ in range(10)}  # fmt: skip

    assert seen == {40}


# --- the alerts -----------------------------------------------------------------------------------------------------


def rules() -> list[dict]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_asks_for_figures_that_exist_and_says_what_is_wrong(rule: dict) -> None:
    named = set(re.findall(r"\bholdfast_\w+", rule["expr"]))

    assert named
    assert named <= metrics.names()
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(("?", "."))


def test_labels_in_alerts_are_labels_of_those_figures() -> None:
    asked = re.findall(r"holdfast_(\w+)\{([^}]*)\}", ALERTS.read_text(encoding="utf-8"))
    known = {name: set(labels) for name, (_text, labels) in metrics.FACTS.items()}
    known["http_requests_total"] = {"route", "method", "status"}
    known["stripe_call_seconds_count"] = {"operation", "result"}

    assert asked
    assert [name for name, text in asked if not set(re.findall(r"(\w+)=", text)) <= known[name]] == []
