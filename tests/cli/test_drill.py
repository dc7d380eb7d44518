"""`flask drill`: disasters end as they must, a shop without its guards is found out, the real one is not touched."""

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import NullPool, create_engine, make_url, text

from booking import create_app
from booking.cli import commands
from booking.config import AppEnv, Settings
from booking.drill import catalogue, deaths, setting, simulator
from booking.drill.stand_ins import Own, as_plain, from_plain, scratch_settings
from booking.extensions import db
from booking.services import settlement, webhooks
from booking.services.cases import Outcome
from tests.support.shop import add_listing, dispose, make_settings, patched

pytestmark = pytest.mark.race

ALL = len(catalogue.NAMES)


def drill(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=("drill", *args))


def drill_only(app: Flask, *names: str) -> Result:
    return drill(app, *(word for name in names for word in ("--only", name)))


def drop_night_key(url: str) -> None:
    """The table `night` with the same columns and rows, and nothing that keeps a night from having two rows."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.executescript("CREATE TABLE other AS SELECT * FROM night; DROP TABLE night;")
        connection.executescript("ALTER TABLE other RENAME TO night;")


def everything_in(path: Path) -> list[str]:
    """A database file as text, row by row."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


# --- the whole ------------------------------------------------------------------------------------------------------


def test_every_disaster_ends_as_it_must_and_the_table_names_each(app: Flask) -> None:
    result = drill(app)

    assert result.exit_code == 0, result.output
    assert f"{ALL} ended as they must, 0 did not" in result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert [words[1] for words in lines if words[2:3] == ["ok"]] == list(catalogue.NAMES)


@pytest.mark.postgresql
def test_every_disaster_ends_as_it_must_on_postgresql_and_leaves_no_database_there(
    app: Flask, postgres_server: str
) -> None:
    server, _template = postgres_server.split("|")

    result = drill(app, "--postgresql", f"{server}/postgres")

    assert result.exit_code == 0, result.output
    assert "scratch PostgreSQL database" in result.output
    assert f"{ALL} ended as they must, 0 did not" in result.output
    assert _left_over(server) == []


@pytest.mark.postgresql
def test_a_shop_on_postgresql_is_drilled_on_its_own_server_if_its_role_may_create_databases(postgres_url: str) -> None:
    app = create_app(make_settings(postgres_url, stripe_api_base="http://127.0.0.1:1"))

    result = drill_only(app, "guards-of-the-live-database", "night-written-past-the-shop", "webhook-lost")

    dispose(app)
    assert result.exit_code == 0, result.output
    assert "scratch PostgreSQL database" in result.output
    assert _left_over(postgres_url.rpartition("/")[0]) == []


