"""The shop's own gateway with the network taken out: its questions go to the model, through the world's troubles.

Everything that `StripeGateway` does around a request (which calls, in which order, how pages are walked, how objects
are read) is the real code; only the request itself is replaced, and the check of signatures.
"""

from collections.abc import Callable, Mapping
from typing import Any

from booking.clock import Clock
from booking.gateways import stripe_objects
from booking.gateways.payments import BadSignature, GatewayEvent
from booking.gateways.stripe_gateway import StripeGateway, _CardDeclined
from tests.simulation.stripe_model import Record

SIGNATURE = "signed by the model"
Send = Callable[[str, Record, str | None], Record]


class SimulatedGateway(StripeGateway):
    """`send` gets the path of a call, its parameters and its key, and gives Stripe's JSON or raises."""

    def __init__(self, clock: Clock, send: Send, payloads: Callable[[str], Record]) -> None:
        super().__init__("", (), clock)
        self._api, self._payloads = _Api(send), payloads

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        if signature != SIGNATURE:
            raise BadSignature("not signed")
        return stripe_objects.read_event(self._payloads(body.decode()))

    def _call(self, ask: Callable[[Any], Any]) -> dict[str, Any]:
        answer: dict[str, Any] = ask(self._api)
        return answer


class _Resource:
    """One kind of object, with the methods of Stripe's own client that the gateway uses."""

    def __init__(self, name: str, send: Send) -> None:
        self._name, self._send = name, send

    def create(self, params: Record, options: Mapping[str, str]) -> Record:
        made = self._send(f"{self._name}.create", params, options["idempotency_key"])
        if "confirm" in params and made["status"] == "requires_payment_method":
            raise _CardDeclined("declined", "card_declined", made)
        return made

    def retrieve(self, object_id: str, params: Record | None = None) -> Record:
        return self._send(f"{self._name}.retrieve", {"id": object_id, **(params or {})}, None)

    def expire(self, object_id: str, params: Record, options: Mapping[str, str]) -> Record:
        return self._send(f"{self._name}.expire", {"id": object_id, **params}, options["idempotency_key"])

    def capture(self, object_id: str, params: Record, options: Mapping[str, str]) -> Record:
        return self._send(f"{self._name}.capture", {"id": object_id, **params}, options["idempotency_key"])

    def cancel(self, object_id: str, params: Record, options: Mapping[str, str]) -> Record:
        return self._send(f"{self._name}.cancel", {"id": object_id, **params}, options["idempotency_key"])

    def detach(self, object_id: str, params: Record, options: Mapping[str, str]) -> Record:
        return self._send(f"{self._name}.detach", {"id": object_id, **params}, options["idempotency_key"])

    def list(self, params: Record) -> Record:
        return self._send(f"{self._name}.list", params, None)


class _Checkout:
    def __init__(self, send: Send) -> None:
        self.sessions = _Resource("checkout.sessions", send)


class _Portal:
    def __init__(self, send: Send) -> None:
        self.sessions = _Resource("billing_portal.sessions", send)


class _Api:
    def __init__(self, send: Send) -> None:
        self.checkout = _Checkout(send)
        self.charges, self.disputes = _Resource("charges", send), _Resource("disputes", send)
        self.payment_methods = _Resource("payment_methods", send)
        self.customers, self.subscriptions = _Resource("customers", send), _Resource("subscriptions", send)
        self.billing_portal = _Portal(send)
        self.refunds, self.payment_intents = _Resource("refunds", send), _Resource("payment_intents", send)
