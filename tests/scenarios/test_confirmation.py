"""Scenarios 1, 2, 6, 11, 15: however the news of a payment comes, there is one confirmation."""

from tests.support.shop import Shop


def test_paid_session_is_confirmed_by_the_webhook(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    shop.pay(booking_id)

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.causes(booking_id, "confirmed") == ["webhook"]
    assert [night.hold_until for night in shop.nights(booking_id)] == [None] * 3
