"""The parts of one running simulator, handed to whoever needs them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakestripe.clock import Clock
from fakestripe.ids import Ids
from fakestripe.lines import Lines
from fakestripe.options import Options
from fakestripe.store import Record, Store

if TYPE_CHECKING:
    from fakestripe.faults import Faults
    from fakestripe.idempotency import Idempotency
    from fakestripe.limits import RateLimit
    from fakestripe.recording import Recording
    from fakestripe.requestlog import RequestLog
    from fakestripe.webhooks import Dispatcher


@dataclass
class World:
    """Everything that outlives a request."""

    options: Options
    clock: Clock
    store: Store
    ids: Ids
    faults: Faults
    idempotency: Idempotency
    requests: RequestLog
    limit: RateLimit
    recording: Recording
    dispatcher: Dispatcher
    lines: Lines = field(default_factory=Lines)
    stopping: threading.Event = field(default_factory=threading.Event)

    def setting(self, name: str) -> Record:
        """A small record of the simulator's own, such as how deliveries go at the moment."""
        return self.store.get("_meta", name) or {"id": name}

    def put_setting(self, record: Record) -> None:
        with self.store.change():
            self.store.put("_meta", record)

    def save_clock(self) -> None:
        self.put_setting({"id": "clock", "offset": self.clock.offset})
