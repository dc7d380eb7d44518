"""The desk's pages about saved cards: what is offered, what is said before it happens, and what is refused."""

from datetime import date
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.domain.roles import Role
from booking.domain.states import DueKind
from booking.models import Booking, CardConsent, Due, Payment, Property
from tests.web.admin_house import House

TOKEN = "f" * 32
LATER = Stay(date(2027, 4, 12), date(2027, 4, 16))
WISH = {"amount": "120", "reason": "A broken window", "form_token": TOKEN}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def _fee(booking_id: int, kind: str = "damage", rest: str = "") -> str:
    return f"/admin/bookings/{booking_id}/fee/{kind}{rest}"


def test_a_booking_without_a_saved_card_offers_no_charge(house: House) -> None:
    booking_id = house.book()

    page = house.ada().get(f"/admin/bookings/{booking_id}")

    assert "Charge for damage" not in page.text
    assert "Saved card" not in page.text
    assert house.ada().get(_fee(booking_id)).status_code == 404


def test_a_booking_with_one_shows_brand_and_last_digits_and_what_was_agreed_to(house: House) -> None:
    booking_id = house.booking_with_card()

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "Visa ···· 4242, 12/34" in page
    assert "For damage that you or your guests cause" in page
    assert "Charge for damage" in page
    assert "Charge a no-show fee" not in page
    assert "pm_" not in page


def test_before_a_charge_the_page_says_how_much_to_which_card_and_why(house: House) -> None:
    booking_id = house.booking_with_card()

    page = house.ada().post(_fee(booking_id, rest="/check"), data=WISH)

    assert page.status_code == 200
    assert "EUR 120" in page.text
    assert "Visa ···· 4242" in page.text
    assert "A broken window" in page.text
    assert house.count(Due) == 0


@pytest.mark.parametrize(("amount", "words"), [("201", "At most 200.00 EUR"), ("", "Type an amount"), ("x", "Type an")])
def test_an_amount_that_cannot_be_charged_is_said_on_its_field(house: House, amount: str, words: str) -> None:
    booking_id = house.booking_with_card()

    for rest in ("/check", ""):
        page = house.ada().post(_fee(booking_id, rest=rest), data={**WISH, "amount": amount})
        assert (page.status_code, words in page.text) == (422, True)

    assert house.count(Due) == 0


def test_the_fee_of_a_guest_who_did_not_come_is_filled_in_with_what_the_terms_leave_the_house(house: House) -> None:
    booking_id = house.booking_with_card()
    with house.rows() as session:
        session.query(CardConsent).one().no_show_minor = 50_000
        session.query(Booking).one().no_show_at = house.clock.now()
        session.query(Payment).one().amount_minor -= 12_050  # a deposit

    page = house.ada().get(_fee(booking_id, "no-show"))

    assert page.status_code == 200
    assert 'value="120.50"' in page.text
    assert house.ada().post(_fee(booking_id, "no-show", "/check"), data={**WISH, "amount": "120.51"}).status_code == 422


def test_a_charge_that_stripe_does_not_answer_is_written_and_not_called_done(house: House) -> None:
    booking_id, ada = house.booking_with_card(), house.ada()

    page = ada.post(_fee(booking_id), data=WISH, follow_redirects=True)

    assert "it is not charged twice" in page.text
    assert house.count(Due) == 1


def test_a_fee_of_an_unknown_kind_or_a_due_of_another_booking_is_nowhere(house: House) -> None:
    mine, other = house.booking_with_card(), house.book(LATER)
    due_id = house.due(mine)
    ada = house.ada()

    assert ada.get(_fee(mine, "party")).status_code == 404
    for what in ("try", "stop", "link"):
        answer = ada.post(f"/admin/bookings/{other}/dues/{due_id}/{what}", data={"form_token": TOKEN})
        assert answer.status_code == 404


def test_what_is_owed_stands_on_the_sheet_with_what_can_be_done(house: House) -> None:
    booking_id = house.booking_with_card()
    house.due(booking_id)

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "Damage: €42.00" in page
    assert "Charge the card now" in page
    assert "Mail the link to pay" in page


def test_a_balance_says_whether_the_saved_card_is_charged_with_it(house: House) -> None:
    booking_id = house.booking_with_card()
    house.due(booking_id, DueKind.BALANCE)
    assert "The saved card is charged with it on that day" in house.ada().get(f"/admin/bookings/{booking_id}").text

    with house.rows() as session:
        session.query(Due).one().tries_stopped_at = house.clock.now()
    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "The saved card is charged with it" not in page
    assert "The guest is asked for it by mail" in page


def test_who_may_not_move_money_may_not_charge(house: House) -> None:
    booking_id = house.booking_with_card()

    answer = house.member(Role.READ_ONLY).post(_fee(booking_id), data=WISH)

    assert answer.status_code == 403
    assert house.count(Due) == 0


def test_the_house_decides_whether_cards_are_saved_and_for_how_much_damage(house: House) -> None:
    ada = house.ada()
    assert "keeps_cards" in ada.get("/admin/cards").text

    assert ada.post("/admin/cards", data={"keeps_cards": "y", "damage_most": "150,50"}).status_code == 303
    with house.rows() as session:
        place = session.query(Property).one()
        assert (place.keeps_cards, place.damage_most_minor, place.pays_on_page) == (True, 15_050, False)
    assert 'value="150.50"' in ada.get("/admin/cards").text

    refused = ada.post("/admin/cards", data={"keeps_cards": "y", "damage_most": "a lot"})
    assert (refused.status_code, "Type an amount" in refused.text) == (422, True)
