"""Sessions of the Stripe CLI: what `stripe listen` asks for before it listens. Not in Stripe's public API."""

from __future__ import annotations

import secrets

from fakestripe.calls import Call, Operation
from fakestripe.errors import not_simulated
from fakestripe.listening import PATH as LINE_PATH
from fakestripe.schema import Items, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

RECONNECT_SECONDS = 24 * 3600
"""After this long the CLI opens a new socket, and events made meanwhile are lost: better not too often."""
FORWARD = ("forward_to_url", "forward_connect_to_url", "forward_thin_to_url", "forward_thin_connect_to_url")


def create(world: World, call: Call) -> Record:
    params = call.params
    features = params.get("websocket_features", ["webhooks"])
    if features != ["webhooks"]:
        raise not_simulated(f"the feature {', '.join(features)} of the Stripe CLI", "websocket_features")
    line = world.lines.add(params.get("forward_to_url") or None, _secret(world), world.options.api_version)
    return {
        "default_version": world.options.api_version,
        "display_connect_filter_warning": False,
        "latest_version": world.options.api_version,
        "reconnect_delay": RECONNECT_SECONDS,
        "secret": line.secret,
        "websocket_authorized_feature": "webhooks",
        "websocket_id": line.id,
        "websocket_url": "ws" + call.base_url.removeprefix("http") + LINE_PATH,
    }


def _secret(world: World) -> str:
    """One for all of them, as `stripe listen --print-secret` must name what the next one will use."""
    kept = world.setting("stripecli")
    if "secret" not in kept:
        kept["secret"] = f"whsec_{secrets.token_hex(32)}"
        world.put_setting(kept)
    return str(kept["secret"])


OPERATIONS = [
    Operation(
        "POST",
        "/v1/stripecli/sessions",
        create,
        group(
            device_name=Text(),
            filters=Unsettable(Text()),
            websocket_features=Items(Text()),
            **dict.fromkeys(FORWARD, Unsettable(Text())),
        ),
    ),
]
