"""The way of one API request: key, fault, idempotency, parameters, endpoint, answer."""

from __future__ import annotations

import base64
import json
import logging
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request

from fakestripe import errors, forms, jobs
from fakestripe.calls import Call, Operation, find
from fakestripe.errors import ApiError
from fakestripe.events import Cause, current_cause
from fakestripe.faults import BEFORE_WORK, Fault
from fakestripe.idempotency import Ask, check_length
from fakestripe.render import expand, visible
from fakestripe.requestlog import LoggedRequest
from fakestripe.resources import OPERATIONS
from fakestripe.world import World

logger = logging.getLogger(__name__)
blueprint = Blueprint("api", __name__)
TEST_KEYS = ("sk_test_", "rk_test_")
LIVE_KEYS = ("sk_live_", "rk_live_")
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    status: int
    body: str
    headers: dict[str, str]


class _Silence:
    """A body that breaks the connection when the server asks for its first byte."""

    def __init__(self, silence: Callable[[], None]) -> None:
        self._silence = silence

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._silence()
        raise StopIteration


@blueprint.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
def v1(rest: str) -> Response:
    """Every API call comes in here."""
    world: World = current_app.extensions["fakestripe"]
    request_id = world.ids.new_request()
    entry = _log(world, request_id)
    try:
        answer = _serve(world, entry)
    except ApiError as error:
        answer = Answer(error.status, _dump(error.body()), {})
    except ConnectionAbortedError as broken:
        return _broken_connection(hard=bool(broken.args))
    entry.status = answer.status
    return _respond(answer, entry)


def _log(world: World, request_id: str) -> LoggedRequest:
    entry = LoggedRequest(
        id=request_id,
        at=world.clock.now(),
        method=request.method,
        path=request.path,
        params={},
        idempotency_key=request.headers.get("Idempotency-Key"),
        version=request.headers.get("Stripe-Version"),
    )
    world.requests.add(entry)
    return entry


def _serve(world: World, entry: LoggedRequest) -> Answer:
    check_key()
    entry.params = _raw_params()
    fault = world.faults.take(entry.method, entry.path)
    if fault:
        entry.fault = fault.kind
        _fail_early(fault)
    jobs.run_due(world)
    if entry.method == "POST" and entry.idempotency_key:
        return _once(world, entry, entry.idempotency_key, fault)
    answer = _execute(world, entry, None, fault)
    _fail_late(fault)
    return answer


def check_key() -> None:
    """Bearer, or Basic with the key as user name (docs.stripe.com/api/authentication)."""
    key = _given_key()
    if not key:
        raise errors.unauthorized(
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY')."
        )
    if key.startswith(LIVE_KEYS):
        raise errors.unauthorized(
            "fakestripe refuses live keys. This is a simulator: use a key that begins with "
            "sk_test_ or rk_test_, and keep your live key away from it."
        )
    if not key.startswith(TEST_KEYS) or key in TEST_KEYS:
        raise errors.unauthorized(f"Invalid API Key provided: {key[:8]}...")


def _given_key() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _raw_params() -> dict[str, Any]:
    query = forms.decode(request.query_string.decode("utf-8", "replace"))
    if request.method == "GET":
        return query
    body = request.get_data()
    if body and request.mimetype != FORM:
        message = (
            f"Invalid request (check that your POST content type is {FORM}). If you have "
            "questions, see https://docs.stripe.com/api."
        )
        raise errors.invalid_request(message, executed=False)
    return {**query, **forms.decode(body.decode("utf-8", "replace"))}


def _once(world: World, entry: LoggedRequest, key: str, fault: Fault | None) -> Answer:
    """Give the stored answer of this key, or work and store."""
    check_length(key)
    ask = Ask(key, entry.path, entry.params)
    kept = world.idempotency.begin(ask)
    if kept:
        entry.replayed = True
        headers = {"Idempotent-Replayed": "true", "Original-Request": kept["request_id"]}
        return Answer(kept["status"], kept["body"], headers)
    try:
        answer = _execute(world, entry, ask, fault)
    finally:
        world.idempotency.end(ask)
    _fail_late(fault)
    return answer


def _execute(world: World, entry: LoggedRequest, ask: Ask | None, fault: Fault | None) -> Answer:
    """Run the endpoint. Its effect and its stored answer are one commit."""
    if fault and fault.kind == "slow":
        world.stopping.wait(fault.seconds)
    token = current_cause.set(Cause(entry.id, entry.idempotency_key))
    try:
        with world.store.change():
            answer = _run(world, entry, fault)
            if ask:
                world.idempotency.keep(ask, answer.status, answer.body, entry.id)
            return answer
    except ApiError as error:
        return _refused(world, entry, ask, error)
    except Exception:
        logger.exception("endpoint_failed", extra={"path": entry.path})
        return _refused(world, entry, ask, errors.server_error())
    finally:
        current_cause.reset(token)


def _run(world: World, entry: LoggedRequest, fault: Fault | None) -> Answer:
    if fault and fault.kind == "status_500":
        raise errors.server_error()
    operation, args = _operation(entry)
    params, paths = operation.read(entry.params)
    call = Call(entry.path, params, args, entry.version or "", base_url(world))
    shown = expand(world, visible(operation.run(world, call)), paths)
    if fault and fault.kind == "status_500_after_effect":
        return Answer(500, _dump(errors.server_error().body()), {})
    return Answer(200, _dump(shown), {})


def _operation(entry: LoggedRequest) -> tuple[Operation, dict[str, str]]:
    found = find(OPERATIONS, entry.method, entry.path)
    if found is None:
        raise errors.unrecognized_url(entry.method, entry.path)
    return found


def _refused(world: World, entry: LoggedRequest, ask: Ask | None, error: ApiError) -> Answer:
    answer = Answer(error.status, _dump(error.body()), {})
    if ask and error.executed:
        world.idempotency.keep(ask, answer.status, answer.body, entry.id)
    return answer


def _fail_early(fault: Fault) -> None:
    if fault.kind not in BEFORE_WORK or fault.stored:
        return
    if fault.kind == "status_429":
        raise errors.rate_limited()
    if fault.kind == "status_500":
        raise errors.server_error()
    if fault.kind == "timeout_before":
        time.sleep(fault.seconds)
        raise ConnectionAbortedError
    raise ConnectionAbortedError("reset")


def _fail_late(fault: Fault | None) -> None:
    if fault and fault.kind == "timeout_after_effect":
        time.sleep(fault.seconds)
        raise ConnectionAbortedError


def _broken_connection(*, hard: bool) -> Response:
    """Answer nothing: close the connection, with a TCP reset when `hard`."""
    connection = request.environ.get("werkzeug.socket")

    def silence() -> None:
        if connection is not None and hard:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            socket.close(connection.detach())
        elif connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("simulated fault")

    return Response(_Silence(silence))


def base_url(world: World) -> str:
    return (world.options.public_url or request.host_url).rstrip("/")


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2)


def _respond(answer: Answer, entry: LoggedRequest) -> Response:
    response = Response(answer.body, answer.status, content_type="application/json")
    response.headers["Request-Id"] = entry.id
    response.headers["X-Fakestripe"] = "SIMULATED"
    if entry.version:
        response.headers["Stripe-Version"] = entry.version
    if entry.idempotency_key:
        response.headers["Idempotency-Key"] = entry.idempotency_key
    response.headers.update(answer.headers)
    return response
