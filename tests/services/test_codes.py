"""services/codes.py: codes of an app and recovery codes. Each opens once, and a copy of the database opens nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest

from booking.domain.errors import StaffRefused, TooManyTries
from booking.extensions import db
from booking.models import RecoveryCode
from booking.queries.staff import are_codes_required, count_recovery_codes
from booking.services import codes, staff
from tests.services.staff_shop import ADA, AWAY, HOME, PASSWORD, StaffShop, open_staff_shop
from tests.support.crowd import rush


@pytest.fixture
def shop(database_url: str) -> Iterator[StaffShop]:
    with open_staff_shop(database_url) as shop:
        yield shop


@pytest.fixture
def small(sqlite_url: str) -> Iterator[StaffShop]:
    with open_staff_shop(sqlite_url) as shop:
        yield shop


def opens(shop: StaffShop, code: str, place: codes.Place = HOME) -> bool:
    try:
        codes.use_code(shop.runtime, shop.member(), code, place)
    except StaffRefused:
        return False
    return True


def later(shop: StaffShop, steps: int = 2) -> str:
    """The code of a later half minute."""
    shop.clock.move(seconds=30 * steps)
    return shop.code()


# --- setting up -----------------------------------------------------------------------------------------------------


def test_codes_count_only_once_one_was_typed(small: StaffShop) -> None:
    present = small.sign_in()
    codes.begin(small.runtime, present)
    assert small.member().codes_since is None
    seed = codes.show_seed(small.runtime, db.session(), present, "Seal Harbour")

    with pytest.raises(StaffRefused):
        codes.confirm(small.runtime, present, "000000", HOME)
    assert small.member().codes_since is None
    codes.confirm(small.runtime, present, small.code(), HOME)

    assert seed is not None
    assert seed.text == small.seed()
    assert seed.address == f"otpauth://totp/Seal%20Harbour:ada%40example.org?secret={seed.text}&issuer=Seal%20Harbour"
    assert small.member().codes_since == small.clock.now()
    assert codes.show_seed(small.runtime, db.session(), small.sign_in(), "Seal Harbour") is None


def test_switching_codes_on_ends_every_other_sign_in(small: StaffShop) -> None:
    elsewhere = small.token(place=AWAY)

    made = small.set_up_codes()

    assert [small.is_in(token) for token in (elsewhere, made.token)] == [False, True]


def test_the_seed_is_kept_sealed_and_opens_with_this_shops_secret_alone(shop: StaffShop) -> None:
    shop.set_up_codes()
    sealed, seed = shop.column(ADA, "code_seed"), shop.seed()
    other = replace(shop.runtime, settings=replace(shop.runtime.settings, secret_key="another" * 8))

    assert seed not in sealed
    assert codes._open(other, sealed) is None


def test_a_new_key_takes_the_place_of_one_that_waits_and_never_of_one_in_use(small: StaffShop) -> None:
    present = small.sign_in()
    codes.begin(small.runtime, present)
    first = small.seed()
    codes.begin(small.runtime, present)
    second = small.seed()
    codes.confirm(small.runtime, present, small.code(), HOME)

    codes.begin(small.runtime, small.sign_in())

    assert first != second == small.seed()


# --- one code -------------------------------------------------------------------------------------------------------


def test_each_code_opens_once(shop: StaffShop) -> None:
    shop.set_up_codes()
    first = shop.code()  # the one with which they were set up
    assert not opens(shop, first)

    code = later(shop)

    assert [opens(shop, code), opens(shop, code)] == [True, False]


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(small: StaffShop, steps: int, is_right: bool) -> None:
    small.set_up_codes()
    small.clock.move(minutes=5)

    assert opens(small, small.code(steps=steps)) is is_right


def test_an_earlier_code_opens_nothing_after_a_later_one(small: StaffShop) -> None:
    small.set_up_codes()
    small.clock.move(minutes=5)

    assert [opens(small, small.code(steps=1)), opens(small, small.code())] == [True, False]


def test_a_code_may_be_typed_with_spaces(small: StaffShop) -> None:
    small.set_up_codes()
    code = later(small)

    assert opens(small, f" {code[:3]} {code[3:]} ")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\u0661" * 6, "x" * 5000, "12345\0"])
def test_nonsense_is_no_code(small: StaffShop, code: str) -> None:
    small.set_up_codes()

    assert not opens(small, code)


@pytest.mark.usefixtures("patience")
def test_many_who_type_one_code_at_the_same_moment_are_one(shop: StaffShop) -> None:
    shop.set_up_codes()
    code, recovery = later(shop), codes.renew_recovery(shop.runtime, shop.sign_in())[0]
    member = shop.member()
    db.session.rollback()

    def act(number: int) -> bool:
        with shop.app.app_context():
            place = replace(HOME, address=f"203.0.113.{number}")
            try:
                codes.use_code(shop.runtime, member, code if number % 2 else recovery, place)
            except StaffRefused:
                return False
            return True

    assert sorted(map(str, rush(act, range(10)))) == ["False"] * 8 + ["True"] * 2


def test_guessing_has_to_wait_and_locks_out_no_other_place(small: StaffShop) -> None:
    small.set_up_codes()
    for _ in range(5):
        assert not opens(small, "000000", AWAY)

    with pytest.raises(TooManyTries):
        opens(small, later(small), AWAY)
    assert opens(small, small.code(), HOME)


# --- recovery codes -------------------------------------------------------------------------------------------------


def test_ten_recovery_codes_open_once_each_and_are_kept_as_hashes(shop: StaffShop) -> None:
    made = shop.set_up_codes()
    kept = {code for (code,) in db.session.query(RecoveryCode.code_hash)}
    db.session.rollback()

    assert len(set(made.recovery)) == 10
    assert not kept & {code.replace("-", "") for code in made.recovery}
    assert [opens(shop, made.recovery[0]), opens(shop, made.recovery[0])] == [True, False]
    assert opens(shop, made.recovery[1].lower().replace("-", " "))
    assert count_recovery_codes(db.session(), shop.member().id) == 8


def test_recovery_codes_are_read_kindly(small: StaffShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes.secrets, "choice", lambda _letters: "0")
    with small.app.app_context():
        present = small.sign_in()
        codes.begin(small.runtime, present)
    monkeypatch.setattr(codes, "RECOVERY_CODES", 1)
    codes.confirm(small.runtime, present, small.code(), HOME)

    assert opens(small, "OOOO-oooo-0000-OOOO")


def test_new_recovery_codes_take_the_place_of_the_old(small: StaffShop) -> None:
    old = small.set_up_codes().recovery

    new = codes.renew_recovery(small.runtime, small.sign_in())

    assert [opens(small, old[0]), opens(small, new[0])] == [False, True]


def test_recovery_codes_open_where_the_secret_key_was_changed(small: StaffShop) -> None:
    made = small.set_up_codes()
    settings = replace(small.runtime.settings, secret_key="another" * 8)
    small.app.extensions["holdfast"] = replace(small.runtime, settings=settings)

    assert opens(small, made.recovery[0])


# --- switching off --------------------------------------------------------------------------------------------------


def test_switched_off_no_code_is_asked_for_and_nothing_of_it_is_left(shop: StaffShop) -> None:
    made = shop.set_up_codes()
    present = shop.sign_in()

    token = codes.switch_off(shop.runtime, present, HOME)

    assert shop.member().codes_since is None
    assert shop.column(ADA, "code_seed") is None
    assert db.session.query(RecoveryCode).count() == 0
    assert [shop.is_in(one) for one in (made.token, token)] == [False, True]


def test_nobody_switches_off_what_the_house_asks_of_everybody(shop: StaffShop) -> None:
    shop.set_up_codes()
    codes.require(shop.runtime, ADA, True)
    codes.require(shop.runtime, ADA, True)
    assert are_codes_required(db.session())
    assert shop.sign_in().must_have_codes

    with pytest.raises(StaffRefused):
        codes.switch_off(shop.runtime, shop.sign_in(), HOME)

    codes.require(shop.runtime, ADA, False)
    assert shop.member().codes_since is not None
    assert [action for _who, action, _about in shop.audit()].count("people.codes_required") == 2


def test_the_command_line_takes_codes_away_with_a_new_password(small: StaffShop) -> None:
    small.set_up_codes()
    arguments = ["create-staff", "--email", ADA, "--name", "Ada", "--reset", "--password-stdin"]
    runner = small.app.test_cli_runner()

    kept = runner.invoke(args=arguments, input="brass lamp over the stairs\n")
    assert small.member().codes_since is not None
    taken = runner.invoke(args=[*arguments, "--codes-off"], input=f"{PASSWORD}\n")

    assert (kept.exit_code, taken.exit_code) == (0, 0), taken.output
    assert small.member().codes_since is None
    assert staff.check_password(small.runtime, ADA, PASSWORD, HOME.address)


def test_what_an_app_shows_is_what_the_standard_says(small: StaffShop) -> None:
    """RFC 6238, appendix B, cut to six digits."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert [pyotp.TOTP(seed).at(moment) for moment in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]
