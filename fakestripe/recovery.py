"""A second chance for an expired session: a link that makes a copy of it, for 30 days.

Source: docs.stripe.com/payments/checkout/abandoned-carts. Functions join `store.change()`.
"""

from __future__ import annotations

from fakestripe import basket
from fakestripe.store import Record
from fakestripe.world import World

DAYS_30 = 30 * 24 * 3600


def offer(world: World, session: Record) -> None:
    """Give an expiring session its link, if it was made with `after_expiration[recovery]`."""
    wanted = (session["after_expiration"] or {}).get("recovery") or {}
    if not wanted.get("enabled"):
        return
    token = world.ids.new("test_", 40)
    expires_at = world.clock.timestamp() + DAYS_30
    world.store.put("_recovery", {"id": token, "session": session["id"], "expires_at": expires_at})
    base = session["_page"].partition("/c/pay/")[0]
    link = {"url": f"{base}/r/{token}", "expires_at": expires_at}
    session["after_expiration"] = {"recovery": {**wanted, **link}}


def find(world: World, token: str) -> Record | None:
    """The expired session behind a link that still works."""
    link = world.store.get("_recovery", token)
    if link is None or link["expires_at"] <= world.clock.now():
        return None
    return world.store.get("checkout.session", link["session"])


def copy(world: World, expired: Record) -> tuple[Record, list[Record], list[Record]]:
    """An open session like the one that expired, its line items and optional ones."""
    now = world.clock.timestamp()
    session_id = world.ids.new("cs_test_", 58)
    page = expired["_page"].replace(expired["id"], session_id)
    made_since = ("_guest", "_customer", "_subscription", "_intent")
    session = {
        **{name: value for name, value in expired.items() if name not in made_since},
        **dict.fromkeys(("consent", "customer_details", "payment_intent", "setup_intent")),
        "id": session_id,
        "after_expiration": {"recovery": {**expired["after_expiration"]["recovery"], "expires_at": None, "url": None}},
        "created": now,
        "expires_at": now + expired["expires_at"] - expired["created"],
        "recovered_from": expired["id"],
        "status": "open",
        "url": page,
        "_page": page,
    }
    kept = basket.contents(world, expired["id"])
    items, optional = ([{**line, "id": world.ids.new("li_")} for line in kept[name]] for name in ("data", "optional"))
    return session, items, optional
