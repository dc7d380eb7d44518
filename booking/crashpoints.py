"""Named points at each durable boundary, where a test may kill the process. In production they do nothing.

Nothing a deployment can set arms them: only code that holds this module can, and only tests and `flask drill` do,
the latter in a process that it starts in order to kill it. Each names itself after the function whose commit, call or
letter it stands beside, so that no name can grow stale.
"""

import sys
from collections.abc import Callable

_visit: Callable[[str], None] | None = None


def arm(visit: Callable[[str], None] | None) -> None:
    """Have every point that is reached call `visit` with its name; None disarms them."""
    global _visit
    _visit = visit


def crash_point(where: str, name: str) -> None:
    """Reached just before or just after something that lasts."""
    if _visit is not None:
        _visit(f"{name} {where}")


def name_of_caller(depth: int) -> str:
    """The function `depth` frames above the one that asks; empty while nothing is armed, which costs nothing."""
    if _visit is None:
        return ""
    frame = sys._getframe(depth + 1)
    return f"{frame.f_globals['__name__'].removeprefix('booking.')}.{frame.f_code.co_name}"
