"""`flask audit-verify`: is the audit log as it was written?"""

import click
from flask.cli import with_appcontext

from booking.cli.output import refusals_in_one_line
from booking.extensions import db
from booking.queries.audit import count_lines, find_broken_line


@click.command("audit-verify")
@with_appcontext
def audit_verify() -> None:
    """Check every line of the audit log against the seal of the one before; exit code 1 names the first broken one."""
    with refusals_in_one_line():
        flaw, lines = find_broken_line(db.session()), count_lines(db.session())
    if flaw:
        click.echo(f"BROKEN: {flaw}")
        raise SystemExit(1)
    click.echo(f"{lines} lines, each as it was written.")
