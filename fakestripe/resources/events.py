"""Events: docs.stripe.com/api/events. Kept for 30 days; filtered by type and by delivery."""

from __future__ import annotations

from fakestripe.calls import Call, Operation
from fakestripe.errors import invalid_parameter, resource_missing
from fakestripe.events import is_kept
from fakestripe.lists import list_params, page
from fakestripe.resources.reading import get
from fakestripe.schema import Flag, Items, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/events"


def retrieve(world: World, call: Call) -> Record:
    event = get(world, "event", call.args["id"])
    if not is_kept(world, event):
        raise resource_missing("event", event["id"])
    return event


def listed(world: World, call: Call) -> Record:
    """`delivery_success=false` gives what is still pending or has failed at some endpoint."""
    params = call.params
    if "type" in params and "types" in params:
        raise invalid_parameter("You may pass only one of type and types.", "types")
    wanted = params.get("types") or ([params["type"]] if "type" in params else None)
    events = [
        event
        for event in world.store.all("event")
        if is_kept(world, event) and (wanted is None or fits(event["type"], wanted))
    ]
    if "delivery_success" in params:
        wished = params["delivery_success"]
        events = [e for e in events if (e["pending_webhooks"] == 0) == wished]
    return page(events, params, PATH, "event")


def fits(type_: str, wanted: list[str]) -> bool:
    """A `*` at the end stands for a whole group: `charge.*`."""
    return any(type_.startswith(w[:-1]) if w.endswith("*") else type_ == w for w in wanted)


PARAMS = list_params(type=Text(), types=Items(Text(), max_items=20), delivery_success=Flag())
OPERATIONS = [
    Operation("GET", PATH, listed, PARAMS),
    Operation("GET", PATH + "/{id}", retrieve, group()),
]
