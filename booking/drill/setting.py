"""Where disasters are staged: folder, database, fakestripe, the real application behind a real socket; cleared away."""

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from booking import create_app
from booking.config import AppEnv, Settings
from booking.drill.evidence import DrillRefused
from booking.drill.house import EMPTY, House, furnish
from booking.drill.scratch import PostgresScratch, Scratch, SqliteScratch, may_create_databases
from booking.drill.simulator import running_simulator
from booking.drill.stand_ins import KeptLetters, Own, ShiftedClock, open_app, scratch_settings
from booking.extensions import db


@contextmanager
def scratch_house(own: Own, folder: Path, scratch: Scratch) -> Iterator[House]:
    """The shop in which disasters are staged. Raises DrillRefused where fakestripe does not start."""
    with running_simulator(folder) as simulator, _socket() as server:
        settings = scratch_settings(own, scratch.url, f"http://127.0.0.1:{server.port}", simulator.url)
        migrate(settings)
        clock, mailer = ShiftedClock(), KeptLetters()
        house = House(open_app(settings, clock, mailer), settings, simulator, scratch, clock, mailer)
        try:
            furnish(house.app, own)
            house.keep(EMPTY)
            with _serving(server, house.app):
                yield house
        finally:
            house.let_go_of_database()


def migrate(settings: Settings) -> None:
    """Make the schema by this installation's own migrations, so that one which forgets a key is found out."""
    # As a test, since any other app refuses to begin on a database without a schema.
    app = create_app(replace(settings, app_env=AppEnv.TEST))
    with app.app_context():
        try:
            flask_migrate.upgrade()
        except SQLAlchemyError as error:
            raise DrillRefused(f"the migrations fail on an empty database ({type(error).__name__})") from error
        finally:
            db.engine.dispose()


@contextmanager
def scratch_database(own: Settings, server: str, folder: Path) -> Iterator[Scratch]:
    """On the PostgreSQL server that is named, else on the shop's own if that is one, else a file; gone afterwards."""
    server = server or _own_server(own)
    scratch: Scratch = PostgresScratch(server) if server else SqliteScratch(folder)
    try:
        yield scratch
    finally:
        scratch.drop()


def _own_server(own: Settings) -> str:
    is_possible = own.database_url.startswith("postgresql") and may_create_databases(own.database_url)
    return own.database_url if is_possible else ""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for all that is kept on disk, removed at the end, also after Ctrl-C and SIGTERM."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-drill-"))
    try:
        with _leaving_on_sigterm():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _leaving_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the drill as Ctrl-C does: everything scratch is cleared away."""

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(143)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)


# --- the socket -----------------------------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    """Says nothing on the terminal."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextmanager
def _socket() -> Iterator[BaseWSGIServer]:
    """A server on a free port of this machine: its address must be known before there is an app."""
    server = make_server("127.0.0.1", 0, Flask("nothing"), threaded=True, request_handler=_Quiet)
    try:
        yield server
    finally:
        server.server_close()


@contextmanager
def _serving(server: BaseWSGIServer, app: Flask) -> Iterator[None]:
    server.app = app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=10)
