"""Who goes on the tour for the judges: Stripe's own client, the simulator's controls, and what is often made."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
import stripe

from tests.support.servers import FakeStripe

KEY = "sk_test_tour"
SHOP = "https://shop.example"
DAY = 24 * 3600
CHALLENGED = "pm_card_authenticationRequired"
DECLINED = "pm_card_chargeDeclined"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
# A card is all that a payment may use where nobody is there to be sent to another page.
CARDS_ONLY = {"enabled": True, "allow_redirects": "never"}


@dataclass
class Tourist:
    """Who goes: Stripe's own client, and the simulator's controls."""

    simulated: FakeStripe

    def __post_init__(self) -> None:
        stripe.enable_telemetry = False
        base: Any = {"api": self.simulated.url, "files": self.simulated.url}
        self.api: Any = stripe.StripeClient(KEY, base_addresses=base, max_network_retries=0).v1

    def raw(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """A call that the client has no method for."""
        given = {"Authorization": f"Bearer {KEY}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        answer = requests.request(method, self.simulated.url + path, data=data, headers=given, timeout=20)
        return answer.json()

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """What happens inside must be refused with an error of Stripe's."""
        with contextlib.suppress(stripe.StripeError):
            yield
            raise AssertionError("it was not refused")

    def session(self, **changes: Any) -> Any:
        price = {"currency": "eur", "unit_amount": 42000, "product_data": {"name": "Seaview Cottage"}}
        params = {"mode": "payment", "line_items": [{"price_data": price, "quantity": 1}]}
        addresses = {"success_url": f"{SHOP}/ok?s={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{SHOP}/back"}
        return self.api.checkout.sessions.create(params={**params, **addresses, **changes})

    def payment(self, card: str = "pm_card_visa", **changes: Any) -> Any:
        params = {"amount": 42000, "currency": "eur", "payment_method": card, "confirm": True}
        return self.api.payment_intents.create(params={**params, "automatic_payment_methods": CARDS_ONLY, **changes})

    def customer(self, card: str = "pm_card_visa") -> Any:
        """A customer with a card that is charged by default."""
        settings = {"default_payment_method": card}
        return self.api.customers.create(params={"payment_method": card, "invoice_settings": settings} if card else {})

    def price(self, **changes: Any) -> Any:
        params = {"currency": "eur", "unit_amount": 1900, "product_data": {"name": "Guest club"}}
        return self.api.prices.create(params={**params, **changes})

    def subscription(self, customer: str, **changes: Any) -> Any:
        monthly = self.price(recurring={"interval": "month"}).id
        return self.api.subscriptions.create(params={"customer": customer, "items": [{"price": monthly}], **changes})

    def advance(self, seconds: float) -> None:
        self.simulated.post("clock", {"advance": seconds})
