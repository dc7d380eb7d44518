"""Routes of the dashboard. Reading is GET; each button posts to one address, which makes its call and leads back."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from fakestripe import delivery, guard, jobs
from fakestripe.dashboard import records, switches
from fakestripe.dashboard.press import DOORS, METHODS, Notes, press
from fakestripe.dashboard.printed import printed
from fakestripe.dashboard.sections import BY_KEY, SECTIONS, value
from fakestripe.store import Record
from fakestripe.world import World

blueprint = Blueprint("dashboard", __name__, template_folder="templates")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
COMING_SHOWN = 8


@blueprint.record
def begin(state: BlueprintSetupState) -> None:
    """Each application has notes of its own."""
    state.app.extensions["dashboard_notes"] = Notes()


@blueprint.before_request
def only_from_here() -> BaseResponse | None:
    """The dashboard has no password: it is for this machine, and its buttons for its own pages."""
    if not guard.is_from_here(request):
        return _page("closed.html", 403, why="The dashboard answers this machine only, by its name or address.")
    if request.method == "POST" and not guard.is_from_own_page(request):
        return _page("closed.html", 403, why="Buttons work on this page only. A script calls /_fake/ itself.")
    jobs.run_due(_world())
    return None


@blueprint.after_request
def protect(response: BaseResponse) -> BaseResponse:
    """No script, no framing, nothing from elsewhere. With `no-referrer` browsers would not name a form's origin."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/")
def overview() -> BaseResponse:
    world = _world()
    return _page(
        "overview.html",
        endpoints=world.store.all("webhook_endpoint"),
        rules=delivery.rules(world),
        faults=world.faults.show(),
        coming=_with_switch(world, world.store.until(jobs.DUE, float("inf"), COMING_SHOWN)),
        sessions=records.newest(world, "checkout.session", 6),
        session_columns=BY_KEY["sessions"].columns[:4],
        moments=records.moments(world, 8),
        held=world.store.where("_delivery", "status", "held"),
    )


@blueprint.get("/dashboard/<key>")
def show_section(key: str) -> BaseResponse:
    section = BY_KEY.get(key)
    if section is None:
        return _page("nowhere.html", 404)
    words = request.args.get("q", "").strip()
    found, more = records.page(_world(), section, words, request.args.get("after"))
    return _page("section.html", section=section, found=found, more=more, words=words)


@blueprint.get("/dashboard/find")
def find() -> BaseResponse:
    """Straight to the object of an id; else whatever contains the words."""
    words = request.args.get("q", "").strip()
    if records.find(_world(), words):
        return redirect(url_for(".show_record", record_id=words), 303)
    return _page("found.html", words=words, groups=records.search(_world(), words) if words else [])


@blueprint.get("/dashboard/object/<record_id>")
def show_record(record_id: str) -> BaseResponse:
    world = _world()
    found = records.find(world, record_id)
    if found is None:
        return _page("nowhere.html", 404)
    section, record = found
    return _page(
        "record.html",
        section=section,
        record=records.dressed(section.kind, record),
        switches=switches.of(section.kind, record),
        leads=lambda other: records.exists(world, other),
        moments=[] if section.kind in ("event", "_delivery", "_request") else records.timeline(world, record),
        deliveries=world.store.where("_delivery", "event", record_id) if section.kind == "event" else [],
        coming=_with_switch(world, world.store.where("_job", "target", record_id)),
        json=printed(
            records.plain(section.kind, record), lambda other: other != record_id and records.exists(world, other)
        ),
    )


@blueprint.post("/dashboard/press")
def press_button() -> BaseResponse:
    """Make the call that the button names, then back to the page with a note of what came of it."""
    method, path = request.form.get("method", "POST"), request.form.get("path", "")
    if method not in METHODS or not path.startswith(DOORS):
        return _page("closed.html", 400, why="No button makes this call.")
    try:
        body = _with_fields(json.loads(request.form.get("body", "{}")))
    except (OverflowError, ValueError):
        return _page("closed.html", 400, why="A number was expected.")
    number = _notes().keep(press(method, path, body))
    back = _own_path(request.form.get("back", "/"))
    return redirect(f"{back}{'&' if '?' in back else '?'}note={number}#main", 303)


def _with_fields(body: Any) -> Any:
    """The call's body with what was chosen or typed; in a list it goes into the last member."""
    target = body[-1] if isinstance(body, list) and body else body
    for name, text in request.form.items():
        kind, _, field = name.partition(":")
        if field and isinstance(target, dict):
            target[field] = _typed(kind, text)
    return body


def _typed(kind: str, text: str) -> Any:
    if kind == "number":
        number = float(text or 0)
        return int(number) if number == int(number) else number
    return text == "yes" if kind == "flag" else text


def _own_path(back: str) -> str:
    """A page of ours; anything that a browser might take for another host is not."""
    is_ours = back.startswith("/") and not back.startswith("//") and "\\" not in back
    return back.split("#")[0] if is_ours else "/"


def _with_switch(world: World, planned: list[Record]) -> list[Record]:
    """What the clock will do, each with the switch that goes there and whether its target has a page."""
    return [
        {**job, "switch": switches.until(world, job["due_at"]), "leads": records.exists(world, job["target"])}
        for job in sorted(planned, key=lambda job: job["due_at"])
    ]


def _world() -> World:
    world: World = current_app.extensions["fakestripe"]
    return world


def _notes() -> Notes:
    kept: Notes = current_app.extensions["dashboard_notes"]
    return kept


def _page(template: str, status: int = 200, /, **context: Any) -> Response:
    world = _world()
    html = render_template(
        f"dashboard/{template}",
        sections=SECTIONS,
        counts={section.key: records.count(world, section) for section in SECTIONS},
        now=world.clock.now(),
        offset=world.clock.offset,
        note=_notes().get(request.args.get("note", "")),
        here=request.full_path.partition("note=")[0].rstrip("?&"),
        value=value,
        fate=records.fate,
        make=switches,
        world=world,
        **context,
    )
    return make_response(html, status)
