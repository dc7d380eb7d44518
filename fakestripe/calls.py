"""What an API endpoint is (`Operation`), what it is given (`Call`), and finding one for a URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fakestripe.schema import Group, Items, Text
from fakestripe.store import Record
from fakestripe.world import World

EXPAND = Items(Text(), max_items=20)


@dataclass(frozen=True)
class Call:
    """One request, its parameters already read."""

    path: str
    params: dict[str, Any]
    args: dict[str, str]
    version: str
    base_url: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def version_date(self) -> str:
        """The day in `Stripe-Version`; empty, and so older than all, where none was sent."""
        return self.version.partition(".")[0]


Run = Callable[[World, Call], Record]


@dataclass(frozen=True)
class Operation:
    """One endpoint. `path` may hold `{names}`; `params` says what it takes besides `expand`."""

    method: str
    path: str
    run: Run
    params: Group

    def match(self, method: str, path: str) -> dict[str, str] | None:
        found = _pattern(self.path).fullmatch(path) if method == self.method else None
        return found.groupdict() if found else None

    def read(self, raw: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The parameters by schema, and what to expand."""
        rest = dict(raw)
        expand = EXPAND.parse(rest.pop("expand"), "expand") if "expand" in rest else []
        return self.params.parse(rest), expand


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def find(operations: list[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    for operation in operations:
        args = operation.match(method, path)
        if args is not None:
            return operation, args
    return None


def merge_metadata(record: Record, change: Any) -> None:
    """Keys are added or replaced; an empty value removes one, an empty whole removes all."""
    if change == "":
        record["metadata"] = {}
        return
    merged = {**(record["metadata"] or {}), **change}
    record["metadata"] = {key: value for key, value in merged.items() if value != ""}
