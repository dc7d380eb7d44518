"""Webhook endpoints: who is told of which events, and with which secrets it is signed.

Shape and rules: docs.stripe.com/api/webhook_endpoints and docs.stripe.com/webhooks. Beside the
object stands `_secrets`, newest first: more than one while a secret is rolled.
"""

from __future__ import annotations

import secrets as random_secrets
from typing import Any

from fakestripe import jobs
from fakestripe.errors import invalid_request
from fakestripe.eventtypes import EVERYTHING
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

MOST = 16
LONGEST_ROLL = 24 * 3600
"""An old secret can stay active for up to a day (docs.stripe.com/webhooks#roll-endpoint-secrets)."""


def create(world: World, url: str, **fields: Any) -> Record:
    """One more endpoint; an account may have 16 in a sandbox."""
    with world.store.change():
        if len(world.store.all("webhook_endpoint")) >= MOST:
            raise invalid_request(f"You have reached the maximum of {MOST} test webhook endpoints.")
        endpoint: Record = {
            "id": world.ids.new("we_"),
            "object": "webhook_endpoint",
            "api_version": None,
            "application": None,
            "created": world.clock.timestamp(),
            "description": None,
            "enabled_events": [EVERYTHING],
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secrets": [new_secret()],
            **fields,
        }
        world.store.put("webhook_endpoint", endpoint)
        return endpoint


def replace(world: World, url: str, secrets: list[str], enabled_events: list[str] | None = None) -> Record:
    """Make this the only endpoint. While a secret is rolled both are given, newest first."""
    with world.store.change():
        for old in world.store.all("webhook_endpoint"):
            world.store.delete("webhook_endpoint", old["id"])
        return create(
            world,
            url,
            api_version=world.options.api_version,
            enabled_events=enabled_events or [EVERYTHING],
            _secrets=secrets or [new_secret()],
        )


def configure(world: World) -> None:
    """The endpoint of the command line takes the place of the one named there before; others stay."""
    url, secrets = world.options.webhook_url, list(world.options.webhook_secrets)
    if not url:
        return
    with world.store.change():
        named = [e for e in world.store.all("webhook_endpoint") if e.get("_named_at_start")]
        same = [e for e in named if e["url"] == url]
        if same:
            world.store.put("webhook_endpoint", {**same[0], "_secrets": secrets or same[0]["_secrets"]})
            return
        for old in named:
            world.store.delete("webhook_endpoint", old["id"])
        own = {"api_version": world.options.api_version, "_named_at_start": True}
        create(world, url, **own, _secrets=secrets or [new_secret()])


def roll(world: World, endpoint: Record, expires_in: float) -> Record:
    """A new secret; those before it sign along until they expire, at once if `expires_in` is 0."""
    with world.store.change():
        old = list(endpoint["_secrets"])
        endpoint["_secrets"] = [new_secret(), *(old if expires_in > 0 else [])]
        world.store.put("webhook_endpoint", endpoint)
        for secret in old if expires_in > 0 else []:
            _expire_later(world, endpoint["id"], secret, world.clock.now() + expires_in)
        return endpoint


@task("expire_secret")
def expire_secret(world: World, job: Record) -> None:
    endpoint_id, _, secret = job["target"].partition("/")
    endpoint = world.store.get("webhook_endpoint", endpoint_id)
    if endpoint is not None:
        endpoint["_secrets"] = [kept for kept in endpoint["_secrets"] if kept != secret]
        world.store.put("webhook_endpoint", endpoint)


def new_secret() -> str:
    return "whsec_" + random_secrets.token_hex(24)


def _expire_later(world: World, endpoint_id: str, secret: str, due: float) -> None:
    """A secret that was to expire sooner still does."""
    target = f"{endpoint_id}/{secret}"
    planned = world.store.get("_job", f"expire_secret:{target}")
    jobs.schedule(world, "expire_secret", target, min(due, planned["due_at"]) if planned else due)
