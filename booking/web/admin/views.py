"""Gathers the staff pages: importing this module puts all of them on the blueprint."""

from booking.web.admin import (  # noqa: F401  (they register themselves)
    audit,
    booking_list,
    bookings,
    calendar,
    care,
    changing,
    closures,
    disputes,
    guests,
    house,
    inbox,
    ledger,
    letters,
    listings,
    long_jobs,
    money,
    moving,
    no_shows,
    owed,
    payment_health,
    payment_plans,
    payouts,
    people,
    phone,
    photos,
    policies,
    rates,
    reports,
    rules,
    setup,
    system,
)
from booking.web.admin.blueprint import blueprint

__all__ = ["blueprint"]
