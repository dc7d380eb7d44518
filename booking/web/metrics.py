"""`/metrics` for Prometheus: only where METRICS is on, and only for whoever may look."""

import hmac

from flask import Blueprint, Response, abort, request

from booking import metrics
from booking.extensions import db
from booking.metrics import Fact
from booking.queries.figures import list_figures
from booking.services.readiness import free_disk
from booking.wiring import current_runtime

blueprint = Blueprint("metrics", __name__)

_LOOPBACK = ("127.0.0.1", "::1")
_OWN_NAMES = (*_LOOPBACK, "[::1]", "localhost")
_PROXY_HEADERS = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Every figure of the database and every count of the web processes; to strangers the page is not there."""
    runtime = current_runtime()
    settings = runtime.settings
    if not settings.metrics or not (_is_neighbour() or _has_token(settings.metrics_token)):
        abort(404)
    facts = [*list_figures(db.session(), runtime.clock.now()), Fact("disk_free_ratio", free_disk(runtime))]
    body, content_type = metrics.expose(facts)
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def _is_neighbour() -> bool:
    """Asked on this very machine, not through a proxy on it. Some proxies add no header, but keep the public name."""
    is_local = request.remote_addr in _LOOPBACK and request.host.rsplit(":", 1)[0] in _OWN_NAMES
    return is_local and not any(name in request.headers for name in _PROXY_HEADERS)


def _has_token(token: str) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
