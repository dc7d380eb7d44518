"""One app for all that goes wrong at Stripe, and a new shop in it for each test."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask

from booking import create_app
from tests.stripe_trouble.desk import Desk
from tests.stripe_trouble.faults import NotingGateway, Patience, make_hasty
from tests.support.databases import Renewable, on_postgres, sqlite_file
from tests.support.servers import FakeStripe
from tests.support.shop import MemoryMailer, ShiftedClock, Shop, add_listing, dispose, make_settings, outfit

DATABASES = os.environ.get("STRIPE_TROUBLE_DATABASES", "sqlite").split(",")


@dataclass
class House:
    """One app for the whole table, because making one costs more than a cell of it; the database is new each time."""

    app: Flask
    gateway: NotingGateway
    patience: Patience
    renew: Callable[[], None]

    def open(self, stripe: FakeStripe) -> Desk:
        """The shop as if it had just been installed."""
        dispose(self.app)
        self.renew()
        clock, mailer = ShiftedClock(), MemoryMailer()
        runtime = replace(self.app.extensions["holdfast"], clock=clock, mailer=mailer)
        self.app.extensions["holdfast"] = runtime
        self.gateway.notes.clear()
        return Desk(Shop(self.app, stripe, clock, mailer, "", add_listing(self.app)), self.gateway, self.patience)


@pytest.fixture(scope="module", params=DATABASES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, fakestripe_process: FakeStripe
) -> Iterator[House]:
    """An app on a database of each kind that this run is to use. No webhook reaches it unless a story delivers it."""
    database = _database(request, tmp_path_factory)
    app = create_app(make_settings(database.url, stripe_api_base=fakestripe_process.url))
    outfit(app, ShiftedClock(), MemoryMailer())
    runtime, patience = app.extensions["holdfast"], Patience()
    gateway, close = NotingGateway(runtime.payments), make_hasty(runtime.payments._inner, patience)
    app.extensions["holdfast"] = replace(runtime, payments=gateway)
    yield House(app, gateway, patience, database.renew)
    close()
    dispose(app)
    database.drop()


def _database(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Renewable:
    if request.param == "postgresql":
        return on_postgres(request.getfixturevalue("postgres_server"))
    return sqlite_file(folders.mktemp("house") / "shop.db", request.getfixturevalue("sqlite_template"))


@pytest.fixture
def desk(house: House, stripe: FakeStripe) -> Desk:
    """A new shop."""
    return house.open(stripe)
