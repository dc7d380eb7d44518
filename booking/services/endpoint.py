"""Whether Stripe's events find their way here, as far as Stripe's own list of endpoints tells."""

from collections.abc import Iterator
from dataclasses import dataclass

from booking.database import end_read
from booking.gateways.payments import EventEndpoint, EventNeeds, GatewayRefused, PaymentGatewayError
from booking.runtime import Runtime

ADDRESS = "/webhooks/stripe/"
EVERY_TYPE = "*"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about the way of events; `text` is for whoever runs the shop."""

    name: str
    is_well: bool
    text: str


def check_endpoint(runtime: Runtime) -> list[Finding]:
    """Look for this shop's endpoint at Stripe, and say what is wrong with it. Raises nothing: it tells."""
    end_read()  # the page that asks has read who is signed in
    address, needs = runtime.settings.base_url + ADDRESS, runtime.payments.event_needs()
    try:
        endpoints = runtime.payments.list_endpoints()
    except GatewayRefused:
        return [Finding("endpoint", True, "not looked at: the key may not read webhook endpoints")]
    except PaymentGatewayError:
        return [Finding("endpoint", False, "Stripe did not answer")]
    ours = [endpoint for endpoint in endpoints if endpoint.url.rstrip("/") == address.rstrip("/")]
    if not ours:
        return [_missing(address, is_needed=runtime.settings.is_production)]
    return [finding for endpoint in ours for finding in _findings(endpoint, needs)]


def _missing(address: str, *, is_needed: bool) -> Finding:
    if is_needed:
        return Finding("endpoint", False, f"Stripe sends nothing to {address}: add it under Developers, Webhooks")
    return Finding("endpoint", True, f"Stripe itself sends nothing to {address}: `stripe listen` has to forward events")


def _findings(endpoint: EventEndpoint, needs: EventNeeds) -> Iterator[Finding]:
    missing = sorted(set() if EVERY_TYPE in endpoint.event_types else needs.event_types - endpoint.event_types)
    if not endpoint.is_enabled:
        yield Finding("endpoint", False, f"{endpoint.url} is switched off at Stripe")
    elif missing:
        yield Finding("endpoint", False, f"{endpoint.url} is not sent {', '.join(missing)}")
    else:
        yield Finding("endpoint", True, f"{endpoint.url}, sent all {len(needs.event_types)} types of events")
    yield _version(endpoint, needs)


def _version(endpoint: EventEndpoint, needs: EventNeeds) -> Finding:
    note = f"; it is sent {endpoint.api_version}, so objects are fetched anew" if endpoint.must_be_fetched else ""
    return Finding("api version", True, needs.api_version + note)
