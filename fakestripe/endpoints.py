"""Webhook endpoints. So far one, set at start or through `/_fake/webhook`.

Shape: docs.stripe.com/api/webhook_endpoints/object, with our `_secrets` beside it.
"""

from __future__ import annotations

import secrets as random_secrets

from fakestripe.store import Record
from fakestripe.world import World


def replace(world: World, url: str, secrets: list[str], enabled_events: list[str] | None = None) -> Record:
    """Make this the only endpoint. While a secret is rolled both are given, newest first."""
    with world.store.change():
        for old in world.store.all("webhook_endpoint"):
            world.store.delete("webhook_endpoint", old["id"])
        endpoint: Record = {
            "id": world.ids.new("we_"),
            "object": "webhook_endpoint",
            "api_version": world.options.api_version,
            "application": None,
            "created": world.clock.timestamp(),
            "description": None,
            "enabled_events": enabled_events or ["*"],
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secrets": secrets or [new_secret()],
        }
        world.store.put("webhook_endpoint", endpoint)
        return endpoint


def new_secret() -> str:
    return "whsec_" + random_secrets.token_hex(24)
