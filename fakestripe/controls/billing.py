"""Controls of billing: what an account's settings decide when a subscription's payments keep failing."""

from __future__ import annotations

from flask import Response, jsonify

from fakestripe.billing import standing
from fakestripe.controls.common import Refused, blueprint, current_world, read_body


@blueprint.get("/billing")
def get_billing() -> Response:
    return jsonify(last_resort=standing.last_resort(current_world()))


@blueprint.post("/billing")
def set_billing() -> Response:
    """{"last_resort": "cancel", "mark_unpaid" or "leave_past_due"} when all attempts have failed."""
    body = read_body({"last_resort"}, required={"last_resort"})
    if body["last_resort"] not in standing.LAST_RESORTS:
        raise Refused(f"last_resort is one of {', '.join(standing.LAST_RESORTS)}")
    current_world().put_setting({"id": "billing", "last_resort": body["last_resort"]})
    return get_billing()
