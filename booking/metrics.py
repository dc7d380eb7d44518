"""What can be measured, for Prometheus: counted in this process, or read from the database when somebody looks.

The only place that imports `prometheus_client`, an optional extra: without it every count here does nothing.
"""

import importlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PREFIX = "holdfast"


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure that the database (or the disk) shows, under a name of FACTS; `labels` in the order given there."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


# Name: what it tells, and its labels. No ids as labels: each new value is a new series for ever.
FACTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "bookings": ("Bookings by status and, where cancelled, by reason.", ("state", "cause")),
    "bookings_needing_review": ("Bookings whose payment a person must look at.", ()),
    "requests": ("Requests to book by their state.", ("state",)),
    "holds_active": ("Unpaid bookings that keep their nights.", ()),
    "hold_overdue_seconds": ("How long the oldest hold that has run out has not been let go.", ()),
    "paid_unconfirmed_oldest_seconds": ("Age of the oldest payment whose booking still waits.", ()),
    "payments": ("Payments by what told of them first.", ("source",)),
    "payments_by_authentication": (
        "Payments by what the bank did about 3-D Secure; empty: not known (yet).",
        ("state",),
    ),
    "attempts": ("Attempts to pay by status.", ("state",)),
    "attempts_declined": ("Attempts that were never paid, by the bank's last word on a card.", ("code",)),
    "confirm_seconds": ("From Stripe's word that it was paid to the confirmation, of the last 7 days.", ("quantile",)),
    "webhook_delay_seconds": ("From Stripe's event to its arrival, of the last 7 days.", ("quantile",)),
    "webhook_last_timestamp_seconds": ("When the newest event of Stripe's came in.", ()),
    "inbox_pending": ("Events that failed or match no booking, and wait for a retry or a person.", ("outcome",)),
    "inbox_oldest_seconds": ("Age of the oldest of those.", ()),
    "outbox_pending": ("Mails and calls that are still to be done.", ("kind",)),
    "outbox_dead": ("Mails and calls that the worker has given up.", ("kind",)),
    "outbox_oldest_seconds": ("How long the oldest row has been due.", ()),
    "refunds": ("Refunds by reason and status.", ("reason", "state")),
    "refund_oldest_pending_seconds": ("Age of the oldest refund that Stripe has not answered.", ()),
    "disputes": ("Disputes by reason and status.", ("reason", "state")),
    "dispute_due_timestamp_seconds": ("When the next answer to a dispute is due; absent where none is.", ()),
    "worker_heartbeat_timestamp_seconds": ("When the worker was last seen.", ()),
    "reconcile_last_success_timestamp_seconds": ("When Stripe's own lists were last walked to their end.", ()),
    "invariant_violations": ("Rows that broke a promise at the last look; 0: it is kept.", ("promise",)),
    "invariants_checked_timestamp_seconds": ("When the worker last looked at every promise.", ()),
    "disk_free_ratio": ("Free part of the disk that holds the data, 0 to 1.", ()),
}


def _import_library() -> Any:
    try:
        return importlib.import_module("prometheus_client")
    except ImportError:
        return None


class _Nothing:
    """Stands where a metric would."""

    def labels(self, *_values: str) -> "_Nothing":
        return self

    def inc(self) -> None: ...

    def observe(self, _seconds: float) -> None: ...


_library = _import_library()
_registry = _library.CollectorRegistry() if _library else None


def _counter(name: str, text: str, *labels: str) -> Any:
    return _library.Counter(f"{PREFIX}_{name}", text, labels, registry=_registry) if _library else _Nothing()


def _histogram(name: str, text: str, *labels: str) -> Any:
    return _library.Histogram(f"{PREFIX}_{name}", text, labels, registry=_registry) if _library else _Nothing()


_http_requests = _counter("http_requests_total", "Requests answered.", "route", "method", "status")
_http_seconds = _histogram("http_request_seconds", "How long an answer took.", "route", "method")
_webhooks = _counter("webhook_received_total", "Signed events of Stripe's, by what became of them.", "type", "result")
_bad_signatures = _counter("webhook_signature_failures_total", "Deliveries that nobody had signed, or too long ago.")
_stripe_seconds = _histogram("stripe_call_seconds", "How long Stripe took to answer.", "operation", "result")


# --- counting -------------------------------------------------------------------------------------------------------


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """One request was answered. `route` is the rule, never the path: paths hold ids and secrets."""
    _http_requests.labels(route, method, str(status)).inc()
    _http_seconds.labels(route, method).observe(seconds)


def count_webhook(event_type: str, result: str) -> None:
    """One signed event was taken in, or was not."""
    _webhooks.labels(event_type, result).inc()


def count_bad_signature() -> None:
    """One delivery was refused because nobody of ours had signed it."""
    _bad_signatures.inc()


@contextmanager
def timed_call(operation: str) -> Iterator[None]:
    """One question to Stripe; an error's `code` is its result."""
    result, began = "ok", time.perf_counter()
    try:
        yield
    except Exception as error:
        result = str(getattr(error, "code", "error"))
        raise
    finally:
        _stripe_seconds.labels(operation, result).observe(time.perf_counter() - began)


# --- showing --------------------------------------------------------------------------------------------------------


def names() -> set[str]:
    """Every name under which a figure can be asked for."""
    counted = {f"{PREFIX}_{name}" for name in FACTS}
    for family in _registry.collect() if _registry else ():
        counted |= {family.name + suffix for suffix in _SUFFIXES[family.type]}
    return counted


_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


def expose(facts: Iterable[Fact]) -> tuple[bytes, str]:
    """Everything in Prometheus' own format, with its content type: the facts, and the counts of all web processes.

    Raises:
        RuntimeError: the library is not installed. config.py refuses METRICS=on without it.
    """
    if _library is None:
        raise RuntimeError("prometheus_client is not installed")
    registry = _library.CollectorRegistry()
    registry.register(_Once(_families(facts)))
    registry.register(_counts())
    return _library.generate_latest(registry), _library.CONTENT_TYPE_LATEST


def _counts() -> Any:
    """Those of this process; of all processes where gunicorn.conf.py has named a folder in which they meet."""
    multiprocess = importlib.import_module("prometheus_client.multiprocess")
    try:
        return multiprocess.MultiProcessCollector(None)
    except ValueError:  # no such folder: there is one process
        return _registry


def _families(facts: Iterable[Fact]) -> list[Any]:
    core = importlib.import_module("prometheus_client.core")
    families = {
        name: core.GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels) for name, (text, labels) in FACTS.items()
    }
    for fact in facts:
        families[fact.name].add_metric(fact.labels, fact.value)
    return list(families.values())


class _Once:
    """What was read for this one look."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families
