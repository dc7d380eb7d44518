"""`flask occupancy`: is what searches read of the nights what these say, and making it anew."""

import click
from flask.cli import with_appcontext

from booking.cli.output import print_json, refusals_in_one_line
from booking.domain.occupancy import first_day
from booking.queries.occupancy import Drift
from booking.services import occupancy as services


@click.command("occupancy")
@click.option("--check", "only_check", is_flag=True, help="Say what is wrong and change nothing; the usual.")
@click.option("--rebuild", is_flag=True, help="Make what is wrong anew from the nights. Safe while the shop runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def occupancy(only_check: bool, rebuild: bool, as_json: bool) -> None:
    """Compare what searches read with the nights themselves; exit code 1 where it differs and stays so."""
    if only_check and rebuild:
        raise click.UsageError("Either --check or --rebuild.")
    with refusals_in_one_line():
        found = services.rebuild() if rebuild else services.check()
    if as_json:
        print_json([_facts(drift) for drift in found])
    else:
        _print(found, rebuild)
    if found and not rebuild:
        raise SystemExit(1)


def _print(found: list[Drift], is_mended: bool) -> None:
    for drift in found:
        since = first_day(drift.chunk)
        click.echo(
            f"unit {drift.unit_id}, from {since}: {len(drift.hidden)} hidden, {len(drift.offered)} offered wrongly"
        )
    if not found:
        click.echo("Searches read what the nights say.")
    else:
        what = "made anew" if is_mended else "wrong: flask occupancy --rebuild mends it"
        click.echo(f"{len(found)} {'window' if len(found) == 1 else 'windows'} {what}.")


def _facts(drift: Drift) -> dict[str, object]:
    return {"unit_id": drift.unit_id, "hidden": drift.hidden, "offered": drift.offered}
