"""The same protection on every answer: headers, cookies, hosts, redirects. Errors and static files are no exception."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking import create_app
from booking.config import AppEnv
from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Listing
from booking.services.limits import SEARCHING
from booking.services.reservations import PlaceRequest, check_and_quote, place_booking
from booking.services.staff import create_staff
from tests.support.shop import GRACE, MemoryMailer, ShiftedClock, add_listing, dispose, fields_of, make_settings, outfit

HOST = "stay.example.org"
BASE = f"https://{HOST}"
ADA, PASSWORD = "ada@example.org", "a long and quiet harbour wall"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self' https://checkout.stripe.com",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "manifest-src": "'self'",
}
# What stands in the place of a part of an address; anything that is not named here is a number.
_PARTS = {
    "slug": "harbour-loft", "reference": "ABCDEFGH", "token": "x" * 43, "event_id": "evt_1", "filename": "css/base.css",
    "digest": "0" * 64, "name": "800.webp",
}  # fmt: skip
PRIVATE = ("/admin", "/b/", "/club", "/m/", "/manage", "/pay/")


@pytest.fixture
def production(sqlite_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """The shop with the settings of production. Its live key is made up, and nothing here calls Stripe."""
    path = tmp_path / "production.db"
    shutil.copy(sqlite_template, path)
    app = create_app(
        make_settings(
            f"sqlite:///{path}",
            app_env=AppEnv.PRODUCTION,
            app_base_url=BASE,
            trusted_hosts=(HOST,),
            stripe_secret_key="rk_live_0123456789abcdef",
            rate_limits=True,
        )
    )
    outfit(app, ShiftedClock(), MemoryMailer())
    add_listing(app)
    app.add_url_rule("/breaks", "breaks", lambda: 1 / 0)
    for code in (400, 403, 409, 410, 413, 422, 429, 500, 503):
        app.add_url_rule(f"/error/{code}", f"error{code}", lambda code=code: abort(code))
    yield app
    dispose(app)


@pytest.fixture
def guest(production: Flask) -> FlaskClient:
    return production.test_client()


@pytest.fixture
def ada(production: Flask) -> FlaskClient:
    """Somebody who is signed in."""
    with production.app_context():
        create_staff(production.extensions["holdfast"], ADA, "Ada", PASSWORD)
    client = production.test_client()
    assert _sign_in(client).status_code == 303
    return client


def _get(client: FlaskClient, path: str) -> TestResponse:
    return client.get(path, base_url=BASE, buffered=True)


def _post(client: FlaskClient, path: str, data: dict[str, str]) -> TestResponse:
    return client.post(path, data=data, base_url=BASE, headers={"Referer": f"{BASE}{path}"})


def _sign_in(client: FlaskClient, **more: str) -> TestResponse:
    form = fields_of(_get(client, "/admin/login").text)
    return _post(client, "/admin/login", {**form, "email": ADA, "password": PASSWORD, **more})


def _paths(app: Flask) -> list[str]:
    """Each address that can be asked for, with something in the place of each part, and every kind of error."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    filled = [_filled(rule) for rule in rules]
    spoken = [f"/de{path}" for path in ("/", "/stays", "/manage", "/pay/cancelled", "/nowhere")]
    return [*filled, *spoken, "/nowhere", "/static/nothing.css", "/webhooks/stripe/", "/stays?arrive=x", "/stays/none"]


def _filled(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: _PARTS.get(part[1], "1"), rule)


def _policy_of(answer: TestResponse) -> dict[str, str]:
    parts = [part.split(maxsplit=1) for part in answer.headers["Content-Security-Policy"].split(";")]
    return dict(parts)


def _assert_protected(path: str, answer: TestResponse) -> None:
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE, path
    assert len(answer.headers.getlist("Content-Security-Policy")) == 1, path
    assert _policy_of(answer) == POLICY, path
    assert "unsafe" not in answer.headers["Content-Security-Policy"], path
    assert "Access-Control-Allow-Origin" not in answer.headers, path
    path = path.removeprefix("/de")
    if path.startswith(PRIVATE) or path.endswith(("/book", "/review")):
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        assert answer.headers["Cache-Control"] == "no-store", path
    else:
        assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin", path


# --- headers --------------------------------------------------------------------------------------------------------


def test_every_address_answers_strangers_with_all_headers(production: Flask, guest: FlaskClient) -> None:
    answers = {path: _get(guest, path) for path in _paths(production)}

    assert len(answers) > 40
    codes = {answer.status_code for answer in answers.values()}
    assert {200, 303, 404, 405, 422, 500} <= codes
    for path, answer in answers.items():
        _assert_protected(path, answer)


