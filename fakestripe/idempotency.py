"""Idempotency keys: docs.stripe.com/api/idempotent_requests.

The first answer under a key is kept for 24 hours, whether it succeeded or failed, 500 included,
and is given again to the same request. Nothing is kept when the parameters were refused before
the endpoint began, on 429, or when another request with the key was still running.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fakestripe.clock import Clock
from fakestripe.errors import ApiError
from fakestripe.store import Record, Store, Timetable

LIFETIME = 24 * 3600
MAX_LENGTH = 255
PRUNED_AT_ONCE = 500
BY_AGE = Timetable("_idempotency", lambda kept: kept["created"])


@dataclass(frozen=True)
class Ask:
    """What a key stands for: one endpoint, one set of parameters."""

    key: str
    path: str
    params: dict[str, Any]

    def fingerprint(self) -> str:
        return json.dumps(self.params, sort_keys=True)


class Idempotency:
    """Answers by key. Keys being worked on live in memory: a crash forgets them, as it should."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._running: set[str] = set()

    def begin(self, ask: Ask) -> Record | None:
        """Take the key, or give the answer it already has; refuse a clash."""
        with self._store.lock:
            kept = self._find(ask.key)
            if kept:
                self._check(kept, ask)
                return kept
            if ask.key in self._running:
                raise _conflict(ask.key)
            self._running.add(ask.key)
            return None

    def keep(self, ask: Ask, status: int, body: str, request_id: str) -> None:
        """Store the answer; joins a running change, so effect and answer are one commit."""
        with self._store.change():
            answer = {"status": status, "body": body, "request_id": request_id}
            asked = {"path": ask.path, "fingerprint": ask.fingerprint()}
            self._store.put(
                "_idempotency",
                {"id": ask.key, "created": self._clock.now(), **asked, **answer},
            )

    def end(self, ask: Ask) -> None:
        with self._store.lock:
            self._running.discard(ask.key)

    def prune(self) -> None:
        """Forget keys of more than 24 hours, a few at a time; they are not found any more anyway."""
        with self._store.change():
            for kept in self._store.until(BY_AGE, self._clock.now() - LIFETIME, limit=PRUNED_AT_ONCE):
                self._store.delete("_idempotency", kept["id"])

    def _find(self, key: str) -> Record | None:
        kept = self._store.get("_idempotency", key)
        return None if kept is None or self._is_old(kept) else kept

    def _is_old(self, kept: Record) -> bool:
        return bool(kept["created"] <= self._clock.now() - LIFETIME)

    @staticmethod
    def _check(kept: Record, ask: Ask) -> None:
        if kept["path"] != ask.path:
            raise _mismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{ask.path}' vs '{kept['path']}'). Try using a key other than "
                f"'{ask.key}' if you meant to execute a different request."
            )
        if kept["fingerprint"] != ask.fingerprint():
            raise _mismatch(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{ask.key}' if you meant to execute "
                "a different request."
            )


def check_length(key: str) -> None:
    if len(key) > MAX_LENGTH:
        message = f"Idempotency keys can be at most {MAX_LENGTH} characters long."
        raise ApiError(400, "invalid_request_error", message, executed=False)


def _mismatch(message: str) -> ApiError:
    return ApiError(400, "idempotency_error", message, executed=False)


def _conflict(key: str) -> ApiError:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably "
        f"means you submitted twice, and the other request is still going through): {key}. "
        "Please try again later."
    )
    return ApiError(409, "idempotency_error", message, code="idempotency_key_in_use", executed=False)
