"""`flask seed-demo`: the demo shop and its one member of staff."""

import secrets
from pathlib import Path

import click
from flask.cli import with_appcontext

from booking.cli.output import refusals_in_one_line
from booking.config import ROOT
from booking.queries.staff import find_by_email
from booking.services import demo, staff
from booking.wiring import current_runtime

# Words rather than noise: somebody types this into a form, more than once.
_WORDS = "anchor barnacle cormorant driftwood eider fathom gannet halyard island jetty kelp lantern mooring".split()


@click.command("seed-demo")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "var" / "demo-staff-password",
    help="Where the password of the demo staff is kept; made where there is none.",
)
@with_appcontext
def seed_demo(password_file: Path) -> None:
    """Fill an empty database with a good-looking demo shop. What is there already stays as it is."""
    with refusals_in_one_line():
        lines = demo.seed_demo(current_runtime())
        lines += _make_staff(password_file)
    for line in lines or ["The demo shop is there already."]:
        click.echo(line)


def _make_staff(password_file: Path) -> list[str]:
    if find_by_email(demo.STAFF_EMAIL):
        return []
    password = _kept_password(password_file)
    staff.create_staff(current_runtime(), demo.STAFF_EMAIL, demo.STAFF_NAME, password)
    return [f"staff {demo.STAFF_EMAIL} with the password {password} (kept in {password_file.name})"]


def _kept_password(file: Path) -> str:
    if file.exists():
        return file.read_text(encoding="utf-8").strip()
    password = "-".join([*secrets.SystemRandom().sample(_WORDS, 3), str(secrets.randbelow(9000) + 1000)])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(password + "\n", encoding="utf-8")
    return password
