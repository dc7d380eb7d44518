"""What a disaster is: its name, its given, when and then (all three from its docstring), and how it is staged."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

from booking.drill.house import House

_STORY = re.compile(r"Given (.+?)\.\s+When (.+?)\.\s+Then (.+?)\.$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Disaster:
    """One named thing that goes wrong. `stage` makes it happen and checks what comes of it."""

    name: str
    given: str
    when: str
    then: str
    stage: Callable[[House], None]


def disaster(stage: Callable[[House], None]) -> Disaster:
    """Make a disaster of a function, named after it; its docstring must read Given ... When ... Then ..."""
    story = _STORY.fullmatch(inspect.cleandoc(stage.__doc__ or ""))
    if story is None:
        raise ValueError(f"{stage.__name__}: its docstring does not say Given, When and Then")
    given, when, then = (" ".join(part.split()) for part in story.groups())
    return Disaster(stage.__name__.replace("_", "-"), given, when, then, stage)
