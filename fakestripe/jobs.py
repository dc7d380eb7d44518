"""What the clock does by itself: expiry, delayed results, disputes. Kept in the store.

Modules that own a task register it with `@task("name")`.
"""

from __future__ import annotations

from collections.abc import Callable

from fakestripe.store import Record
from fakestripe.world import World

Task = Callable[[World, Record], None]
TASKS: dict[str, Task] = {}


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
    """Do whatever has come due, oldest first; each job is a change of its own."""
    done = []
    with world.store.lock:
        now = world.clock.now()
        due = [job for job in world.store.all("_job") if job["due_at"] <= now]
        for job in sorted(due, key=lambda job: job["due_at"]):
            _run(world, job)
            done.append(job["id"])
    return done


def _run(world: World, job: Record) -> None:
    with world.store.change():
        if world.store.get("_job", job["id"]) is None:
            return
        world.store.delete("_job", job["id"])
        TASKS[job["task"]](world, job)
