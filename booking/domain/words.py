"""Sentences for people, named before anyone knows in which language they will be read."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

# Days of the week; Monday is 0.
Weekdays = frozenset[int]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with gaps in braces, in English, and the facts that fill them.

    `many` is the sentence for more than one, and `count` then one of the facts. What a fact looks like is a matter of
    the reader's language: facts are dates, Money, whole numbers, days of the week, or texts that nobody translates.
    """

    one: str
    many: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in plain English: for logs, the command line, and pages of the staff."""
        sentence = self.one if self.many is None or self.facts["count"] == 1 else self.many
        return sentence.format(**{name: _plainly(fact) for name, fact in self.facts.items()})


def say(sentence: str, **facts: object) -> Said:
    """A sentence for people. The catalogue of translations is collected from the calls of this function."""
    return Said(sentence, None, facts)


def say_count(one: str, many: str, count: int, **facts: object) -> Said:
    """A sentence that depends on a number, which fills its gap {count}."""
    return Said(one, many, {"count": count, **facts})


def spoken(day: date) -> str:
    """A date as plain English words: "Fri 5 March 2027"."""
    return f"{day:%a} {day.day} {day:%B %Y}"


def spoken_weekdays(days: Weekdays) -> str:
    """Days of the week as plain English words: "Friday, Saturday or Sunday"."""
    names = [calendar.day_name[day] for day in sorted(days)]
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[2:] else names)


def _plainly(fact: object) -> object:
    if isinstance(fact, frozenset):
        return spoken_weekdays(fact)
    return spoken(fact) if isinstance(fact, date) else fact
