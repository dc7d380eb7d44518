"""Ends that many disasters share, each as lines of the evidence."""

from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, RefundRefused
from booking.drill.evidence import plain
from booking.drill.house import House
from booking.services.reservations import GuestDetails


def confirmed_once(house: House, booking_id: int, *, via: str | None = None) -> None:
    """Confirmed, paid once, its nights held, one letter to the guest. `via`: by which path, where that is certain."""
    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "confirmed, paid")
    if via is None:
        house.check(f"booking {booking_id}: times it was confirmed", len(stands.confirmed_via), 1)
        house.evidence.note(f"booking {booking_id} was confirmed via {stands.confirmed_via[0]}")
    else:
        house.check(f"booking {booking_id} was confirmed via", stands.confirmed_via, (via,))
    seen = {"payments": stands.payments, "nights": stands.nights, "letters of confirmation": stands.mails["confirmed"]}
    wanted = {"payments": 1, "nights": house.booking(booking_id).stay.nights, "letters of confirmation": 1}
    house.check(f"booking {booking_id} has", seen, wanted)


def untouched(house: House, booking_id: int) -> None:
    """Still waiting for its payment, with its nights held."""
    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "pending, unpaid")
    house.check(f"booking {booking_id}: nights it has", stands.nights, house.booking(booking_id).stay.nights)


def refunded_once(house: House, booking_id: int, reason: str) -> None:
    """One refund of the whole price here, and exactly that one at Stripe."""
    total = house.booking(booking_id).amount
    here, there = house.standing(booking_id).refunds, house.simulator.refunds_of(house.intent_of(booking_id))
    house.check(f"booking {booking_id}: refunds here", here, (f"{plain(total)} {reason} succeeded",))
    house.check(f"booking {booking_id}: refunds at Stripe, in minor units", there, [total.minor])


def can_be_held(house: House, stay: Stay, guest: GuestDetails) -> bool:
    """Whether the shop gives these nights to a guest; then they are held."""
    try:
        house.place(stay, guest)
    except DatesUnavailable:
        return False
    return True


def can_be_refunded(house: House, booking_id: int, minor: int) -> bool:
    """Whether the shop lets staff send so much back; then it is on its way."""
    try:
        house.order_refund(booking_id, minor)
    except RefundRefused:
        return False
    return True
