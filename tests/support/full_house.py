"""A house with more bookings than anybody wants to make one by one: rows in bulk, without attempts or payments."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.states import BookingStatus, PaymentStatus, Source
from booking.extensions import db
from booking.models import Booking, Closure, Night
from booking.models.occupancy import note_nights

MADE = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
NIGHTLY_MINOR = 14000
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def add_bookings(app: Flask, listing_id: int, unit_ids: list[int], stays: list[Stay], **changes: Any) -> list[int]:
    """Confirmed bookings with their nights: each stay in each unit; their ids."""
    with app.app_context():
        places = [(unit_id, stay) for stay in stays for unit_id in unit_ids]
        rows = [_row(number, listing_id, *place, changes) for number, place in enumerate(places, start=1)]
        ids = list(db.session.scalars(insert(Booking).returning(Booking.id, sort_by_parameter_order=True), rows))
        nights = [
            {"unit_id": unit_id, "day": day, "booking_id": booking_id, "hold_until": rows[0]["hold_until"]}
            for booking_id, (unit_id, stay) in zip(ids, places, strict=True)
            for day in stay
        ]
        db.session.execute(insert(Night), nights)
        for night in nights:
            note_nights(db.session(), night["unit_id"], [night["day"]], are_taken=night["hold_until"] is None)
        db.session.commit()
        return ids


def close(app: Flask, unit_id: int, stay: Stay, reason: str = "Painting") -> int:
    """A closure with its nights; its id."""
    with app.app_context():
        closure = Closure(unit_id=unit_id, arrive=stay.arrive, leave=stay.leave, reason=reason)
        db.session.add(closure)
        db.session.flush()
        db.session.add_all(Night(unit_id=unit_id, day=day, closure_id=closure.id) for day in stay)
        db.session.commit()
        return closure.id


def back_to_back(first: date, last: date, nights: int = 3) -> Iterator[Stay]:
    """Stays of so many nights, one after the other, each beginning on a day before `last`."""
    while first < last:
        yield Stay(first, first + timedelta(days=nights))
        first += timedelta(days=nights)


def _row(number: int, listing_id: int, unit_id: int, stay: Stay, changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": "B" + "".join(_ALPHABET[(number >> shift) % 32] for shift in (30, 25, 20, 15, 10, 5, 0)),
        "listing_id": listing_id,
        "unit_id": unit_id,
        "arrive": stay.arrive,
        "leave": stay.leave,
        "guests": 2,
        "status": BookingStatus.CONFIRMED,
        "payment_status": PaymentStatus.PAID,
        "hold_until": None,
        "hold_key": f"hold{number}",
        "browser_key": "browser",
        "amount_minor": NIGHTLY_MINOR * stay.nights,
        "currency": "eur",
        "quote": _quote(stay),
        "terms": {},
        "guest_name": f"Guest {number}",
        "guest_email": f"guest{number}@example.org",
        "confirmed_at": MADE,
        "confirmed_via": Source.WEBHOOK,
        **changes,
    }


def _quote(stay: Stay) -> dict[str, Any]:
    each, total = Money(NIGHTLY_MINOR, "eur"), Money(NIGHTLY_MINOR * stay.nights, "eur")
    return Quote(stay.nights, 2, (QuoteLine(LineKind.NIGHT, stay.nights, each, total),), total).as_json()
