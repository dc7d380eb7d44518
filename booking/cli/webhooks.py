"""`flask test-webhook`: a signed event through the real route, with the check of the signature fully on."""

import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click
import requests
from flask import Flask, current_app
from flask.cli import with_appcontext

from booking.cli.made_up_events import KNOWN_TYPES, Wishes, make_event, sign
from booking.cli.output import print_json, refusals_in_one_line
from booking.database import end_read
from booking.extensions import db
from booking.queries.story import get_attempt_facts, list_timeline, snapshot
from booking.runtime import Runtime
from booking.services.instance import get_instance_id
from booking.wiring import current_runtime

ROUTE = "/webhooks/stripe/"
STALE_SECONDS = 3600
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop said to one delivery."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent, and how often."""

    body: bytes
    header: str
    times: int
    at_once: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a booking."""

    columns: dict[str, str]
    timeline: list[str]


@click.command("test-webhook")
@click.option("--booking-id", type=int, required=True, help="The id of a booking (explain shows it).")
@click.option("--event-type", required=True, help=f"E.g. {', '.join(KNOWN_TYPES[:5])}; any other is sent as it is.")
@click.option("--url", help="Send over HTTP to this address instead of in this process.")
@click.option("--duplicates", type=click.IntRange(1, 1000), default=1, help="Deliver the same event so many times.")
@click.option("--concurrent", type=click.IntRange(1, MOST_AT_ONCE), default=1, help="So many deliveries at once.")
@click.option("--event-id", help="Use this id instead of a fresh one.")
@click.option("--stale", is_flag=True, help="Sign with a time stamp of an hour ago.")
@click.option("--bad-signature", is_flag=True, help="Sign with a secret that is not ours.")
@click.option("--wrong-amount", is_flag=True, help="One unit of money less than was asked for.")
@click.option("--wrong-currency", is_flag=True, help="The same number in another currency.")
@click.option("--other-instance", is_flag=True, help="As if another shop on the same Stripe account had made it.")
@click.option("--live-event", is_flag=True, help="As if it came from live mode.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def test_webhook(booking_id: int, event_type: str, as_json: bool, **options: Any) -> None:
    """Send a realistic, signed event about a booking through the real webhook route, and show what it did."""
    runtime = current_runtime()
    _refuse_where_it_matters(runtime)
    with refusals_in_one_line():
        event = _make_event(runtime, booking_id, event_type, options)
        before = _look(booking_id)
        plan = _make_plan(runtime, event, options)
        answers = _send(plan)
        after = _look(booking_id)
    show = _show_json if as_json else _show
    show(event, answers, before, after)
    if any(answer.status >= 500 for answer in answers):
        raise SystemExit(1)


def _refuse_where_it_matters(runtime: Runtime) -> None:
    # A made-up payment would hand out a real stay.
    if runtime.settings.livemode or runtime.settings.is_production:
        raise click.ClickException("test-webhook makes payments up, so it never runs with a live key or in production")


def _make_event(runtime: Runtime, booking_id: int, event_type: str, options: dict[str, Any]) -> dict[str, Any]:
    facts = get_attempt_facts(db.session(), booking_id)
    wishes = Wishes(
        options["wrong_amount"], options["wrong_currency"], options["other_instance"], options["live_event"]
    )
    now = int(runtime.clock.now().timestamp())
    event = make_event(event_type, facts, wishes, get_instance_id(runtime), now)
    return {**event, "id": options["event_id"] or event["id"]}


def _make_plan(runtime: Runtime, event: dict[str, Any], options: dict[str, Any]) -> Plan:
    body = json.dumps(event, indent=2).encode()
    ours = runtime.settings.stripe_webhook_secrets[0]
    secret = f"whsec_{secrets.token_hex(16)}" if options["bad_signature"] else ours
    signed_at = int(runtime.clock.now().timestamp()) - (STALE_SECONDS if options["stale"] else 0)
    times = max(options["duplicates"], options["concurrent"])
    return Plan(body, sign(body, secret, signed_at), times, options["concurrent"], options["url"])


def _send(plan: Plan) -> list[Answer]:
    deliver = _over_http(plan) if plan.url else _in_process(plan)
    with ThreadPoolExecutor(max_workers=plan.at_once) as pool:
        return list(pool.map(lambda _: deliver(), range(plan.times)))


def _in_process(plan: Plan) -> Callable[[], Answer]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    address = current_runtime().settings.base_url

    def deliver() -> Answer:
        headers = {"Stripe-Signature": plan.header, "Content-Type": "application/json; charset=utf-8"}
        response = app.test_client().post(ROUTE, data=plan.body, headers=headers, base_url=address)
        return Answer(response.status_code, response.get_data(as_text=True).strip())

    return deliver


def _over_http(plan: Plan) -> Callable[[], Answer]:
    url = str(plan.url)
    address = url if "/webhooks/" in url else url.rstrip("/") + ROUTE

    def deliver() -> Answer:
        headers = {"Stripe-Signature": plan.header, "Content-Type": "application/json; charset=utf-8"}
        try:
            response = requests.post(address, data=plan.body, headers=headers, timeout=30, allow_redirects=False)
        except requests.RequestException as error:
            raise click.ClickException(f"{address} does not answer ({type(error).__name__})") from error
        return Answer(response.status_code, response.text.strip()[:500])

    return deliver


def _look(booking_id: int) -> Look:
    end_read()
    look = Look(snapshot(db.session(), booking_id), list_timeline(db.session(), booking_id))
    end_read()
    return look


def _changes(before: Look, after: Look) -> dict[str, tuple[str, str]]:
    names = [*before.columns, *(name for name in after.columns if name not in before.columns)]
    pairs = {name: (before.columns.get(name, "-"), after.columns.get(name, "-")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _show(event: dict[str, Any], answers: list[Answer], before: Look, after: Look) -> None:
    click.echo(f"event: {event['id']} {event['type']}")
    for answer in answers:
        click.echo(f"answer: {answer.status} {answer.body}")
    for label, look in (("before", before), ("after", after)):
        columns = look.columns
        click.echo(f"{label}: {columns['booking.status']}, {columns['booking.payment_status']}")
    for name, (old, new) in _changes(before, after).items():
        click.echo(f"changed: {name}: {old} -> {new}")
    for line in after.timeline[len(before.timeline) :]:
        click.echo(f"timeline: {line}")
    if before == after:
        click.echo("changed: nothing")


def _show_json(event: dict[str, Any], answers: list[Answer], before: Look, after: Look) -> None:
    print_json(
        {
            "event": {"id": event["id"], "type": event["type"]},
            "answers": [{"status": answer.status, "body": answer.body} for answer in answers],
            "before": before.columns,
            "after": after.columns,
            "changed": {name: {"before": old, "after": new} for name, (old, new) in _changes(before, after).items()},
            "timeline": after.timeline[len(before.timeline) :],
        }
    )
