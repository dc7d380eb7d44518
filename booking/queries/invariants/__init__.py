"""What the shop promises of bookings and money, each as a look at a live database that finds every row which breaks it."""

from booking.queries.invariants.promises import PROMISES, Promise

__all__ = ["PROMISES", "Promise"]