def test_every_address_answers_staff_with_all_headers(production: Flask, ada: FlaskClient) -> None:
    for path in _paths(production):
        _assert_protected(path, _get(ada, path))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/stays", "/admin/", "/b/ABCDEFGH", "/webhooks/stripe/"])
def test_other_methods_get_all_headers_and_change_nothing(guest: FlaskClient, method: str, path: str) -> None:
    answer = guest.open(path, method=method, base_url=BASE, buffered=True)

    assert answer.status_code in (200, 204, 302, 303, 404, 405, 411)
    _assert_protected(path, answer)


@pytest.mark.parametrize("path", ["/", "/manage", "/stays/harbour-loft/book", "/admin/login", "/pay/release"])
def test_a_form_without_its_token_is_refused_with_all_headers(guest: FlaskClient, path: str) -> None:
    answer = guest.post(path, data={"name": "x"}, base_url=BASE)

    assert answer.status_code in (400, 405)
    _assert_protected(path, answer)


def test_a_wrong_method_is_405_and_names_the_right_ones_on_every_address(production: Flask, ada: FlaskClient) -> None:
    rules = [rule for rule in production.url_map.iter_rules() if rule.rule not in ("/static/<path:filename>",)]
    allowed: dict[str, set[str]] = {}
    for rule in rules:
        allowed.setdefault(_filled(rule.rule), set()).update(rule.methods or ())

    urls = production.url_map.bind("localhost")
    for path, methods in allowed.items():
        answer = ada.open(path, method="DELETE", base_url=BASE, buffered=True)
        assert answer.status_code == 405, path
        named = set(answer.headers["Allow"].split(", "))
        assert methods <= named == set(urls.allowed_methods(path)), path  # a rule with a word in it may fit, too
        _assert_protected(path, answer)


def test_looking_changes_no_row_whoever_looks_and_however(
    production: Flask, guest: FlaskClient, ada: FlaskClient
) -> None:
    """Only the limits count along. Stripe's own return page may settle a booking, and only by what Stripe says."""
    _place(production)
    before = _rows(production)

    for client in (guest, ada):
        for path in _paths(production):
            for method in ("GET", "HEAD", "OPTIONS"):
                client.open(path, method=method, base_url=BASE, buffered=True)

    assert _rows(production) == before


def _rows(app: Flask) -> dict[str, list[str]]:
    with app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name != "rate_window"]
        return {table.name: sorted(map(str, db.session.execute(table.select()))) for table in tables}


