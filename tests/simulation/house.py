"""The shop that simulations are run in: one app on one database in memory, put back to its beginning for each seed."""

import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from booking import create_app
from booking.database import _WRITES
from booking.domain.payment_plans import PAY_IN_FULL, PaymentPlan, PlanKind
from booking.extensions import db
from booking.gateways.mail import Letter
from booking.models import Instance, Listing, Shelf, Unit
from tests.simulation.weather import Weather
from tests.support.shop import add_listing, make_settings

INSTANCE = "simulated-shop"
INJECTED = "injected: the database is locked"
MOST_UNITS = 2
_PLAN = """INSERT INTO payment_plan (property_id, listing_id, kind, percent, days_before, created_at, updated_at)
SELECT property_id, id, ?2, ?3, ?4, created_at, updated_at FROM listing WHERE id = ?1"""

# A plan that is at Stripe already; whoever may join is signed in.
_CLUB = """
UPDATE property SET in_club = 1;
INSERT INTO club_plan (id, lookup_key, name, price_minor, currency, interval, trial_days, off_share, is_active,
    created_at, updated_at) VALUES (1, 'club', 'Club', 900, 'eur', 'month', 0, 1000, 1, '2027-01-01', '2027-01-01');
INSERT INTO catalog_entry (plan_id, livemode, product_id, product_name, is_on_sale, price_id, created_at, updated_at)
    VALUES (1, 0, 'prod_club', 'Club', 1, 'price_club', '2027-01-01', '2027-01-01');
INSERT INTO guest_account (id, email, language, created_at, updated_at) VALUES
    (1, 'guest1@example.org', 'en', '2027-01-01', '2027-01-01'),
    (2, 'guest2@example.org', 'en', '2027-01-01', '2027-01-01'),
    (3, 'guest3@example.org', 'en', '2027-01-01', '2027-01-01'),
    (4, 'guest4@example.org', 'en', '2027-01-01', '2027-01-01');
"""


class House:
    """App, database, and the two places where the database can fail: as a transaction begins, and as it commits."""

    def __init__(self) -> None:
        self.app: Flask = create_app(make_settings("sqlite:///:memory:", instance_id=INSTANCE))
        self.begin_fails: Callable[[], bool]
        self.commit_fails: Callable[[], str]
        self.calm()
        self.plan, self.takes_requests = PAY_IN_FULL, False
        self._beginnings = 0
        with self.app.app_context():
            db.create_all()
            db.session.add_all([Instance(id=1, instance_id=INSTANCE), Shelf(id=1, version=1)])
            db.session.commit()
            self.listing_id = add_listing(self.app, units=MOST_UNITS)
            self.rates = db.session.get_one(Listing, self.listing_id).rates
            self.unit_ids = [unit.id for unit in db.session.query(Unit).order_by(Unit.id)]
            db.session.remove()
            self.raw: sqlite3.Connection = db.engine.raw_connection().driver_connection  # type: ignore[assignment]
            self._make_trouble_possible(db.engine)
        self._beginning = sqlite3.connect(":memory:", check_same_thread=False)
        self.raw.backup(self._beginning)

    def put_back(self, weather: Weather) -> None:
        """The database as it was in the beginning, with as many units for sale, and paid for as a seed has it."""
        self._beginning.backup(self.raw)
        self._beginnings += 1  # no reading of what is on sale outlives its seed
        self.raw.execute("UPDATE shelf SET version = ?", (self._beginnings,))
        self.raw.execute("UPDATE unit SET is_active = (position <= ?)", (weather.units,))
        self.plan, self.takes_requests = PAY_IN_FULL, weather.answer_hours > 0
        if weather.deposit or weather.pays_later:
            kind = PlanKind.RESERVE_NOW_PAY_LATER if weather.pays_later else PlanKind.DEPOSIT
            self.plan = PaymentPlan(kind, weather.deposit, weather.days_before)
            self.raw.execute(_PLAN, (self.listing_id, kind.value, weather.deposit, weather.days_before))
        if weather.answer_hours:
            self.raw.execute("UPDATE listing SET takes_requests = 1, answer_hours = ?", (weather.answer_hours,))
        if weather.club:
            self.raw.executescript(_CLUB)
        if weather.damage:
            self.raw.execute("UPDATE property SET keeps_cards = 1, damage_most_minor = ?", (weather.damage,))

    def calm(self) -> None:
        """No trouble from the database."""
        self.begin_fails, self.commit_fails = (lambda: False), (lambda: "")

    def rows(self, statement: str, *values: object) -> list[Any]:
        """A look that goes past everything under test."""
        return self.raw.execute(statement, values).fetchall()

    def _make_trouble_possible(self, engine: Any) -> None:
        event.listen(engine, "begin", self._begin, insert=True)
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            how = self.commit_fails()
            if how == "before":
                raise sqlite3.OperationalError(INJECTED)
            commit(connection)
            if how == "after":
                raise sqlite3.OperationalError(INJECTED)

        engine.dialect.do_commit = do_commit

    def _begin(self, connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES) and self.begin_fails():
            raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError(INJECTED))


@cache
def house() -> House:
    """The one house of this process."""
    return House()


def write_letter(kind: str, context: dict[str, object]) -> Letter:
    """A letter without its words, which other tests read."""
    return Letter(str(context["to"]), kind, "", "", str(context["message_id"]))
