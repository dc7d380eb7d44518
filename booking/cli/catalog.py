"""`flask catalog-sync`: Stripe's catalogue brought to where the club's plans are."""

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from booking.cli.output import print_json, refusals_in_one_line
from booking.services import catalog_sync as service
from booking.wiring import current_runtime


@click.command("catalog-sync")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def catalog_sync(as_json: bool) -> None:
    """Bring the club's plans to Stripe as products and prices. Safe to run twice."""
    with refusals_in_one_line():
        done = service.sync_catalog(current_runtime())
    if as_json:
        print_json([asdict(line) for line in done])
    else:
        for line in done:
            click.echo(f"{'PROBLEM ' if line.is_problem else ''}plan {line.plan_id}: {line.text}")
        if not done:
            click.echo("Nothing to do: Stripe's catalogue and the club's plans agree.")
    if any(line.is_problem for line in done):
        raise SystemExit(1)
