"""All commands, with what they import: a process that serves pages never loads this module."""

from flask import Flask
from flask_migrate import Migrate

from booking.cli import (
    audit,
    catalog,
    demo,
    doctor,
    drill,
    maintenance,
    occupancy,
    staff,
    story,
    verify,
    webhooks,
    worker,
)
from booking.config import ROOT
from booking.extensions import db

COMMANDS = (
    webhooks.test_webhook,
    maintenance.reconcile,
    catalog.catalog_sync,
    maintenance.expire_holds,
    maintenance.send_mail,
    occupancy.occupancy,
    story.explain,
    verify.verify,
    audit.audit_verify,
    doctor.doctor,
    drill.drill,
    staff.create_staff,
    staff.staff_link,
    demo.seed_demo,
    worker.worker,
)


def install(app: Flask) -> None:
    """Give the app its commands, those of its migrations among them."""
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    for command in COMMANDS:
        app.cli.add_command(command)
