"""What a disaster shows: lines of what was seen, and the one check that did not hold."""

from collections import Counter
from dataclasses import dataclass, field

from booking.domain.money import Money


class Failed(Exception):
    """Something is not as it must be; the text says what was seen and what should have been."""


class DrillRefused(Exception):
    """The drill cannot begin, in one line: no fakestripe, no scratch database, a name that nobody knows."""


@dataclass(slots=True)
class Evidence:
    """Lines in the order in which things were seen."""

    lines: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Something worth reading that is neither right nor wrong."""
        self.lines.append(line)

    def check(self, what: str, seen: object, wanted: object) -> None:
        """Write down what was seen; raise Failed where it is not what was wanted."""
        if seen != wanted:
            raise Failed(f"{what}: {plain(seen)}, and it should be {plain(wanted)}")
        self.lines.append(f"{what}: {plain(seen)}")


def plain(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(plain, value)) or "none"
    if isinstance(value, Counter):
        return ", ".join(f"{count} x {plain(name)}" for name, count in sorted(value.items())) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{plain(name)}: {plain(entry)}" for name, entry in value.items())
    if isinstance(value, Money):
        return f"{value.major} {value.currency.upper()}"
    return "none" if value is None else str(value)
