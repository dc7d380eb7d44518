"""`flask doctor`: how this installation is, all at once.

Where the settings are refused no command can start; then cli/startup.py says so, in the same form.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import click
import requests
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from booking.config import Settings
from booking.extensions import db
from booking.queries.health import is_worker_alive
from booking.queries.photos import find_digests
from booking.runtime import Runtime
from booking.services.endpoint import check_endpoint
from booking.services.instance import get_instance_id
from booking.wiring import current_runtime, find_schema_problem

STRIPE = "https://api.stripe.com"
MOST_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    is_well: bool
    text: str


@click.command("doctor")
@click.option("--online", is_flag=True, help="Also ask Stripe (or STRIPE_API_BASE) for the time and our endpoint.")
@with_appcontext
def doctor(online: bool) -> None:
    """Check settings, keys, schema, worker, instance and endpoint: one line each, exit code 1 if anything is wrong."""
    settings = current_runtime().settings
    _report([*_setting_checks(settings), *_database_checks(), *(_online_checks(settings) if online else [])])


def _report(checks: list[Check]) -> None:
    for check in checks:
        click.echo(f"{'ok     ' if check.is_well else 'PROBLEM'}  {check.name}: {check.text}")
    if not all(check.is_well for check in checks):
        raise SystemExit(1)


def _setting_checks(settings: Settings) -> Iterator[Check]:
    yield Check("settings", True, f"all readable, {settings.app_env}")
    yield Check("address", True, settings.base_url)
    yield Check("stripe key", True, f"{'live' if settings.livemode else 'test'} mode, sent to {_stripe_host(settings)}")
    count = len(settings.stripe_webhook_secrets)
    yield Check("webhook secret", True, f"{count} in use, each of the form whsec_...")
    yield Check("mail", True, "by SMTP" if settings.mail_url else "printed on the console")
    yield Check("rate limits", True, "on" if settings.rate_limits else "off")


def _database_checks() -> Iterator[Check]:
    try:
        problem = find_schema_problem()
        yield Check("schema", problem is None, problem or "at the newest migration")
        if problem is None:
            yield _worker_check()
            yield _pictures_check(current_runtime())
            yield Check("instance", True, get_instance_id(current_runtime()))
    except SQLAlchemyError as error:
        db.session.rollback()
        yield Check("database", False, f"cannot be read ({type(error).__name__})")


def _worker_check() -> Check:
    is_alive = is_worker_alive(current_runtime().clock.now())
    return Check("worker", is_alive, "seen lately" if is_alive else "not seen for minutes: is `flask worker` running?")


def _pictures_check(runtime: Runtime) -> Check:
    folder, digests = runtime.settings.media_dir, find_digests(db.session())
    lost = runtime.pictures.find_lost(digests)
    if not runtime.pictures.can_keep():
        return Check("pictures", False, f"nothing can be written in {folder}: see MEDIA_DIR")
    if lost:
        return Check("pictures", False, f"{len(lost)} of {len(digests)} have no files in {folder}: was it restored?")
    return Check("pictures", True, f"{len(digests)}, all in {folder}")


def _online_checks(settings: Settings) -> Iterator[Check]:
    yield _clock_check(settings)
    for finding in check_endpoint(current_runtime()):
        yield Check(finding.name, finding.is_well, finding.text)


def _clock_check(settings: Settings) -> Check:
    try:
        answer = requests.head(settings.stripe_api_base or STRIPE, timeout=5)
        ahead = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (requests.RequestException, KeyError, ValueError) as error:
        return Check("clock", False, f"{_stripe_host(settings)} does not tell the time ({type(error).__name__})")
    is_right = abs(ahead) <= MOST_SKEW_SECONDS
    return Check("clock", is_right, f"{ahead:+.0f} seconds from that of {_stripe_host(settings)}")


def _stripe_host(settings: Settings) -> str:
    return settings.stripe_api_base or STRIPE
