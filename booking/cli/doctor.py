"""`flask doctor`: how this installation is, all at once.

Where the settings are refused no command can start; then cli/startup.py says so, in the same form.
"""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import click
import requests
from flask.cli import with_appcontext

from booking.config import Settings
from booking.services.checkup import Check, check_up, stripe_host
from booking.services.endpoint import check_endpoint
from booking.wiring import current_runtime, find_schema_problem

MOST_SKEW_SECONDS = 60


@click.command("doctor")
@click.option("--online", is_flag=True, help="Also ask Stripe (or STRIPE_API_BASE) for the time and our endpoint.")
@with_appcontext
def doctor(online: bool) -> None:
    """Check settings, keys, schema, worker, instance and endpoint: one line each, exit code 1 if anything is wrong."""
    runtime = current_runtime()
    _report([*check_up(runtime, find_schema_problem), *(_online_checks(runtime.settings) if online else [])])


def _report(checks: list[Check]) -> None:
    for check in checks:
        click.echo(f"{'ok     ' if check.is_well else 'PROBLEM'}  {check.name}: {check.text}")
    if not all(check.is_well for check in checks):
        raise SystemExit(1)


def _online_checks(settings: Settings) -> Iterator[Check]:
    yield _clock_check(settings)
    for finding in check_endpoint(current_runtime()):
        yield Check(finding.name, finding.is_well, finding.text)


def _clock_check(settings: Settings) -> Check:
    try:
        answer = requests.head(stripe_host(settings), timeout=5)
        ahead = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (requests.RequestException, KeyError, ValueError) as error:
        return Check("clock", False, f"{stripe_host(settings)} does not tell the time ({type(error).__name__})")
    is_right = abs(ahead) <= MOST_SKEW_SECONDS
    return Check("clock", is_right, f"{ahead:+.0f} seconds from that of {stripe_host(settings)}")
