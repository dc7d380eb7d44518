"""`flask drill`: named disasters on this very installation, in a scratch database, against a simulated Stripe."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from booking.cli.output import print_json
from booking.extensions import db
from booking.wiring import current_runtime

if TYPE_CHECKING:
    from booking.drill.runner import Report, Result

_WIDTH = 46


@click.command("drill")
@click.option("--only", "names", multiple=True, metavar="NAME", help="This disaster alone; may be given again.")
@click.option("--postgresql", "server", default="", metavar="URL", help="Make the scratch database on this server.")
@click.option("--verbose", is_flag=True, help="Given, when, then and evidence of every disaster, not of failed ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def drill(names: tuple[str, ...], server: str, verbose: bool, as_json: bool) -> None:
    """Stage every named disaster, and prove after each that no night is sold twice and no money lost.

    The live database is only read (its keys), live keys, mail server and Stripe are never used. Exit code 1 if any
    disaster does not end as it must.
    """
    # Imported here: other commands should not wait for it, and it makes apps of its own.
    from booking.drill.evidence import DrillRefused
    from booking.drill.runner import Plan, run_drill

    plan = Plan(current_runtime().settings, db.engine, names, server)
    printer = _Silence() if as_json else _Printer(verbose)
    try:
        report = run_drill(plan, printer.begin, printer.tell)
    except DrillRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    if as_json:
        print_json(_as_json(report))
    else:
        _print_end(report)
    if not report.is_well:
        raise SystemExit(1)


class _Printer:
    """Prints the table while it grows."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def begin(self, scratch: str) -> None:
        click.echo(f"Staged in a scratch {scratch} database against a simulated Stripe. Nothing of the shop changes.")
        click.echo(f"\n {'#':>2}  {'Disaster':<{_WIDTH}}  Outcome  Seconds")

    def tell(self, result: "Result") -> None:
        outcome = "ok" if result.is_well else "FAILED"
        click.echo(f" {result.number:>2}  {result.name:<{_WIDTH}}  {outcome:<7}  {result.seconds:>7.1f}")
        if self._verbose or not result.is_well:
            _print_story(result)


class _Silence:
    """For --json: nothing before the end."""

    def begin(self, scratch: str) -> None: ...

    def tell(self, result: "Result") -> None: ...


def _print_story(result: "Result") -> None:
    click.echo(f"     Given  {result.given}.\n     When   {result.when}.\n     Then   {result.then}.")
    for line in result.evidence:
        click.echo(f"       - {line}")
    if result.trouble:
        click.echo(f"     BROKEN {result.trouble}")
    click.echo()


def _print_end(report: "Report") -> None:
    failed = [result for result in report.results if not result.is_well]
    well, seconds = len(report.results) - len(failed), sum(result.seconds for result in report.results)
    click.echo(f"\n{well} ended as they must, {len(failed)} did not, in {seconds:.0f} seconds.")
    for result in failed:
        click.echo(f"FAILED: {result.name}: {result.trouble}")


def _as_json(report: "Report") -> dict[str, object]:
    results = [{**asdict(result), "outcome": "ok" if result.is_well else "failed"} for result in report.results]
    return {"is_well": report.is_well, "scratch": report.scratch, "disasters": results}
