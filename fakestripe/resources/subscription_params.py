"""The parameters of subscriptions, and how items and trials are read from them."""

from __future__ import annotations

from typing import Any

from fakestripe import prices, products
from fakestripe.billing.periods import DAY
from fakestripe.calls import Call
from fakestripe.errors import invalid_parameter, missing_parameter
from fakestripe.lists import list_params
from fakestripe.resources.prices import RECURRING, TAX_BEHAVIOR
from fakestripe.schema import Choice, Currency, Flag, Integer, Items, Metadata, Number, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

FEEDBACK = (
    "customer_service low_quality missing_features other switched_service too_complex too_expensive unused"
).split()
STATUSES = "active canceled incomplete incomplete_expired past_due paused trialing unpaid".split()
LONGEST_TRIAL = 730 * DAY
PRICE_DATA = group(
    "currency product recurring",
    currency=Currency(),
    product=Text(),
    recurring=RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Integer(minimum=0),
    unit_amount_decimal=Number(),
)
ITEM: dict[str, Param] = {
    "metadata": Metadata(),
    "price": Text(),
    "price_data": PRICE_DATA,
    "quantity": Integer(minimum=0),
}


class Moment(Param):
    """A time in seconds, or the word `now`."""

    def parse(self, raw: Any, name: str) -> Any:
        return raw if raw == "now" else Integer(minimum=0).parse(raw, name)


CANCELLATION = group(comment=Unsettable(Text()), feedback=Unsettable(Choice(*FEEDBACK)))
PRORATION = Choice("always_invoice", "create_prorations", "none")
COMMON: dict[str, Param] = {
    "cancel_at": Unsettable(Integer(minimum=0)),
    "cancel_at_period_end": Flag(),
    "collection_method": Choice("charge_automatically", "send_invoice"),
    "days_until_due": Integer(minimum=0),
    "default_payment_method": Text(),
    "description": Unsettable(Text(500)),
    "metadata": Metadata(),
    "off_session": Flag(),
    "payment_settings": group(save_default_payment_method=Choice("off", "on_subscription")),
    "proration_behavior": PRORATION,
    "trial_end": Moment(),
    "trial_settings": group(
        "end_behavior",
        end_behavior=group(
            "missing_payment_method", missing_payment_method=Choice("cancel", "create_invoice", "pause")
        ),
    ),
}
CREATE = group(
    "customer items",
    **COMMON,
    billing_mode=group("type", type=Choice("classic", "flexible")),
    currency=Currency(),
    customer=Text(),
    items=Items(group(**ITEM), max_items=20),
    payment_behavior=Choice("allow_incomplete", "default_incomplete", "error_if_incomplete"),
    trial_period_days=Integer(0, 730),
)
UPDATE = group(
    **COMMON,
    billing_cycle_anchor=Choice("unchanged"),
    cancellation_details=CANCELLATION,
    items=Items(group(**ITEM, id=Text(), deleted=Flag()), max_items=20),
    payment_behavior=Choice("allow_incomplete", "error_if_incomplete"),
)
CANCEL = group(cancellation_details=CANCELLATION, invoice_now=Flag(), prorate=Flag())
RESUME = group(billing_cycle_anchor=Choice("now"), proration_behavior=PRORATION)
LIST = list_params(
    collection_method=Choice("charge_automatically", "send_invoice"),
    customer=Text(),
    price=Text(),
    status=Choice(*STATUSES, "all", "ended"),
)


def read_items(world: World, given: list[Record]) -> list[Record]:
    """Items with their price as a record, made here where only its data was given."""
    return [_item(world, item, f"items[{number}]") for number, item in enumerate(given)]


def trial_end(world: World, call: Call) -> int | None:
    """When the first trial ends: `trial_end`, or so many days from now; None without a trial."""
    now, params = world.clock.timestamp(), call.params
    end = params.get("trial_end")
    if end is not None and "trial_period_days" in params:
        raise invalid_parameter(
            "You may only specify one of these parameters: trial_end, trial_period_days.", "trial_end"
        )
    if "trial_period_days" in params:
        end = now + params["trial_period_days"] * DAY
    if end in (None, "now") or end == now:
        return None
    check_trial_end(world, end)
    return int(end)


def check_trial_end(world: World, end: int) -> None:
    now = world.clock.timestamp()
    if end <= now:
        raise invalid_parameter("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    if end > now + LONGEST_TRIAL:
        raise invalid_parameter("Invalid timestamp: can be no more than two years in the future", "trial_end")


def _item(world: World, given: Record, where: str) -> Record:
    item = {name: value for name, value in given.items() if name not in ("price", "price_data")}
    if item.get("metadata") == "":
        item["metadata"] = {}
    if "price" in given:
        item["price"] = prices.find_active(world, given["price"], f"{where}[price]")
    elif "price_data" in given:
        item["price"] = _inline(world, given["price_data"], f"{where}[price_data]")
    elif "id" not in given:
        raise missing_parameter(f"{where}[price]")
    if "price" in item and "id" not in given:
        item.setdefault("quantity", 1)
    return item


def _inline(world: World, data: Record, where: str) -> Record:
    products.find(world, data["product"], f"{where}[product]")
    prices.check_recurring(data["recurring"], f"{where}[recurring]")
    fields = {"recurring": data["recurring"], "tax_behavior": data.get("tax_behavior")}
    return prices.create_inline(world, data["product"], data["currency"], prices.read_amount(data, where), **fields)
