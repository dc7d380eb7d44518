"""The ways in which a call to Stripe goes wrong, and a gateway that does not wait long for the calls that hang."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from booking.gateways import stripe_gateway
from booking.gateways.stripe_gateway import StripeGateway
from fakestripe.faults import Faults

# fakestripe's words for each. A stored 500 stays with its idempotency key: asking again brings the same one.
FAULTS: dict[str, dict[str, Any]] = {
    "timeout before effect": {"kind": "timeout_before", "seconds": 0.25},
    "timeout after effect": {"kind": "timeout_after_effect", "seconds": 0.25},
    "stored 500": {"kind": "status_500", "stored": True},
    "stored 500 after effect": {"kind": "status_500_after_effect"},
    "429 storm": {"kind": "status_429"},
    "locked": {"kind": "lock_timeout"},
    "connection reset": {"kind": "reset"},
    "slow": {"kind": "slow", "seconds": 0.25},
    "garbage": {"kind": "garbage"},
}
HANGING = frozenset({"timeout_before", "timeout_after_effect", "slow"})
STORM = 50  # so many requests in a row go wrong
TOO_LONG = 0.05  # seconds; less than what hangs, hangs


@dataclass
class Patience:
    """Which requests the shop soon gives up: those that are sure to hang, so that a busy machine changes nothing."""

    method: str = ""
    path: str = ""
    # What Stripe answers from now on, to all that is asked in one way or (without a path) to everything: the status
    # and the error. Without a status nothing answers.
    answer: tuple[int, dict[str, Any]] | None = None
    # The orders that fakestripe has: they strike here what they strike there.
    faults: Faults = field(default_factory=Faults)

    def is_answered(self, request: requests.PreparedRequest) -> bool:
        return self.answer is not None and self.method in ("", request.method) and self.path in str(request.url)

    def hangs(self, request: requests.PreparedRequest) -> bool:
        """Whether it is struck by a fault that hangs; asked once of each request."""
        fault = self.faults.take(str(request.method), urlsplit(str(request.url)).path)
        return fault is not None and fault.kind in HANGING


class _Adapter(HTTPAdapter):
    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if self._patience.answer and self._patience.is_answered(request):
            return _answer(*self._patience.answer)
        if not self._patience.hangs(request):
            return super().send(request, *args, **kwargs)
        super().send(request, *args, **{**kwargs, "timeout": TOO_LONG})
        raise requests.ReadTimeout("the machine stood still until it was answered")


def _answer(status: int, error: dict[str, Any]) -> requests.Response:
    if not status:
        raise requests.ConnectionError("reset")
    response = requests.Response()
    response.status_code, response._content = status, json.dumps({"error": error}).encode()
    return response


def make_hasty(gateway: StripeGateway, patience: Patience) -> Callable[[], None]:
    """Stripe's own client as the shop uses it, with the web's retries, over connections with little patience.

    Returns what closes them.
    """
    stripe = stripe_gateway._import_stripe()
    session = requests.Session()
    session.mount("http://", _Adapter(patience))
    http = stripe.RequestsClient(session=session, timeout=(stripe_gateway.CONNECT_SECONDS, 60))
    gateway.__dict__["_client"] = stripe.StripeClient(
        gateway._api_key,
        base_addresses={"api": gateway._api_base, "files": gateway._api_base},
        http_client=http,
        max_network_retries=stripe_gateway.WEB_RETRIES,
    )
    return session.close


@dataclass
class NotingGateway:
    """Passes every call on, and notes how each ended: what a page says must fit what the shop could know."""

    inner: Any
    notes: list[tuple[str, str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            return self._heard(name, lambda: call(*args, **kwargs))

        return noted

    def last(self, name: str) -> str | None:
        """How the newest call of that name ended; None where there was none."""
        return next((ending for called, ending in reversed(self.notes) if called == name), None)

    def _heard(self, name: str, call: Callable[[], Any]) -> Any:
        try:
            answer = call()
            # A list is asked for page by page, while it is read.
            return self._walked(name, answer) if hasattr(answer, "__next__") else self._answered(name, answer)
        except Exception as error:
            self.notes.append((name, type(error).__name__))
            raise

    def _walked(self, name: str, pages: Any) -> Any:
        try:
            yield from pages
        except Exception as error:
            self.notes.append((name, type(error).__name__))
            raise
        self.notes.append((name, ANSWERED))

    def _answered(self, name: str, answer: Any) -> Any:
        self.notes.append((name, ANSWERED))
        return answer


ANSWERED = "answered"
