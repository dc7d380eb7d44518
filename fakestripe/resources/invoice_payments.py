"""Which PaymentIntent pays which invoice: docs.stripe.com/api/invoice-payment."""

from __future__ import annotations

from fakestripe.calls import Call, Operation
from fakestripe.lists import list_params, page_of
from fakestripe.resources.reading import retrieving
from fakestripe.schema import Choice, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/invoice_payments"
LIST = list_params(
    invoice=Text(),
    payment=group("type", type=Choice("payment_intent"), payment_intent=Text()),
    status=Choice("canceled", "open", "paid"),
)


def listed(world: World, call: Call) -> Record:
    wanted = call.params.get("payment", {}).get("payment_intent")

    def fits(record: Record) -> bool:
        return wanted in (None, record["payment"]["payment_intent"])

    return page_of(world.store, "invoice_payment", call.params, PATH, "invoice", "status", fits=fits)


OPERATIONS = [Operation("GET", PATH, listed, LIST), retrieving(PATH, "invoice_payment", "invoice_payment")]
