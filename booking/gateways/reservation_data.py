"""A stay in the words of schema.org, for mail programs that put it into a calendar or remind of it by themselves.

https://schema.org/LodgingReservation
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

_STATUS = "https://schema.org/Reservation"


def lodging_reservation(facts: Mapping[str, Any], *, is_cancelled: bool) -> dict[str, object]:
    """The reservation that a letter is about. Holds no link: programs that read mail must not follow a secret one."""
    zone, stay = ZoneInfo(facts["timezone"]), facts["stay"]
    return {
        "@context": "https://schema.org",
        "@type": "LodgingReservation",
        "reservationNumber": facts["reference"],
        "reservationStatus": _STATUS + ("Cancelled" if is_cancelled else "Confirmed"),
        "underName": {"@type": "Person", "name": facts["guest_name"]},
        "reservationFor": _house(facts),
        "lodgingUnitDescription": facts["listing_name"],
        "checkinTime": _at(stay.arrive, facts["check_in_from"], zone),
        "checkoutTime": _at(stay.leave, facts["check_out_by"], zone),
        "totalPrice": str(facts["total"].major),
        "priceCurrency": facts["total"].currency.upper(),
    }


def _house(facts: Mapping[str, Any]) -> dict[str, object]:
    known = {"telephone": facts["contact_phone"], "email": facts["contact_email"]}
    address = {"@type": "PostalAddress", "streetAddress": facts["property_address"]}
    return {
        "@type": "LodgingBusiness",
        "name": facts["property_name"],
        **({"address": address} if facts["property_address"] else {}),
        **{name: value for name, value in known.items() if value},
    }


def _at(day: date, clock: str, zone: ZoneInfo) -> str:
    """An instant with its offset; only the day where the house has no such time."""
    try:
        return datetime.combine(day, time.fromisoformat(clock), zone).isoformat()
    except ValueError:
        return day.isoformat()
