"""The house's rules as checks that name file and line. Each is also fed something bad, to show that it has teeth."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FUNCTION = 40

# Who may import whom within booking/. A trailing dot stands for everything below; no entry means: everything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "domain": ("domain.",),
    "models": ("models.", "domain.", "extensions", "database"),
    "queries": ("queries.", "models.", "domain.", "extensions", "metrics"),
    "gateways": ("gateways.", "domain.", "clock", "crashpoints", "language", "metrics"),
    "services": ("services.", "domain.", "models.", "queries.", "crashpoints", "database", "extensions", "language",
                 "metrics", "runtime", "gateways.billing", "gateways.payments", "gateways.mail"),
    "web": ("web.", "services.", "queries.", "domain.", "wiring", "extensions", "language", "logs", "metrics",
            "gateways.payments", "gateways.calendar_file"),
    "jobs": ("services.", "queries.", "domain.", "wiring", "queue", "config", "runtime"),
    "cli": ("cli.", "services.", "queries.", "domain.", "wiring", "config", "database", "extensions", "runtime", "jobs",
            "gateways.payments", "create_app", "drill."),
    "language": ("domain.",),
    "clock": (), "config": (), "crashpoints": (), "extensions": (), "metrics": (),
    "database": ("crashpoints", "extensions"),
    "logs": ("config",),
    "runtime": ("clock", "config", "domain.papers", "domain.pictures", "gateways.payments", "gateways.mail"),
}  # fmt: skip
MAY_NOT_USE: dict[str, tuple[str, ...]] = {
    "models": ("flask", "stripe", "click", "requests"),
    "queries": ("flask", "stripe", "click", "requests"),
    "gateways": ("flask", "sqlalchemy", "click"),
    "services": ("flask", "flask_login", "flask_wtf", "wtforms", "click", "requests", "huey", "jinja2"),
    "web": ("click", "requests", "huey"),
    "drill": ("pytest", "hypothesis", "responses"),
}
STRIPES_FILE = "booking/gateways/stripe_gateway.py"
THE_ONE_DOOR = "booking/services/settlement.py"
Checker = Callable[[str, ast.Module], Iterator[tuple[int, str]]]


# --- what is imported -----------------------------------------------------------------------------------------------


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, functions' own imports and those for types included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            # `from booking.services import checkout` names a module as much as a name in one.
            names = [f"{module}.{alias.name}" for alias in node.names] if module.count(".") < 2 else [module]
            yield from ((node.lineno, name) for name in names)


def _room(file: str) -> str:
    return Path(file).parts[1].removesuffix(".py")


def check_imports(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    room = _room(file)
    for line, name in _imports(tree):
        top = name.split(".")[0]
        if name.startswith("."):
            yield line, f"a relative import ({name}) hides what it reaches"
        elif top == "fakestripe" or top == "tests":
            yield line, f"the shop imports {top}"
        elif top == "stripe" and file != STRIPES_FILE:
            yield line, f"only {STRIPES_FILE} may import stripe"
        elif top == "booking" and not _may_import(room, name.removeprefix("booking.")):
            yield line, f"{room} may not import {name}"
        elif top in MAY_NOT_USE.get(room, ()):
            yield line, f"{room} may not use {top}"
        elif room == "domain" and top != "booking" and top not in sys.stdlib_module_names:
            yield line, f"domain is pure, and {top} is no part of the standard library"


def _may_import(room: str, name: str) -> bool:
    allowed = MAY_IMPORT.get(room)
    if allowed is None:
        return True
    return any(f"{name}.".startswith(entry if entry.endswith(".") else f"{entry}.") for entry in allowed)


def check_fakestripe_imports(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    for line, name in _imports(tree):
        if name.split(".")[0] in ("booking", "stripe", "tests"):
            yield line, f"fakestripe is a program of its own and may not import {name}"


# --- what is done ---------------------------------------------------------------------------------------------------


def check_confirming(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if file == THE_ONE_DOOR:
        return
    for node in ast.walk(tree):
        if _confirms(node):
            yield node.lineno, f"only {THE_ONE_DOOR} may confirm a booking"


def _confirms(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        is_move = _last_name(node.func) == "move" and any(_is_confirmed(value) for value in node.args)
        return is_move or any(word.arg in ("status", "new") and _is_confirmed(word.value) for word in node.keywords)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(_last_name(target) == "status" for target in targets) and _is_confirmed(node.value)
    return isinstance(node, ast.Dict) and any(
        _last_name(key) == "status" and _is_confirmed(value) for key, value in zip(node.keys, node.values, strict=True)
    )


def _is_confirmed(node: ast.AST | None) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == "confirmed"
    return isinstance(node, ast.Attribute) and (_last_name(node.value), node.attr) == ("BookingStatus", "CONFIRMED")


def _last_name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Constant):
        return str(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def check_clock(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    # models/base.py stamps rows for bookkeeping; no rule ever reads that.
    if file in ("booking/clock.py", "booking/models/base.py"):
        return
    for node in ast.walk(tree):
        asked, name = (_last_name(node.value), node.attr) if isinstance(node, ast.Attribute) else ("", "")
        if asked in ("datetime", "date") and name in ("now", "today", "utcnow"):
            yield node.lineno, "only booking/clock.py asks what time it is"
        elif asked == "func" and name in ("now", "current_timestamp"):
            yield node.lineno, "the database's clock is not the shop's clock"


def check_commits(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if file == "booking/database.py":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "commit" and _last_name(node.value) != "savepoint":
            yield node.lineno, "only booking/database.py commits: use transaction()"


def check_transactions(file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if file.startswith("booking/services/") or file == "booking/database.py":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "transaction":
            yield node.lineno, "only services open transactions"


def check_excepts(_file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "a bare except hides the end of the world"


def check_sizes(_file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION and not re.search(r"\bLong[,:] ", ast.get_docstring(node) or ""):
                yield node.lineno, f'{node.name} has {lines} lines, and its docstring does not say "Long, because ..."'


def check_docstring(_file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if not ast.get_docstring(tree):
        yield 1, "a module says in its first line what belongs in it"


OF_THE_SHOP: tuple[Checker, ...] = (
    check_imports, check_confirming, check_clock, check_commits, check_transactions, check_excepts, check_sizes,
    check_docstring,
)  # fmt: skip
OF_FAKESTRIPE: tuple[Checker, ...] = (check_fakestripe_imports, check_excepts, check_sizes, check_docstring)


# --- templates ------------------------------------------------------------------------------------------------------

_IN_TEMPLATES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A block of facts is data, which the policy lets stand and nothing runs.
    (
        re.compile(r"<script\b(?![^>]*\bsrc=)(?! type=\"application/ld\+json\">)", re.IGNORECASE),
        "a script in the page itself",
    ),
    (re.compile(r"<style\b", re.IGNORECASE), "a style sheet in the page itself"),
    (re.compile(r"\sstyle\s*=", re.IGNORECASE), "a style attribute"),
    (re.compile(r"\son[a-z]+\s*=\s*[\"'{]", re.IGNORECASE), "a handler attribute"),
    (re.compile(r"(?:href|action|src)\s*=\s*[\"']\s*javascript:", re.IGNORECASE), "script in an address"),
)
_SAFE = re.compile(r"\|\s*safe\b|\bMarkup\(|autoescape\s+false", re.IGNORECASE)


def check_template(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    for pattern, what in _IN_TEMPLATES:
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, f"{what}: the content policy would refuse it"
    for number, line in enumerate(lines, start=1):
        if _SAFE.search(line) and not any("{#" in near for near in lines[max(0, number - 2) : number]):
            yield number, "escaping is switched off without a comment on why that is safe"


# --- the rules on the project ---------------------------------------------------------------------------------------


def _python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _found(checker: Checker, folder: str) -> list[str]:
    found = []
    for path in _python_files(folder):
        file = path.relative_to(ROOT).as_posix()
        found += [f"{file}:{line}: {what}" for line, what in checker(file, ast.parse(path.read_text("utf-8")))]
    return found


@pytest.mark.parametrize("checker", OF_THE_SHOP, ids=lambda checker: checker.__name__)
def test_the_shop_keeps_the_rules_of_the_house(checker: Checker) -> None:
    assert _found(checker, "booking") == []


@pytest.mark.parametrize("checker", OF_FAKESTRIPE, ids=lambda checker: checker.__name__)
def test_fakestripe_keeps_the_rules_of_the_house(checker: Checker) -> None:
    assert _found(checker, "fakestripe") == []


def test_stripe_is_imported_in_exactly_one_file() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("booking", "fakestripe")
        for path in _python_files(folder)
        if any(name.split(".")[0] == "stripe" for _line, name in _imports(ast.parse(path.read_text("utf-8"))))
    }

    assert importers == {STRIPES_FILE}


def test_a_booking_is_confirmed_in_exactly_one_place() -> None:
    tree = ast.parse((ROOT / THE_ONE_DOOR).read_text("utf-8"))

    assert len([node for node in ast.walk(tree) if _confirms(node)]) == 1
    assert _found(check_confirming, "booking") == []


def test_templates_keep_to_the_content_policy_and_to_escaping() -> None:
    templates = [path for path in (ROOT / "templates").rglob("*.html") if "email" not in path.parts]
    templates += list((ROOT / "fakestripe").rglob("*.html"))

    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in templates
        for line, what in check_template(path.read_text("utf-8"))
    ]

    assert len(templates) > 40
    assert found == []


def test_mails_do_not_switch_escaping_off() -> None:
    mails = list((ROOT / "templates" / "email").rglob("*.html"))
    found = [path.name for path in mails for number, what in check_template(path.read_text()) if "escaping" in what]

    assert len(mails) > 10
    assert found == []


# --- the rules have teeth -------------------------------------------------------------------------------------------

_BAD: list[tuple[Checker, str, str]] = [
    (check_imports, "booking/domain/dates.py", "import sqlalchemy"),
    (check_imports, "booking/domain/dates.py", "from booking.models import Booking"),
    (check_imports, "booking/domain/dates.py", "def later():\n    from flask import request"),
    (check_imports, "booking/models/booking.py", "from booking.services import checkout"),
    (check_imports, "booking/models/booking.py", "import booking.gateways.payments"),
    (check_imports, "booking/queries/search.py", "from booking.services.refunds import order_refund"),
    (check_imports, "booking/queries/search.py", "from flask import g"),
    (check_imports, "booking/gateways/mail.py", "from booking.models import Booking"),
    (check_imports, "booking/gateways/mail.py", "import stripe"),
    (check_imports, "booking/gateways/mail.py", "from stripe import StripeClient"),
    (check_imports, "booking/services/checkout.py", "from flask import current_app"),
    (check_imports, "booking/services/checkout.py", "from booking.wiring import current_runtime"),
    (check_imports, "booking/services/checkout.py", "from booking import wiring"),
    (check_imports, "booking/services/checkout.py", "from booking.gateways import stripe_gateway"),
    (check_imports, "booking/services/checkout.py", "from booking.gateways.letters import build_letter_writer"),
    (check_imports, "booking/services/checkout.py", "from booking.web.guest import browser_id"),
    (check_imports, "booking/services/checkout.py", "from . import attempts"),
    (check_imports, "booking/web/guest.py", "from booking.models import Booking"),
    (check_imports, "booking/web/guest.py", "from booking.database import transaction"),
    (check_imports, "booking/web/guest.py", "import stripe.error"),
    (check_imports, "booking/jobs.py", "from booking.models import OutboxRow"),
    (check_imports, "booking/cli/staff.py", "from booking.web.errors import answer_error"),
    (check_imports, "booking/cli/staff.py", "from booking.models import Staff"),
    (check_imports, "booking/wiring.py", "import fakestripe"),
    (check_imports, "booking/wiring.py", "from tests.support import shop"),
    (check_imports, "booking/services/checkout.py", "from booking.drill.house import House"),
    (check_imports, "booking/drill/house.py", "from tests.support.shop import Shop"),
    (check_imports, "booking/drill/house.py", "import pytest"),
    (check_fakestripe_imports, "fakestripe/api.py", "from booking.domain.money import Money"),
    (check_fakestripe_imports, "fakestripe/api.py", "import stripe"),
    (check_confirming, "booking/web/guest.py", "timeline.move(s, b, BookingStatus.CONFIRMED, 'x', cause, now)"),
    (check_confirming, "booking/web/guest.py", "booking.status = BookingStatus.CONFIRMED"),
    (check_confirming, "booking/web/guest.py", "booking.status = 'confirmed'"),
    (check_confirming, "booking/cli/demo.py", "Booking(status=states.BookingStatus.CONFIRMED)"),
    (check_confirming, "booking/cli/demo.py", "update(Booking).values(status='confirmed')"),
    (check_confirming, "booking/cli/demo.py", "update(Booking).values({'status': 'confirmed'})"),
    (check_clock, "booking/services/nights.py", "from datetime import datetime\nnow = datetime.now(UTC)"),
    (check_clock, "booking/services/nights.py", "import datetime\nnow = datetime.datetime.utcnow()"),
    (check_clock, "booking/services/nights.py", "today = date.today()"),
    (check_clock, "booking/services/nights.py", "column = mapped_column(default=datetime.now)"),
    (check_clock, "booking/services/nights.py", "query = select(func.now())"),
    (check_commits, "booking/services/nights.py", "db.session.commit()"),
    (check_commits, "booking/services/nights.py", "session.commit()"),
    (check_transactions, "booking/web/guest.py", "with transaction() as session: pass"),
    (check_transactions, "booking/cli/demo.py", "with database.transaction() as session: pass"),
    (check_excepts, "booking/jobs.py", "try:\n    pass\nexcept:\n    pass"),
    (check_sizes, "booking/jobs.py", "def endless():\n" + "    pass\n" * 40),
    (check_docstring, "booking/jobs.py", "import os"),
]


@pytest.mark.parametrize(("checker", "file", "source"), _BAD, ids=[f"{c.__name__}-{s[:50]}" for c, _f, s in _BAD])
def test_control_each_rule_refuses_what_it_forbids(checker: Checker, file: str, source: str) -> None:
    assert len(list(checker(file, ast.parse(source)))) == 1


@pytest.mark.parametrize(
    ("checker", "file", "source"),
    [
        (check_imports, "booking/domain/dates.py", "from datetime import date\nfrom booking.domain.money import Money"),
        (check_imports, STRIPES_FILE, "import stripe"),
        (check_imports, "booking/services/checkout.py", "from booking.services import attempts, timeline"),
        (check_imports, "booking/wiring.py", "from booking.gateways.stripe_gateway import StripeGateway"),
        (check_confirming, THE_ONE_DOOR, "timeline.move(s, b, BookingStatus.CONFIRMED, 'x', cause, now)"),
        (check_confirming, "booking/web/guest.py", "is_on = booking.status is BookingStatus.CONFIRMED"),
        (check_clock, "booking/services/nights.py", "now = runtime.clock.now()"),
        (check_clock, "booking/clock.py", "now = datetime.now(UTC)"),
        (check_commits, "booking/services/nights.py", "savepoint.commit()"),
        (check_sizes, "booking/jobs.py", 'def f():\n    """Long, because it is a table."""\n' + "    pass\n" * 50),
    ],
)
def test_control_what_is_right_passes(checker: Checker, file: str, source: str) -> None:
    assert list(checker(file, ast.parse(source))) == []


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<SCRIPT type=module>",
        '<p style="color: red">',
        "<p\n  style='x'>",
        "<style>p {}</style>",
        '<a onclick="go()">',
        "<body onload={{ x }}>",
        '<a href="javascript:go()">',
        "{{ text | safe }}",
        "{{ text|safe }}",
        "{% autoescape false %}",
    ],
)
def test_control_each_template_rule_refuses_what_it_forbids(markup: str) -> None:
    assert len(list(check_template(markup))) == 1


@pytest.mark.parametrize(
    "markup",
    ['<script src="/static/x.js"></script>', "<p class=style>", "{# Made by us: digits only. #}\n{{ digits | safe }}",
     "<p>once = one</p>"],
)  # fmt: skip
def test_control_harmless_markup_passes(markup: str) -> None:
    assert list(check_template(markup)) == []
