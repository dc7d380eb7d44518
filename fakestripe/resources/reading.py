"""What all resources share: retrieve one, list many."""

from __future__ import annotations

from fakestripe.calls import Call, Operation, Run
from fakestripe.errors import resource_missing
from fakestripe.lists import list_params, page_of
from fakestripe.schema import Param, group
from fakestripe.store import Record
from fakestripe.world import World


def get(world: World, kind: str, record_id: str, param: str = "id") -> Record:
    record = world.store.get(kind, record_id)
    if record is None:
        raise resource_missing(kind, record_id, param)
    return record


def retrieving(path: str, kind: str, param: str) -> Operation:
    """`GET /v1/things/{id}`."""

    def run(world: World, call: Call) -> Record:
        return get(world, kind, call.args[param], param)

    return Operation("GET", f"{path}/{{{param}}}", run, group())


def listing(path: str, kind: str, *, dated: bool = True, **filters: Param) -> Operation:
    """`GET /v1/things` with filters that are plain equality."""

    def run(world: World, call: Call) -> Record:
        return page_of(world.store, kind, call.params, path, *filters)

    run_typed: Run = run
    return Operation("GET", path, run_typed, list_params(dated=dated, **filters))
