"""Showing a payload of Stripe's without the people in it."""

import json
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"
_PERSONAL = re.compile(
    r"(^|_)(email|name|phone|address|shipping|tax_ids?|ip|postal_code|line1|line2|city)($|_)|secret|fingerprint",
    re.IGNORECASE,
)
_ADDRESS_IN_TEXT = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")


def masked(value: Any) -> Any:
    """The same value with everything personal hidden, however deep it lies; what is empty stays empty."""
    if isinstance(value, Mapping):
        return {key: _hide(part) if _PERSONAL.search(str(key)) else masked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    return _ADDRESS_IN_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


def pretty(payload: Mapping[str, Any]) -> str:
    """A masked payload as indented JSON."""
    return json.dumps(masked(payload), indent=2, ensure_ascii=False)


def _hide(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hide(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_hide(part) for part in value]
    return HIDDEN if isinstance(value, str) and value else value
