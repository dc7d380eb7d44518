"""Codes that take something off: what each gives, and why one is not taken."""

from dataclasses import dataclass
from datetime import date

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.words import Said, say, say_count

NOTHING_LEFT = say("With this code there would be nothing left to pay here. Please write to the house instead.")


@dataclass(frozen=True, slots=True)
class Coupon:
    """Takes `off_minor`, or `off_share` in hundredths of a percent, off the nights of one stay.

    `first` and `last` bound the nights of the stay, `until` the day of booking; None leaves open. How often a code may
    be used is counted where bookings are (`most_uses`).
    """

    code: str
    off_minor: int = 0
    off_share: int = 0
    min_nights: int = 1
    first: date | None = None
    last: date | None = None
    until: date | None = None
    most_uses: int | None = None

    def off(self, room: Money) -> Money:
        """What it takes off so much; never more than there is."""
        wanted = Money(self.off_minor, room.currency) + room.share(self.off_share)
        return min(wanted, room, key=lambda money: money.minor)


def find_refusal(coupon: Coupon, stay: Stay, today: date, uses: int) -> Said | None:
    """Why a guest cannot use this code for this stay, or None. `uses` counts bookings that hold it already."""
    if coupon.until and today > coupon.until:
        return say("This code could be used until {day}.", day=coupon.until)
    if coupon.most_uses is not None and uses >= coupon.most_uses:
        return say("This code has been used up.")
    if stay.nights < coupon.min_nights:
        return say_count(
            "This code is for stays of at least {count} night.",
            "This code is for stays of at least {count} nights.",
            coupon.min_nights,
        )
    if coupon.first and stay.arrive < coupon.first:
        return say("This code is for nights from {day} on.", day=coupon.first)
    if coupon.last and stay.last_night > coupon.last:
        return say("This code is for nights up to {day}.", day=coupon.last)
    return None
