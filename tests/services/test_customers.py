"""Whom Stripe knows: one customer for each person, however often and however unluckily it is asked for."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from booking.gateways.payments import GatewayUnavailable
from booking.models import Customer
from booking.services import customers
from tests.support.shop import GRACE, Shop


def _get(shop: Shop, email: str = GRACE.email) -> tuple[int, str]:
    with shop.app.app_context():
        return customers.get_customer(shop.runtime, email)


def _at_stripe(shop: Shop) -> list[Any]:
    return [customer.to_dict() for customer in shop.stripe_client().customers.list().data]


def _rows(shop: Shop) -> list[Customer]:
    return list(shop._read(select(Customer)))


def test_a_person_is_one_customer_at_stripe_and_here(shop: Shop) -> None:
    first = _get(shop)
    again = _get(shop, f" {GRACE.email.upper()} ")

    assert first == again
    (row,) = _rows(shop)
    assert row.email == GRACE.email
    (told,) = _at_stripe(shop)
    assert (told["id"], told["metadata"]["customer"]) == (first[1], row.token)


def test_a_lost_answer_is_asked_for_again_under_the_same_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real, keys = shop.runtime.payments.create_customer, []

    def lose_the_answer(params: dict[str, object], key: str) -> str:
        keys.append(key)
        made = real(params, key)
        if len(keys) == 1:
            raise GatewayUnavailable("the line was cut")
        return made

    monkeypatch.setattr(shop.runtime.payments, "create_customer", lose_the_answer)
    with pytest.raises(GatewayUnavailable):
        _get(shop)

    _get(shop)

    assert len(_at_stripe(shop)) == 1
    assert keys == [_rows(shop)[0].idempotency_key] * 2


def test_two_who_ask_at_once_get_the_same_one(shop: Shop) -> None:
    found: list[tuple[int, str]] = []
    threads = [threading.Thread(target=lambda: found.append(_get(shop))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(_rows(shop)) == 1
