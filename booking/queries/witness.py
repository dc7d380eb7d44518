"""What was asked about nights while something was worked out: asking the same again tells whether it still holds."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import blake2b
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")
_Reader = Callable[Concatenate[Session, _Given], _Answer]
_ASKED = "holdfast_asked"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about nights, and a digest of its answer, which may be long. `at` is where among what was given
    stands the time of asking.
    """

    reader: Callable[..., Any]
    given: tuple[Any, ...]
    more: dict[str, Any]
    at: int
    answer: bytes

    def holds(self, session: Session, now: datetime) -> bool:
        """Whether the answer is the same now. Reads only."""
        given = (*self.given[: self.at], now, *self.given[self.at + 1 :])
        return _digest(self.reader(session, *given, **self.more)) == self.answer


def witnessed(reader: "_Reader[_Given, _Answer]") -> "_Reader[_Given, _Answer]":
    """Make a reader of nights tell `witnessing` what it was asked. It takes `now` by position, after the session."""
    at = list(signature(reader).parameters).index("now") - 1

    @wraps(reader)
    def read(session: Session, *given: _Given.args, **more: _Given.kwargs) -> _Answer:
        answer = reader(session, *given, **more)
        if (asked := session.info.get(_ASKED)) is not None:
            asked.append(Asked(reader, given, dict(more), at, _digest(answer)))
        return answer

    return read  # type: ignore[return-value]


def _digest(answer: object) -> bytes:
    return blake2b(pickle.dumps(answer), digest_size=16).digest()


@contextmanager
def witnessing(session: Session) -> Iterator[list[Asked]]:
    """Every question about nights that is asked meanwhile, in order."""
    asked: list[Asked] = []
    session.info[_ASKED] = asked
    try:
        yield asked
    finally:
        del session.info[_ASKED]
