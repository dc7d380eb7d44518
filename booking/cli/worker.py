"""`flask worker`: mail, refunds, expiring holds, looking at Stripe."""

import click
from flask import current_app
from flask.cli import with_appcontext

from booking.jobs import Worker
from booking.wiring import find_schema_problem


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run the worker until it is told to stop. Any number may run: they share the work by leases."""
    problem = find_schema_problem()
    if problem:
        raise click.ClickException(problem)
    click.echo("Worker started.")
    Worker(current_app._get_current_object()).run()  # type: ignore[attr-defined]
    click.echo("Worker stopped.")
