"""Reads `application/x-www-form-urlencoded` with brackets: `a[b][0][c]=1` becomes nested data."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from fakestripe.errors import invalid_request

NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
PART = re.compile(r"\[([^\[\]]*)\]")
MAX_FIELDS = 2000
MAX_DEPTH = 12


def decode(text: str) -> dict[str, Any]:
    """Everything stays a string; lists stay dictionaries by position until a schema reads them."""
    tree: dict[str, Any] = {}
    for name, value in _pairs(text):
        place(tree, split(name), value)
    return tree


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise invalid_request(f"Could not read the form body: {error}", executed=False) from error


def split(name: str) -> list[str]:
    match = NAME.match(name)
    if not match:
        raise invalid_request(f"Invalid parameter name: {name}", param=name, executed=False)
    parts = [match[1], *PART.findall(match[2])]
    if len(parts) > MAX_DEPTH:
        name = f"{name[:40]}..."
        raise invalid_request(f"Invalid parameter name: {name}", param=name, executed=False)
    return parts


def place(tree: dict[str, Any], path: list[str], value: str) -> None:
    """Put one value where its name points; `[]` takes the next free position."""
    for position, part in enumerate(path[:-1]):
        part = _position(tree, part, path[position + 1 :])
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise _clash(path)
        tree = branch
    last = _position(tree, path[-1], [])
    if isinstance(tree.get(last), dict):
        raise _clash(path)
    tree[last] = value


def _position(tree: dict[str, Any], part: str, rest: list[str]) -> str:
    """`a[][x]=1&a[][y]=2` fills one item; a member that is already there starts the next."""
    if part:
        return part
    newest = str(len(tree) - 1)
    if rest and newest in tree and not _has(tree[newest], rest):
        return newest
    return str(len(tree))


def _has(tree: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True


def _clash(path: list[str]) -> Exception:
    name = path[0] + "".join(f"[{part}]" for part in path[1:])
    return invalid_request(f"Invalid object: {name}", param=name, executed=False)
