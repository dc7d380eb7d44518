"""A guest's page of saved cards: who may open it, what it shows, and what its buttons do."""

import pytest

from tests.support.cards import book_with_card, cards_of, keep_cards
from tests.support.shop import Shop, Visitor, fields_of


@pytest.fixture
def keeping(small_shop: Shop) -> Shop:
    keep_cards(small_shop)
    return small_shop


@pytest.fixture
def grace(keeping: Shop) -> Visitor:
    """A browser that has read the review, booked and paid."""
    visitor = Visitor(keeping.url)
    visitor.book_and_pay("harbour-loft", keeping.stay())
    booking_id = keeping.bookings()[-1].id
    keeping.pay(booking_id)
    keeping.work()
    return visitor


def _path(shop: Shop, rest: str = "") -> str:
    return f"/b/{shop.bookings()[-1].reference}/cards{rest}"


def test_the_review_says_what_may_be_charged_before_the_button_and_the_card_is_saved(
    keeping: Shop, grace: Visitor
) -> None:
    review = grace.get("/stays/harbour-loft/review", arrive=str(keeping.stay(ahead=60).arrive),
                       leave=str(keeping.stay(ahead=60).leave), guests="2").text  # fmt: skip
    before = review.index("For damage that you or your guests cause: €200.00 at most.")

    assert before < review.index("Book and pay")
    assert [card.last4 for card in cards_of(keeping, keeping.bookings()[-1].id)] == ["4242"]


def test_the_page_shows_brand_and_last_digits_and_what_was_agreed_to(keeping: Shop, grace: Visitor) -> None:
    page = grace.get(_path(keeping))

    assert page.status_code == 200
    assert "Visa ···· 4242" in page.text
    assert "This card is charged." in page.text
    assert "€200.00 at most" in page.text
    assert "pm_" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_nobody_else_can_open_it_or_press_its_buttons(keeping: Shop, grace: Visitor) -> None:
    linus, (card,) = Visitor(keeping.url), cards_of(keeping, keeping.bookings()[-1].id)
    token = {"csrf_token": fields_of(linus.get("/manage").text)["csrf_token"]}

    assert linus.get(_path(keeping)).status_code == 404
    for rest in (f"/{card.id}/remove", f"/{card.id}/default"):
        assert linus.post(_path(keeping, rest), token).status_code == 404
    assert cards_of(keeping, keeping.bookings()[-1].id)[0].removed_at is None


def test_the_card_of_another_booking_is_none_of_this_one(keeping: Shop, grace: Visitor) -> None:
    other = book_with_card(keeping, stay=keeping.stay(ahead=90))
    (card,) = cards_of(keeping, other)
    path = f"/b/{keeping.bookings()[0].reference}/cards"
    token = {"csrf_token": fields_of(grace.get(path).text)["csrf_token"]}

    for rest in (f"/{card.id}/remove", f"/{card.id}/default", "/999/remove"):
        assert grace.post(path + rest, token).status_code == 404
    assert cards_of(keeping, other)[0].removed_at is None


def test_removing_the_card_says_so_and_pressing_twice_changes_nothing_more(keeping: Shop, grace: Visitor) -> None:
    (card,) = cards_of(keeping, keeping.bookings()[-1].id)
    token = {"csrf_token": fields_of(grace.get(_path(keeping)).text)["csrf_token"]}

    for _ in range(2):
        assert grace.post(_path(keeping, f"/{card.id}/remove"), token).status_code == 303
    keeping.work()

    assert "The card is removed. It is not charged any more." in grace.get(_path(keeping)).text
    assert cards_of(keeping, keeping.bookings()[-1].id)[0].detached_at is not None


def test_a_booking_that_saved_nothing_has_no_such_page(small_shop: Shop) -> None:
    visitor = Visitor(small_shop.url)
    visitor.book_and_pay("harbour-loft", small_shop.stay())

    assert visitor.get(_path(small_shop)).status_code == 404
