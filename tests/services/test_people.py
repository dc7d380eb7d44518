"""services/people.py: invitations, roles, switching off. A house always has an owner who can sign in."""

import re
from collections.abc import Iterator

import pytest

from booking.domain.errors import StaffRefused
from booking.domain.roles import Role
from booking.extensions import db
from booking.models import OutboxRow, Staff, StaffLink
from booking.queries.staff import list_people
from booking.services import delivery, people, staff
from tests.services.staff_shop import ADA, BEN, HOME, PASSWORD, StaffShop, open_staff_shop
from tests.support.crowd import rush

NEW = "brass lamp over the stairs"


@pytest.fixture
def shop(database_url: str) -> Iterator[StaffShop]:
    with open_staff_shop(database_url) as shop:
        yield shop


@pytest.fixture
def small(sqlite_url: str) -> Iterator[StaffShop]:
    with open_staff_shop(sqlite_url) as shop:
        yield shop


def link_in(shop: StaffShop, number: int = -1) -> str:
    """The secret of the link in the last mail that went out."""
    delivery.run_due(shop.runtime)
    found = re.search(r"/admin/m/(\S+)", shop.mailer.letters[number].text)
    assert found
    return found[1]


def invite(shop: StaffShop, email: str = BEN, role: Role = Role.DESK) -> int:
    return people.invite(shop.runtime, ADA, email, "Ben Example", role)


# --- inviting -------------------------------------------------------------------------------------------------------


def test_whoever_is_invited_chooses_a_password_and_is_in(shop: StaffShop) -> None:
    staff_id = invite(shop, " Ben@Example.org ")
    token = link_in(shop)
    (letter,) = shop.mailer.letters
    assert letter.to == BEN
    assert ADA in letter.text
    assert "as desk" in letter.text
    with pytest.raises(Exception, match="do not match"):
        staff.check_password(shop.runtime, BEN, "", HOME.address)

    opened = people.peek_link(token, shop.clock.now())
    member = people.use_link(shop.runtime, token, "Ben  Bitdiddle", NEW)

    assert opened is not None
    assert (opened.staff_id, opened.name, opened.role) == (staff_id, "Ben Example", Role.DESK)
    assert (member.name, member.role, member.is_active) == ("Ben Bitdiddle", Role.DESK, True)
    assert staff.check_password(shop.runtime, BEN, NEW, HOME.address).id == staff_id
    assert shop.audit()[-2:] == [
        (ADA, "people.invited", f"staff {BEN}"),
        (BEN, "people.joined", f"staff {BEN}"),
    ]


def test_a_link_works_once_and_only_its_hash_is_kept(shop: StaffShop) -> None:
    invite(shop)
    token = link_in(shop)
    with pytest.raises(StaffRefused) as weak:
        people.use_link(shop.runtime, token, "Ben", "short")
    people.use_link(shop.runtime, token, "Ben", NEW)

    with pytest.raises(StaffRefused) as used:
        people.use_link(shop.runtime, token, "Ben", PASSWORD)

    assert weak.value.details["field"] == "password"
    assert "field" not in used.value.details
    assert people.peek_link(token, shop.clock.now()) is None
    kept = [row.token_hash for row in db.session.query(StaffLink)]
    assert token not in kept
    assert token not in str([row.payload for row in db.session.query(OutboxRow)])


@pytest.mark.usefixtures("patience")
def test_of_many_who_use_a_link_at_the_same_moment_one_has_it(shop: StaffShop) -> None:
    invite(shop)
    token = link_in(shop)
    db.session.rollback()

    def act(number: int) -> bool:
        with shop.app.app_context():
            try:
                people.use_link(shop.runtime, token, "Ben", f"{NEW} {number}")
            except StaffRefused:
                return False
            return True

    assert sorted(map(str, rush(act, range(6)))) == ["False"] * 5 + ["True"]


def test_an_invitation_lasts_three_days(small: StaffShop) -> None:
    invite(small)
    token = link_in(small)

    small.clock.move(hours=71, minutes=59)
    assert people.peek_link(token, small.clock.now())
    small.clock.move(minutes=1)
    assert people.peek_link(token, small.clock.now()) is None


def test_inviting_again_ends_the_earlier_link(small: StaffShop) -> None:
    staff_id = invite(small)
    first = link_in(small)
    small.clock.move(minutes=1)

    people.invite_again(small.runtime, ADA, staff_id)

    second = link_in(small)
    assert [bool(people.peek_link(token, small.clock.now())) for token in (first, second)] == [False, True]


def test_a_withdrawn_invitation_opens_nothing_and_mails_nobody(small: StaffShop) -> None:
    staff_id = invite(small)
    token = link_in(small)
    people.withdraw_invitation(small.runtime, ADA, staff_id)
    other = invite(small, "cleo@example.org")
    people.withdraw_invitation(small.runtime, ADA, other)

    delivery.run_due(small.runtime)

    assert people.peek_link(token, small.clock.now()) is None
    assert len(small.mailer.letters) == 1
    assert [member.email for member in list_people(db.session())] == [ADA]


