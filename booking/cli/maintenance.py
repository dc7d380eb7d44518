"""The worker's sweeps by hand, for cron and for people in doubt. Safe to run while the worker runs."""

from dataclasses import asdict
from datetime import timedelta

import click
from flask.cli import with_appcontext

from booking.cli.output import Span, print_json, refusals_in_one_line
from booking.services import changes, delivery, reconciliation, requests, reservations
from booking.wiring import current_runtime


@click.command("reconcile")
@click.option("--since", type=Span(), help="How far back to read Stripe's own list, e.g. 4d.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def reconcile(since: timedelta | None, dry_run: bool, as_json: bool) -> None:
    """Ask Stripe about everything unfinished, and repair what neither webhook nor redirect told."""
    with refusals_in_one_line():
        findings = reconciliation.reconcile(current_runtime(), since, dry_run)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'PROBLEM ' if finding.is_problem else ''}{finding.kind}: {finding.text}")
        click.echo(_summary(len(findings), dry_run))
    if any(finding.is_problem for finding in findings):
        raise SystemExit(1)


def _summary(count: int, dry_run: bool) -> str:
    if not count:
        return "Nothing to do: Stripe and this database agree."
    return f"{count} {'thing' if count == 1 else 'things'} {'to do; nothing was changed' if dry_run else 'seen to'}."


@click.command("expire-holds")
@with_appcontext
def expire_holds() -> None:
    """Let go of unpaid nights whose time has passed. Never while Stripe could still take the money for them."""
    with refusals_in_one_line():
        runtime = current_runtime()
        lines = [*requests.lapse_overdue(runtime), *reservations.expire_holds(runtime), *changes.lapse_overdue(runtime)]
    _print_lines(lines, "No hold has run out.")


@click.command("send-mail")
@with_appcontext
def send_mail() -> None:
    """Do once what the outbox has due: mail, refunds, looks at Stripe's refunds."""
    lines = delivery.run_due(current_runtime())
    _print_lines(lines, "Nothing is due.")
    if any(" failed (" in line for line in lines):
        raise SystemExit(1)


def _print_lines(lines: list[str], nothing: str) -> None:
    for line in lines or [nothing]:
        click.echo(line)
