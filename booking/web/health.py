"""Pages for operators' monitors. They tell nothing that helps a stranger."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from booking.queries.health import find_faults
from booking.wiring import current_runtime, find_schema_problem

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, schema and worker are there; 503 with the names of those that are not."""
    faults = find_faults(current_runtime().clock.now(), find_schema_problem)
    return jsonify(ready=not faults, faults=faults), 503 if faults else 200
