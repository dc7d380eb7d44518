"""web/auth: signing in and out, and what a sign-in can be used for."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from booking.models import Staff
from booking.services import sign_ins
from tests.web.admin_house import ADA, PASSWORD, House, csrf_of, value_of

EMPTY = {"submit": ""}  # a browser's POST always says how long it is


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def guarded_house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.app.config["WTF_CSRF_ENABLED"] = True
    return house


def sign_in(client: FlaskClient, email: str = ADA, password: str = PASSWORD, **more: str) -> int:
    return client.post("/admin/login", data={"email": email, "password": password, **more}).status_code


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def test_right_password_opens_the_staff_pages(house: House) -> None:
    client = house.stranger()

    answer = client.post("/admin/login", data={"email": ADA, "password": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/admin/")
    assert is_in(client)


@pytest.mark.parametrize("email", [ADA, "nobody@example.org"])
def test_wrong_password_and_unknown_address_look_the_same(house: House, email: str) -> None:
    answer = house.stranger().post("/admin/login", data={"email": email, "password": "not the password"})

    assert answer.status_code == 422
    assert "That e-mail address and password do not match." in answer.text
    assert "not the password" not in answer.text


@pytest.mark.parametrize("form", [{"next": ""}, {"email": ADA}, {"password": PASSWORD}, {"email": "", "password": ""}])
def test_missing_fields_are_named(house: House, form: dict[str, str]) -> None:
    answer = house.stranger().post("/admin/login", data=form)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_sixth_try_gets_429_and_when_to_come_back(house: House) -> None:
    client = house.stranger()
    codes = [sign_in(client, password="not the password") for _ in range(5)]
    house.clock.move(minutes=5)

    answer = client.post("/admin/login", data={"email": ADA, "password": PASSWORD})

    assert codes == [422] * 5
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")


def test_guessing_elsewhere_does_not_lock_ada_out(house: House) -> None:
    away = {"REMOTE_ADDR": "198.51.100.7"}
    for _ in range(9):
        house.stranger().post("/admin/login", data={"email": ADA, "password": "wrong wrong wrong"}, environ_base=away)

    assert sign_in(house.stranger()) == 303


@pytest.mark.parametrize("path", ["/admin/bookings", "/admin/bookings?q=grace&page=2", "/"])
def test_signing_in_goes_on_to_a_local_path(house: House, path: str) -> None:
    answer = house.stranger().post("/admin/login", data={"email": ADA, "password": PASSWORD, "next": path})

    assert answer.location == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
        "evil.example",
        "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/ok\\..\\evil", "/\x00",
        "/a\r\nSet-Cookie: a=b", "", "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_signing_in_goes_nowhere_else(house: House, path: str) -> None:
    answer = house.stranger().post("/admin/login", data={"email": ADA, "password": PASSWORD, "next": path})

    assert answer.location == "/admin/"


def test_someone_signed_in_is_sent_on_from_the_login_page(house: House) -> None:
    client = house.ada()

    assert client.get("/admin/login?next=/admin/bookings").location == "/admin/bookings"
    assert client.get("/admin/login?next=" + quote("//evil.example")).location == "/admin/"


def test_stranger_is_brought_back_to_where_they_wanted_to_go(house: House) -> None:
    client = house.stranger()
    answer = client.get("/admin/bookings?q=grace")
    page = client.get(answer.location).text

    assert answer.status_code == 302
    assert value_of(page, "next") == "/admin/bookings?q=grace"


def test_signing_in_keeps_a_browsers_bookings_and_drops_the_rest(house: House) -> None:
    client = house.stranger()
    with client.session_transaction() as session:
        session.update(browser="b", bookings=["H7K2M9QX"], details={"name": "Grace"}, csrf_token="old", planted="x")

    sign_in(client)

    with client.session_transaction() as session:
        assert (session["browser"], session["bookings"]) == ("b", ["H7K2M9QX"])
        assert not {"csrf_token", "details", "planted"} & set(session)


def test_signing_in_makes_form_tokens_of_before_useless(guarded_house: House) -> None:
    client = guarded_house.stranger()
    before = csrf_of(client.get("/admin/login").text)
    form = {"email": ADA, "password": PASSWORD, "csrf_token": before}
    assert client.post("/admin/login", data=form).status_code == 303

    assert client.post("/admin/account/end-sign-ins", data={"csrf_token": before}).status_code == 400
    assert is_in(client)


def test_a_sign_in_that_met_a_dead_database_can_be_sent_again(
    guarded_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise OperationalError("select", {}, Exception("down"))

    client = guarded_house.stranger()
    form = {"email": ADA, "password": PASSWORD, "csrf_token": csrf_of(client.get("/admin/login").text)}
    with monkeypatch.context() as patch:  # it dies after the sign-in is written, before the cookie is
        patch.setattr(sign_ins, "find_present", dead)
        assert client.post("/admin/login", data=form).status_code == 503

    assert client.post("/admin/login", data=form).status_code == 303
    assert is_in(client)


def test_signing_in_needs_the_forms_token(guarded_house: House) -> None:
    assert sign_in(guarded_house.stranger()) == 400


def test_signing_out_ends_the_sign_in(house: House) -> None:
    client = house.ada()

    answer = client.post("/admin/logout", data=EMPTY)

    assert (answer.status_code, answer.location) == (303, "/admin/login")
    assert not is_in(client)


def test_signing_out_by_get_is_not_possible(house: House) -> None:
    client = house.ada()

    assert client.get("/admin/logout").status_code == 405
    assert is_in(client)


def test_half_an_hour_without_a_page_ends_the_sign_in(house: House) -> None:
    client = house.ada()
    for _ in range(4):
        house.clock.move(minutes=25)
        assert is_in(client)

    house.clock.move(minutes=30)

    assert not is_in(client)


def test_twelve_hours_end_even_a_busy_sign_in(house: House) -> None:
    client = house.ada()
    for _ in range(29):
        house.clock.move(minutes=25)
        still_in = is_in(client)

    assert not still_in


def test_switched_off_account_is_out_at_once(house: House) -> None:
    client = house.ada()
    with house.rows() as session:
        session.query(Staff).update({"is_active": False})

    assert not is_in(client)
    assert sign_in(client) == 422


def test_new_session_key_ends_all_sign_ins(house: House) -> None:
    clients = [house.ada(), house.ada()]
    with house.rows() as session:
        session.query(Staff).update({"session_key": "another"})

    assert [is_in(client) for client in clients] == [False, False]


def test_signing_out_everywhere_ends_the_other_browser_too(house: House) -> None:
    here, there = house.ada(), house.ada()

    here.post("/admin/account/end-sign-ins", data=EMPTY)

    assert [is_in(here), is_in(there)] == [False, False]


def test_changing_the_password_keeps_this_browser_in_and_the_other_out(house: House) -> None:
    here, there = house.ada(), house.ada()
    form = {"old_password": PASSWORD, "password": "brass lamp over the stairs"}

    answer = here.post("/admin/account/password", data=form)

    assert answer.status_code == 303
    assert [is_in(here), is_in(there)] == [True, False]
    assert sign_in(house.stranger(), password="brass lamp over the stairs") == 303


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a wild guess of mine", "brass lamp over the stairs", "not your present password"),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, "passwordpassword", "easy to guess"),
    ],
)
def test_refused_passwords_say_why_beside_the_field(house: House, old: str, new: str, words: str) -> None:
    answer = house.ada().post("/admin/account/password", data={"old_password": old, "password": new})

    assert answer.status_code == 422
    assert words in answer.text
    assert new not in answer.text


def test_no_sign_in_is_remembered_beyond_the_browser(house: House) -> None:
    client = house.stranger()

    answer = client.post("/admin/login", data={"email": ADA, "password": PASSWORD, "remember": "on"})

    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    assert "remember" not in cookies[0]
    assert "Expires" not in cookies[0]
    assert "Max-Age" not in cookies[0]
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[0]


@pytest.mark.parametrize("cookie", ["1", "1.", ".key", "x.y", "1.wrong", "999.wrong", "-1.key", "\u0661.key"])
def test_a_made_up_identity_opens_nothing(house: House, cookie: str) -> None:
    client = house.stranger()
    with client.session_transaction() as session:
        session.update(_user_id=cookie, _fresh=True)

    assert not is_in(client)


def test_login_page_is_never_stored(house: House) -> None:
    answer = house.stranger().get("/admin/login")

    assert answer.headers["Cache-Control"] == "no-store"
