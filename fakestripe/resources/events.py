"""Events: docs.stripe.com/api/events. Kept for 30 days; filtered by type and by delivery."""

from __future__ import annotations

from fakestripe import delivery
from fakestripe.calls import Call, Operation
from fakestripe.errors import invalid_parameter, resource_missing
from fakestripe.events import is_kept
from fakestripe.lists import list_params, page_of
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
    delivered = params.get("delivery_success")

    def is_wanted(event: Record) -> bool:
        if delivered is not None and (event["pending_webhooks"] == 0) != delivered:
            return False
        return is_kept(world, event) and (wanted is None or fits(event["type"], wanted))

    exact = ["type"] if "*" not in params.get("type", "*") else []
    return page_of(world.store, "event", params, PATH, *exact, fits=is_wanted)


def retry(world: World, call: Call) -> Record:
    """Deliver it once more; what the official CLI's `events resend` asks for. Not in the API reference."""
    event = retrieve(world, call)
    delivery.again(world, event, _receivers(world, call, event))
    return event


def _receivers(world: World, call: Call, event: Record) -> list[Record]:
    """One endpoint, those of `stripe listen` alone, or all that want the event."""
    if "webhook_endpoint" in call.params:
        return [get(world, "webhook_endpoint", call.params["webhook_endpoint"], "webhook_endpoint")]
    if call.params.get("for_stripecli"):
        return world.lines.listening()
    return delivery.receivers(world, event["type"])


def fits(type_: str, wanted: list[str]) -> bool:
    """A `*` at the end stands for a whole group: `charge.*`."""
    return any(type_.startswith(w[:-1]) if w.endswith("*") else type_ == w for w in wanted)


PARAMS = list_params(type=Text(), types=Items(Text(), max_items=20), delivery_success=Flag())
OPERATIONS = [
    Operation("GET", PATH, listed, PARAMS),
    Operation("GET", PATH + "/{id}", retrieve, group()),
    Operation("POST", PATH + "/{id}/retry", retry, group(for_stripecli=Flag(), webhook_endpoint=Text())),
]
