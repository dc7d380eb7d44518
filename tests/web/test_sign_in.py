"""web/auth: the second step, one's sign-ins, showing again who one is, and links that set a password."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from booking.database import transaction
from booking.models import Refund, StaffSession
from booking.models.staff import StaffLinkPurpose
from booking.services import people, staff
from tests.web.admin_house import ADA, BEN, NOW, PASSWORD, House, csrf_of, value_of

PRESS = {"submit": ""}
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def half_way(house: House, **more: str) -> FlaskClient:
    """A browser in which Ada has typed her password, and not her code."""
    client = house.stranger()
    assert client.post("/admin/login", data={"email": ADA, "password": PASSWORD, **more}).status_code == 303
    return client


# --- the code -------------------------------------------------------------------------------------------------------


def test_with_codes_a_password_alone_opens_nothing(house: House) -> None:
    house.set_up_codes()

    client = half_way(house, next="/admin/bookings")

    assert not is_in(client)
    page = client.get("/admin/login/code?next=/admin/bookings")
    assert 'autocomplete="one-time-code"' in page.text
    answer = client.post("/admin/login/code", data={"code": house.next_code(), "next": "/admin/bookings"})
    assert (answer.status_code, answer.location) == (303, "/admin/bookings")
    assert is_in(client)


def test_a_wrong_code_is_told_and_a_used_one_is_wrong(house: House) -> None:
    house.set_up_codes()
    code = house.next_code()
    first, second = half_way(house), half_way(house)

    assert first.post("/admin/login/code", data={"code": code}).status_code == 303
    answer = second.post("/admin/login/code", data={"code": code})

    assert answer.status_code == 422
    assert "was used before" in answer.text
    assert not is_in(second)


def test_a_recovery_code_opens_in_place_of_the_app(house: House) -> None:
    recovery = house.set_up_codes()
    client = half_way(house)

    assert client.post("/admin/login/code", data={"code": recovery[3]}).status_code == 303
    assert is_in(client)


def test_between_password_and_code_are_five_minutes(house: House) -> None:
    house.set_up_codes()
    client = half_way(house)

    house.clock.move(minutes=5)

    answer = client.post("/admin/login/code", data={"code": house.next_code()})
    assert (answer.status_code, answer.location) == (303, "/admin/login")
    assert not is_in(client)


def test_a_new_password_ends_what_an_old_one_began(house: House) -> None:
    house.set_up_codes()
    client = half_way(house)
    with house.app.app_context():
        staff.reset_password(house.runtime, ADA, "brass lamp over the stairs")

    assert client.post("/admin/login/code", data={"code": house.next_code()}).location == "/admin/login"


@pytest.mark.parametrize("path", ["/admin/login/code", "/admin/"])
def test_nobody_comes_to_the_second_step_without_the_first(house: House, path: str) -> None:
    house.set_up_codes()
    client = house.stranger()

    assert client.get(path).status_code in (302, 303)
    assert client.post("/admin/login/code", data={"code": house.next_code()}).location == "/admin/login"
    assert not is_in(client)


def test_guessing_codes_gets_429_and_when_to_come_back(house: House) -> None:
    house.set_up_codes()
    client = half_way(house)
    codes = [client.post("/admin/login/code", data={"code": "000000"}).status_code for _ in range(5)]

    answer = client.post("/admin/login/code", data={"code": house.next_code()})

    assert codes == [422] * 5
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")


def test_codes_are_set_up_by_a_picture_or_by_typing(house: House) -> None:
    client = house.ada()
    assert "Set up codes" in client.get("/admin/account/codes").text

    client.post("/admin/account/codes/begin", data=PRESS)
    page = client.get("/admin/account/codes").text
    wrong = client.post("/admin/account/codes", data={"code": "000000"})
    right = client.post("/admin/account/codes", data={"code": house.code()})

    assert '<img class="qr" src="data:image/svg+xml' in page
    assert (wrong.status_code, right.status_code) == (422, 200)
    assert right.text.count("<li><code>") == 10
    assert right.headers["Cache-Control"] == "no-store"
    assert is_in(client)
    shown_again = client.get("/admin/account/codes").text
    assert "10 of them are left" in shown_again
    assert "data:image" not in shown_again


def test_a_house_that_asks_for_codes_leads_everybody_to_set_them_up(house: House) -> None:
    ada = house.ada()
    assert ada.post("/admin/people/require-codes", data={"required": "yes"}).status_code == 303

    for path in ("/admin/", "/admin/bookings", "/admin/people"):
        answer = ada.get(path)
        assert (answer.status_code, answer.location) == (303, "/admin/account/codes"), path
    assert ada.post("/admin/closures", data=PRESS).location == "/admin/account/codes"
    assert "Set yours up to go on." in ada.get("/admin/account/codes").text
    ada.post("/admin/account/codes/begin", data=PRESS)
    assert ada.post("/admin/account/codes", data={"code": house.code()}).status_code == 200
    assert is_in(ada)
    assert "so they stay on" in ada.get("/admin/account/codes").text


# --- sign-ins -------------------------------------------------------------------------------------------------------


def test_every_sign_in_is_listed_and_another_can_be_ended(house: House) -> None:
    there = house.ada()
    here = house.ada()
    page = here.get("/admin/account").text
    assert page.count("this one") == 1

    here.post("/admin/account/sign-ins/1/end", data=PRESS)

    assert [is_in(here), is_in(there)] == [True, False]


def test_nobody_ends_a_sign_in_of_somebody_else(house: House) -> None:
    ada = house.ada()
    with house.app.app_context():
        staff.create_staff(house.runtime, BEN, "Ben", PASSWORD)
    ben = house.stranger()
    ben.post("/admin/login", data={"email": BEN, "password": PASSWORD})

    assert ben.post("/admin/account/sign-ins/1/end", data=PRESS).status_code == 303
    assert is_in(ada)


def test_signing_out_ends_the_sign_in_on_our_side(house: House) -> None:
    client = house.ada()
    with client.session_transaction() as cookie:
        stolen = dict(cookie)

    client.post("/admin/logout", data=PRESS)

    assert house.count(StaffSession) == 0
    thief = house.stranger()
    with thief.session_transaction() as cookie:
        cookie.update(stolen)
    assert not is_in(thief)


def test_signing_in_and_out_keeps_a_guests_own_bookings(house: House) -> None:
    client = house.stranger()
    with client.session_transaction() as cookie:
        cookie.update(browser="grace", bookings=["G1"], csrf_token="old")
    client.post("/admin/login", data={"email": ADA, "password": PASSWORD})
    client.post("/admin/logout", data=PRESS)

    with client.session_transaction() as cookie:
        assert (cookie["browser"], cookie["bookings"], cookie.get("csrf_token")) == ("grace", ["G1"], None)


# --- showing again who one is ---------------------------------------------------------------------------------------


def test_for_ten_minutes_nobody_is_asked_again(house: House) -> None:
    client = house.ada()
    booking_id = house.book()
    path = f"/admin/bookings/{booking_id}/refund/check?amount=20"
    house.clock.move(minutes=9, seconds=59)
    assert client.get(path).status_code == 200

    house.clock.move(seconds=1)

    answer = client.get(path)
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.location).query) == {"next": [path]}
    assert client.get("/admin/bookings").status_code == 200


def test_after_the_question_one_is_where_one_wanted_to_go_under_a_new_secret(house: House) -> None:
    client = house.ada()
    house.clock.move(minutes=11)
    with client.session_transaction() as cookie:
        before = cookie["_user_id"]
    page = client.get("/admin/people/1", follow_redirects=True).text
    assert "Is it still you?" in page

    wrong = client.post("/admin/proof", data={"proof_password": "a wild guess", "proof_next": "/admin/people/1"})
    right = client.post("/admin/proof", data={"proof_password": PASSWORD, "proof_next": "/admin/people/1"})

    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    assert (right.status_code, right.location) == (303, "/admin/people/1")
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != before
    assert client.get("/admin/people/1").status_code == 200


def test_a_form_that_had_to_wait_arrives_as_it_was_sent(house: House) -> None:
    """With the forms' tokens looked at, as in a browser: the second page was opened while nobody asked."""
    house.app.config["WTF_CSRF_ENABLED"] = True
    client, booking_id = house.ada(), house.book()
    check = client.get(f"/admin/bookings/{booking_id}/refund/check?amount=20").text
    order = {name: value_of(check, name) for name in ("amount", "form_token", "csrf_token")}
    house.clock.move(minutes=11)

    question = client.post(f"/admin/bookings/{booking_id}/refund", data=order)
    assert question.status_code == 403
    assert house.count(Refund) == 0
    carried = {name: value_of(question.text, name) for name in ("amount", "form_token", "proof_next", "proof_post")}
    assert (carried["amount"], carried["form_token"]) == (order["amount"], order["form_token"])
    proof = {**carried, "proof_password": PASSWORD, "csrf_token": csrf_of(question.text)}
    answer = client.post("/admin/proof", data=proof)
    assert (answer.status_code, answer.location) == (307, f"/admin/bookings/{booking_id}/refund")
    sent_on = client.post(answer.location, data=proof)  # what a browser does by itself

    assert (sent_on.status_code, sent_on.location) == (303, f"/admin/bookings/{booking_id}")
    assert house.count(Refund) == 1


