"""Sends what `delivery.py` planned, from threads of its own: a slow endpoint blocks nobody."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import requests

from fakestripe import delivery
from fakestripe.lines import PREFIX as LINE
from fakestripe.signing import signature_header
from fakestripe.store import Record, Timetable

if TYPE_CHECKING:
    from fakestripe.world import World

logger = logging.getLogger(__name__)
SENDERS = 12
QUEUED = 4 * SENDERS
TICK_SECONDS = 0.1
BODY_KEPT = 2000
PENDING = Timetable("_delivery", lambda d: d["next_at"] if d["status"] == "pending" else None)


class Dispatcher:
    """A watcher finds due deliveries, senders send them; `in_flight` keeps each to one sender."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._queue: queue.Queue[str] = queue.Queue()
        self._in_flight: set[str] = set()
        self._answered = threading.Condition()

    def start(self, world: World, tick: Callable[[World], Any]) -> None:
        world.store.after_commit.append(lambda: self._wake_if_due(world))
        for _ in range(SENDERS):
            threading.Thread(target=self._send_forever, args=(world,), daemon=True).start()
        threading.Thread(target=self._watch, args=(world, tick), daemon=True).start()

    def wait_for_answer(self, world: World, event_id: str, seconds: float) -> bool:
        """Wait until each endpoint has answered the event once; False when time ran out.

        Hosted Checkout holds the guest's redirect this way, for up to 10 seconds, while it waits
        for the answer to `checkout.session.completed` (docs.stripe.com/checkout/fulfillment).
        """
        end = time.monotonic() + seconds
        with self._answered:
            while self._is_unanswered(world, event_id):
                rest = end - time.monotonic()
                if rest <= 0:
                    return False
                self._answered.wait(min(rest, 0.5))
        return True

    def wait_until_quiet(self, world: World, seconds: float) -> bool:
        """Wait until no delivery is due or under way; those held or due later do not count."""
        end = time.monotonic() + seconds
        while self._is_busy(world):
            if time.monotonic() > end:
                return False
            with self._answered:
                self._answered.wait(0.05)
        return True

    def send_now(self, world: World, delivery_id: str) -> dict[str, Any] | None:
        """Send one delivery in the caller's thread and note how it went."""
        try:
            record = world.store.get("_delivery", delivery_id)
            if record is None or delivery.give_up_if_closed(world, record):
                return None
            attempt = send(world, record["event"], record["endpoint"])
            delivery.note_attempt(world, delivery_id, attempt)
            return attempt
        finally:
            with self._answered:
                self._in_flight.discard(delivery_id)
                self._answered.notify_all()

    def _watch(self, world: World, tick: Callable[[World], Any]) -> None:
        while not world.stopping.is_set():
            self._wake.wait(self._pause(world))
            self._wake.clear()
            try:
                tick(world)
                self._enqueue_due(world)
            except Exception:
                logger.exception("tick_failed")

    def _wake_if_due(self, world: World) -> None:
        """After each commit: the watcher need not look before its next tick if nothing is due by then."""
        soonest = world.store.soonest(PENDING)
        if soonest and soonest["next_at"] < world.clock.now() + TICK_SECONDS:
            self._wake.set()

    def _pause(self, world: World) -> float:
        """Until the next delivery falls due, but never longer than a tick; those due now were queued."""
        now = world.clock.now()
        later = world.store.soonest(PENDING, after=now)
        return min(TICK_SECONDS, later["next_at"] - now) if later else TICK_SECONDS

    def _is_busy(self, world: World) -> bool:
        return bool(self._in_flight or world.store.until(PENDING, world.clock.now(), limit=1))

    def _enqueue_due(self, world: World) -> None:
        """Only the next few: what is under way stays due until it was answered."""
        for record in world.store.until(PENDING, world.clock.now(), limit=QUEUED):
            if record["id"] not in self._in_flight:
                self._in_flight.add(record["id"])
                self._queue.put(record["id"])

    def _send_forever(self, world: World) -> None:
        while not world.stopping.is_set():
            delivery_id = self._queue.get()
            try:
                self.send_now(world, delivery_id)
            except Exception:
                logger.exception("send_failed", extra={"delivery": delivery_id})

    @staticmethod
    def _is_unanswered(world: World, event_id: str) -> bool:
        mine = world.store.where("_delivery", "event", event_id)
        # A `stripe listen` holds nobody: docs.stripe.com/checkout/fulfillment speaks of endpoints.
        mine = [d for d in mine if not d["endpoint"].startswith(LINE)]
        return any(d["status"] == "pending" and not d["attempts"] for d in mine)


def send(world: World, event_id: str, endpoint_id: str) -> dict[str, Any]:
    """One POST, signed anew (docs.stripe.com/webhooks: each try has its own timestamp)."""
    event = world.store.get("event", event_id)
    endpoint = delivery.receiver(world, endpoint_id)
    attempt: dict[str, Any] = {"at": world.clock.now(), "status": None, "body": "", "error": None}
    if event is None or endpoint is None:
        return {**attempt, "ms": 0, "error": "the event or the endpoint is gone"}
    body = json.dumps(delivery.rendered(world, event, endpoint), indent=2).encode()
    started = time.monotonic()
    try:
        headers, seconds = _headers(world, body, endpoint), world.options.webhook_timeout
        line = world.lines.get(endpoint_id)
        carry = line.deliver if line else partial(_post, endpoint["url"])
        status, answer = carry(body, headers, seconds)
        attempt.update(status=status, body=answer[:BODY_KEPT])
    except Exception as error:  # whatever it is, this try has failed and the next one comes by plan
        attempt["error"] = type(error).__name__
    return {**attempt, "ms": round((time.monotonic() - started) * 1000)}


def _post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> tuple[int, str]:
    """The answer's status and the beginning of its body, however long that is.

    Straight to the endpoint: no proxy and no password that this machine's settings may name.
    """
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False, stream=True)
        beginning: bytes = next(answer.iter_content(BODY_KEPT), b"")
        return answer.status_code, beginning.decode("utf-8", "replace")


def resend(
    world: World, event: Record, times: int, concurrency: int, endpoint_id: str | None = None
) -> list[dict[str, Any]]:
    """Send one event again to each endpoint, or to one, several times, at once if asked; wait for answers."""
    ids = [endpoint["id"] for endpoint in delivery.receivers(world, event["type"])]
    jobs = [chosen for chosen in ([endpoint_id] if endpoint_id else ids) for _ in range(times)]
    with ThreadPoolExecutor(max_workers=max(1, concurrency)) as pool:
        return list(pool.map(lambda endpoint: _send_and_log(world, event, endpoint), jobs))


def _send_and_log(world: World, event: Record, endpoint_id: str) -> dict[str, Any]:
    with world.store.change():
        record = {
            "id": world.ids.new("dlv_", 12),
            "event": event["id"],
            "type": event["type"],
            "endpoint": endpoint_id,
            "status": "resending",
            "next_at": 0.0,
            "attempts": [],
        }
        world.store.put("_delivery", record)
    attempt = send(world, event["id"], endpoint_id)
    with world.store.change():
        record["attempts"] = [attempt]
        record["status"] = "delivered" if delivery.succeeded(attempt) else "failed"
        world.store.put("_delivery", record)
        delivery.count_pending(world, event["id"])
    return attempt


def _headers(world: World, body: bytes, endpoint: Record) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature_header(body, endpoint["_secrets"], timestamp),
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
    }
