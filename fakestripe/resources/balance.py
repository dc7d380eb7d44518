"""The balance: docs.stripe.com/api/balance."""

from __future__ import annotations

from fakestripe import balance
from fakestripe.calls import Call, Operation
from fakestripe.schema import group
from fakestripe.store import Record
from fakestripe.world import World


def retrieve(world: World, call: Call) -> Record:
    return balance.total(world)


OPERATIONS = [Operation("GET", "/v1/balance", retrieve, group())]
