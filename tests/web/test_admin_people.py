"""web/admin/people.py and web/admin/audit.py: who works here, and what they did."""

import csv
import io
from pathlib import Path

import pytest

from booking.domain.roles import Role
from booking.models import OutboxRow, Staff
from booking.services import people
from tests.web.admin_house import ADA, BEN, House

HOSTILE = '=HYPERLINK("http://evil") <script>alert(1)</script>'


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def invite(house: House, **changes: str) -> dict[str, str]:
    return {"name": "Ben Example", "email": BEN, "role": "desk", **changes}


def test_everybody_is_listed_with_role_and_state(house: House) -> None:
    client = house.ada()
    client.post("/admin/people/invite", data=invite(house, role="read_only"))

    page = client.get("/admin/people").text

    for words in ("Ada Lovelace", "(you)", "Owner", "active", "Ben Example", BEN, "Read only", "invited", "never"):
        assert words in page, words
    assert house.count(OutboxRow) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": ADA}, "an account with this e-mail address already"),
        ({"email": "nonsense"}, "not an e-mail address"),
        ({"email": ""}, "Type an e-mail address."),
        ({"name": ""}, "Type a name."),
        ({"name": "x" * 121}, "longer than 120"),
        ({"role": ""}, "Choose a role."),
        ({"role": "emperor"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_invited_is_told_beside_the_field_with_what_was_typed(
    house: House, changes: dict[str, str], words: str
) -> None:
    answer = house.ada().post("/admin/people/invite", data=invite(house, **changes))

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    if "name" not in changes:
        assert 'value="Ben Example"' in answer.text
    assert house.count(Staff) == 1


def test_the_last_owner_is_told_why_not(house: House) -> None:
    client = house.ada()

    role = client.post("/admin/people/1/role", data={"role": "desk"})
    off = client.post("/admin/people/1/switch-off", data={"submit": ""}, follow_redirects=True)

    assert role.status_code == 422
    assert "the only owner who can sign in" in role.text
    assert "the only owner who can sign in" in off.text
    assert client.get("/admin/people").status_code == 200


def test_who_was_switched_off_is_out_with_the_next_page(house: House) -> None:
    ben = house.member(Role.DESK)
    assert ben.get("/admin/").status_code == 200

    house.ada().post("/admin/people/2/switch-off", data={"submit": ""})

    assert ben.get("/admin/").status_code == 302


def test_a_role_that_was_taken_away_is_gone_with_the_next_page(house: House) -> None:
    ben = house.member(Role.MANAGER)
    assert ben.get("/admin/audit").status_code == 200

    house.ada().post("/admin/people/2/role", data={"role": "read_only"})

    assert ben.get("/admin/audit").status_code == 403


@pytest.mark.parametrize("path", ["/admin/people/99", "/admin/people/99/switch-off"])
def test_nobody_is_not_there(house: House, path: str) -> None:
    client = house.ada()

    answer = client.get(path) if path.endswith("99") else client.post(path, data={"submit": ""})

    assert answer.status_code == 404


# --- the audit log --------------------------------------------------------------------------------------------------


def test_the_log_tells_who_did_what_and_is_narrowed(house: House) -> None:
    client = house.ada()
    closing = {"unit_id": str(house.unit_id), "arrive": "2027-03-12", "leave": "2027-03-16", "reason": HOSTILE}
    client.post("/admin/closures", data=closing)

    page = client.get("/admin/audit").text
    narrowed = client.get("/admin/audit", query_string={"about": "closure", "who": ADA, "since": "2027-03-01"}).text
    nothing = client.get("/admin/audit", query_string={"until": "2027-02-28", "who": "nobody"}).text

    assert "closure: added" in page
    assert "staff: signed in" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "127.0.0.1" in page
    assert "staff: signed in" not in narrowed
    assert "1 line, newest first" in narrowed
    assert "Nothing that fits." in nothing


@pytest.mark.parametrize(
    "query", [{"since": "2027-02-30"}, {"page": "-1"}, {"page": "x"}, {"who": "a\0b"}, {"about": "%_'\0"}]
)
def test_nonsense_in_the_search_is_no_error(house: House, query: dict[str, str]) -> None:
    assert house.ada().get("/admin/audit", query_string=query).status_code == 200


def test_the_file_holds_every_line_and_executes_nothing(house: House) -> None:
    with house.app.app_context():
        people.invite(house.runtime, "=cmd|' /C calc'!A0", BEN, "Ben", Role.DESK)
    client = house.ada()

    answer = client.get("/admin/audit.csv")

    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert rows[0][:5] == ["Line", "When (UTC)", "Who", "What", "About"]
    assert [row[3] for row in rows[1:]] == ["staff.created", "people.invited", "staff.signed_in"]
    assert rows[2][2] == "'=cmd|' /C calc'!A0"
    assert rows[2][6] == '{"role": "desk"}'


def test_the_file_asks_again_who_is_there(house: House) -> None:
    client = house.ada()
    house.clock.move(minutes=11)

    assert client.get("/admin/audit.csv?who=ada").location == "/admin/proof?next=/admin/audit.csv?who%3Dada"