@pytest.mark.postgresql
def test_a_role_that_may_not_create_databases_is_drilled_on_sqlite(postgres_url: str) -> None:
    tenant = f"tenant_{uuid.uuid4().hex[:8]}"
    url = make_url(postgres_url).set(username=tenant, password="tenant")
    with _on(postgres_url) as connection:
        connection.execute(text(f"CREATE ROLE {tenant} LOGIN PASSWORD 'tenant'"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {tenant}"))
    app = create_app(make_settings(url.render_as_string(hide_password=False)))

    result = drill_only(app, "guards-of-the-live-database")

    dispose(app)
    with _on(postgres_url) as connection:
        connection.execute(text(f"DROP OWNED BY {tenant}"))
        connection.execute(text(f"DROP ROLE {tenant}"))
    assert result.exit_code == 0, result.output
    assert "scratch SQLite database" in result.output


def _on(url: str) -> Any:
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect()


def _left_over(server: str) -> list[str]:
    with _on(f"{server}/postgres") as connection:
        return list(connection.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast_drill%'")))


@pytest.mark.parametrize("minutes", [31, 1435])
def test_disasters_of_time_hold_for_the_shortest_and_the_longest_hold(sqlite_url: str, minutes: int) -> None:
    app = create_app(make_settings(sqlite_url, hold_minutes=minutes))

    result = drill_only(
        app,
        "paid-after-the-hold-was-lost",
        "paid-twice-in-two-tabs",
        "stripe-down-for-an-hour",
        "worker-dead-for-a-day",
        "delayed-payment-that-fails",
    )

    dispose(app)
    assert result.exit_code == 0, result.output


# --- a shop without its guards --------------------------------------------------------------------------------------


def test_a_live_database_whose_night_key_was_dropped_by_hand_is_named(app: Flask, sqlite_url: str) -> None:
    drop_night_key(sqlite_url)

    result = drill_only(app, "guards-of-the-live-database")

    assert result.exit_code == 1
    assert "FAILED: guards-of-the-live-database: the key over unit and night is gone" in result.output


def test_migrations_that_lose_the_night_key_are_found_out(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate = setting.migrate

    def migrate_badly(settings: Settings) -> None:
        migrate(settings)
        drop_night_key(settings.database_url)

    monkeypatch.setattr(setting, "migrate", migrate_badly)

    result = drill_only(app, "night-written-past-the-shop", "two-guests-for-one-night", "webhook-lost")

    assert result.exit_code == 1
    for name in ("night-written-past-the-shop", "two-guests-for-one-night", "webhook-lost"):
        assert f"FAILED: {name}: " in result.output
    assert "taken: the night is sold twice" in result.output
    assert "I1 is broken: the key over unit and night is gone" in result.output


@pytest.mark.parametrize(
    ("module", "guard", "sabotage", "name"),
    [
        (settlement, "refund_duplicate", lambda case, payment: Outcome.DUPLICATE, "paid-twice-in-two-tabs"),
        (settlement, "_is_recorded", lambda case: False, "redirect-and-webhook-at-the-same-instant"),
        (settlement, "_find_mismatch", lambda case: None, "wrong-amount"),
        (settlement, "_keep_nights", lambda case: True, "delayed-payment-that-fails"),
        (webhooks, "_file", lambda delivery: True, "webhook-ten-times-at-once"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_guard_that_is_taken_out_fails_the_disaster_it_is_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch, module: Any, guard: str, sabotage: Any, name: str
) -> None:
    monkeypatch.setattr(module, guard, sabotage)

    result = drill_only(app, name)

    assert result.exit_code == 1
    assert f"FAILED: {name}: " in result.output


def test_a_process_that_does_not_die_where_it_should_proves_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deaths, "BEFORE_THE_COMMIT", "services.webhooks.of_another_time before commit")

    result = drill_only(app, "killed-before-the-confirming-commit")

    assert result.exit_code == 1
    assert 'should have died at "services.webhooks.of_another_time before commit"' in result.output


# --- the real shop is not touched -----------------------------------------------------------------------------------


@pytest.fixture
def live(sqlite_url: str) -> Iterator[Flask]:
    """A shop in production: live key, real mail server, https."""
    settings = make_settings(
        sqlite_url,
        app_env=AppEnv.PRODUCTION,
        app_base_url="https://stay.example.org",
        trusted_hosts=("stay.example.org",),
        stripe_secret_key="sk_live_0123456789abcdef",
        mail_url="smtp://ada:letters@127.0.0.1:9",
        rate_limits=True,
    )
    app = create_app(settings)
    commands.install(app)
    add_listing(app)
    yield app
    dispose(app)


def test_a_shop_in_production_is_drilled_and_not_one_row_of_it_changes(live: Flask, sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    before = everything_in(file)

    result = drill_only(live, "guards-of-the-live-database", "webhook-lost", "mail-server-down-for-a-day")

    assert result.exit_code == 0, result.output
    assert everything_in(file) == before


def test_scratch_settings_hold_nothing_of_the_shops_secrets(live: Flask) -> None:
    own = live.extensions["holdfast"].settings
    taken = Own(own.hold_minutes, own.mail_from, "Europe/Berlin", "the shop's id")

    scratch = scratch_settings(taken, "sqlite:///scratch.db", "http://127.0.0.1:1", "http://127.0.0.1:2")

    secret = ("secret_key", "database_url", "stripe_secret_key", "stripe_webhook_secrets", "mail_url", "app_base_url")
    assert {name for name in secret if getattr(scratch, name) == getattr(own, name)} == set()
    assert (scratch.livemode, scratch.mail_url, scratch.stripe_api_base) == (False, "", "http://127.0.0.1:2")
    assert scratch.media_dir != own.media_dir
    assert from_plain(json.loads(json.dumps(as_plain(scratch)))) == scratch  # as the process that dies is told them


def test_programs_that_the_drill_starts_are_told_no_setting_of_the_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STRIPE_SECRET_KEY", "DATABASE_URL", "SECRET_KEY", "MAIL_URL", "STRIPE_WEBHOOK_SECRET_FILE"):
        monkeypatch.setenv(name, "of the shop")

    assert "of the shop" not in simulator.harmless_environment().values()


def test_no_app_is_current_while_disasters_are_staged(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or what forgets to name the scratch shop would reach the live database."""
    (lost,) = [one for one in catalogue.DISASTERS if one.name == "webhook-lost"]
    forgetful = replace(lost, stage=lambda house: db.session.execute(text("SELECT 1")))
    monkeypatch.setattr("booking.drill.runner.DISASTERS", (forgetful,))

    result = drill_only(app, "webhook-lost")

    assert result.exit_code == 1
    assert "Working outside of application context" in result.output


def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path / 'none.db'}"))

    result = drill(app, "--only", "guards-of-the-live-database", "--verbose")

    dispose(app)
    assert result.exit_code == 0, result.output
    assert "no tables yet" in result.output
    assert list(tmp_path.iterdir()) == []


# --- what is printed ------------------------------------------------------------------------------------------------


def test_every_disaster_says_given_when_then_and_has_a_name_of_its_own() -> None:
    assert ALL >= 20
    assert len(set(catalogue.NAMES)) == ALL
    assert all(one.given and one.when and one.then for one in catalogue.DISASTERS)


def test_verbose_shows_the_evidence_of_what_went_well(app: Flask) -> None:
    result = drill(app, "--only", "webhook-lost", "--verbose")

    assert "Given  a guest has paid on Stripe's page and closed the browser." in result.output
    assert "- booking 1 was confirmed via: reconcile" in result.output
    assert "- flask verify --stripe: EUR: came " in result.output


def test_json_is_one_document_with_the_evidence(app: Flask) -> None:
    result = drill(app, "--only", "webhook-lost", "--json")

    told = json.loads(result.output)
    (lost,) = told["disasters"]
    assert (told["is_well"], told["scratch"]) == (True, "SQLite")
    assert (lost["name"], lost["outcome"], lost["trouble"]) == ("webhook-lost", "ok", "")
    assert "booking 1: confirmed, paid" in lost["evidence"]


def test_a_name_that_nobody_knows_is_refused_with_those_that_there_are(app: Flask) -> None:
    result = drill_only(app, "flood")

    assert result.exit_code == 1
    assert "there is no disaster flood" in result.output
    assert "webhook-lost" in result.output


def test_a_server_that_is_no_postgresql_is_refused_in_one_line(app: Flask) -> None:
    for server in ("mysql://127.0.0.1/x", "postgresql://nobody@127.0.0.1:1/x"):
        result = drill(app, "--postgresql", server)

        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert len(result.output.splitlines()) == 1


def test_a_fakestripe_that_does_not_start_is_refused_in_one_line(app: Flask) -> None:
    with patched(simulator, "ROOT", Path("/")):  # where there is none
        result = drill_only(app, "webhook-lost")

    assert result.exit_code == 1
    assert "Error: fakestripe does not start: " in result.output