def test_a_wrong_answer_keeps_what_waits(house: House) -> None:
    client, booking_id = house.ada(), house.book()
    house.clock.move(minutes=11)
    waiting = {"amount": "20.00", "form_token": TOKEN, "proof_next": f"/admin/bookings/{booking_id}/refund"}

    answer = client.post("/admin/proof", data={**waiting, "proof_post": "1", "proof_password": "a wild guess"})

    assert answer.status_code == 422
    assert value_of(answer.text, "form_token") == TOKEN
    assert "a wild guess" not in answer.text


@pytest.mark.parametrize("path", ["/", "/admin/closures", "/admin/logout", "//evil.example", "/nowhere"])
def test_a_form_is_sent_on_only_to_what_had_asked(house: House, path: str) -> None:
    answer = house.ada().post("/admin/proof", data={"proof_password": PASSWORD, "proof_next": path, "proof_post": "1"})

    assert answer.status_code == 303
    assert not answer.location.startswith("//")


def test_a_code_proves_as_well_as_a_password(house: House) -> None:
    house.set_up_codes()
    client = half_way(house)
    client.post("/admin/login/code", data={"code": house.next_code()})
    house.clock.move(minutes=11)

    answer = client.post("/admin/proof", data={"proof_code": house.code(), "proof_next": "/admin/people/1"})

    assert answer.status_code == 303
    assert client.get("/admin/people/1").status_code == 200


