"""Judge C: the annotations of stripe-python's own classes, of the newest API version, walked over plain JSON."""

import ast
import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin

from stripe import PaymentIntent, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

# Decimals travel as strings, and whole numbers may stand for others.
PLAIN: dict[Any, tuple[type, ...]] = {Decimal: (str,), float: (float, int)}


def complaints(body: dict[str, Any]) -> list[str]:
    """What in an object, or a list of objects, is not as the library's class for it says."""
    if body["object"] == "list":
        return [complaint for item in body["data"] for complaint in complaints(item)]
    if body["object"] not in OBJECT_CLASSES:
        return [f"{body['object']}: the library has no class for it"]
    return list(_of_object(body["object"], _class_of(body["object"]), body))


def complaints_about_error(error: dict[str, Any]) -> list[str]:
    """The library lists the codes that an error may have where a PaymentIntent keeps its last one."""
    code = error.get("code")
    return [] if code is None or code in _error_codes() else [f"error: the library does not know the code {code}"]


@functools.cache
def _error_codes() -> set[str]:
    wanted = _fields(PaymentIntent.LastPaymentError)["code"]
    return {code for option in _options(wanted) if get_origin(option) is Literal for code in get_args(option)}


def _class_of(kind: str) -> type:
    module, name = OBJECT_CLASSES[kind]
    return getattr(importlib.import_module(module), name)


def _of_object(path: str, cls: type, body: dict[str, Any]) -> Iterator[str]:
    fields = _fields(cls)
    for name, value in body.items():
        if name not in fields:
            yield f"{path}: {name} is not a field of {cls.__name__}"
        else:
            yield from _of_value(f"{path}.{name}", fields[name], value)
    if not body.get("deleted"):
        missing = {name for name, wanted in fields.items() if not _fits(wanted, None)} - set(body)
        yield from (f"{path}: {name} is missing" for name in sorted(missing))


def _of_value(path: str, wanted: Any, value: Any) -> Iterator[str]:
    """The alternative that fits by its outside is the one whose inside is looked at."""
    option = next((option for option in _options(wanted) if _fits(option, value)), None)
    if option is None:
        yield f"{path}: {value!r:.60} is not {wanted}"
    elif get_origin(option) in (list, dict) or _is_generic(option):
        yield from _of_many(path, get_args(option)[-1], value)
    elif isinstance(option, type) and issubclass(option, StripeObject):
        yield from _of_object(path, option, value)


def _of_many(path: str, wanted: Any, value: Any) -> Iterator[str]:
    items = value["data"] if isinstance(value, dict) and value.get("object") == "list" else value
    for item in items.values() if isinstance(items, dict) else items:
        yield from _of_value(f"{path}[]", wanted, item)


def _options(wanted: Any) -> Iterator[Any]:
    if get_origin(wanted) is Union:
        for option in get_args(wanted):
            yield from _options(option)
    else:
        yield wanted


def _fits(wanted: Any, value: Any) -> bool:
    """Whether a value can be this by its outside."""
    if get_origin(wanted) is Union:
        return any(_fits(option, value) for option in get_args(wanted))
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if wanted is Any or wanted in (object, NoneType):
        return wanted is not NoneType or value is None
    if get_origin(wanted) is list:
        return isinstance(value, list)
    if get_origin(wanted) is dict or _is_generic(wanted):
        return isinstance(value, dict)
    if isinstance(wanted, type) and issubclass(wanted, StripeObject):
        return isinstance(value, dict) and _is_kind(wanted, value)
    return type(value) in PLAIN.get(wanted, (wanted,))


def _is_generic(wanted: Any) -> bool:
    origin = get_origin(wanted)
    return isinstance(origin, type) and issubclass(origin, StripeObject | UntypedStripeObject)


def _is_kind(cls: type, value: dict[str, Any]) -> bool:
    return getattr(cls, "OBJECT_NAME", value.get("object")) == value.get("object")


@functools.cache
def _fields(cls: type) -> dict[str, Any]:
    module = sys.modules[cls.__module__]
    names = {"StripeObject": StripeObject, **vars(module), **_imported_for_typing(cls.__module__)}
    hints = typing.get_type_hints(cls, names, dict(vars(cls)))
    return {name: hint for name, hint in hints.items() if not name.startswith("_") and name != "OBJECT_NAME"}


@functools.cache
def _imported_for_typing(module: str) -> dict[str, Any]:
    """What the module imports under `if TYPE_CHECKING:`, which is where its annotations find their names."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if re.match(r"stripe\b(?!\.params)", node.module or "")]
    names = [(node.module or "", name) for node in ours for name in node.names]
    return {name.asname or name.name: getattr(importlib.import_module(module), name.name) for module, name in names}
