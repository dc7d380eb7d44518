"""What the documents say is there, and what is there is said."""

import re
import tomllib
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask

from booking.config import ROOT, load_settings
from booking.gateways.stripe_objects import READERS
from booking.services.notifications import GuestMail, StaffNotice
from tests.support import figures

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONFIG = (ROOT / "booking" / "config.py").read_text(encoding="utf-8")
GUNICORN = (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
REQUIREMENTS = ["requirements.txt", "requirements-metrics.txt", "requirements-load.txt", "requirements-dev.txt"]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "fakestripe" / "README.md"]


def names_in_config() -> set[str]:
    return set(re.findall(r'reader\.\w+\(\s*"([A-Z_]+)"', CONFIG)) | set(re.findall(r'"([A-Z_]{4,})"', GUNICORN))


def names_in_example() -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.MULTILINE))


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def own_commands(app: Flask) -> set[str]:
    return set(app.cli.commands) - {"db"}


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[=]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    assert names_in_config() == names_in_example()


@pytest.mark.parametrize("name", sorted(names_in_config()))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def test_example_filled_in_is_a_shop_that_starts() -> None:
    shown = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    secrets = {
        "SECRET_KEY": "k7Qz0p3VtY9sLw2XcR5uB8nM1aF4dH6j",
        "STRIPE_SECRET_KEY": "sk_test_0123456789abcdef",
        "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    }

    assert [name for name, value in shown.items() if not value] == list(secrets)
    assert load_settings({**shown, **secrets}).base_url == "http://127.0.0.1:8000"


def test_example_shows_the_defaults() -> None:
    shown = dict(re.findall(r"^# ([A-Z_]+)=(\S.*)$", EXAMPLE, re.MULTILINE))
    del shown["STRIPE_API_BASE"]  # an address to use, not the default

    for name, value in shown.items():
        assert re.search(rf"{name}.{{0,5}}[,)].{{0,6}}{re.escape(value)}", CONFIG + GUNICORN), name


def test_every_command_is_in_the_readme(app: Flask) -> None:
    assert {name for name in own_commands(app) if f"`flask {name}" not in README} == set()


def test_every_command_in_the_documents_exists(app: Flask) -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"flask ([a-z]+(?:-[a-z]+)*)", path.read_text("utf-8"))}
    prose = {"command", "extensions"}

    assert named - own_commands(app) - {"db"} - prose == set()


def test_every_option_in_the_readme_exists(app: Flask) -> None:
    known = {opt for command in app.cli.commands.values() for param in command.params for opt in param.opts}
    table = README.partition("## Commands")[2].partition("## When")[0]

    assert set(re.findall(r"`\[?(--[a-z-]+)", table)) <= known


def test_every_make_target_named_exists_and_each_is_named() -> None:
    named = {target for path in DOCUMENTS for target in re.findall(r"`?make ([a-z-]+)`", path.read_text("utf-8"))}

    assert named <= makefile_targets()
    assert makefile_targets() - {"help", "demo-data"} <= named


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_dependency_has_its_sentence(file: str) -> None:
    told = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE))

    assert {name for name in requirements(file) if len(told.get(name, "")) < 10} == set()


def test_no_sentence_tells_of_a_dependency_that_is_gone() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)

    assert set(told) == set().union(*map(requirements, REQUIREMENTS))


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_dependency_is_pinned(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith(("#", "-r ")) and "==" not in line] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]

    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(("title", "kinds"), [("To guests", GuestMail), ("To the house", StaffNotice)])
def test_page_about_mail_lists_exactly_the_mails_there_are(title: str, kinds: type[StrEnum]) -> None:
    page = (ROOT / "docs" / "mail.md").read_text(encoding="utf-8")
    section = page.partition(f"## {title}")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(kinds)


def test_readme_names_every_event_the_shop_handles() -> None:
    assert {name for name in READERS if f"`{name}`" not in README} == set()


def test_files_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    known = {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts}

    assert set(re.findall(r"\b([\w.]+\.py)\b", text)) <= known


def test_architecture_names_every_service() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    services = {path.name for path in (ROOT / "booking" / "services").glob("*.py")} - {"__init__.py"}

    assert {name for name in services if name not in text} == set()


def test_reliability_tells_the_promises_and_the_figures_as_they_are() -> None:
    page = figures.PAGE.read_text("utf-8")

    assert figures.block(page, "promises") == figures.promises()
    assert figures.block(page, "figures") == figures.table(figures.read_latest())


def test_pages_tells_the_figures_as_they_are() -> None:
    page, known = figures.GUEST_PAGES.read_text("utf-8"), figures.read_latest()

    assert figures.block(page, "figures") == figures.table(known, of_pages=True)
    assert figures.block(page, "lighthouse") == figures.lighthouse_table(known)


def test_each_row_of_the_page_about_stripe_names_what_is_there() -> None:
    rows = _rows_about_stripe("seeds")

    assert len(rows) >= 30
    assert [row for row in rows if len(row) != 3 or not all(row)] == []
    assert [module for _, where, _ in rows for module in _named(where) if not (ROOT / module).is_file()] == []
    assert [row for row in rows if not _named(row[1]) or not _named(row[2])] == []
    assert [test for _, _, proofs in rows for test in _named(proofs) if not _is_a_test(test)] == []


def test_control_a_test_that_is_not_there_would_be_noticed() -> None:
    assert _is_a_test("tests/test_docs.py::test_control_a_test_that_is_not_there_would_be_noticed")
    assert not _is_a_test("tests/test_docs.py::test_of_nothing")
    assert not _is_a_test("tests/test_nothing.py")


@pytest.mark.parametrize("block", ["errors", "mutations"])
def test_no_cell_of_the_page_about_stripe_is_empty(block: str) -> None:
    rows = _rows_about_stripe(block)

    assert rows
    assert [row for row in rows if not all(row)] == []


def _rows_about_stripe(block: str) -> list[list[str]]:
    lines = figures.block((ROOT / "docs" / "stripe.md").read_text("utf-8"), block).strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]


def _named(cell: str) -> list[str]:
    return re.findall(r"`([\w./]+\.py(?:::\w+)?)`", cell)


def _is_a_test(name: str) -> bool:
    file, _, function = name.partition("::")
    path = ROOT / file
    return path.is_file() and (not function or f"def {function}(" in path.read_text("utf-8"))


def test_line_length_is_one_number_everywhere() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"] == 120
