"""`flask create-staff`: accounts for the people of the house. A password never stands on the command line."""

import getpass
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from booking.cli.output import refusals_in_one_line
from booking.domain.roles import Role
from booking.queries.staff import find_by_email
from booking.services import audit, people, staff
from booking.wiring import current_runtime


@click.command("create-staff")
@click.option("--email", prompt="E-mail address")
@click.option("--name", prompt="Name")
@click.option("--role", type=click.Choice(list(Role)), default=Role.OWNER, show_default=True)
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--reset", is_flag=True, help="Give an account that exists this password; ends all its sign-ins.")
@click.option("--codes-off", is_flag=True, help="With --reset: ask for no code any more.")
@with_appcontext
def create_staff(
    email: str,
    name: str,
    role: Role,
    password_file: Path | None,
    password_stdin: bool,
    reset: bool,
    codes_off: bool,
) -> None:
    """Make a staff account. Where it exists already nothing changes, unless --reset asks for a new password."""
    if find_by_email(email.strip().lower()) and not reset:
        click.echo(f"{email} has an account already; --reset gives it a new password.")
        return
    password = _read_password(password_file, password_stdin)
    with refusals_in_one_line():
        if reset:
            staff.reset_password(current_runtime(), email, password, by=_operator())
            if codes_off:
                staff.forget_codes(current_runtime(), email, by=_operator())
        else:
            staff.create_staff(current_runtime(), email, name, password, role, by=_operator())
    click.echo(f"{email} can sign in at {current_runtime().settings.base_url}/admin/")


@click.command("staff-link")
@click.argument("email")
@with_appcontext
def staff_link(email: str) -> None:
    """Print a link with which somebody chooses a new password. It works once, for half an hour."""
    with refusals_in_one_line():
        click.echo(people.print_password_link(current_runtime(), _operator(), email))


def _operator() -> str:
    """Who types, as the audit log names them."""
    try:
        return f"{audit.COMMAND_LINE} ({getpass.getuser()})"
    except (OSError, KeyError):  # a user without a name, as in some containers
        return audit.COMMAND_LINE


def _read_password(file: Path | None, from_stdin: bool) -> str:
    if file and from_stdin:
        raise click.UsageError("--password-file and --password-stdin exclude each other")
    if file:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
