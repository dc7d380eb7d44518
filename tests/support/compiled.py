"""SQL statements, templates and addresses compiled once for all the apps of a process: each test makes a new one.

SQLAlchemy keeps compiled statements for each engine alone, Jinja templates and Werkzeug what builds addresses for each
app: a test would compile all of the shop anew, which is a good part of its time.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from flask import Flask
from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing.rules import Rule

from booking.gateways import letters

_MOST_STATEMENTS = 5_000


class CompiledTemplates(BytecodeCache):
    """Templates as they were compiled first."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@cache
def compile_once() -> None:
    """From now on, in this process. Dialects of one kind count as one, as all engines of the tests have them alike."""
    kept: LRUCache[Any, Any] = LRUCache(_MOST_STATEMENTS)
    Engine._compiled_cache = property(lambda _engine: kept, lambda _engine, _own: None)  # type: ignore[assignment]
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign,assignment]
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign,assignment]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    letters.Environment = partial(Environment, bytecode_cache=CompiledTemplates())  # type: ignore[assignment,misc]
    Rule._compile_builder = _remembering(Rule._compile_builder)  # type: ignore[method-assign]


def _remembering(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """What builds the addresses of a rule is made of its words and its defaults alone, and is bound to it later."""
    kept: dict[tuple[object, ...], Any] = {}

    def compile_or_remember(rule: Rule, append_unknown: bool = True) -> Any:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (rule.rule, rule.subdomain, rule.host, tuple(rule._trace), defaults, append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return compile_or_remember