# --- links ----------------------------------------------------------------------------------------------------------


def invited(house: House, purpose: StaffLinkPurpose = StaffLinkPurpose.INVITATION) -> str:
    """The path of a link for Ben, or of one for Ada's new password."""
    with house.app.app_context():
        staff_id = 1
        if purpose is StaffLinkPurpose.INVITATION:
            staff_id = people.invite(house.runtime, ADA, BEN, "Ben Example", people.Role.DESK)
        with transaction() as session:
            return f"/admin/m/{people.mint_link(session, staff_id, purpose, NOW)}"


def test_an_invitation_is_looked_at_by_any_program_and_used_once(house: House) -> None:
    path, client = invited(house), house.stranger()
    for _ in range(3):
        page = house.stranger().get(path)
        assert "You are invited as <strong>desk</strong>" in page.text
        assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert "Set-Cookie" not in page.headers or "_user_id" not in page.headers["Set-Cookie"]
    weak = client.post(path, data={"name": "Ben", "password": "short"})
    answer = client.post(path, data={"name": "Ben", "password": "brass lamp over the stairs"})

    assert weak.status_code == 422
    assert "at least 12 characters" in weak.text
    assert (answer.status_code, answer.location) == (303, "/admin/login")
    assert not is_in(client)
    assert client.post("/admin/login", data={"email": BEN, "password": "brass lamp over the stairs"}).status_code == 303
    assert house.stranger().get(path).status_code == 404


@pytest.mark.parametrize("end", ["x", "x" * 43, "%00", "..%2f", "\u0661"])
def test_a_link_that_opens_nothing_says_so_in_the_same_words(house: House, end: str) -> None:
    used = invited(house)
    house.stranger().post(used, data={"name": "Ben", "password": "brass lamp over the stairs"})
    expected = house.stranger().get(used)

    answer = house.stranger().get(f"/admin/m/{end}")

    assert answer.status_code == expected.status_code == 404
    if "/" not in answer.request.path.removeprefix("/admin/m/"):
        assert "This link does not work any more" in answer.text


def test_a_link_for_a_new_password_asks_for_no_name(house: House) -> None:
    path = invited(house, StaffLinkPurpose.PASSWORD)

    page = house.stranger().get(path).text
    answer = house.stranger().post(path, data={"password": "brass lamp over the stairs"})

    assert 'name="name"' not in page
    assert answer.status_code == 303
    assert house.stranger().post("/admin/login", data={"email": ADA, "password": PASSWORD}).status_code == 422
