"""Start-up: what the shop refuses to start with, each named by its setting, and how it says so."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from booking import create_app
from booking.config import ROOT, AppEnv, ConfigurationError, find_problems, load_settings
from tests.support.gunicorn import environment
from tests.support.servers import free_port
from tests.support.shop import make_settings

GOOD = {
    "APP_ENV": "production",
    "APP_BASE_URL": "https://stay.example.org",
    "SECRET_KEY": "0b1c7f9d2e8a4c6f5b3d1a9e7c8f6d4b",
    "DATABASE_URL": "postgresql://holdfast@db/holdfast",
    "STRIPE_SECRET_KEY": "rk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "STRIPE_WEBHOOK_SECRET": "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
    "TRUSTED_HOSTS": "stay.example.org",
    "QUEUE_URL": "redis://queue",
}
DEVELOPMENT = {
    **GOOD,
    "APP_ENV": "development",
    "APP_BASE_URL": "http://127.0.0.1:8000",
    "STRIPE_SECRET_KEY": "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "TRUSTED_HOSTS": "",
}


def _refused(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(environ)
    return refusal.value.problems


@pytest.mark.parametrize("environ", [GOOD, DEVELOPMENT, {**DEVELOPMENT, "APP_ENV": "test"}])
def test_good_settings_are_taken(environ: dict[str, str]) -> None:
    settings = load_settings(environ)

    assert settings.app_env == environ["APP_ENV"]
    assert settings.livemode is (environ is GOOD)
    assert settings.is_production is (environ is GOOD)


_IN_PRODUCTION = {
    "no secret key": {"SECRET_KEY": ""},
    "short secret key": {"SECRET_KEY": "0b1c7f9d2e8a4c6f"},
    "one letter as secret key": {"SECRET_KEY": "a" * 64},
    "placeholder as secret key": {"SECRET_KEY": "change-me-0b1c7f9d2e8a4c6f5b3d1a9e"},
    "no webhook secret": {"STRIPE_WEBHOOK_SECRET": ""},
    "webhook secret of another kind": {"STRIPE_WEBHOOK_SECRET": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"},
    "webhook secret cut short": {"STRIPE_WEBHOOK_SECRET": "whsec_"},
    "one bad of two webhook secrets": {"STRIPE_WEBHOOK_SECRET": f"{GOOD['STRIPE_WEBHOOK_SECRET']},secret"},
    "no Stripe key": {"STRIPE_SECRET_KEY": ""},
    "test key": {"STRIPE_SECRET_KEY": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"},
    "restricted test key": {"STRIPE_SECRET_KEY": "rk_test_4eC39HqLyjWDarjtT1zdp7dc"},
    "publishable key as secret key": {"STRIPE_SECRET_KEY": "pk_live_4eC39HqLyjWDarjtT1zdp7dc"},
    "keys of two modes": {"STRIPE_PUBLISHABLE_KEY": "pk_test_4eC39HqLyjWDarjtT1zdp7dc"},
    "live key for another host": {"STRIPE_API_BASE": "http://127.0.0.1:12111"},
    "plain http": {"APP_BASE_URL": "http://stay.example.org"},
    "address without a host": {"APP_BASE_URL": "https://"},
    "address with a path": {"APP_BASE_URL": "https://example.org/stay"},
    "address that is none": {"APP_BASE_URL": "stay.example.org"},
    "no trusted hosts": {"TRUSTED_HOSTS": " "},
    "another database": {"DATABASE_URL": "mysql://db/holdfast"},
    "another queue": {"QUEUE_URL": "amqp://queue"},
    "hold too short for Stripe": {"HOLD_MINUTES": "30"},
    "hold too long for Stripe": {"HOLD_MINUTES": "1436"},
    "hold that is no number": {"HOLD_MINUTES": "half an hour"},
    "guests forgotten before a dispute is over": {"KEEP_GUESTS_DAYS": "179"},
    "guests kept beyond all time": {"KEEP_GUESTS_DAYS": "36501"},
    "negative hops": {"PROXY_HOPS": "-1"},
    "a whole chain of proxies": {"PROXY_HOPS": "6"},
    "limits off": {"RATE_LIMITS": "off"},
    "unknown environment": {"APP_ENV": "prod"},
}


@pytest.mark.parametrize("what", _IN_PRODUCTION)
def test_production_refuses_and_names_the_setting(what: str) -> None:
    (name,) = _IN_PRODUCTION[what]

    problems = _refused({**GOOD, **_IN_PRODUCTION[what]})

    assert {problem.partition(":")[0] for problem in problems} == {name}
    assert all(problem.count("\n") == 0 and len(problem) > len(name) + 10 for problem in problems)


@pytest.mark.parametrize("key", ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "rk_live_4eC39HqLyjWDarjtT1zdp7dc"])
@pytest.mark.parametrize("app_env", ["development", "test"])
def test_a_live_key_outside_production_is_refused(app_env: str, key: str) -> None:
    problems = _refused({**DEVELOPMENT, "APP_ENV": app_env, "STRIPE_SECRET_KEY": key})

    assert [problem.partition(":")[0] for problem in problems] == ["STRIPE_SECRET_KEY"]
    assert "live key" in problems[0]


def test_without_a_word_about_the_environment_it_is_production() -> None:
    problems = _refused({**DEVELOPMENT, "APP_ENV": ""})

    assert any(problem.startswith("STRIPE_SECRET_KEY: a test key in production") for problem in problems)


def test_all_problems_are_named_at_once() -> None:
    bad = {"SECRET_KEY": "x", "STRIPE_WEBHOOK_SECRET": "", "APP_BASE_URL": "http://a", "TRUSTED_HOSTS": "",
           "STRIPE_SECRET_KEY": "sk_test_12345678", "HOLD_MINUTES": "5", "PROXY_HOPS": "x"}  # fmt: skip

    problems = _refused({**GOOD, **bad})

    assert {problem.partition(":")[0] for problem in problems} == set(bad)
    assert len(problems) == len(bad)


def test_nothing_at_all_is_refused_for_every_secret() -> None:
    names = {problem.partition(":")[0] for problem in _refused({})}

    assert {"SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} <= names


def test_a_setting_can_be_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("  9f8e7d6c5b4a39281706f5e4d3c2b1a0\n")
    environ = {**GOOD, "SECRET_KEY": "", "SECRET_KEY_FILE": str(secret)}

    assert load_settings(environ).secret_key == "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.mark.parametrize(
    ("given", "folder"),
    [("", ROOT / "var" / "media"), ("pictures", ROOT / "pictures"), ("/srv/pictures", Path("/srv/pictures"))],
)
def test_the_folder_of_pictures_is_the_same_wherever_the_shop_is_started_from(given: str, folder: Path) -> None:
    assert load_settings({**GOOD, "MEDIA_DIR": given}).media_dir == folder


def test_a_file_that_cannot_be_read_is_named_and_its_path_too(tmp_path: Path) -> None:
    missing = tmp_path / "nothing-here"

    problems = _refused({**GOOD, "STRIPE_WEBHOOK_SECRET": "", "STRIPE_WEBHOOK_SECRET_FILE": str(missing)})

    assert f"STRIPE_WEBHOOK_SECRET_FILE: {missing} cannot be read" in problems


def test_several_webhook_secrets_are_read_in_order() -> None:
    both = "whsec_newest0123456789, whsec_older0123456789"

    settings = load_settings({**GOOD, "STRIPE_WEBHOOK_SECRET": both})

    assert settings.stripe_webhook_secrets == ("whsec_newest0123456789", "whsec_older0123456789")


def test_no_secret_shows_when_settings_or_a_refusal_are_printed() -> None:
    canary = "canary4eC39HqLyjWDarjtT1zdp7dc"
    secrets = {
        "SECRET_KEY": f"{canary}{canary}",
        "STRIPE_SECRET_KEY": f"rk_live_{canary}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{canary}",
        "DATABASE_URL": f"postgresql://holdfast:{canary}@db/holdfast",
        "MAIL_URL": f"smtp://holdfast:{canary}@mail",
        "QUEUE_URL": f"redis://:{canary}@queue",
    }
    settings = load_settings({**GOOD, **secrets})
    wrong = {"STRIPE_SECRET_KEY": f"live {canary}", "STRIPE_WEBHOOK_SECRET": canary, "DATABASE_URL": f"x://{canary}"}

    told = [repr(settings), str(settings), f"{settings}", *_refused({**GOOD, **secrets, **wrong})]

    assert sum(canary in str(getattr(settings, field.name)) for field in fields(settings)) == len(secrets)
    assert not any(canary in text for text in told)


def test_settings_made_in_code_are_checked_the_same_way() -> None:
    settings = make_settings("sqlite:///x.db", app_env=AppEnv.PRODUCTION)

    assert {problem.partition(":")[0] for problem in find_problems(settings)} == {
        "STRIPE_SECRET_KEY", "APP_BASE_URL", "TRUSTED_HOSTS", "RATE_LIMITS",
    }  # fmt: skip


def test_the_factory_refuses_a_database_that_is_not_at_the_newest_migration(tmp_path: Path) -> None:
    settings = make_settings(f"sqlite:///{tmp_path / 'empty.db'}", app_env=AppEnv.DEVELOPMENT)

    with pytest.raises(ConfigurationError, match="DATABASE_URL: the schema is at nothing"):
        create_app(settings)


# --- as operators see it --------------------------------------------------------------------------------------------


def _start(tmp_path: Path, url: str, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = environment(url, tmp_path, APP_ENV="development", PORT=str(free_port()), **changes)
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=40, check=False
    )


@pytest.mark.gunicorn
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"STRIPE_WEBHOOK_SECRET": "oops"}, "STRIPE_WEBHOOK_SECRET: each secret starts with whsec_"),
        ({"STRIPE_SECRET_KEY": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "STRIPE_API_BASE": ""},
         "STRIPE_SECRET_KEY: a live key outside production"),
        ({}, "DATABASE_URL: the schema is at nothing"),
    ],
)  # fmt: skip
def test_gunicorn_does_not_start_and_says_why_in_one_line(tmp_path: Path, changes: dict[str, str], line: str) -> None:
    done = _start(tmp_path, f"sqlite:///{tmp_path / 'empty.db'}", "gunicorn", "wsgi:app", **changes)

    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert [text for text in said.splitlines() if text.startswith("PROBLEM")] == [
        text for text in said.splitlines() if line in text
    ]
    assert said.count(line) == 1
    assert "Traceback" not in said
    assert "4eC39HqLyjWDarjtT1zdp7dc" not in said


@pytest.mark.gunicorn
def test_two_bad_settings_are_two_lines(tmp_path: Path) -> None:
    done = _start(
        tmp_path,
        "sqlite:///x.db",
        "booking.cli.startup",
        SECRET_KEY="short",
        STRIPE_WEBHOOK_SECRET="",
        HOLD_MINUTES="1",
    )

    assert done.returncode == 1
    problems = [line for line in done.stderr.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in problems] == ["SECRET_KEY:", "STRIPE_WEBHOOK_SECRET:", "HOLD_MINUTES:"]
    assert "Traceback" not in done.stderr


def test_the_suite_itself_runs_without_a_key_that_could_move_money() -> None:
    assert "_live_" not in os.environ.get("STRIPE_SECRET_KEY", "")


# What only commands, the worker, or the first use need. Together they take as long to import as the rest.
NOT_AT_THE_START = (
    "alembic",
    "huey",
    "redis",
    "gevent",
    "mako",
    "icalendar",
    "stripe",
    "PIL",
    "reportlab",
    "requests",
    "booking.cli.drill",
)


def test_a_process_that_serves_pages_starts_without_what_it_may_never_need(tmp_path: Path) -> None:
    start = """
import sys
from booking.cli.startup import load_app  # as wsgi.py does
try:
    load_app()
except SystemExit:
    pass
print(*sys.modules)
"""
    settings = {**DEVELOPMENT, "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.db'}", "PYTHONPATH": str(ROOT)}
    settings["QUEUE_URL"] = f"sqlite:///{tmp_path / 'queue.db'}"
    run = subprocess.run([sys.executable, "-c", start], env=settings, capture_output=True, text=True, cwd=tmp_path)

    assert "flask db upgrade" in run.stderr
    assert run.stderr.count("PROBLEM") == 1
    assert "booking.web.storefront.views" in run.stdout.split()
    assert [name for name in NOT_AT_THE_START if name in run.stdout.split()] == []
