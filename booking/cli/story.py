"""`flask explain`: what happened to one booking, and why."""

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from booking.cli.output import print_json, refusals_in_one_line
from booking.extensions import db
from booking.queries.story import find_booking_id, tell_story


@click.command("explain")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def explain(reference: str, as_json: bool) -> None:
    """The ordered story of the booking with this REFERENCE (or id): each step with its cause."""
    with refusals_in_one_line():
        story = tell_story(db.session(), find_booking_id(db.session(), reference))
    if as_json:
        print_json(asdict(story))
        return
    click.echo(story.headline)
    for step in story.steps:
        click.echo(f"{step.at:%Y-%m-%d %H:%M:%S}  {step.kept_in:<8}  {step.what}  <- {step.cause}")
