"""services/staff.py: accounts, passwords, and what signing in tells a stranger."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from booking.domain.errors import SignInRefused, StaffRefused, TooManyTries
from booking.domain.roles import Role
from booking.extensions import db
from booking.models import Staff, StaffSession
from booking.queries.staff import Present, find_by_email
from booking.services import sign_ins, staff
from booking.services.sign_ins import Place
from tests.support.noting import noting, selects
from tests.web.admin_house import ADA, NOW, PASSWORD, House

HOME, ELSEWHERE = "203.0.113.1", "198.51.100.7"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with house.app.app_context():
        yield house


def ada_row(house: House) -> Staff:
    with house.rows() as session:
        row: Staff = session.query(Staff).filter_by(email=ADA).one()
        session.refresh(row)
        session.expunge(row)
        return row


def guess_wrong(house: House, times: int, address: str = ELSEWHERE, email: str = ADA) -> list[type[Exception]]:
    refusals: list[type[Exception]] = []
    for _ in range(times):
        with pytest.raises((SignInRefused, TooManyTries)) as refused:
            staff.check_password(house.runtime, email, "not the password", address)
        refusals.append(refused.type)
    return refusals


def test_password_is_kept_as_argon2id_only(house: House) -> None:
    assert ada_row(house).password_hash.startswith("$argon2id$")


def test_signing_in_gives_the_person_and_notes_the_time(house: House) -> None:
    member = staff.check_password(house.runtime, " Ada@Example.org ", PASSWORD, HOME)
    sign_ins.sign_in(house.runtime, member, Place(HOME))

    assert (member.email, member.name, member.role) == (ADA, "Ada Lovelace", Role.OWNER)
    assert ada_row(house).last_login_at == NOW


@pytest.mark.parametrize("email", [ADA, "nobody@example.org", "", "x" * 1000, "a\x00b@example.org"])
def test_wrong_password_and_unknown_address_get_the_same_words(house: House, email: str) -> None:
    with pytest.raises(SignInRefused) as refused:
        staff.check_password(house.runtime, email, "not the password", HOME)

    assert refused.value.said == SignInRefused.default_message


def test_a_hash_is_checked_even_where_there_is_no_account(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(staff, "_is_right", lambda hashed, password: bool(checked.append(hashed)))

    guess_wrong(house, 1, email=ADA)
    guess_wrong(house, 1, email="nobody@example.org")

    assert [hashed[:10] for hashed in checked] == ["$argon2id$"] * 2


def test_sixth_try_on_an_account_from_one_address_has_to_wait(house: House) -> None:
    assert guess_wrong(house, 6) == [SignInRefused] * 5 + [TooManyTries]


def test_even_the_right_password_waits_after_too_many_wrong_ones(house: House) -> None:
    guess_wrong(house, 6)

    with pytest.raises(TooManyTries):
        staff.check_password(house.runtime, ADA, PASSWORD, ELSEWHERE)


def test_nobody_can_lock_out_another_address(house: House) -> None:
    guess_wrong(house, 20, ELSEWHERE)

    assert staff.check_password(house.runtime, ADA, PASSWORD, HOME).email == ADA


def test_wait_ends_after_a_quarter_of_an_hour(house: House) -> None:
    guess_wrong(house, 6)

    house.clock.move(minutes=15)

    assert staff.check_password(house.runtime, ADA, PASSWORD, ELSEWHERE).email == ADA


def test_thirty_tries_from_one_address_are_enough_for_all_accounts_together(house: House) -> None:
    refusals = [guess_wrong(house, 1, email=f"guess{number}@example.org")[0] for number in range(31)]

    assert refusals == [SignInRefused] * 30 + [TooManyTries]


def test_signing_in_often_is_no_guessing(house: House) -> None:
    for _ in range(8):
        assert staff.check_password(house.runtime, ADA, PASSWORD, HOME).email == ADA


def test_inactive_staff_gets_the_same_words(house: House) -> None:
    switch_off(house)

    with pytest.raises(SignInRefused) as refused:
        staff.check_password(house.runtime, ADA, PASSWORD, HOME)

    assert refused.value.said == SignInRefused.default_message


def test_old_parameters_are_renewed_on_signing_in(house: House) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD.encode())
    with house.rows() as session:
        session.query(Staff).update({"password_hash": weak})

    staff.check_password(house.runtime, ADA, PASSWORD, HOME)

    assert ada_row(house).password_hash != weak
    assert staff.check_password(house.runtime, ADA, PASSWORD, HOME).email == ADA


def test_present_hash_is_left_alone(house: House) -> None:
    before = ada_row(house).password_hash

    staff.check_password(house.runtime, ADA, PASSWORD, HOME)

    assert ada_row(house).password_hash == before


def test_a_broken_hash_refuses_instead_of_crashing(house: House) -> None:
    with house.rows() as session:
        session.query(Staff).update({"password_hash": "nonsense"})

    with pytest.raises(SignInRefused):
        staff.check_password(house.runtime, ADA, PASSWORD, HOME)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * 129,
        "passwordpassword",
        "PasswordPassword",
        "aaaaaaaaaaaa",
        "abababababab",
        "linus@example.org",
    ],
)
def test_weak_passwords_are_refused(house: House, password: str) -> None:
    with pytest.raises(StaffRefused) as refused:
        staff.create_staff(house.runtime, "linus@example.org", "Linus", password)

    assert refused.value.details["field"] == "password"


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "harbour " * 16, "пароль дома у моря", "🏖 by the sea side", "tab\tand\x00null here"],
)
def test_any_characters_make_a_password(house: House, password: str) -> None:
    staff.create_staff(house.runtime, "linus@example.org", "Linus", password)

    assert staff.check_password(house.runtime, "linus@example.org", password, HOME).name == "Linus"


def test_the_same_letter_typed_in_two_ways_is_one_password(house: House) -> None:
    staff.create_staff(house.runtime, "linus@example.org", "Linus", "caf\u00e9 by the harbour")

    assert staff.check_password(house.runtime, "linus@example.org", "cafe\u0301 by the harbour", HOME)


@pytest.mark.parametrize(("email", "name"), [("not an address", "Linus"), ("linus@example.org", "  ")])
def test_address_and_name_are_checked(house: House, email: str, name: str) -> None:
    with pytest.raises(StaffRefused):
        staff.create_staff(house.runtime, email, name, PASSWORD)


def test_an_address_has_one_account_however_it_is_written(house: House) -> None:
    with pytest.raises(StaffRefused) as refused:
        staff.create_staff(house.runtime, "ADA@example.org", "Ada again", PASSWORD)

    assert refused.value.details["field"] == "email"


def signed_in(house: House) -> Present:
    """Ada, at home."""
    member = staff.check_password(house.runtime, ADA, PASSWORD, HOME)
    found = sign_ins.find(house.runtime, sign_ins.sign_in(house.runtime, member, Place(HOME)))
    assert found
    return found


def switch_off(house: House) -> None:
    with house.rows() as session:
        session.query(Staff).update({"is_active": False})


def is_in(house: House, token: str) -> bool:
    db.session.rollback()
    return sign_ins.find(house.runtime, token) is not None


def test_changing_the_password_ends_every_sign_in_but_the_new_one(house: House) -> None:
    old, present = sign_ins.sign_in(house.runtime, signed_in(house).member, Place(HOME)), signed_in(house)

    new = staff.change_password(house.runtime, present, PASSWORD, "brass lamp over the stairs", Place(HOME))

    assert [is_in(house, token) for token in (old, new)] == [False, True]
    assert staff.check_password(house.runtime, ADA, "brass lamp over the stairs", HOME)


def test_password_is_changed_only_by_who_knows_it(house: House) -> None:
    present = signed_in(house)
    token = sign_ins.sign_in(house.runtime, present.member, Place(HOME))

    with pytest.raises(StaffRefused) as refused:
        staff.change_password(house.runtime, present, "a wild guess of mine", "brass lamp over the stairs", Place(HOME))

    assert refused.value.details["field"] == "old_password"
    assert is_in(house, token)


def test_switching_an_account_off_ends_its_sign_ins(house: House) -> None:
    token = sign_ins.sign_in(house.runtime, signed_in(house).member, Place(HOME))

    switch_off(house)

    assert not is_in(house, token)


def test_resetting_needs_no_old_password_and_ends_sign_ins(house: House) -> None:
    token = sign_ins.sign_in(house.runtime, signed_in(house).member, Place(HOME))

    staff.reset_password(house.runtime, ADA, "brass lamp over the stairs")

    assert not is_in(house, token)
    assert staff.check_password(house.runtime, ADA, "brass lamp over the stairs", HOME)


# --- sign-ins -------------------------------------------------------------------------------------------------------


def test_of_a_sign_in_only_the_hash_is_kept(house: House) -> None:
    token = sign_ins.sign_in(
        house.runtime, signed_in(house).member, Place(HOME, "Mozilla/5.0 (X11; Linux) Firefox/140")
    )

    with house.rows() as session:
        row = session.query(StaffSession).order_by(StaffSession.id.desc()).first()
        assert token not in (row.token_hash, row.session_key)
        assert (row.address, row.browser) == (HOME, "Firefox on Linux")


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a\0b", "x" * 10_000])
def test_a_made_up_secret_signs_nobody_in(house: House, token: str) -> None:
    signed_in(house)

    assert sign_ins.find(house.runtime, token) is None


def test_a_password_proved_before_the_account_changed_signs_nobody_in(house: House) -> None:
    member = staff.check_password(house.runtime, ADA, PASSWORD, HOME)
    staff.reset_password(house.runtime, ADA, "brass lamp over the stairs")

    with pytest.raises(SignInRefused):
        sign_ins.sign_in(house.runtime, member, Place(HOME))


def test_looking_at_pages_writes_once_a_minute(house: House) -> None:
    present = signed_in(house)

    def seen() -> datetime:
        with house.rows() as session:
            return session.get(StaffSession, present.sign_in.id).seen_at

    house.clock.move(seconds=59)
    sign_ins.note_seen(house.runtime, present)
    assert seen() == NOW
    house.clock.move(seconds=1)
    sign_ins.note_seen(house.runtime, present)
    assert seen() == NOW + timedelta(minutes=1)


def test_a_sign_in_is_found_with_one_statement(house: House) -> None:
    token = sign_ins.sign_in(house.runtime, signed_in(house).member, Place(HOME))
    with noting(db.engine) as asked:
        assert sign_ins.find(house.runtime, token)

    assert len(selects(asked)) == 1


def test_sign_ins_that_are_over_are_dropped_by_the_worker(house: House) -> None:
    signed_in(house)
    house.clock.move(hours=11)
    signed_in(house)
    house.clock.move(hours=1)

    assert sign_ins.purge(house.runtime) == 1
    assert house.count(StaffSession) == 1


def test_a_member_shows_neither_hash_nor_key(house: House) -> None:
    member = find_by_email(ADA)

    assert member
    assert member.password_hash not in repr(member)
    assert member.session_key not in repr(member)
