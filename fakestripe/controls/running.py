"""Controls of the program itself: reset, state, clock, faults, what was asked."""

from __future__ import annotations

from flask import Response, jsonify, request

from fakestripe import jobs
from fakestripe.beginning import restart
from fakestripe.controls.common import Refused, blueprint, current_world, number, read_body
from fakestripe.controls.delivering import shown_endpoint, shown_rules
from fakestripe.store import Record
from fakestripe.world import World


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(ok=True, simulated=True, now=current_world().clock.now())


@blueprint.post("/reset")
def reset() -> Response:
    restart(current_world())
    return jsonify(ok=True)


@blueprint.get("/state")
def state() -> Response:
    """How much there is of everything, and how things are set."""
    world = current_world()
    kinds = ("checkout.session", "payment_intent", "charge", "refund", "dispute", "event")
    return jsonify(
        counts={kind: len(world.store.all(kind)) for kind in kinds},
        sessions=[_session_line(s) for s in world.store.all("checkout.session")],
        jobs=world.store.all("_job"),
        deliveries=_delivery_counts(world),
        delivery=shown_rules(world),
        faults=world.faults.show(),
        webhook=[shown_endpoint(e) for e in world.store.all("webhook_endpoint")],
        clock={"now": world.clock.now(), "offset": world.clock.offset},
    )


@blueprint.get("/clock")
def get_clock() -> Response:
    clock = current_world().clock
    return jsonify(now=clock.now(), offset=clock.offset)


@blueprint.post("/clock")
def move_clock() -> Response:
    """{"advance": seconds}; what has come due is done before the answer, retries start after."""
    body = read_body({"advance"}, required={"advance"})
    world = current_world()
    seconds = number(body, "advance")
    with world.store.lock:
        try:
            world.clock.advance(seconds)
        except ValueError as error:
            raise Refused(str(error)) from error
        world.save_clock()
        done = jobs.run_due(world)
    return jsonify(now=world.clock.now(), offset=world.clock.offset, ran=done)


@blueprint.get("/faults")
def get_faults() -> Response:
    return jsonify(current_world().faults.show())


@blueprint.post("/faults")
def set_faults() -> Response:
    """A list of faults for coming requests; an empty list takes back what was ordered."""
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, list):
        raise Refused("send a JSON list of faults")
    try:
        current_world().faults.order(wanted)
    except (AttributeError, TypeError, ValueError) as error:
        raise Refused(str(error)) from error
    return jsonify(current_world().faults.show())


@blueprint.get("/limits")
def get_limits() -> Response:
    return jsonify(current_world().limit.show())


@blueprint.post("/limits")
def set_limits() -> Response:
    """{"per_second": N} makes the API answer 429 beyond N requests a second; null sets no limit."""
    body = read_body({"per_second"}, required={"per_second"})
    per_second = body["per_second"]
    if per_second is not None and int(number(body, "per_second")) < 1:
        raise Refused("per_second must be at least 1, or null")
    limit = current_world().limit
    limit.set(None if per_second is None else int(per_second))
    return jsonify(limit.show())


@blueprint.get("/requests")
def list_requests() -> Response:
    """API requests, oldest first; ?method= and ?path= (a prefix) narrow it down."""
    return jsonify(current_world().requests.show(request.args.get("method"), request.args.get("path")))


def _session_line(session: Record) -> Record:
    names = ("id", "status", "payment_status", "payment_intent", "client_reference_id", "url")
    return {name: session[name] for name in names}


def _delivery_counts(world: World) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in world.store.all("_delivery"):
        counts[record["status"]] = counts.get(record["status"], 0) + 1
    return counts