@pytest.mark.parametrize("email", [ADA, "ADA@example.org", "nonsense", ""])
def test_nobody_is_invited_twice_or_to_nowhere(small: StaffShop, email: str) -> None:
    with pytest.raises(StaffRefused) as refused:
        people.invite(small.runtime, ADA, email, "Ada", Role.DESK)

    assert refused.value.details["field"] == "email"


def test_who_has_come_is_neither_invited_again_nor_withdrawn(small: StaffShop) -> None:
    ben = small.add()

    for act in (people.invite_again, people.withdraw_invitation):
        with pytest.raises(StaffRefused):
            act(small.runtime, ADA, ben.id)


# --- a new password -------------------------------------------------------------------------------------------------


def test_a_password_link_ends_sign_ins_and_does_not_stand_for_a_code(shop: StaffShop) -> None:
    shop.add()
    shop.set_up_codes(BEN)
    token = shop.token(BEN)
    people.send_password_link(shop.runtime, ADA, shop.member(BEN).id)

    member = people.use_link(shop.runtime, link_in(shop), "", NEW)

    assert not shop.is_in(token)
    assert member.codes_since is not None
    assert staff.check_password(shop.runtime, BEN, NEW, HOME.address).codes_since is not None


def test_a_password_link_lasts_half_an_hour(small: StaffShop) -> None:
    ben = small.add()
    people.send_password_link(small.runtime, ADA, ben.id)
    token = link_in(small)

    small.clock.move(minutes=30)

    assert people.peek_link(token, small.clock.now()) is None


def test_the_command_line_prints_a_link(small: StaffShop) -> None:
    small.add()
    runner = small.app.test_cli_runner()

    made = runner.invoke(args=["staff-link", BEN])
    nobody = runner.invoke(args=["staff-link", "nobody@example.org"])

    token = made.output.strip().rpartition("/")[2]
    assert people.use_link(small.runtime, token, "", NEW).email == BEN
    assert nobody.exit_code == 1
    assert "Nobody who can sign in" in nobody.output


# --- roles and switching off ----------------------------------------------------------------------------------------


def test_a_role_holds_from_the_next_page_on(shop: StaffShop) -> None:
    ben = shop.add()
    present = shop.sign_in(BEN)

    people.change_role(shop.runtime, ADA, ben.id, Role.ACCOUNTANT)

    assert present.member.role is Role.DESK
    assert shop.sign_in(BEN).member.role is Role.ACCOUNTANT


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_the_last_owner_stays_one(shop: StaffShop, role: Role) -> None:
    invite(shop, role=Role.OWNER)  # who has not come cannot run a house
    ada = shop.member()

    with pytest.raises(StaffRefused):
        people.change_role(shop.runtime, ADA, ada.id, role)
    with pytest.raises(StaffRefused):
        people.switch_off(shop.runtime, ADA, ada.id)

    assert (shop.member().role, shop.member().is_active) == (Role.OWNER, True)


@pytest.mark.usefixtures("patience")
def test_two_owners_who_remove_each_other_at_the_same_moment_leave_one(shop: StaffShop) -> None:
    ids = {ADA: shop.member().id, BEN: shop.add(role=Role.OWNER).id}
    db.session.rollback()

    def act(turn: tuple[str, str]) -> bool:
        by, whom = turn
        with shop.app.app_context():
            try:
                if by == ADA:
                    people.switch_off(shop.runtime, by, ids[whom])
                else:
                    people.change_role(shop.runtime, by, ids[whom], Role.DESK)
            except StaffRefused:
                return False
            return True

    assert sorted(map(str, rush(act, [(ADA, BEN), (BEN, ADA)]))) == ["False", "True"]
    owners = db.session.query(Staff).filter_by(role=Role.OWNER, is_active=True).count()
    assert owners == 1


def test_switched_off_and_on_again(shop: StaffShop) -> None:
    ben, token = shop.add(), shop.token(BEN)
    people.send_password_link(shop.runtime, ADA, ben.id)
    link = link_in(shop)

    people.switch_off(shop.runtime, ADA, ben.id)
    people.switch_off(shop.runtime, ADA, ben.id)
    assert not shop.is_in(token)
    assert people.peek_link(link, shop.clock.now()) is None
    with pytest.raises(StaffRefused):
        people.send_password_link(shop.runtime, ADA, ben.id)

    people.switch_on(shop.runtime, ADA, ben.id)
    assert not shop.is_in(token)
    assert staff.check_password(shop.runtime, BEN, PASSWORD, HOME.address)
    assert [action for _who, action, about in shop.audit() if about.endswith(BEN)][-3:] == [
        "people.password_link_sent",
        "people.switched_off",
        "people.switched_on",
    ]


def test_an_invitation_is_not_switched_on_without_its_link(small: StaffShop) -> None:
    staff_id = invite(small)

    with pytest.raises(StaffRefused):
        people.switch_on(small.runtime, ADA, staff_id)


def test_an_owner_takes_codes_away_from_who_lost_them(small: StaffShop) -> None:
    ben = small.add()
    made = small.set_up_codes(BEN)

    people.take_codes_away(small.runtime, ADA, ben.id)

    assert small.member(BEN).codes_since is None
    assert not small.is_in(made.token)
    assert small.audit()[-1] == (ADA, "codes.taken_away", f"staff {BEN}")
