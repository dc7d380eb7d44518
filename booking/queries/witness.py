"""What was asked about nights while something was worked out: asking the same again tells whether it still holds."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from booking.queries.on_sale import VERSION

_ASKED = "holdfast_asked"
# Of pages there are a dozen kinds; long stays lie in several windows, and have questions of their own.
_MOST_STATEMENTS = 200
Answer = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What the nights tell as a few texts, however many rows they are made of.

    `texts` makes them for one statement, in which several questions may stand: the name of everything that is given to
    them ends in the mark that it is called with. The time of asking is always given, as `at`.
    """

    texts: Callable[[str], Sequence[ColumnElement[str]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, what was given to it, and a digest of its answer, which may be long; so many texts it has."""

    question: Question
    given: Mapping[str, Any]
    width: int
    answer: bytes


def ask(session: Session, question: Question, now: datetime, given: Mapping[str, Any]) -> Answer:
    """The answer as of now, which `witnessing` is told. Reads only."""
    asked = _marked(given, now, 0)
    answer = tuple(session.execute(_once(question), asked).one())
    if (noted := session.info.get(_ASKED)) is not None:
        noted.append(Asked(question, given, len(answer), _digest(answer)))
    return answer


def ask_again(session: Session, asked: Sequence[Asked], now: datetime) -> tuple[int | None, bool]:
    """The number of what is on sale, and whether every answer is the same now: one statement. Reads only."""
    given: dict[str, Any] = {}
    for number, one in enumerate(asked):
        given |= _marked(one.given, now, number)
    version, *texts = session.connection().execute(_once_more(tuple(one.question for one in asked)), given).one()
    told = iter(texts)
    return version, all(_digest(tuple(islice(told, one.width))) == one.answer for one in asked)


@contextmanager
def witnessing(session: Session) -> Iterator[list[Asked]]:
    """Every question about nights that is asked meanwhile, in order."""
    asked: list[Asked] = []
    session.info[_ASKED] = asked
    try:
        yield asked
    finally:
        del session.info[_ASKED]


@lru_cache(_MOST_STATEMENTS)
def _once(question: Question) -> Select[*tuple[Any, ...]]:
    return select(*question.texts(_mark(0)))


@lru_cache(_MOST_STATEMENTS)
def _once_more(questions: tuple[Question, ...]) -> Select[*tuple[Any, ...]]:
    texts = [text for number, one in enumerate(questions) for text in one.texts(_mark(number))]
    return select(VERSION.scalar_subquery(), *texts)


def _marked(given: Mapping[str, Any], now: datetime, number: int) -> dict[str, Any]:
    mark = _mark(number)
    return {f"at{mark}": now} | {f"{name}{mark}": value for name, value in given.items()}


def _mark(number: int) -> str:
    return f"_{number}"


def _digest(answer: Answer) -> bytes:
    return blake2b(pickle.dumps(answer), digest_size=16).digest()
