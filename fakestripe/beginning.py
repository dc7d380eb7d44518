"""Beginning: opens or clears the state and sets the endpoint named on the command line."""

from __future__ import annotations

from fakestripe import endpoints
from fakestripe.clock import Clock
from fakestripe.faults import Faults
from fakestripe.idempotency import Idempotency
from fakestripe.ids import Ids
from fakestripe.limits import RateLimit
from fakestripe.options import Options
from fakestripe.recording import Recording
from fakestripe.requestlog import RequestLog
from fakestripe.store import Store
from fakestripe.webhooks import Dispatcher
from fakestripe.world import World


def build_world(options: Options) -> World:
    """Open the state, or begin a new one."""
    store = Store(options.database)
    clock = Clock((store.get("_meta", "clock") or {}).get("offset", 0.0))
    world = World(
        options=options,
        clock=clock,
        store=store,
        ids=Ids(store, options.seed),
        faults=Faults(),
        idempotency=Idempotency(store, clock),
        requests=RequestLog(),
        limit=RateLimit(options.rate_limit),
        recording=Recording(options.record),
        dispatcher=Dispatcher(),
    )
    endpoints.configure(world)
    return world


def restart(world: World) -> None:
    """Begin anew, as if just started with the same options and an empty database."""
    with world.store.lock:
        world.store.clear()
        world.clock.offset = 0.0
        world.ids = Ids(world.store, world.options.seed)
        world.faults.order([])
        world.requests.clear()
        world.limit.set(world.options.rate_limit)
        endpoints.configure(world)
