"""What the shop promises of bookings and money, and the looks at a live database that find what breaks it."""

from booking.queries.invariants.given import Given
from booking.queries.invariants.promises import PROMISES, Promise

__all__ = ["PROMISES", "Given", "Promise"]
