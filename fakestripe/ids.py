"""Identifiers with Stripe's prefixes. The same seed gives the same ids in the same order."""

from __future__ import annotations

import hashlib
import itertools
import secrets

from fakestripe.store import Store

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """Numbers every object; the count lives in the store, so a restart never repeats one."""

    def __init__(self, store: Store, seed: int | None) -> None:
        self._store = store
        with store.change():
            state = store.get("_meta", "ids") or {"id": "ids", "seed": self._new_seed(seed)}
            state.setdefault("count", 0)
            state["starts"] = state.get("starts", 0) + 1
            store.put("_meta", state)
        self._requests = itertools.count(1)
        self._start = f"{state['seed']}:{state['starts']}"

    def new(self, prefix: str, length: int = 24) -> str:
        """Take the next id; must run inside `store.change()`."""
        state = self._store.get("_meta", "ids")
        assert state is not None
        state["count"] += 1
        self._store.put("_meta", state)
        return prefix + scramble(f"{state['seed']}:{state['count']}", length)

    def new_request(self) -> str:
        """Request ids are not part of the state: reads must not write."""
        return "req_" + scramble(f"{self._start}:{next(self._requests)}", 14)

    @staticmethod
    def _new_seed(seed: int | None) -> str:
        return secrets.token_hex(8) if seed is None else str(seed)


def scramble(text: str, length: int) -> str:
    """Letters and digits that look drawn at random but follow from `text`."""
    number = int.from_bytes(hashlib.sha512(text.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)
