"""Letters from templates/email: a Jinja environment of its own, because mail is no page of the web."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.gateways.calendar_file import StayFacts, calendar_file
from booking.gateways.mail import Attachment, Letter

LOCALE = "en_GB"
# With these goes a calendar entry, which a later one with the same UID replaces.
WITH_CALENDAR = ("confirmed", "cancelled")
# A strip of more cells than this would not fit a telephone.
LONGEST_STRIP = 14
# Control characters, half characters, and the two that end a line in Unicode.
_BREAKS = ("Cc", "Cs", "Zl", "Zp")


def build_letter_writer(templates: Path) -> "TemplateLetters":
    """The writer that reads the folder `email` below the templates of the shop."""
    return TemplateLetters(templates / "email")


class TemplateLetters:
    """Writes letters. Shared by the threads of a process: holds only compiled templates."""

    def __init__(self, folder: Path) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters.update(money=money, day=day, dates=dates, instant=instant)
        self._templates.globals["longest_strip"] = LONGEST_STRIP

    def __call__(self, kind: str, context: dict[str, object]) -> Letter:
        """The letter of one kind. A name missing from the context is an error, never a hole in a guest's mail."""
        subject = one_line(self._render(f"{kind}/subject.txt", context))
        return Letter(
            to=one_line(str(context["to"])),
            subject=subject,
            text=_without_gaps(self._render(f"{kind}/body.txt", context)),
            html=self._render(f"{kind}/body.html", {**context, "subject": subject}),
            message_id=str(context["message_id"]),
            reply_to=one_line(str(context["reply_to"])),
            attachments=(self._calendar(kind, context),) if kind in WITH_CALENDAR else (),
        )

    def _render(self, name: str, context: Mapping[str, object]) -> str:
        return self._templates.get_template(name).render(context)

    def _calendar(self, kind: str, context: dict[str, Any]) -> Attachment:
        return Attachment(
            filename=f"stay-{context['reference']}.ics",
            content_type="text/calendar",
            text=calendar_file(_stay_facts(kind, context)),
            params=(("method", "PUBLISH"),),
        )


def _stay_facts(kind: str, context: dict[str, Any]) -> StayFacts:
    is_cancelled = kind == "cancelled"
    stay: Stay = context["stay"]
    return StayFacts(
        uid=context["calendar_uid"],
        summary=f"{context['listing_name']}, {context['property_name']}",
        arrive=stay.arrive,
        leave=stay.leave,
        location=context["property_address"],
        description=_calendar_note(context),
        is_cancelled=is_cancelled,
        sequence=int(is_cancelled),
        stamped_at=context["sent_at"],
    )


def _calendar_note(context: Mapping[str, Any]) -> str:
    times = f"Check-in from {context['check_in_from']}, check-out by {context['check_out_by']}."
    return f"Booking {context['reference']}. {times} {context['contact_email']} {context['contact_phone']}".strip()


def one_line(text: str) -> str:
    """Text fit for a header: whatever a guest typed, it cannot begin a header of its own."""
    visible = "".join(" " if unicodedata.category(char) in _BREAKS else char for char in text)
    return " ".join(visible.split())


def money(amount: Money) -> str:
    """€420.00, with as many decimals as the currency has."""
    return format_currency(amount.major, amount.currency.upper(), locale=LOCALE)


def day(value: date) -> str:
    """Fri 12 March 2027"""
    return format_date(value, "EEE d MMMM y", locale=LOCALE)


def dates(stay: Stay) -> str:
    """12-15 March 2027, saying month and year twice only where they differ."""
    if stay.arrive.year != stay.leave.year:
        first = format_date(stay.arrive, "d MMMM y", locale=LOCALE)
    elif stay.arrive.month != stay.leave.month:
        first = format_date(stay.arrive, "d MMMM", locale=LOCALE)
    else:
        return f"{stay.arrive.day}-{format_date(stay.leave, 'd MMMM y', locale=LOCALE)}"
    return f"{first} - {format_date(stay.leave, 'd MMMM y', locale=LOCALE)}"


def instant(value: datetime, timezone: str) -> str:
    """12 March 2027, 14:05 on the property's own clock."""
    return format_datetime(value, "d MMMM y, HH:mm", tzinfo=ZoneInfo(timezone), locale=LOCALE)


def _without_gaps(text: str) -> str:
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
