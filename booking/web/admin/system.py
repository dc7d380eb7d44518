"""How this installation is: what `flask doctor` tells, how long the queues are, and with what it is built."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from booking.queries.dashboard import get_house_zone
from booking.queries.jobs import list_jobs
from booking.queries.system import count_depths, list_versions
from booking.services.checkup import check_up
from booking.services.endpoint import check_endpoint
from booking.web.admin.blueprint import blueprint, now, reader
from booking.wiring import current_runtime, find_schema_problem


@blueprint.get("/system")
def system() -> ResponseReturnValue:
    """Everything at a glance. Stripe is asked about our endpoint only by whoever presses that button."""
    runtime, asks = current_runtime(), "ask" in request.args
    checks, endpoint = check_up(runtime, find_schema_problem), check_endpoint(runtime) if asks else []
    session = reader()
    return render_template(
        "admin/system.html", checks=checks, endpoint=endpoint, depths=count_depths(session, now()),
        versions=list_versions(session), jobs=list_jobs(session), zone=get_house_zone(session),
    )  # fmt: skip
