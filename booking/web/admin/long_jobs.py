"""Long work and how far it is: a page that loads itself again until nothing more will happen."""

from flask import abort, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.queries.dashboard import get_house_zone
from booking.queries.house import has_bookings
from booking.queries.jobs import JobKind, JobView, find_job, list_jobs
from booking.services import job_work
from booking.web.admin.blueprint import blueprint, reader
from booking.web.admin.permits import can_open
from booking.wiring import current_runtime

# A header instead of a script: it works everywhere, and the page has a link that does the same.
RELOAD_SECONDS = 2
TITLES = {
    JobKind.PICTURES: "Taking in photos",
    JobKind.RECONCILE: "Comparing with Stripe",
    JobKind.REPLAY: "Replaying events",
}


@blueprint.get("/jobs/<int:job_id>")
def job(job_id: int) -> ResponseReturnValue:
    """One piece of work: how far it is, and what came of it."""
    found = find_job(reader(), job_id) or abort(404)
    page = render_template(
        "admin/job.html", job=found, title=TITLES.get(JobKind(found.kind), "Work"), way_back=_way_back(found),
        zone=get_house_zone(reader()), seconds=RELOAD_SECONDS,
        is_new_shop=can_open("admin.setup") and not has_bookings(reader()),
    )  # fmt: skip
    answer = make_response(page)
    if not found.is_over:
        answer.headers["Refresh"] = str(RELOAD_SECONDS)
    return answer


@blueprint.get("/reconcile")
def reconcile() -> ResponseReturnValue:
    """When Stripe was last asked about everything, what differed, and the button to ask now."""
    runs = list_jobs(reader(), JobKind.RECONCILE)
    return render_template("admin/reconcile.html", runs=runs, last=_newest_over(runs), zone=get_house_zone(reader()))


@blueprint.post("/reconcile")
def reconcile_now() -> ResponseReturnValue:
    """Ask Stripe about everything, now. Pressed twice it is asked once."""
    job_id = job_work.ask_for_reconciling(current_runtime(), current_user.email)
    return redirect(url_for("admin.job", job_id=job_id), 303)


@blueprint.post("/webhook-replays")
def replay_stuck() -> ResponseReturnValue:
    """Walk each event that waits for a person through the same door once more."""
    job_id = job_work.ask_for_replays(current_runtime(), current_user.email)
    if job_id is None:
        flash("No event waits for a person.")
        return redirect(url_for("admin.webhooks"), 303)
    return redirect(url_for("admin.job", job_id=job_id), 303)


def _newest_over(runs: list[JobView]) -> JobView | None:
    return next((run for run in runs if run.is_over), None)


def _way_back(found: JobView) -> tuple[str, str]:
    """The page that the work was asked for on: its address, and the words of the link."""
    if found.kind == JobKind.PICTURES:
        return url_for("admin.photos", listing_id=found.params["listing_id"]), "To the photos of the listing"
    if found.kind == JobKind.RECONCILE:
        return url_for("admin.reconcile"), "To the runs before"
    return url_for("admin.webhooks"), "To the events"
