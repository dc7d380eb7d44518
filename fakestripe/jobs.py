"""What the clock does by itself: expiry, delayed results, disputes. Kept in the store.

Modules that own a task register it with `@task("name")`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from fakestripe.store import Record, Timetable
from fakestripe.world import World

logger = logging.getLogger(__name__)
Task = Callable[[World, Record], None]
TASKS: dict[str, Task] = {}
DUE = Timetable("_job", lambda job: job["due_at"])


def task(name: str) -> Callable[[Task], Task]:
    def register(function: Task) -> Task:
        TASKS[name] = function
        return function

    return register


def schedule(world: World, name: str, target: str, due_at: float, outcome: str = "") -> None:
    """Plan a task for one object; must run inside `store.change()`. Planning again replaces."""
    assert name in TASKS, name
    job = {"id": f"{name}:{target}", "task": name, "target": target, "due_at": due_at}
    world.store.put("_job", {**job, "outcome": outcome})


def cancel(world: World, name: str, target: str) -> None:
    world.store.delete("_job", f"{name}:{target}")


def run_due(world: World) -> list[str]:
    """Do whatever has come due, soonest first; each job is a change of its own.

    A job may plan further ones: those that are due by now are done as well, each in its turn, so
    that a leap of the clock over a year renews a subscription twelve times. Each sees the time it
    was planned for: what was due last month is dated last month.
    """
    done = []
    with world.store.lock:
        now = world.clock.now()
        while (job := world.store.soonest(DUE)) and job["due_at"] <= now:
            with world.clock.at(job["due_at"]):
                _run(world, job)
            done.append(job["id"])
    return done


def _run(world: World, job: Record) -> None:
    """A job that breaks is logged and given up, with its effects: it must not stop the clock."""
    try:
        with world.store.change():
            world.store.delete("_job", job["id"])
            TASKS[job["task"]](world, job)
    except Exception:
        logger.exception("job_failed: %s", job["id"])
        with world.store.change():
            world.store.delete("_job", job["id"])
