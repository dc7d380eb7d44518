"""Every staff route by every role, from the table of permits; and one line in the audit log for every change."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.routing import Rule

from booking.domain.roles import ALLOWED, Permission, Role, is_allowed
from booking.models import AuditLine
from booking.web.admin import menu, permits
from tests.web.admin_changes import CHANGES, NO_CHANGE, PRESS
from tests.web.admin_house import FIRST, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def staff_routes(house: House) -> Iterator[tuple[str, str, str]]:
    """Method, endpoint and path of every staff route, with something where the path wants a value."""
    urls = house.app.url_map.bind("localhost")
    for rule in house.app.url_map.iter_rules():
        if rule.rule.startswith("/admin"):
            path = urls.build(rule.endpoint, {name: _some(rule, name) for name in rule.arguments})
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.endpoint, path


def _some(rule: Rule, name: str) -> str:
    return "1" if f"int:{name}" in rule.rule else "something"


def hollow(house: House) -> None:
    """Put a stand-in behind every staff route, so that the guard alone decides."""
    for _method, endpoint, _path in staff_routes(house):
        if endpoint not in permits.OPEN_TO_ALL:
            house.app.view_functions[endpoint] = lambda **_values: "open"


def test_every_staff_route_has_a_line_and_every_line_a_route(house: House) -> None:
    routes = {endpoint for _method, endpoint, _path in staff_routes(house)}

    assert routes - permits.PERMITS.keys() - permits.OPEN_TO_ALL == set()
    assert permits.PERMITS.keys() - routes == set()
    assert permits.PERMITS.keys() & permits.OPEN_TO_ALL == set()


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_exactly_what_the_table_says(house: House, role: Role) -> None:
    client = house.member(role)
    hollow(house)
    wrong = []
    for method, endpoint, path in staff_routes(house):
        if endpoint in permits.OPEN_TO_ALL:
            continue
        answer = client.open(path, method=method, data=PRESS if method == "POST" else None)
        expected = 200 if is_allowed(role, permits.PERMITS[endpoint]) else 403
        if answer.status_code != expected or (answer.text == "open") != (expected == 200):
            wrong.append((method, path, answer.status_code))

    assert wrong == []


def test_a_stranger_opens_nothing_but_the_way_in(house: House) -> None:
    hollow(house)
    client, asked = house.stranger(), 0
    for method, endpoint, path in staff_routes(house):
        if endpoint not in permits.OPEN_TO_ALL:
            answer = client.open(path, method=method, data=PRESS if method == "POST" else None)
            assert answer.status_code == 302, (method, path)
            assert answer.location.startswith("/admin/login?next="), path
            asked += 1

    assert asked > 30


def test_a_route_without_a_line_opens_to_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = {endpoint: permission for endpoint, permission in permits.PERMITS.items() if endpoint != "admin.bookings"}
    monkeypatch.setattr(permits, "PERMITS", rest)

    assert house.ada().get("/admin/bookings").status_code == 403


def test_what_is_not_allowed_is_told_in_plain_words(house: House) -> None:
    answer = house.member(Role.READ_ONLY).post("/admin/closures", data=PRESS)

    assert answer.status_code == 403
    assert "Your role in this house does not allow it." in answer.text
    assert "Sign out" in answer.text


def test_owners_may_do_everything_and_nobody_else_may_change_people() -> None:
    assert ALLOWED[Role.OWNER] == set(Permission)
    assert [role for role in Role if is_allowed(role, Permission.CHANGE_PEOPLE)] == [Role.OWNER]
    assert [role for role in Role if not is_allowed(role, Permission.OWN_ACCOUNT)] == []


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.READ_ONLY])
def test_who_only_looks_can_change_nothing_but_the_own_account(house: House, role: Role) -> None:
    posts = {endpoint for method, endpoint, _path in staff_routes(house) if method == "POST"} - permits.OPEN_TO_ALL

    open_to_them = {permits.PERMITS[endpoint] for endpoint in posts if is_allowed(role, permits.PERMITS[endpoint])}

    assert open_to_them == {Permission.OWN_ACCOUNT}


# --- what is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_the_menu_leads_only_to_what_opens(house: House, role: Role) -> None:
    client = house.member(role)
    for _label, pages in menu.MENU:
        for endpoint, _name in pages:
            with house.app.test_request_context():
                path = house.app.url_for(endpoint)
            is_open = is_allowed(role, permits.PERMITS[endpoint])
            assert client.get(path).status_code == (200 if is_open else 403), path


def test_buttons_that_would_be_refused_are_not_shown(house: House) -> None:
    booking_id = house.book(needs_review=True)
    house.errand(booking_id, "done")
    pages = {role: house.member(role).get(f"/admin/bookings/{booking_id}").text for role in Role}

    for words in ("Cancel booking", "Refund part or all", "Mark as dealt with"):
        assert [role for role in Role if words in pages[role]] == [Role.OWNER, Role.MANAGER], words
    for words in ("Send again", "Mail the guest a receipt", "Correct the e-mail address"):
        assert [role for role in Role if words in pages[role]] == [Role.OWNER, Role.MANAGER, Role.DESK], words


# --- what is written down -------------------------------------------------------------------------------------------


def test_every_route_that_changes_something_has_a_request_in_the_table(house: House) -> None:
    posts = {endpoint for method, endpoint, _path in staff_routes(house) if method != "GET"}

    assert posts - CHANGES.keys() - NO_CHANGE == set()
    assert (CHANGES.keys() | NO_CHANGE) - posts == set()


@pytest.mark.parametrize("endpoint", CHANGES)
def test_a_change_is_one_line_in_the_audit_log(house: House, endpoint: str) -> None:
    asked = CHANGES[endpoint]
    path, form = asked.prepare(house)
    client = asked.browser(house)
    before = house.count(AuditLine)

    answer = client.post(path, data=form)

    assert answer.status_code in (200, 303), answer.text
    assert [(who, action) for who, action, _subject in house.audit()[before:]] == [(asked.who, asked.action)]


class Ways(HTMLParser):
    """Where a page leads: its links, and where its forms go. Search forms ask with GET."""

    def __init__(self, page: str, path: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self._here, self._method = path, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "a" and said.get("href"):
            self._add("GET", said["href"])
        elif tag == "form":
            self._method = (said.get("method") or "get").upper()
            self._add(self._method, said.get("action") or self._here)
        elif tag == "button" and said.get("formaction"):
            self._add((said.get("formmethod") or self._method).upper(), said["formaction"])

    def _add(self, method: str, address: str | None) -> None:
        path = urlsplit(address or "").path
        if path.startswith("/admin"):
            self.found.add((method, path))


def furnished(house: House) -> None:
    """One of everything that pages may show, so that their buttons are there."""
    booking_id = house.book(needs_review=True)
    house.refund(booking_id, 1000, "failed")
    house.dispute(booking_id)
    house.event("something", "failed", booking_id)
    house.errand(booking_id)
    house.errand(booking_id, "done")
    house.book(FIRST.shifted(20), status="pending", paid=False)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_no_page_leads_to_what_would_be_refused(house: House, role: Role) -> None:
    furnished(house)
    client, urls = house.member(role), house.app.url_map.bind("localhost")
    wrong = set()
    for method, endpoint, path in staff_routes(house):
        if method != "GET" or endpoint in permits.OPEN_TO_ALL or path.endswith(".csv"):
            continue
        answer = client.get(path)
        if answer.status_code != 200:
            continue
        for way, address in Ways(answer.text, path).found:
            found, _ = urls.match(address, method=way)
            if found not in permits.OPEN_TO_ALL and not is_allowed(role, permits.PERMITS[found]):
                wrong.add((endpoint, way, found))

    assert "\n".join(map(str, sorted(wrong))) == ""
