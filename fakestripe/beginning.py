"""Beginning: opens or clears the state and sets the endpoint named on the command line."""

from __future__ import annotations

from fakestripe import endpoints
from fakestripe.clock import Clock
from fakestripe.faults import Faults
from fakestripe.idempotency import Idempotency
from fakestripe.ids import Ids
from fakestripe.options import Options
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
        dispatcher=Dispatcher(),
    )
    configure_endpoint(world)
    return world


def configure_endpoint(world: World) -> None:
    """The endpoint named at start replaces one kept from before; else that one stays."""
    options = world.options
    if not options.webhook_url:
        return
    kept = world.store.all("webhook_endpoint")
    if [e["url"] for e in kept] == [options.webhook_url]:
        wanted = list(options.webhook_secrets) or kept[0]["_secrets"]
        with world.store.change():
            world.store.put("webhook_endpoint", {**kept[0], "_secrets": wanted})
        return
    endpoints.replace(world, options.webhook_url, list(options.webhook_secrets))


def restart(world: World) -> None:
    """Begin anew, as if just started with the same options and an empty database."""
    with world.store.lock:
        world.store.clear()
        world.clock.offset = 0.0
        world.ids = Ids(world.store, world.options.seed)
        world.faults.order([])
        world.requests.clear()
        configure_endpoint(world)
