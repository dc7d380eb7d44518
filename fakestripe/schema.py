"""Parameter types: each turns form strings into values, or refuses in Stripe's words.

Codes are those of docs.stripe.com/error-codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fakestripe.errors import invalid_parameter, missing_parameter, unknown_parameter

UNSET = ""
"""What an empty string means for a parameter that can be unset."""


class Param:
    """One parameter's type."""

    def parse(self, raw: Any, name: str) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Param):
    max_length: int = 5000

    def parse(self, raw: Any, name: str) -> str:
        text = _scalar(raw, name, "string")
        if text == "":
            raise _empty(name)
        if len(text) > self.max_length:
            shown = f"{text[:20]}..."
            message = f"Invalid string: {shown}; must be at most {self.max_length} characters"
            raise invalid_parameter(message, name)
        return text


@dataclass(frozen=True)
class Email(Text):
    max_length: int = 800

    def parse(self, raw: Any, name: str) -> str:
        text = super().parse(raw, name)
        local, at, domain = text.rpartition("@")
        if not (local and at and "." in domain) or " " in text:
            raise invalid_parameter(f"Invalid email address: {text}", name, "email_invalid")
        return text


@dataclass(frozen=True)
class Url(Text):
    def parse(self, raw: Any, name: str) -> str:
        text = super().parse(raw, name)
        if not text.startswith(("https://", "http://")):
            message = "Not a valid URL: an explicit scheme (such as https) must be provided."
            raise invalid_parameter(message, name, "url_invalid")
        return text


@dataclass(frozen=True)
class Currency(Text):
    def parse(self, raw: Any, name: str) -> str:
        text = super().parse(raw, name)
        if len(text) != 3 or not text.isalpha():
            raise invalid_parameter(f"Invalid currency: {text}.", name)
        return text.lower()


@dataclass(frozen=True)
class Country(Text):
    """Two letters, as ISO 3166 has them."""

    def parse(self, raw: Any, name: str) -> str:
        text = super().parse(raw, name)
        if not re.fullmatch("[A-Z]{2}", text):
            raise invalid_parameter(f"Country '{text}' is unknown.", name, "country_code_invalid")
        return text


@dataclass(frozen=True)
class Integer(Param):
    minimum: int | None = None
    maximum: int | None = None

    def parse(self, raw: Any, name: str) -> int:
        text = _scalar(raw, name, "integer")
        if text == "":
            raise _empty(name)
        if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            raise self._refuse(f"Invalid integer: {text[:40]}", name)
        number = int(text)
        if self.minimum is not None and number < self.minimum:
            raise self._refuse(f"This value must be greater than or equal to {self.minimum}.", name)
        if self.maximum is not None and number > self.maximum:
            raise self._refuse(f"This value must be less than or equal to {self.maximum}.", name)
        return number

    @staticmethod
    def _refuse(message: str, name: str) -> Exception:
        return invalid_parameter(message, name, "parameter_invalid_integer")


@dataclass(frozen=True)
class Number(Param):
    """A number that is not negative, with at most so many decimals."""

    decimals: int = 12

    def parse(self, raw: Any, name: str) -> Decimal:
        text = _scalar(raw, name, "decimal")
        if text == "":
            raise _empty(name)
        if not re.fullmatch(rf"\d{{1,20}}(\.\d{{1,{self.decimals}}})?", text, re.ASCII):
            raise invalid_parameter(
                f"Invalid decimal: {text}; must be a number with at most {self.decimals} decimals", name
            )
        return Decimal(text)


@dataclass(frozen=True)
class Flag(Param):
    def parse(self, raw: Any, name: str) -> bool:
        text = _scalar(raw, name, "boolean")
        if text not in ("true", "false"):
            raise invalid_parameter(f"Invalid boolean: {text}", name)
        return text == "true"


class Choice(Param):
    def __init__(self, *values: str) -> None:
        self.values = values

    def parse(self, raw: Any, name: str) -> str:
        text = _scalar(raw, name, "string")
        if text not in self.values:
            message = f"Invalid {name}: must be one of {', '.join(self.values)}"
            raise invalid_parameter(message, name)
        return text


@dataclass(frozen=True)
class Items(Param):
    """A list, sent as `a[0]`, `a[1]` or `a[]`."""

    item: Param
    max_items: int = 100

    def parse(self, raw: Any, name: str) -> list[Any]:
        if not isinstance(raw, dict) or not all(key.isdecimal() for key in raw):
            raise invalid_parameter("Invalid array", name)
        if len(raw) > self.max_items:
            raise invalid_parameter(f"Array too long: at most {self.max_items} items", name)
        return [self.item.parse(raw[key], f"{name}[{key}]") for key in sorted(raw, key=int)]


@dataclass(frozen=True)
class Group(Param):
    """A hash with named members; anything else in it is refused."""

    members: Mapping[str, Param]
    required: frozenset[str] = field(default_factory=frozenset)

    def parse(self, raw: Any, name: str = "") -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid_parameter("Invalid object", name)
        for key in raw:
            if key not in self.members:
                raise unknown_parameter(_join(name, key))
        for key in sorted(self.required):
            if key not in raw:
                raise missing_parameter(_join(name, key))
        return {key: self.members[key].parse(value, _join(name, key)) for key, value in raw.items()}


@dataclass(frozen=True)
class Unsettable(Param):
    """Takes an empty string as "remove the value"."""

    inner: Param

    def parse(self, raw: Any, name: str) -> Any:
        return UNSET if raw == "" else self.inner.parse(raw, name)


@dataclass(frozen=True)
class Metadata(Param):
    """50 keys of 40 characters, values of 500; empty removes (docs.stripe.com/metadata)."""

    def parse(self, raw: Any, name: str) -> Any:
        if raw == "":
            return UNSET
        if not isinstance(raw, dict):
            raise invalid_parameter("Invalid object", name)
        if len(raw) > 50:
            raise invalid_parameter("Metadata can have at most 50 keys.", name)
        for key, value in raw.items():
            self._check(key, value, f"{name}[{key}]")
        return dict(raw)

    @staticmethod
    def _check(key: str, value: Any, name: str) -> None:
        if len(key) > 40:
            raise invalid_parameter("Metadata keys can be at most 40 characters long.", name)
        if len(_scalar(value, name, "string")) > 500:
            raise invalid_parameter("Metadata values can be at most 500 characters long.", name)


@dataclass(frozen=True)
class TimeRange(Param):
    """`created=<time>` or `created[gte]=<time>` and its kin."""

    def parse(self, raw: Any, name: str) -> dict[str, int]:
        if isinstance(raw, dict):
            bound = Integer()
            return Group(dict.fromkeys(("gt", "gte", "lt", "lte"), bound)).parse(raw, name)
        return {"eq": Integer().parse(raw, name)}


def group(required: str = "", /, **members: Param) -> Group:
    """`group("name", name=Text())`: the first argument lists what must be there."""
    return Group(members, frozenset(required.split()))


def _join(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def _scalar(raw: Any, name: str, kind: str) -> str:
    if not isinstance(raw, str):
        raise invalid_parameter(f"Invalid {kind}", name)
    return raw


def _empty(name: str) -> Exception:
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{name}' cannot be unset. You should remove '{name}' from your "
        "request or supply a non-empty value."
    )
    return invalid_parameter(message, name, "parameter_invalid_empty")
