"""web/admin/club.py: plans of the club, houses that take part, members; one line of the audit log for each change."""

from pathlib import Path

import pytest

from booking.extensions import db
from booking.models import ClubPlan, Property
from booking.services import catalog_sync
from tests.support.club import GRACE, Visitor, open_club
from tests.support.shop import Shop
from tests.web.admin_changes import CLUB_PLAN, PRESS, _has_club_plan
from tests.web.admin_house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_plan_that_cannot_be_comes_back_with_what_is_wrong(house: House) -> None:
    ada = house.ada()

    for wrong, words in (
        ({"name": ""}, "Give it a name."),
        ({"price": "nine"}, "Type an amount such as 9 or 9.50."),
        ({"price": "0"}, "A plan costs something"),
        ({"currency": "xyz"}, "Type an amount such as 9 or 9.50."),
        ({"trial_days": "91"}, "from 0 to 90"),
        ({"percent": "100"}, "from 1 to 99"),
    ):
        answer = ada.post("/admin/club/plans/new", data={**CLUB_PLAN, **wrong})
        assert (answer.status_code, words in answer.text) == (422, True), wrong

    with house.rows() as session:
        assert session.query(ClubPlan).count() == 0


def test_what_is_typed_is_what_is_kept(house: House) -> None:
    assert house.ada().post("/admin/club/plans/new", data={**CLUB_PLAN, "price": "9,50"}).status_code == 303

    with house.rows() as session:
        plan = session.query(ClubPlan).one()
        assert (plan.name, plan.price_minor, plan.off_share, plan.trial_days) == ("Harbour Club", 950, 1000, 0)


def test_a_house_takes_part_only_where_there_is_something_to_join(house: House) -> None:
    ada = house.ada()
    ada.post("/admin/club/houses/1", data={"in_club": "1"})
    assert "there is nothing to join" in ada.get("/admin/club").text

    _has_club_plan(house)
    ada.post("/admin/club/houses/1", data={"in_club": "1"})
    with house.rows() as session:
        assert session.get_one(Property, 1).in_club
    ada.post("/admin/club/houses/1", data={"in_club": "0"})
    with house.rows() as session:
        assert not session.get_one(Property, 1).in_club


def test_a_plan_that_is_not_there_is_404(house: House) -> None:
    ada = house.ada()

    assert ada.get("/admin/club/plans/9").status_code == 404
    assert ada.post("/admin/club/plans/9", data=CLUB_PLAN).status_code == 404
    assert ada.post("/admin/club/plans/9/retire", data=PRESS).status_code == 404
    assert ada.post("/admin/club/houses/9", data={"in_club": "1"}).status_code == 404


def test_staff_see_who_has_joined(small_shop: Shop) -> None:
    from booking.queries.club import list_member_rows, list_plan_rows

    plan_id, grace = open_club(small_shop), Visitor.of(small_shop)
    grace.sign_in()
    grace.join(plan_id)

    with small_shop.app.app_context():
        now = small_shop.clock.now()
        [member] = list_member_rows(db.session(), now)
        [plan] = list_plan_rows(db.session(), False, now)
        assert (member.email, member.view.is_entitled) == (GRACE, True)
        assert (plan.members, plan.is_at_stripe) == (1, True)
        assert catalog_sync.sync_catalog(small_shop.runtime) == []
