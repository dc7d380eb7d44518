"""How things are said in a language: sentences from the catalogue; money, days and numbers as its speakers write them.

Pages, mails and calendar files all speak through a Language, so that one sum looks the same wherever a guest meets it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal
from babel.support import Translations

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import IncludedTax, Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.words import Said, Weekdays

TRANSLATIONS = Path(__file__).with_name("translations")
DEFAULT = "en"
# Each language by its own name, as a reader of it looks for it.
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
# Where a language puts the day, the month and the year, and what stands between the two ends of a stay.
_PATTERNS: Mapping[str, Mapping[str, str]] = {
    "en": {"day": "EEEE d MMMM y", "short_day": "EEE d MMMM", "weekday": "EEEE d MMMM", "dated": "EEE d MMMM y",
           "in_month": "EEE d", "moment": "d MMMM y, HH:mm", "plain": "d MMMM y", "plain_month": "d MMMM",
           "plain_day": "d"},
    "de": {"day": "EEEE, d. MMMM y", "short_day": "EEE d. MMMM", "weekday": "EEEE, d. MMMM", "dated": "EEE d. MMMM y",
           "in_month": "EEE d.", "moment": "d. MMMM y, HH:mm", "plain": "d. MMMM y", "plain_month": "d. MMMM",
           "plain_day": "d."},
}  # fmt: skip


class Language:
    """One language. Immutable, and shared by the threads of a process."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._patterns = _PATTERNS[code]
        self._catalogue: NullTranslations = Translations.load(TRANSLATIONS, [code])

    # --- sentences ---

    def gettext(self, message: str) -> str:
        """A sentence from the catalogue; English where nobody has translated it."""
        # Under the empty sentence a catalogue keeps its own head.
        return self._catalogue.gettext(message) if message else ""

    def ngettext(self, one: str, many: str, count: int) -> str:
        """A sentence in the form that a number wants."""
        return self._catalogue.ngettext(one, many, count)

    def pgettext(self, context: str, message: str) -> str:
        """A sentence whose English has more than one meaning."""
        return self._catalogue.pgettext(context, message)

    def npgettext(self, context: str, one: str, many: str, count: int) -> str:
        """Both of these."""
        return self._catalogue.npgettext(context, one, many, count)

    def speak(self, said: Said) -> str:
        """A sentence of the domain, its facts written as the language writes them."""
        count = said.facts.get("count")
        sentence = (
            self.gettext(said.one)
            if said.many is None or not isinstance(count, int)
            else self.ngettext(said.one, said.many, count)
        )
        return sentence.format(**{name: self._fact(fact) for name, fact in said.facts.items()})

    def _fact(self, fact: object) -> object:
        if isinstance(fact, Said):
            return self.speak(fact)
        if isinstance(fact, Money):
            return self.money(fact)
        if isinstance(fact, frozenset):
            return self.days_of_week(fact)
        return self.dated(fact) if isinstance(fact, date) else fact

    # --- money ---

    def money(self, amount: Money) -> str:
        """An amount with its symbol, and as many decimals as the currency has: "€420.00"."""
        return format_currency(amount.major, amount.currency.upper(), locale=self.code)

    def short_money(self, amount: Money) -> str:
        """An amount for narrow cells: "€128", with decimals only where there are any."""
        if amount.major != amount.major.to_integral_value():
            return self.money(amount)
        pattern = "¤#,##0" if self.code == "en" else "#,##0\N{NO-BREAK SPACE}¤"
        return format_currency(amount.major, amount.currency.upper(), pattern, locale=self.code, currency_digits=False)

    def money_words(self, amount: Money) -> str:
        """An amount for the ear: "140 euros"."""
        pattern = "#,##0" if amount.major == amount.major.to_integral_value() else None
        currency = amount.currency.upper()
        return format_currency(
            amount.major, currency, pattern, self.code, currency_digits=not pattern, format_type="name"
        )

    # --- days ---

    def day(self, value: date) -> str:
        """A whole date: "Friday 12 March 2027"."""
        return self._date(value, "day")

    def short_day(self, value: date) -> str:
        """A date where the year is plain: "Fri 12 March"."""
        return self._date(value, "short_day")

    def dated(self, value: date) -> str:
        """A date that may lie in another year: "Fri 12 March 2027"."""
        return self._date(value, "dated")

    def weekday(self, value: date) -> str:
        """A date for the ear: "Friday 12 March"."""
        return self._date(value, "weekday")

    def month_name(self, value: date) -> str:
        """A month: "March 2027"."""
        return format_date(value, "LLLL y", locale=self.code)

    def weekdays(self) -> list[tuple[str, str]]:
        """The days of the week from Monday, short and long: ("Mo", "Monday")."""
        short = get_day_names("short", locale=self.code)
        wide = get_day_names("wide", locale=self.code)
        return [(short[day].rstrip("."), wide[day]) for day in range(7)]

    def days_of_week(self, days: Weekdays) -> str:
        """Some days of the week: "Friday or Saturday"."""
        wide = get_day_names("wide", locale=self.code)
        return format_list([wide[day] for day in sorted(days)], style="or", locale=self.code)

    def moment(self, value: datetime, timezone: str) -> str:
        """An instant on a place's own clock: "12 March 2027, 14:05"."""
        return format_datetime(value, self._patterns["moment"], tzinfo=ZoneInfo(timezone), locale=self.code)

    def local_moment(self, value: datetime) -> str:
        """An instant on the clock that it was told by: "12 March 2027, 14:05"."""
        return format_datetime(value, self._patterns["moment"], tzinfo=value.tzinfo, locale=self.code)

    def stay_words(self, stay: Stay) -> str:
        """A stay in a few words: "Fri 12 to Tue 16 March 2027"."""
        same_year = stay.arrive.year == stay.leave.year
        short = "in_month" if stay.arrive.month == stay.leave.month else "short_day"
        first = self._date(stay.arrive, short if same_year else "dated")
        return self.gettext("%(first)s to %(last)s") % {"first": first, "last": self._date(stay.leave, "dated")}

    def dates(self, stay: Stay) -> str:
        """A stay for a subject: "12-15 March 2027", saying month and year twice only where they differ."""
        last = self._date(stay.leave, "plain")
        if stay.arrive.year != stay.leave.year:
            return f"{self._date(stay.arrive, 'plain')} - {last}"
        if stay.arrive.month != stay.leave.month:
            return f"{self._date(stay.arrive, 'plain_month')} - {last}"
        return f"{self._date(stay.arrive, 'plain_day')}-{last}"

    def _date(self, value: date, pattern: str) -> str:
        return _written_date(value, self._patterns[pattern], self.code)

    # --- what is counted ---

    def nights(self, count: int) -> str:
        """ "1 night", "4 nights"."""
        return self.ngettext("%(count)d night", "%(count)d nights", count) % {"count": count}

    def guests(self, count: int) -> str:
        """ "1 guest", "2 guests"."""
        return self.ngettext("%(count)d guest", "%(count)d guests", count) % {"count": count}

    def line_label(self, line: QuoteLine, quote: Quote) -> str:
        """What a line of a quote charges for: "2 weekend nights × €164.00"."""
        name = quote.name_in(self.code, line.name)
        match line.kind:
            case LineKind.NIGHT | LineKind.WEEKEND_NIGHT:
                return self._night_label(line, name)
            case LineKind.TOURIST_TAX:
                return self.gettext("Tourist tax, %(counted)s") % {"counted": self._counted_tax(line, quote)}
            case LineKind.MORE_GUESTS:
                return self.gettext("More guests, %(counted)s") % {"counted": self._times(line)}
            case LineKind.CLEANING:
                return name or self.gettext("Cleaning")
            case LineKind.AGREED:
                return self.gettext("Agreed with the house")
            case LineKind.MEMBER:
                return self.gettext("Members’ rate, %(percent)s %% less") % {"percent": line.name}
            case LineKind.COUPON:
                return self.gettext("Code %(code)s") % {"code": line.name}
        return name if line.quantity == 1 else f"{name}, {self._times(line)}"

    def included_label(self, tax: IncludedTax, quote: Quote) -> str:
        """A tax that the prices hold already: "including VAT, 7 %"."""
        percent = format_decimal(tax.share / 100, locale=self.code)
        name = quote.name_in(self.code, tax.name)
        return self.gettext("including %(tax)s, %(percent)s %%") % {"tax": name, "percent": percent}

    def _night_label(self, line: QuoteLine, name: str) -> str:
        words = self.nights(line.quantity)
        if line.kind is LineKind.WEEKEND_NIGHT:
            many = self.ngettext("%(count)d weekend night", "%(count)d weekend nights", line.quantity)
            words = many % {"count": line.quantity}
        return f"{words} × {self.money(line.unit)}" + (f", {name}" if name else "")

    def _counted_tax(self, line: QuoteLine, quote: Quote) -> str:
        """By heads and nights where it is due for each; where some are spared, only how many times it is due."""
        if line.quantity != quote.guests * quote.nights:
            return self._times(line)
        return f"{self.guests(quote.guests)} × {self.nights(quote.nights)} × {self.money(line.unit)}"

    def _times(self, line: QuoteLine) -> str:
        return f"{line.quantity} × {self.money(line.unit)}"


# A calendar writes sixty days, and every page the same few hundred.
@lru_cache(maxsize=10_000)
def _written_date(value: date, pattern: str, code: str) -> str:
    return format_date(value, pattern, locale=code)


@lru_cache
def language(code: str) -> Language:
    """The language with this code, or the default one where nobody here speaks it."""
    return Language(code if code in LANGUAGES else DEFAULT)


def grouped(reference: str) -> str:
    """A reference in groups that can be read out: "H7K2-M9QX"."""
    return "-".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def strip_nights(stay: Stay) -> int:
    """How many lozenges the ribbon of a stay is drawn with: a longer one would not fit a telephone."""
    return min(stay.nights, 14)


def localised(path: str, code: str) -> str:
    """The address of a page in a language: "/de/manage". The default language's has no mark of its own."""
    return path if code == DEFAULT else f"/{code}{path}"
