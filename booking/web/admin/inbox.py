"""Stripe's events as they came in, and what the worker has given up."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.gateways.payments import PaymentGatewayError
from booking.queries.dashboard import get_house_zone
from booking.queries.inbox import InboxFilter, find_event, has_outbox_row, list_dead_rows, list_events
from booking.services import outbox
from booking.services import webhooks as inbox
from booking.web.admin.blueprint import blueprint, reader
from booking.web.admin.masking import masked, pretty
from booking.wiring import current_runtime


@blueprint.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    """The inbox, newest first."""
    chosen = request.args.get("outcome", "")
    narrowed = InboxFilter(chosen) if chosen in set(InboxFilter) else InboxFilter.ALL
    page = list_events(reader(), narrowed, request.args.get("page", 1, type=int))
    zone, filters = get_house_zone(reader()), list(InboxFilter)
    return render_template("admin/webhooks.html", page=page, narrowed=narrowed, filters=filters, zone=zone)


@blueprint.get("/webhooks/<event_id>")
def webhook(event_id: str) -> ResponseReturnValue:
    """One event, with its payload but without the people in it."""
    found = find_event(reader(), event_id) or abort(404)
    event, reference = found
    zone = get_house_zone(reader())
    return render_template(
        "admin/webhook.html", event=event, reference=reference, payload=pretty(event.payload), zone=zone
    )


@blueprint.post("/webhooks/<event_id>/replay")
def replay_webhook(event_id: str) -> ResponseReturnValue:
    """Walk an event through the same door once more."""
    if find_event(reader(), event_id) is None:
        abort(404)
    try:
        receipt = inbox.replay_event(current_runtime(), event_id, current_user.email)
        flash(f"Replayed: {masked(receipt.note) or receipt.status}.")
    except PaymentGatewayError:
        flash("Stripe had to be asked and did not answer as it should. Nothing was changed; try again.", "trouble")
    return redirect(url_for("admin.webhook", event_id=event_id), 303)


@blueprint.get("/mails")
def mails() -> ResponseReturnValue:
    """What was given up: mail above all."""
    return render_template("admin/mails.html", rows=list_dead_rows(reader()), zone=get_house_zone(reader()))


@blueprint.post("/mails/<int:row_id>/retry")
def retry_mail(row_id: int) -> ResponseReturnValue:
    """Try once more what was given up."""
    if not has_outbox_row(reader(), row_id):
        abort(404)
    outbox.retry(current_runtime(), row_id, current_user.email)
    flash("It will be tried again within a minute.")
    return redirect(url_for("admin.mails"), 303)
