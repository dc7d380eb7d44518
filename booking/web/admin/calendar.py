"""The tape chart: who is where on which night."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from booking.domain.words import spoken
from booking.queries.chart import Bar, ChartRow, Owner, draw_chart
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.permits import can_open

LENGTHS = (14, 30, 60)
USUAL = 30
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
# Far enough for every booking, and so near that a step back or forward is a date too.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Look:
    """How one strip is shown: its words, where it leads, and the pattern that says the same as the words."""

    words: str
    more: str
    href: str
    pattern: str


@blueprint.get("/calendar")
def calendar() -> ResponseReturnValue:
    """The chart from a day on; without one, or with what is no day, from today."""
    first, wrong = _read_first(request.args.get("from", ""))
    nights = request.args.get("nights", USUAL, type=int)
    nights = nights if nights in LENGTHS else USUAL
    chart = draw_chart(reader(), first, nights, now())
    earlier = chart.window.first - timedelta(days=nights)
    shown = {"chart": chart, "earlier": earlier, "lengths": LENGTHS, "wrong": wrong}
    return render_template("admin/calendar.html", look=Looker(chart.today), names=_WEEKDAYS, **shown)


class Looker:
    """Says how strips look. A chart has a thousand of them: what they share is found out once."""

    def __init__(self, today: date) -> None:
        self._bookings, self._closures = url_for("admin.bookings"), url_for("admin.closures")
        self._book = url_for("admin.ask_phone_booking") if can_open("admin.ask_phone_booking") else ""
        self._today = today
        self._days: dict[date, str] = {}
        self._seen: dict[Owner | None, Look] = {}

    def __call__(self, bar: Bar) -> Look:
        """How a strip that is not free looks, in the table and in the list."""
        owner = bar.strip.owner
        if owner not in self._seen:
            self._seen[owner] = self._look(bar)
        return self._seen[owner]

    def free(self, row: ChartRow, bar: Bar) -> Look | None:
        """How free nights are booked, from the first of them that is still to come; None where nobody can."""
        first = max(bar.strip.first, self._today)
        if not self._book or not row.is_active or first >= bar.strip.end:
            return None
        asked = f"listing={row.listing_id}&arrive={first}&leave={first + timedelta(days=1)}&guests=2"
        return Look("Book from " + self.day(first), "", f"{self._book}?{asked}", "free")

    def _look(self, bar: Bar) -> Look:
        if bar.booking is None:
            more = self._stay(bar.closure.arrive, bar.closure.leave) if bar.closure else ""
            reason = bar.closure.reason if bar.closure else ""
            return Look(f"Closed: {reason}" if reason else "Closed", more, self._closures, "off")
        booking = bar.booking
        states = f"{booking.status}, {booking.payment_status}".replace("_", " ")
        more = f"{self._stay(booking.arrive, booking.leave)}, {states}"
        href = f"{self._bookings}/{booking.id}"
        if booking.needs_a_look or booking.lacks_nights:
            return Look(f"Look: {booking.guest_name}", more, href, "trouble")
        if booking.is_request:
            return Look(f"Request: {booking.guest_name}", f"{more}, waits for your answer", href, "asked")
        if booking.is_hold:
            return Look(f"Held: {booking.guest_name}", more, href, "hold")
        return Look(booking.guest_name, more, href, "sold")

    def _stay(self, arrive: date, leave: date) -> str:
        return f"{self.day(arrive)} to {self.day(leave)}"

    def day(self, day: date) -> str:
        """A day: "Fri 12 March 2027"."""
        if day not in self._days:
            self._days[day] = spoken(day)
        return self._days[day]


def _read_first(text: str) -> tuple[date | None, str]:
    """The day that was asked for; where it is none, the text of it, so that it can be shown again."""
    try:
        return min(max(date.fromisoformat(text.strip()), _EARLIEST), _LATEST), ""
    except ValueError:
        return None, text
