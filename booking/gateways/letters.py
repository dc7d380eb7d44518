"""Letters from templates/email: Jinja environments of their own, because mail is no page of the web."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booking.gateways.calendar_file import BookedStay, calendar_file, stay_entry
from booking.gateways.mail import Attachment, Letter
from booking.gateways.plain_text import one_line, some_lines
from booking.gateways.reservation_data import lodging_reservation
from booking.language import LANGUAGES, Language, grouped, language, strip_nights

# With these goes a calendar entry, which a later one with the same UID replaces.
WITH_CALENDAR = ("confirmed", "stay_changed", "cancelled")
# Headers longer than this help nobody, and some servers cut them badly.
LONGEST_SUBJECT = 200
# Facts that people write in several lines. All others are put on one, whatever stands in them.
_LINES = ("guest_message", "directions", "house_rules", "note")


def build_letter_writer(templates: Path) -> "TemplateLetters":
    """The writer that reads the folder `email` below the templates of the shop."""
    return TemplateLetters(templates / "email")


class TemplateLetters:
    """Writes letters. Shared by the threads of a process: holds only compiled templates, a set for each language."""

    def __init__(self, folder: Path) -> None:
        self._templates = {code: _environment(folder, language(code)) for code in LANGUAGES}

    def __call__(self, kind: str, context: dict[str, object]) -> Letter:
        """The letter of one kind. A name missing from the context is an error, never a hole in a guest's mail."""
        speak = language(str(context["language"]))
        facts = {name: _tidy(name, value) for name, value in context.items()}
        render = partial(_render, self._templates[speak.code])
        subject = one_line(render(f"{kind}/subject.txt", facts))[:LONGEST_SUBJECT]
        extra = {"subject": subject, "reservation": _reservation(kind, facts)}
        return Letter(
            to=str(facts["to"]),
            subject=subject,
            text=_without_gaps(render(f"{kind}/body.txt", facts)),
            html=render(f"{kind}/body.html", {**facts, **extra}).strip() + "\n",
            message_id=str(facts["message_id"]),
            language=speak.code,
            sent_at=context["sent_at"],  # type: ignore[arg-type]  # a datetime in every context
            reply_to=str(facts["reply_to"]),
            attachments=(_calendar(kind, facts, speak),) if kind in WITH_CALENDAR else (),
        )


def _environment(folder: Path, speak: Language) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        speak.gettext, speak.ngettext, newstyle=True, pgettext=speak.pgettext, npgettext=speak.npgettext
    )
    templates.filters.update(
        money=speak.money, day=speak.day, weekday=speak.weekday, dates=speak.dates, moment=speak.moment,
        local_moment=speak.local_moment, grouped=grouped,
    )  # fmt: skip
    templates.globals.update(
        line_label=speak.line_label, included_label=speak.included_label, stay_words=speak.stay_words,
        night_word=speak.nights, guest_word=speak.guests, strip_nights=strip_nights,
    )  # fmt: skip
    return templates


def _tidy(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return some_lines(value) if name in _LINES else one_line(value)


def _render(templates: Environment, name: str, context: Mapping[str, object]) -> str:
    return templates.get_template(name).render(context)


def _reservation(kind: str, facts: Mapping[str, Any]) -> dict[str, object] | None:
    return lodging_reservation(facts, is_cancelled=kind == "cancelled") if kind in WITH_CALENDAR else None


def _calendar(kind: str, facts: Mapping[str, Any], speak: Language) -> Attachment:
    return Attachment(
        filename=f"stay-{facts['reference']}.ics",
        content_type="text/calendar",
        text=calendar_file(stay_entry(_booked(kind, facts), speak)),
        params=(("method", "PUBLISH"),),
    )


def _booked(kind: str, facts: Mapping[str, Any]) -> BookedStay:
    return BookedStay(
        reference=facts["reference"],
        host=facts["calendar_host"],
        listing_name=facts["listing_name"],
        property_name=facts["property_name"],
        address=facts["property_address"],
        contact_email=facts["contact_email"],
        contact_phone=facts["contact_phone"],
        check_in_from=facts["check_in_from"],
        check_out_by=facts["check_out_by"],
        stay=facts["stay"],
        is_cancelled=kind == "cancelled",
        sequence=facts["calendar_sequence"],
        stamped_at=facts["sent_at"],
    )


def _without_gaps(text: str) -> str:
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
