"""Pages for operators' monitors. They tell nothing that helps a stranger."""

from dataclasses import asdict

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from booking.services.readiness import check_readiness
from booking.wiring import current_runtime, find_schema_problem

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """What a booking needs is there; 503 where something is missing, and false for each that is."""
    readiness = check_readiness(current_runtime(), find_schema_problem)
    return jsonify(ready=readiness.is_ready, **asdict(readiness)), 200 if readiness.is_ready else 503
