"""web/admin/rules.py, policies.py and no_shows.py: rules, policies, and guests who did not come."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms
from booking.models import Booking, BookingEvent, CancellationPolicy, Listing, Night, Refund, StayRule
from booking.queries.invariants.given import Given
from booking.queries.invariants.nights import find_overlaps, find_stray_nights, find_unheld_bookings
from tests.web.admin_changes import FIRM, PRESS, RULES, SUMMER
from tests.web.admin_house import FIRST, NOW, House, value_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split()).replace(" .", ".").replace(" ,", ",")


# --- rules ----------------------------------------------------------------------------------------------------------


def test_rules_that_staff_changes_hold_for_the_next_guest(house: House) -> None:
    client = house.ada()

    assert client.post("/admin/rules/1", data=RULES).status_code == 303

    page = words_of(client.get("/admin/rules").text)
    assert "The shortest stay here is 2 nights." in page
    assert "Stays here begin only on Friday or Saturday." in page
    assert "1 night stays empty between two stays in one unit." in page
    guest = house.stranger().get("/stays/harbour-loft?arrive=2027-03-17&leave=2027-03-21&guests=2")
    assert guest.status_code == 422
    assert "Stays here begin only on Friday or Saturday." in words_of(guest.text)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"min_nights": "22"}, "No stay could be both: the shortest has 22 nights, the longest 21."),
        ({"min_nights": "two"}, "Type a whole number."),
        ({"min_nights": "0"}, "Type a number from 1 to 366."),
        ({"turnover_days": "-1"}, "Type a number from 0 to 14."),
        ({"horizon_days": ""}, "Type a number."),
        ({"arrive_on": []}, "Tick at least one day."),
        ({"leave_on": ["9", "-1"]}, "Tick at least one day."),
    ],
)
def test_rules_that_cannot_be_are_asked_for_again_and_change_nothing(house: House, typed: dict, told: str) -> None:
    answer = house.ada().post("/admin/rules/1", data={**RULES, **typed})

    assert answer.status_code == 422
    assert told in words_of(answer.text)
    assert house.count(Listing, min_nights=1) == 1
    assert "rules.changed" not in [action for _who, action, _what in house.audit()]


def test_a_range_is_added_shown_changed_and_removed(house: House) -> None:
    client = house.ada()

    assert client.post("/admin/rules/1/ranges", data={**SUMMER, "arrive_on": ["5"]}).status_code == 303
    page = words_of(client.get("/admin/rules/1").text)
    assert "at least 7 nights" in page
    assert "From Thu 1 July 2027 to Tue 31 August 2027 stays begin only on Saturday." in page

    form = client.get("/admin/rules/1/ranges/1").text
    assert value_of(form, "min_nights") == "7"
    assert re.search(r'name="arrive_on" value="5" checked', form)
    assert client.post("/admin/rules/1/ranges/1", data={**SUMMER, "min_nights": "5"}).status_code == 303
    assert house.count(StayRule, min_nights=5, arrive_on=None) == 1

    for _ in range(2):
        assert client.post("/admin/rules/1/ranges/1/remove", data=PRESS).status_code == 303
    assert house.count(StayRule) == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"last_on": "2027-06-30"}, "The last day comes before the first."),
        ({"first_on": "summer"}, "Choose the first day."),
        ({"name": " "}, "Give it a name."),
        ({"min_nights": ""}, "Fill in at least one rule"),
        ({"min_nights": "31"}, "No stay could be both: the shortest has 31 nights, the longest 30."),
    ],
)
def test_a_range_that_cannot_be_is_asked_for_again_with_what_was_typed(house: House, typed: dict, told: str) -> None:
    answer = house.ada().post("/admin/rules/1/ranges", data={**SUMMER, **typed})

    assert answer.status_code == 422
    assert told in words_of(answer.text) or "Not a valid date value." in words_of(answer.text)
    assert value_of(answer.text, "name") == typed.get("name", "Summer").strip()
    assert house.count(StayRule) == 0


def test_staff_can_ask_whether_a_guest_may_book_and_is_told_why_not_and_what_would_do(house: House) -> None:
    client = house.ada()
    client.post("/admin/rules/1/ranges", data=SUMMER)

    yes = words_of(client.get("/admin/rules/1?arrive=2027-05-03&leave=2027-05-05&guests=2").text)
    no = words_of(client.get("/admin/rules/1?arrive=2027-07-03&leave=2027-07-05&guests=2").text)
    odd = words_of(client.get("/admin/rules/1?arrive=2027-07-05&leave=2027-07-03&guests=2").text)

    assert "Yes: Mon 3 to Wed 5 May 2027 for 2 guests costs €270.00." in yes
    assert "the shortest stay is 7 nights." in no
    assert "Sat 3 to Sat 10 July 2027, 7 nights" in no
    assert "Leave must be after arrive." in odd


@pytest.mark.parametrize("path", ["/rules/9", "/rules/9/ranges/new", "/rules/1/ranges/9", "/policies/9"])
def test_what_is_not_there_is_not_found(house: House, path: str) -> None:
    assert house.ada().get(f"/admin{path}").status_code == 404


# --- policies -------------------------------------------------------------------------------------------------------


def test_a_policy_is_tried_made_chosen_and_kept_by_the_booking(house: House) -> None:
    client = house.ada()
    typed = {**FIRM, "grace_hours": "24", "grace_least_days": "20", "returns_cleaning": "y",
             "listing_id": "1", "arrive": "2027-04-12", "leave": "2027-04-14"}  # fmt: skip

    tried = words_of(client.post("/admin/policies/new", data={**typed, "preview": "1"}).text)
    assert "Free cancellation for 24 hours after booking, if you then arrive in 20 days or later." in tried
    assert "until Sat 13 March 2027" in tried or "until Saturday 13 March 2027 €270.00" in tried
    assert "until Monday 29 March 2027 €142.00 €128.00" in tried
    assert "later, until the day of arrival €14.00 €256.00" in tried
    assert "nobody comes €14.00 €256.00" in tried
    assert house.count(CancellationPolicy) == 0

    assert client.post("/admin/policies/new", data=typed).status_code == 303
    assert client.post("/admin/policies/of/1", data={"policy_id": "1"}).status_code == 303
    guest = words_of(house.stranger().get("/stays/harbour-loft?arrive=2027-04-12&leave=2027-04-14&guests=2").text)
    assert "After that €142.00 back until Mon 29 March." in guest
    assert "Later, €14.00 comes back: it is owed only for a stay." in guest


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"percent_1": ""}, "Fill in both, or leave both empty."),
        ({"days_1": "30"}, "There is a step for this number of days already."),
        ({"percent_1": "101"}, "Type a number from 1 to 100."),
        ({"name": ""}, "Give it a name."),
        ({"property_id": "7"}, "Choose a property."),
    ],
)
def test_a_policy_that_cannot_be_is_asked_for_again(house: House, typed: dict, told: str) -> None:
    answer = house.ada().post("/admin/policies/new", data={**FIRM, **typed})

    assert answer.status_code == 422
    assert told in words_of(answer.text) or "property_id" in typed
    assert house.count(CancellationPolicy) == 0


def test_a_policy_in_use_is_not_removed_and_a_name_is_taken_once(house: House) -> None:
    client = house.ada()
    client.post("/admin/policies/new", data=FIRM)
    client.post("/admin/policies/of/1", data={"policy_id": "1"})

    again = client.post("/admin/policies/new", data=FIRM)
    kept = client.post("/admin/policies/1/remove", data=PRESS, follow_redirects=True)
    client.post("/admin/policies/of/1", data={"policy_id": "0"})
    gone = client.post("/admin/policies/1/remove", data=PRESS, follow_redirects=True)

    assert (again.status_code, "There is a policy of this name already." in again.text) == (422, True)
    assert "A listing still has this policy." in kept.text
    assert "The policy is removed." in gone.text
    assert house.count(CancellationPolicy) == 0


def test_changing_a_policy_leaves_bookings_their_terms(house: House) -> None:
    client = house.ada()
    client.post("/admin/policies/new", data=FIRM)
    with house.rows() as session:
        frozen = session.get(CancellationPolicy, 1).terms.as_json()
    booking_id = house.book(terms=frozen)

    client.post("/admin/policies/1", data={**FIRM, "days_0": "3", "days_1": "2"})

    assert house.read(booking_id).terms == frozen
    form = client.get("/admin/policies/1").text
    assert (value_of(form, "days_0"), value_of(form, "percent_1")) == ("3", "50")


# --- nobody came ----------------------------------------------------------------------------------------------------

TAX_BACK = CancellationTerms(given_back=frozenset({LineKind.TOURIST_TAX})).as_json()


def no_show(house: House, booking_id: int, **query: str) -> str:
    client = house.ada()
    page = client.get(f"/admin/bookings/{booking_id}/no-show/check", query_string=query).text
    form = {name: value_of(page, name) for name in ("amount", "form_token")} | query
    for _ in range(2):
        assert client.post(f"/admin/bookings/{booking_id}/no-show", data=form).status_code == 303
    return words_of(page)


def test_nobody_came_is_noted_with_what_was_shown_and_the_booking_stays_confirmed(house: House) -> None:
    booking_id = house.book(terms=TAX_BACK)
    house.clock.time = NOW + timedelta(days=12)  # the second of four nights

    page = no_show(house, booking_id, free="y")

    assert "€28.00 goes back the way it was paid." in page
    assert "The house keeps €584.00." in page
    assert "2 nights after today go on sale at once." in page
    booking = house.read(booking_id)
    assert (booking.status, booking.freed_from, booking.no_show_at) == (
        "confirmed",
        date(2027, 3, 14),
        house.clock.time,
    )
    assert house.count(Night, booking_id=booking_id) == 2
    assert house.count(Refund, booking_id=booking_id, amount_minor=2800) == 1
    assert house.count(BookingEvent, booking_id=booking_id, kind="no_show") == 1
    shown = words_of(house.ada().get(f"/admin/bookings/{booking_id}").text)
    assert "Nobody came noted Sat 13 March 2027, 13:00; on sale again from Sunday 14 March 2027" in shown


def test_freed_nights_can_be_sold_again_and_no_promise_is_broken(house: House) -> None:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=12)
    no_show(house, booking_id, free="y")

    other = house.book(Stay(date(2027, 3, 14), date(2027, 3, 16)))

    assert house.read(other).unit_id == house.read(booking_id).unit_id
    with house.rows() as session:
        for look in (find_overlaps, find_stray_nights, find_unheld_bookings):
            assert list(look(session(), Given(house.clock.time, ""))) == []


def test_nights_are_kept_where_the_guest_may_still_come(house: House) -> None:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=11)

    page = no_show(house, booking_id)

    assert "Nothing goes back." in page
    assert "Every night stays with this booking." in page
    assert house.count(Night, booking_id=booking_id) == 4
    assert house.count(Refund) == 0
    assert house.count(Booking, freed_from=None) == 1


def test_before_the_day_of_arrival_and_of_what_is_not_confirmed_nothing_can_be_noted(house: House) -> None:
    early, pending = house.book(), house.book(Stay(date(2027, 3, 20), date(2027, 3, 22)), status="pending", paid=False)
    client, form = house.ada(), {"amount": "0.00", "form_token": "0123456789abcdef" * 2}

    assert client.get(f"/admin/bookings/{early}/no-show").status_code == 404
    assert "known from the day of arrival on" in client.post(
        f"/admin/bookings/{early}/no-show", data=form, follow_redirects=True
    ).text  # fmt: skip
    house.clock.time = NOW + timedelta(days=20)
    client = house.ada()
    assert client.get(f"/admin/bookings/{pending}/no-show").status_code == 404
    client.post(f"/admin/bookings/{pending}/no-show", data=form)
    assert house.count(Booking, no_show_at=None) == 2


def test_another_sum_than_was_shown_never_goes_back(house: House) -> None:
    booking_id = house.book(FIRST, terms=TAX_BACK)
    house.clock.time = NOW + timedelta(days=11)
    form = {"amount": "30.00", "form_token": "0123456789abcdef" * 2}

    answer = house.ada().post(f"/admin/bookings/{booking_id}/no-show", data=form, follow_redirects=True)

    assert "What goes back has changed since this page was made. Nothing was noted." in words_of(answer.text)
    assert house.count(Booking, no_show_at=None) == 1
    assert house.count(Refund) == 0


def test_cancelling_says_why_the_terms_give_what_they_give(house: House) -> None:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=6)

    page = words_of(house.ada().get(f"/admin/bookings/{booking_id}/cancel").text)

    assert "If the guest cancels: It is 5 days before arrival: by the terms 50 percent comes back." in page
    assert "If the house cancels: A guest whom the house cancels gets everything back." in page


def test_a_unit_beside_which_nights_must_stay_empty_is_no_place_to_move_to(house: House) -> None:
    booking_id = house.book()
    house.book(FIRST.shifted(FIRST.nights), unit_id=house.other_unit_id)
    client = house.ada()
    assert "Another stay is too near" not in client.get(f"/admin/bookings/{booking_id}/move").text

    client.post("/admin/rules/1", data=RULES)

    page = words_of(client.get(f"/admin/bookings/{booking_id}/move").text)
    assert "Another stay is too near: nights that stay empty between two: 1" in page
    answer = client.post(f"/admin/bookings/{booking_id}/move/{house.other_unit_id}", data=PRESS)
    assert (answer.status_code, house.read(booking_id).unit_id) == (409, house.unit_id)
