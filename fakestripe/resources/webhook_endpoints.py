"""Webhook endpoints: docs.stripe.com/api/webhook_endpoints."""

from __future__ import annotations

from typing import Any

from fakestripe import endpoints, versions
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, not_simulated
from fakestripe.eventtypes import EVENT_TYPES, EVERYTHING
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Flag, Items, Metadata, Param, Text, Unsettable, Url, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/webhook_endpoints"
KIND = "webhook_endpoint"


class EventType(Param):
    """A type Stripe knows, or `*` for all; a misspelt one would otherwise never be heard of."""

    def parse(self, raw: Any, name: str) -> str:
        text = Text().parse(raw, name)
        if text != EVERYTHING and text not in EVENT_TYPES:
            message = f"Invalid {name}: {text[:60]} is not a type of event. See docs.stripe.com/api/events/types."
            raise invalid_parameter(message, name)
        return text


class Version(Param):
    def parse(self, raw: Any, name: str) -> str:
        text = Text().parse(raw, name)
        if not versions.is_version(text):
            raise invalid_parameter(f"Invalid API version: {text[:40]}", name)
        return text


SHARED: dict[str, Param] = {
    "description": Unsettable(Text()),
    "enabled_events": Items(EventType(), max_items=len(EVENT_TYPES) + 1),
    "metadata": Metadata(),
    "url": Url(),
}
CREATE = group("enabled_events url", **SHARED, api_version=Version(), connect=Flag())
UPDATE = group(**SHARED, disabled=Flag())


def create(world: World, call: Call) -> Record:
    """The one answer that shows the secret."""
    params = dict(call.params)
    if params.pop("connect", False):
        raise not_simulated("Connect", "connect")
    _check_events(params)
    fields = {**params, "description": params.get("description") or None, "metadata": params.get("metadata") or {}}
    endpoint = endpoints.create(world, **fields)
    return {**endpoint, "secret": endpoint["_secrets"][0]}


def update(world: World, call: Call) -> Record:
    endpoint = get(world, KIND, call.args["webhook_endpoint"], "webhook_endpoint")
    params = dict(call.params)
    _check_events(params)
    merge_metadata(endpoint, params.pop("metadata", {}))
    if "disabled" in params:
        endpoint["status"] = "disabled" if params.pop("disabled") else "enabled"
    if "description" in params:
        endpoint["description"] = params.pop("description") or None
    endpoint.update(params)
    world.store.put(KIND, endpoint)
    return endpoint


def delete(world: World, call: Call) -> Record:
    endpoint = get(world, KIND, call.args["webhook_endpoint"], "webhook_endpoint")
    world.store.delete(KIND, endpoint["id"])
    return {"id": endpoint["id"], "object": KIND, "deleted": True}


def _check_events(params: dict[str, Any]) -> None:
    wanted = params.get("enabled_events")
    if wanted is not None and not wanted:
        raise invalid_parameter("enabled_events must name at least one type of event.", "enabled_events")


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    listing(PATH, KIND, dated=False),
    retrieving(PATH, KIND, "webhook_endpoint"),
    Operation("POST", PATH + "/{webhook_endpoint}", update, UPDATE),
    Operation("DELETE", PATH + "/{webhook_endpoint}", delete, group()),
]
