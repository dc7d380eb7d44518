"""The audit log, on a page and as a file."""

import json
from collections.abc import Iterator

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from booking.domain.audit import Facts
from booking.domain.spreadsheet import Row
from booking.queries.audit import list_actors, list_audit, read_audit
from booking.queries.dashboard import get_house_zone
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.people_forms import AuditForm
from booking.web.admin.sheets import send_sheet

_HEAD = ("Line", "When (UTC)", "Who", "What", "About", "Before", "After", "Network address", "Request", "Seal before")


@blueprint.get("/audit")
def audit() -> ResponseReturnValue:
    """Who did what, newest first."""
    session = reader()
    zone, form = get_house_zone(session), AuditForm.of(request.args, list_actors(session))
    page = list_audit(session, form.read_wish(zone), request.args.get("page", 1, type=int))
    return render_template("admin/audit.html", page=page, form=form, query=form.as_query(), zone=zone)


@blueprint.get("/audit.csv")
def audit_sheet() -> ResponseReturnValue:
    """The same lines, all of them and oldest first, as a file."""
    form = AuditForm.of(request.args, [])
    wish = form.read_wish(get_house_zone(reader()))

    def rows(session: Session) -> Iterator[Row]:
        for line in read_audit(session, wish):
            facts = (_written(line.before), _written(line.after))
            yield (line.number, line.at, line.who, line.action, line.subject, *facts, line.address, line.request_id,
                   line.previous)  # fmt: skip

    return send_sheet(f"audit-{now():%Y-%m-%d}", _HEAD, rows)


def _written(facts: Facts | None) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, sort_keys=True) if facts else ""
