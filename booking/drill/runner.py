"""Staging one disaster after the other, and saying what came of each."""

import contextvars
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from booking.clock import SystemClock
from booking.config import Settings
from booking.drill import live
from booking.drill.catalogue import DISASTERS, LIVE_GUARDS, refuse_unknown
from booking.drill.disaster import Disaster
from booking.drill.evidence import Evidence, Failed
from booking.drill.house import House
from booking.drill.proof import prove
from booking.drill.setting import scratch_database, scratch_folder, scratch_house

logger = logging.getLogger("booking")
LAST_LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What to stage, and where. `own_engine` is only read from.

    `server` is a PostgreSQL address for the scratch database; empty: the installation's own server if its role may
    create databases there, else SQLite. `names` empty: everything.
    """

    own: Settings
    own_engine: Engine
    names: tuple[str, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one disaster; `trouble` is empty where all ended as it must."""

    number: int
    name: str
    seconds: float
    given: str
    when: str
    then: str
    evidence: tuple[str, ...]
    trouble: str = ""

    @property
    def is_well(self) -> bool:
        return not self.trouble


@dataclass(frozen=True, slots=True)
class Report:
    """The whole drill."""

    scratch: str
    results: tuple[Result, ...]

    @property
    def is_well(self) -> bool:
        return all(result.is_well for result in self.results)


def run_drill(plan: Plan, begin: Callable[[str], None], tell: Callable[[Result], None]) -> Report:
    """Stage what the plan names. `begin` is told where, `tell` each result as it comes.

    Runs in an empty context: no app is current in it, so that code which forgets to name the scratch shop's app finds
    no database at all, instead of the live one.

    Raises:
        DrillRefused: in one line, why the drill cannot begin.
    """
    refuse_unknown(plan.names)
    return contextvars.Context().run(_run, plan, begin, tell)


def _run(plan: Plan, begin: Callable[[str], None], tell: Callable[[Result], None]) -> Report:
    results: list[Result] = []

    def keep(result: Result) -> None:
        results.append(result)
        tell(result)

    with scratch_folder() as folder, scratch_database(plan.own, plan.server, folder) as scratch:
        begin(scratch.kind)
        if _is_wanted(plan, LIVE_GUARDS):
            keep(_look_at_live_guards(plan))
        wanted = [(number, one) for number, one in enumerate(DISASTERS, start=2) if _is_wanted(plan, one.name)]
        if wanted:
            own = live.take_over(plan.own_engine, plan.own)
            with _listening(), scratch_house(own, folder, scratch) as house:
                for number, one in wanted:
                    keep(_stage(house, number, one))
        return Report(scratch.kind, tuple(results))


def _is_wanted(plan: Plan, name: str) -> bool:
    return not plan.names or name in plan.names


# --- one disaster ---------------------------------------------------------------------------------------------------


def _stage(house: House, number: int, one: Disaster) -> Result:
    started = time.monotonic()
    with _listening() as said:
        trouble = _trouble_of(house, one)
    lines = house.evidence.lines + ([f"log: {line}" for line in said[-LAST_LOG_LINES:]] if trouble else [])
    seconds = time.monotonic() - started
    return Result(number, one.name, seconds, one.given, one.when, one.then, tuple(lines), trouble)


def _trouble_of(house: House, one: Disaster) -> str:
    """What went wrong, or nothing. The promises are looked for either way: they say what the damage is."""
    trouble = ""
    for act in (house.begin_anew, lambda: one.stage(house), lambda: prove(house)):
        try:
            act()
        except Failed as failed:
            trouble = trouble or str(failed)
        except Exception as error:  # whatever it is, this disaster has not ended well, and the next one is to be staged
            logger.exception("disaster_failed", extra={"disaster": one.name})
            trouble = trouble or f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return trouble


def _look_at_live_guards(plan: Plan) -> Result:
    started, evidence, trouble = time.monotonic(), Evidence(), ""
    try:
        live.look_at_guards(plan.own_engine, SystemClock().now(), evidence)
    except Failed as failed:
        trouble = str(failed)
    except SQLAlchemyError as error:
        trouble = live.cannot_be_read(error)
    return Result(
        number=1,
        name=LIVE_GUARDS,
        seconds=time.monotonic() - started,
        given="the database that this installation uses",
        when="its keys are read, and nothing is written",
        then="every key that makes a second sale or a second effect impossible is there",
        evidence=tuple(evidence.lines),
        trouble=trouble,
    )


@contextmanager
def _listening() -> Iterator[list[str]]:
    """The shop's log lines, kept for the evidence instead of printed between the lines of the report."""
    said: list[str] = []
    usual, was_passed_on = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [_Keeper(said)], False
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = usual, was_passed_on


class _Keeper(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._said.append(f"{record.levelname} {record.getMessage()}" + (f" ({error!r:.200})" if error else ""))
