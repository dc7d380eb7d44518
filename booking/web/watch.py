"""Watches each request go by: gives it an id for its log lines, times it, counts it, and in production logs it."""

import logging
import secrets
import time

from flask import Flask, Response, g, request, request_started

from booking import logs, metrics
from booking.services import audit
from booking.wiring import current_runtime

logger = logging.getLogger(__name__)

# Anything else is a stranger's invention, and each would be a series of its own for ever.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install(app: Flask) -> None:
    """Watch everything; begun by the signal, since what another hook refuses is to be counted too."""
    request_started.connect(_begin, app)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin(_app: Flask) -> None:
    g.request_began = time.perf_counter()
    logs.request_id.set(secrets.token_hex(8))
    audit.origin.set(audit.Origin(logs.request_id.get(), request.remote_addr or ""))


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.request_began
    method = request.method if request.method in _METHODS else "OTHER"
    # The rule and never the path: paths hold the secrets of mailed links.
    route = request.url_rule.rule if request.url_rule else "none"
    metrics.count_request(route, method, response.status_code, seconds)
    if current_runtime().settings.is_production:
        told = {"method": method, "route": route, "status": response.status_code, "ms": round(seconds * 1000, 1)}
        logger.info("request_answered", extra=told)
    response.headers["X-Request-Id"] = logs.request_id.get()
    return response


def _forget(_error: BaseException | None) -> None:
    logs.request_id.set("")
    audit.origin.set(audit.NOWHERE)
