"""What the controls under `/_fake/` share: where they live, who may use them, how a body is read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from fakestripe import guard
from fakestripe.errors import ApiError
from fakestripe.store import Record
from fakestripe.world import World

blueprint = Blueprint("sim", __name__, url_prefix="/_fake")
LARGEST = 10**12


class Refused(Exception):
    """A control that makes no sense: a message and a status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@blueprint.before_request
def only_from_here() -> None:
    """The controls have no key, so nobody from elsewhere may use them, nor a web site that somebody here looks at."""
    if not guard.is_from_here(request):
        raise Refused("/_fake/ answers this machine only", 403)
    if guard.is_from_another_site(request):
        raise Refused("/_fake/ does not answer other web sites", 403)


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> tuple[Response, int]:
    return jsonify(error=str(error)), error.status


@blueprint.errorhandler(ApiError)
def api_error(error: ApiError) -> tuple[Response, int]:
    return jsonify(error.body()), error.status


def current_world() -> World:
    found: World = current_app.extensions["fakestripe"]
    return found


def read_body(names: set[str], required: set[str] | None = None) -> dict[str, Any]:
    """The JSON body; a misspelt member is refused rather than ignored."""
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise Refused("send a JSON object")
    if set(body) - names:
        raise Refused(f"unknown: {', '.join(sorted(set(body) - names))}")
    if (required or set()) - set(body):
        raise Refused(f"missing: {', '.join(sorted((required or set()) - set(body)))}")
    return body


def number(body: dict[str, Any], name: str, default: float = 0) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise Refused(f"{name} must be a number")
    return value


def is_list_of(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) and not isinstance(item, bool) for item in value)


def found(world: World, kind: str, record_id: str) -> Record:
    """The record a control's address names; must be there."""
    record = world.store.get(kind, record_id)
    if record is None:
        raise Refused(f"no {kind.strip('_').replace('_', ' ')} {record_id}", 404)
    return record
