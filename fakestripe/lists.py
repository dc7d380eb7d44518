"""Cursor pagination: docs.stripe.com/api/pagination. Newest first, 1 to 100 at a time."""

from __future__ import annotations

from typing import Any

from fakestripe.errors import invalid_parameter, resource_missing
from fakestripe.render import visible
from fakestripe.schema import Group, Integer, Param, Text, TimeRange
from fakestripe.store import Record

COMPARE = {
    "eq": lambda value, bound: value == bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def list_params(**filters: Param) -> Group:
    """The parameters each list takes, and its own filters."""
    paging: dict[str, Param] = {
        "limit": Integer(1, 100),
        "starting_after": Text(),
        "ending_before": Text(),
        "created": TimeRange(),
    }
    return Group({**paging, **filters})


def page(records: list[Record], params: dict[str, Any], url: str, kind: str) -> Record:
    """One page of records that are given oldest first."""
    newest_first = [visible(r) for r in reversed(records) if _in_range(r, params.get("created"))]
    data, has_more = cut(newest_first, params, kind)
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def cut(items: list[Record], params: dict[str, Any], kind: str) -> tuple[list[Record], bool]:
    """The slice a cursor asks for, and whether more lies beyond it in that direction."""
    limit = params.get("limit", 10)
    if "starting_after" in params and "ending_before" in params:
        message = "Only one of starting_after and ending_before may be given."
        raise invalid_parameter(message, "ending_before")
    if "ending_before" in params:
        before = items[: _index(items, params["ending_before"], kind, "ending_before")]
        return before[-limit:], len(before) > limit
    start = 0
    if "starting_after" in params:
        start = _index(items, params["starting_after"], kind, "starting_after") + 1
    return items[start : start + limit], len(items) > start + limit


def matching(records: list[Record], params: dict[str, Any], *names: str) -> list[Record]:
    """Keep the records whose fields equal the filters given."""
    wanted = {name: params[name] for name in names if name in params}
    return [r for r in records if all(r.get(name) == value for name, value in wanted.items())]


def _in_range(record: Record, bounds: dict[str, int] | None) -> bool:
    created = record.get("created", 0)
    return all(COMPARE[key](created, bound) for key, bound in (bounds or {}).items())


def _index(items: list[Record], record_id: str, kind: str, param: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == record_id:
            return position
    raise resource_missing(kind, record_id, param, status=400)
