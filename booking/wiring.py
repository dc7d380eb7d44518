"""Chooses the implementations of what services are given."""

from flask import current_app
from sqlalchemy import inspect, text

from booking.clock import Clock, SystemClock
from booking.config import ROOT, Settings
from booking.extensions import db
from booking.gateways.letters import build_letter_writer
from booking.gateways.mail import ConsoleMailer, Mailer, SmtpMailer
from booking.gateways.paper_writer import build_paper_writer
from booking.gateways.payments import PaymentGateway
from booking.gateways.pictures import PictureFolder
from booking.gateways.stripe_gateway import StripeGateway
from booking.queue import build_wake_worker
from booking.runtime import Runtime


def build_runtime(settings: Settings, *, is_worker: bool = False) -> Runtime:
    """The runtime of a process; the worker has more patience with slow answers than a page."""
    clock = SystemClock()
    return Runtime(
        settings=settings,
        payments=_build_payments(settings, clock, is_worker),
        mailer=_build_mailer(settings),
        clock=clock,
        wake_worker=build_wake_worker(settings),
        write_letter=build_letter_writer(ROOT / "templates"),
        write_paper=build_paper_writer(ROOT / "static/fonts/dejavu-sans.ttf"),
        pictures=PictureFolder(settings.media_dir),
    )


def current_runtime() -> Runtime:
    """The runtime of the app that is being served, or of the command that runs."""
    runtime: Runtime = current_app.extensions["holdfast"]
    return runtime


def find_schema_problem() -> str | None:
    """One line where the database is not at the newest migration; None where it is."""
    # Asked at each start and by each look at /readyz: Alembic itself would take a third of a second to import.
    head = max(file.name for file in (ROOT / "migrations/versions").glob("[0-9]*.py")).partition("_")[0]
    current = _read_revision()
    if current == head:
        return None
    return f"DATABASE_URL: the schema is at {current or 'nothing'}, the program needs {head}; run `flask db upgrade`"


def _read_revision() -> str | None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _build_payments(settings: Settings, clock: Clock, is_worker: bool) -> PaymentGateway:
    return StripeGateway(
        settings.stripe_secret_key,
        settings.stripe_webhook_secrets,
        clock,
        api_base=settings.stripe_api_base,
        is_worker=is_worker,
    )


def _build_mailer(settings: Settings) -> Mailer:
    return SmtpMailer(settings.mail_url, settings.mail_from) if settings.mail_url else ConsoleMailer()
