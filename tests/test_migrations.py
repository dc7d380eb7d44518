"""Migrations: an empty database comes to head, agrees with the models, and can go all the way back and up again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import JSON, Column, MetaData, Table, inspect, text

from booking import create_app
from booking.config import ROOT
from booking.extensions import db
from booking.wiring import find_schema_problem
from tests.support.shop import make_settings

_BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=_BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app on a database without a single table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    app = create_app(make_settings(url))
    with app.app_context():
        assert _tables() == set()
        yield app
        db.session.remove()
        db.engine.dispose()


def _tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def _differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": _differs_in_default}
        )
        return list(compare_metadata(context, db.metadata))


def _differs_in_default(
    _context: object, _seen: object, column: Column[object], in_database: str | None, *_rest: object
) -> bool | None:
    """PostgreSQL cannot compare two texts of JSON with `=`, as alembic would have it do; None leaves it to alembic."""
    if not isinstance(column.type, JSON) or column.server_default is None:
        return None
    default = getattr(column.server_default, "arg", None)
    return (in_database or "").split("::")[0] != f"'{default}'"


def test_an_empty_database_comes_to_head_and_agrees_with_the_models(empty: Flask) -> None:
    flask_migrate.upgrade()

    assert _tables() == set(db.metadata.tables)
    assert _differences() == []
    assert find_schema_problem() is None


def test_head_can_be_taken_down_to_nothing_and_up_again(empty: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")
    assert _tables() == set()

    flask_migrate.upgrade()

    assert _tables() == set(db.metadata.tables)
    assert _differences() == []


def test_upgrading_twice_changes_nothing(empty: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.upgrade()

    assert _differences() == []


def test_control_a_table_that_differs_from_its_model_is_noticed(empty: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE booking ADD COLUMN surprise INTEGER"))

    assert [(what[0], what[3].name) for what in _differences()] == [("remove_column", "surprise")]  # type: ignore[index]


def test_listings_and_photos_live_through_the_change_to_photos_alone_and_back(empty: Flask) -> None:
    flask_migrate.upgrade(revision="0006")
    _insert("property", name="House", timezone="Europe/Berlin", currency="eur", contact_email="ada@example.org")
    _insert("listing", property_id=1, slug="loft", name="Loft", max_guests=2, nightly_minor=9000, weekend_minor=9000,
            image="img/loft.svg", image_alt="A loft")  # fmt: skip
    _insert("photo", listing_id=1, digest="a" * 64, width=400, height=300, colour="#c9a27e")

    flask_migrate.upgrade()
    assert _rows("SELECT slug, beds FROM listing") == [("loft", "")]
    flask_migrate.downgrade(revision="0006")

    assert _rows("SELECT slug, image, image_alt FROM listing") == [("loft", "", "")]
    assert _rows("SELECT listing_id, width FROM photo") == [(1, 400)]


def _insert(kind: str, **values: object) -> None:
    """A row whose other columns have some value that the schema at hand allows."""
    with db.engine.begin() as connection:
        table = Table(kind, MetaData(), autoload_with=connection)
        needed = [column for column in table.columns if not column.nullable and not column.primary_key]
        plain = {column.name: _plain(column) for column in needed if column.server_default is None}
        connection.execute(table.insert().values({**plain, **values}))


def _plain(column: Column[object]) -> object:
    plain: dict[type, object] = {str: "", int: 1, bool: True, datetime: datetime(2027, 1, 1, tzinfo=UTC)}
    return plain.get(column.type.python_type, {})


def _rows(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_an_old_schema_is_named_with_the_command_that_mends_it(empty: Flask) -> None:
    problem = find_schema_problem()

    assert problem is not None
    assert problem.startswith("DATABASE_URL: the schema is at nothing")
    assert "flask db upgrade" in problem


def test_the_name_of_the_newest_file_says_what_alembic_works_out() -> None:
    files = sorted(file.name for file in (ROOT / "migrations/versions").glob("[0-9]*.py"))
    scripts = ScriptDirectory(str(ROOT / "migrations"))

    assert [name.partition("_")[0] for name in files] == sorted(script.revision for script in scripts.walk_revisions())
    assert files[-1].startswith(f"{scripts.get_current_head()}_")


def test_every_rule_that_must_never_break_is_a_constraint_of_the_migrated_database(empty: Flask) -> None:
    flask_migrate.upgrade()
    inspector = inspect(db.engine)

    def unique(table: str) -> set[tuple[str, ...]]:
        constraints = [tuple(found["column_names"]) for found in inspector.get_unique_constraints(table)]
        indexes = [tuple(found["column_names"]) for found in inspector.get_indexes(table) if found["unique"]]
        return {*constraints, *indexes}  # type: ignore[arg-type]

    def checks(table: str) -> set[str]:
        return {str(found["name"]) for found in inspector.get_check_constraints(table)}

    assert inspector.get_pk_constraint("night")["constrained_columns"] == ["unit_id", "day"]
    assert inspector.get_pk_constraint("webhook_event")["constrained_columns"] == ["id"]
    assert {("reference",), ("hold_key",)} <= unique("booking")
    assert {("session_id",), ("payment_intent_id",), ("idempotency_key",), ("booking_id",)} <= unique("attempt")
    assert ("payment_intent_id",) in unique("payment")
    assert {("stripe_refund_id",), ("idempotency_key",), ("form_token",)} <= unique("refund")
    assert inspector.get_pk_constraint("evidence_submission")["constrained_columns"] == ["dispute_id"]
    assert ("dedupe_key",) in unique("outbox")
    assert {"ck_booking_arrive_before_leave", "ck_booking_amount_positive", "ck_booking_status"} <= checks("booking")
    assert {"ck_payment_amount_positive"} <= checks("payment")
    assert {"ck_refund_amount_positive"} <= checks("refund")


def test_there_is_one_line_of_migrations_and_each_says_what_it_does() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))

    assert len(script.get_heads()) == 1
    assert all(revision.doc.strip() for revision in script.walk_revisions())
