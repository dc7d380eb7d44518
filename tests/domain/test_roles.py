"""Who of the house may do what, written out once more: a slip in the table would open what should stay shut."""

import pytest

from booking.domain.roles import ALLOWED, PURPOSE, Permission, Role, is_allowed

P = Permission
EVERYBODYS = {P.OWN_ACCOUNT, P.SEE_BOOKINGS, P.SEE_MONEY, P.SEE_RATES, P.SEE_HOUSE}
OTHERS = {
    P.CHANGE_BOOKINGS: {Role.OWNER, Role.MANAGER, Role.DESK},
    P.CHANGE_CALENDAR: {Role.OWNER, Role.MANAGER, Role.DESK},
    P.EXPORT: {Role.OWNER, Role.MANAGER, Role.ACCOUNTANT},
    P.SEE_SYSTEM: {Role.OWNER, Role.MANAGER, Role.ACCOUNTANT},
    P.MOVE_MONEY: {Role.OWNER, Role.MANAGER},
    P.CHANGE_RATES: {Role.OWNER, Role.MANAGER},
    P.CHANGE_HOUSE: {Role.OWNER, Role.MANAGER},
    P.SEE_PEOPLE: {Role.OWNER, Role.MANAGER},
    P.SEE_AUDIT: {Role.OWNER, Role.MANAGER},
    P.RUN_SYSTEM: {Role.OWNER, Role.MANAGER},
    P.CHANGE_PEOPLE: {Role.OWNER},
}


@pytest.mark.parametrize("permission", Permission)
def test_exactly_those_whose_work_needs_it_may_do_a_thing(permission: Permission) -> None:
    allowed = {role for role in Role if is_allowed(role, permission)}

    assert allowed == (set(Role) if permission in EVERYBODYS else OTHERS[permission])


def test_every_role_has_a_line_in_the_table_and_a_purpose_in_words() -> None:
    assert set(ALLOWED) == set(PURPOSE) == set(Role)
    assert all(words.endswith(".") for words in PURPOSE.values())