@pytest.mark.parametrize("path", ["/", "/stays/harbour-loft", "/static/css/base.css", "/webhooks/stripe/", "/admin/"])
def test_no_other_site_is_told_that_it_may_read_anything(guest: FlaskClient, path: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    answer = guest.options(path, base_url=BASE, headers=asked, buffered=True)

    assert not any(name.lower().startswith("access-control") for name in answer.headers.keys())  # noqa: SIM118


# --- forms of other sites -------------------------------------------------------------------------------------------


def _unsafe_paths(app: Flask) -> list[str]:
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    return [_filled(rule.rule) for rule in rules if not rule.rule.startswith("/webhooks/")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_a_form_that_another_site_sends_is_refused_on_every_address_even_with_a_good_token(
    production: Flask, ada: FlaskClient, site: str
) -> None:
    token = fields_of(_get(ada, "/admin/account").text)["csrf_token"]
    before = _rows(production)

    for path in _unsafe_paths(production):
        answer = ada.post(path, data={"csrf_token": token}, base_url=BASE,
                          headers={"Sec-Fetch-Site": site, "Referer": f"{BASE}{path}"})  # fmt: skip
        assert answer.status_code == 403, path
        _assert_protected(path, answer)
    assert _rows(production) == before


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_forms_of_our_own_pages_and_of_browsers_that_say_nothing_pass(production: Flask, site: str | None) -> None:
    client = production.test_client()
    form = fields_of(_get(client, "/manage").text)
    headers = {"Referer": f"{BASE}/manage", **({"Sec-Fetch-Site": site} if site else {})}

    answer = client.post("/manage", data={**form, "reference": "ABCDEFGH", "email": "grace@example.org"},
                         base_url=BASE, headers=headers)  # fmt: skip

    assert answer.status_code == 303


def test_links_from_other_sites_are_followed(guest: FlaskClient) -> None:
    answer = guest.get("/", base_url=BASE, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200


def test_what_stripe_sends_is_judged_by_its_signature_alone(guest: FlaskClient) -> None:
    answer = guest.post("/webhooks/stripe/", data=b"{}", base_url=BASE, headers={"Sec-Fetch-Site": "cross-site"})

    assert (answer.status_code, answer.json) == (400, {"error": "signature or body not valid"})


def test_a_crash_shows_nothing_of_the_inside(guest: FlaskClient) -> None:
    answer = _get(guest, "/breaks")

    assert answer.status_code == 500
    assert not any(word in answer.text for word in ("ZeroDivisionError", "Traceback", "division", ".py", "sqlite"))
    _assert_protected("/breaks", answer)


def test_plain_development_promises_no_https(client: FlaskClient) -> None:
    answer = client.get("/terms")

    assert "Strict-Transport-Security" not in answer.headers
    assert _policy_of(answer)["form-action"] == "'self' http://127.0.0.1:1"  # where its fakestripe would be


def test_monitors_learn_nothing_of_the_inside(guest: FlaskClient) -> None:
    assert _get(guest, "/healthz").json == {"status": "ok"}
    ready = _get(guest, "/readyz")
    assert ready.status_code == 503
    assert set(ready.json or {}) == {"ready", "database", "schema", "worker", "disk"}
    assert all(isinstance(value, bool) for value in (ready.json or {}).values())
    assert not any(word in ready.text for word in ("sqlite", "/", "0001", "Error"))


# --- cookies --------------------------------------------------------------------------------------------------------


def _cookies(answer: TestResponse) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


@pytest.mark.parametrize("path", ["/", "/stays", "/stays/harbour-loft", "/terms", "/privacy", "/healthz", "/nowhere",
                                  "/static/css/base.css", "/pay/cancelled", "/admin/"])  # fmt: skip
def test_nobody_gets_a_cookie_for_looking_around(guest: FlaskClient, path: str) -> None:
    assert _cookies(_get(guest, path)) == []


@pytest.mark.parametrize("path", ["/manage", "/admin/login"])
def test_the_one_cookie_of_production_is_locked_down(guest: FlaskClient, path: str) -> None:
    (cookie,) = _cookies(_get(guest, path))

    name, *flags = [part.strip() for part in cookie.split(";")]
    assert name.startswith("__Host-stay=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)
    assert len(cookie) < 4093


def test_the_cookie_of_a_demo_on_plain_http_still_keeps_scripts_out(client: FlaskClient, app: Flask) -> None:
    (cookie,) = _cookies(client.get("/manage"))

    assert cookie.startswith("stay=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_a_cookie_that_was_tampered_with_opens_nothing(production: Flask, ada: FlaskClient) -> None:
    cookie = ada.get_cookie("__Host-stay", domain=HOST)
    assert cookie is not None
    linus = production.test_client()
    for forged in (cookie.value[:-2] + "xx", cookie.value.replace(".", ".x", 1), "e30.x.y", "", "x" * 4000):
        linus.set_cookie("__Host-stay", forged, domain=HOST, secure=True)
        assert _get(linus, "/admin/").status_code in (302, 303)


def test_a_bookings_page_is_private_and_other_browsers_are_told_it_is_not_there(
    production: Flask, guest: FlaskClient
) -> None:
    reference = _place(production)

    answer, unknown = _get(guest, f"/b/{reference}"), _get(guest, "/b/ZZZZZZZZ")

    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert answer.text == unknown.text
    assert "Grace" not in answer.text


def _place(app: Flask) -> str:
    with app.app_context():
        runtime = app.extensions["holdfast"]
        now = runtime.clock.now()
        listing = db.session.get_one(Listing, 1)
        arrive = now.date().replace(year=now.year + 1, month=3, day=10)
        stay = Stay(arrive, arrive.replace(day=13))
        total = check_and_quote(listing, stay, 2, now).total
        return place_booking(runtime, PlaceRequest(listing.id, stay, 2, GRACE, "grace", total)).reference


# --- hosts and proxies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", f"evil.example#{HOST}", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("path", ["/", "/manage", "/admin/login", "/nowhere"])
def test_another_host_is_400_and_stands_in_no_link(guest: FlaskClient, host: str, path: str) -> None:
    answer = guest.get(path, headers={"Host": host})

    assert answer.status_code == 400
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)


def test_what_a_stranger_says_about_proxies_is_not_believed(guest: FlaskClient) -> None:
    spoofed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp", "X-Forwarded-For": "10.0.0.1",
               "X-Forwarded-Prefix": "/evil", "Forwarded": "host=evil.example"}  # fmt: skip

    answer = guest.get("/admin/", base_url=BASE, headers=spoofed)

    assert answer.status_code in (302, 303)
    assert answer.location.startswith(("/admin/login", f"{BASE}/admin/login"))
    assert "evil" not in answer.location


@pytest.fixture
def behind_proxy(sqlite_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """The shop behind one proxy of its own, which says who asks."""
    path = tmp_path / "proxied.db"
    shutil.copy(sqlite_template, path)
    app = create_app(make_settings(f"sqlite:///{path}", proxy_hops=1, rate_limits=True))
    outfit(app, ShiftedClock(), MemoryMailer())
    add_listing(app)
    yield app
    dispose(app)


def _searches(app: Flask, headers: dict[str, str], times: int) -> list[int]:
    client = app.test_client()
    return [client.get("/stays?arrive=2099-03-01&leave=2099-03-04", headers=headers).status_code for _ in range(times)]


def test_a_visitor_cannot_change_the_address_that_limits_count_by_making_up_more_hops(behind_proxy: Flask) -> None:
    """The proxy writes the last entry; whatever a visitor wrote stands before it."""
    codes = []
    for number in range(SEARCHING.most + 1):
        codes += _searches(behind_proxy, {"X-Forwarded-For": f"10.9.8.{number}, 203.0.113.9"}, 1)

    assert codes.count(429) == 1
    assert codes[-1] == 429


def test_without_a_proxy_nobody_is_believed_who_says_where_they_come_from(production: Flask) -> None:
    codes = []
    for number in range(SEARCHING.most + 1):
        client = production.test_client()
        answer = client.get("/stays?arrive=2099-03-01&leave=2099-03-04", base_url=BASE,
                            headers={"X-Forwarded-For": f"10.9.8.{number}"})  # fmt: skip
        codes.append(answer.status_code)

    assert codes[-1] == 429


# --- redirects ------------------------------------------------------------------------------------------------------

_ELSEWHERE = [
    "https://evil.example", "http://evil.example", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\t/evil.example", "/\r\n/evil.example",
    " //evil.example", "https:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x",
    "evil.example", "@evil.example", "/%5c\\evil.example", "\x00//evil.example", "/.\\evil.example",
    "https://stay.example.org@evil.example", "//stay.example.org.evil.example", "?next=//evil.example",
    "/admin/\r\nSet-Cookie: a=b", "/" + "x" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("target", _ELSEWHERE)
def test_signing_in_never_leads_to_another_site(production: Flask, ada: FlaskClient, target: str) -> None:
    fresh = production.test_client()
    page = fresh.get("/admin/login", query_string={"next": target}, base_url=BASE)
    assert page.status_code == 200

    answer = _sign_in(fresh, next=target)
    again = ada.get("/admin/login", query_string={"next": target}, base_url=BASE)

    assert (answer.status_code, answer.location) == (303, "/admin/")
    assert (again.status_code, again.location) == (303, "/admin/")


@pytest.mark.parametrize("target", ["/admin/bookings", "/admin/bookings/1?page=2", "/admin/webhooks"])
def test_signing_in_leads_to_the_page_that_was_asked_for(ada: FlaskClient, target: str) -> None:
    answer = ada.get("/admin/login", query_string={"next": target}, base_url=BASE)

    assert (answer.status_code, answer.location) == (303, target)


@pytest.mark.parametrize("target", _ELSEWHERE)
def test_choosing_light_or_dark_never_leads_to_another_site(production: Flask, target: str) -> None:
    client = production.test_client()
    page = client.get("/look", query_string={"back": target}, base_url=BASE)
    form = fields_of(page.text)

    answer = _post(client, "/look", {**form, "look": "dark", "scheme": "dark", "back": target})

    assert page.status_code in (200, 400, 404)
    place = answer.location or "/"
    assert place.startswith("/")
    assert not place.startswith(("//", "/\\"))
    assert "evil" not in place.partition("?")[0]


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/..", "/\\evil.example", "/stays//evil.example"])
def test_a_strange_path_leads_nowhere_else(guest: FlaskClient, path: str) -> None:
    answer = _get(guest, path)

    assert answer.status_code in (400, 404) or (answer.location or "").startswith(("/", BASE))
    assert not (answer.location or "").startswith("//")


# --- what may come in -----------------------------------------------------------------------------------------------


def test_a_form_of_more_than_a_megabyte_is_413(guest: FlaskClient) -> None:
    answer = guest.post("/manage", data=b"x=" + b"1" * 1_000_001, base_url=BASE,
                        content_type="application/x-www-form-urlencoded")  # fmt: skip

    assert answer.status_code == 413
    _assert_protected("/manage", answer)


@pytest.mark.parametrize("path", ["/static/../booking/config.py", "/static/%2e%2e/wsgi.py", "/static//etc/passwd",
                                  "/static/..%2f..%2fetc/passwd", "/static/css/"])  # fmt: skip
def test_static_files_are_the_only_files_one_can_ask_for(guest: FlaskClient, path: str) -> None:
    answer = _get(guest, path)

    assert answer.status_code in (301, 308, 404)
    assert "import" not in answer.text
    assert "root:" not in answer.text


def test_no_form_anywhere_asks_for_a_card(production: Flask, ada: FlaskClient) -> None:
    for path in _paths(production):
        text = _get(ada, path).get_data(as_text=True) if "static" not in path else ""
        assert not re.search(r"cc-number|cardNumber|card-number|cvc|cvv", text, re.IGNORECASE), path
