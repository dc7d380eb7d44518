"""Cursor pagination: docs.stripe.com/api/pagination. Newest first, 1 to 100 at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakestripe.errors import invalid_parameter, resource_missing
from fakestripe.render import visible
from fakestripe.schema import Group, Integer, Param, Text, TimeRange
from fakestripe.store import Record, Store

Fits = Callable[[Record], bool]

COMPARE = {
    "eq": lambda value, bound: value == bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def list_params(*, dated: bool = True, **filters: Param) -> Group:
    """The parameters each list takes, and its own filters; a few lists cannot be asked for a time."""
    paging: dict[str, Param] = {"limit": Integer(1, 100), "starting_after": Text(), "ending_before": Text()}
    if dated:
        paging["created"] = TimeRange()
    return Group({**paging, **filters})


def page(records: list[Record], params: dict[str, Any], url: str, kind: str) -> Record:
    """One page of records that are given oldest first."""
    newest_first = [r for r in reversed(records) if _in_range(r, params.get("created"))]
    data, has_more = cut(newest_first, params, kind)
    return {"object": "list", "data": [visible(r) for r in data], "has_more": has_more, "url": url}


def page_of(
    store: Store, kind: str, params: dict[str, Any], url: str, *filters: str, fits: Fits = lambda record: True
) -> Record:
    """One page straight from the store; what it costs does not grow with all there is.

    `filters` are parameters that a field of the same name must equal, the narrowest first; `fits`
    says what else a record must be.
    """
    _refuse_two_cursors(params)
    wanted = {name: params[name] for name in filters if name in params}
    limit = params.get("limit", 10)
    found = store.pick(
        kind,
        lambda r: _equals(r, wanted) and _in_range(r, params.get("created")) and fits(r),
        limit + 1,
        group=next(iter(wanted.items()), None),
        beyond=_cursor(store, kind, params),
        newest_first="ending_before" not in params,
    )
    data = [visible(record) for record in found[:limit]]
    data = data[::-1] if "ending_before" in params else data
    return {"object": "list", "data": data, "has_more": len(found) > limit, "url": url}


def cut(items: list[Record], params: dict[str, Any], kind: str) -> tuple[list[Record], bool]:
    """The slice a cursor asks for, and whether more lies beyond it in that direction."""
    _refuse_two_cursors(params)
    limit = params.get("limit", 10)
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
    return [r for r in records if _equals(r, wanted)] if wanted else records


def _equals(record: Record, wanted: dict[str, Any]) -> bool:
    return all(record.get(name) == value for name, value in wanted.items())


def _refuse_two_cursors(params: dict[str, Any]) -> None:
    if "starting_after" in params and "ending_before" in params:
        message = "Only one of starting_after and ending_before may be given."
        raise invalid_parameter(message, "ending_before")


def _cursor(store: Store, kind: str, params: dict[str, Any]) -> str | None:
    for name in ("starting_after", "ending_before"):
        if name in params:
            if store.get(kind, params[name]) is None:
                raise resource_missing(kind, params[name], name, status=400)
            return str(params[name])
    return None


def _in_range(record: Record, bounds: dict[str, int] | None) -> bool:
    created = record.get("created", 0)
    return all(COMPARE[key](created, bound) for key, bound in (bounds or {}).items())


def _index(items: list[Record], record_id: str, kind: str, param: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == record_id:
            return position
    raise resource_missing(kind, record_id, param, status=400)
