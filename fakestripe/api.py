"""The way of one API request: key, fault, idempotency, parameters, endpoint, answer."""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request

from fakestripe import errors, forms, jobs, uploads, versions
from fakestripe.calls import Call, Operation, find
from fakestripe.errors import ApiError
from fakestripe.events import Cause, current_cause
from fakestripe.faults import BEFORE_WORK, Fault
from fakestripe.idempotency import Ask, check_length
from fakestripe.render import expand, visible
from fakestripe.requestlog import LoggedRequest
from fakestripe.resources import OPERATIONS
from fakestripe.resources.account import ACCOUNT_ID
from fakestripe.world import World

logger = logging.getLogger(__name__)
blueprint = Blueprint("api", __name__)
TEST_KEYS = ("sk_test_", "rk_test_")
LIVE_KEYS = ("sk_live_", "rk_live_")
# With a publishable key a browser may confirm what it has the secret of, and nothing else: docs.stripe.com/keys.
PUBLISHABLE = "pk_test_"
FOR_BROWSERS = re.compile(r"/v1/(?:payment|setup)_intents/[^/]+/confirm")
FORM = "application/x-www-form-urlencoded"
GARBAGE = "<html><body>SIMULATED: some proxy answers in place of the API.</body></html>"


@dataclass
class Answer:
    status: int
    body: str
    headers: dict[str, str]


@blueprint.before_app_request
def v1() -> Response | None:
    """Every API call comes in here, before routing could answer with a page of its own."""
    if request.path != "/v1" and not request.path.startswith("/v1/"):
        return None
    world: World = current_app.extensions["fakestripe"]
    request_id = world.ids.new_request()
    entry = _log(world, request_id)
    try:
        answer = _serve(world, entry)
    except ApiError as error:
        answer = Answer(error.status, _dump(error.body()), error.headers)
    except ConnectionAbortedError as broken:
        return _broken_connection(hard=bool(broken.args))
    entry.status = answer.status
    world.recording.exchange(entry, answer.body)
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
    is_browser = _is_browser()
    if not is_browser:
        check_key()
    versions.check(entry.version)
    _check_account()
    if not world.limit.take():
        raise errors.rate_limited()
    entry.params = _raw_params()
    if is_browser and "client_secret" not in entry.params:
        raise errors.missing_parameter("client_secret")
    fault = world.faults.take(entry.method, entry.path)
    if fault:
        entry.fault = fault.kind
        _fail_early(world, fault)
    jobs.run_due(world)
    if entry.method == "POST" and entry.idempotency_key:
        answer = _once(world, entry, entry.idempotency_key, fault)
    else:
        answer = _execute(world, entry, None, fault)
    return _fail_late(world, fault, answer)


def _is_browser() -> bool:
    """Whether Stripe.js asks, with the publishable key alone."""
    key = _given_key()
    is_publishable = key.startswith(PUBLISHABLE) and key != PUBLISHABLE
    return is_publishable and request.method == "POST" and bool(FOR_BROWSERS.fullmatch(request.path))


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


def _check_account() -> None:
    """Connect is not simulated: the one account is the key's own (docs.stripe.com/api/connected-accounts)."""
    wanted = request.headers.get("Stripe-Account")
    if wanted and wanted != ACCOUNT_ID:
        raise errors.no_access(wanted)


def _raw_params() -> dict[str, Any]:
    """Query and form together. Of a file there is its description; its bytes are the call's `files`."""
    query = forms.decode(request.query_string.decode("utf-8", "replace"))
    if request.method == "GET":
        return query
    if uploads.has_files(request):
        return {**query, **uploads.describe(request)}
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
        return _execute(world, entry, ask, fault)
    finally:
        world.idempotency.end(ask)


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
        return _refused(world, entry, ask, errors.own_failure())
    finally:
        current_cause.reset(token)


def _run(world: World, entry: LoggedRequest, fault: Fault | None) -> Answer:
    if fault and fault.kind == "status_500":
        raise errors.server_error()
    operation, args = _operation(entry)
    params, paths = operation.read(entry.params)
    call = Call(entry.path, params, args, entry.version or "", base_url(world), uploads.contents(request))
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
    answer = Answer(error.status, _dump(error.body()), error.headers)
    if ask and error.executed:
        world.idempotency.keep(ask, answer.status, answer.body, entry.id)
    return answer


def _fail_early(world: World, fault: Fault) -> None:
    if fault.kind not in BEFORE_WORK or fault.stored:
        return
    if fault.kind == "status_429":
        raise errors.rate_limited()
    if fault.kind == "lock_timeout":
        raise errors.lock_timeout()
    if fault.kind == "status_500":
        raise errors.server_error()
    if fault.kind == "timeout_before":
        world.stopping.wait(fault.seconds)
        raise ConnectionAbortedError
    raise ConnectionAbortedError("reset")


def _fail_late(world: World, fault: Fault | None, answer: Answer) -> Answer:
    if fault and fault.kind == "timeout_after_effect":
        world.stopping.wait(fault.seconds)
        raise ConnectionAbortedError
    if fault and fault.kind == "garbage":
        return Answer(200, GARBAGE, {"Content-Type": "text/html; charset=utf-8"})
    return answer


def _broken_connection(*, hard: bool) -> Response:
    """Answer nothing: close the connection, with a TCP reset when `hard`."""
    silence = request.environ.get("fakestripe.silence")
    if silence is None:
        raise ConnectionResetError("simulated fault, under a server that cannot break connections")
    silence(hard=hard)
    return Response()


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
