"""web/admin: payouts against the ledger, with a Stripe that answers, and with one that does not."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.models import Payment
from booking.services import staff
from tests.support.shop import LINUS, Shop, patched
from tests.web.admin_house import ADA, PASSWORD, csrf_of


@pytest.fixture
def paid_out(small_shop: Shop) -> SimpleNamespace:
    """Two guests have paid, one got a part back, and Stripe has sent the rest to the bank."""
    first, second = small_shop.book(small_shop.stay()), small_shop.book(small_shop.stay(ahead=60), LINUS, "linus")
    for booking in (first, second):
        small_shop.pay(booking)
    with small_shop.app.app_context():
        intent = small_shop.payments(first)[0].payment_intent_id
    small_shop.stripe_client().refunds.create(params={"payment_intent": intent, "amount": 5000})
    small_shop.stripe.settle_down()
    small_shop.stripe.post("clock", {"advance": timedelta(days=3).total_seconds()})
    (payout,) = small_shop.stripe.post("payouts", {})
    return SimpleNamespace(shop=small_shop, first=first, second=second, path=f"/admin/payouts/{payout['id']}")


def ada(shop: Shop) -> FlaskClient:
    with shop.app.app_context():
        staff.create_staff(shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    client = shop.app.test_client()
    token = csrf_of(client.get("/admin/login").text)
    client.post("/admin/login", data={"email": ADA, "password": PASSWORD, "csrf_token": token})
    return client


def change(shop: Shop, statement: Any) -> None:
    with shop.app.app_context():
        db.session.execute(statement)
        db.session.commit()


def test_payouts_are_listed_and_each_entry_is_as_in_the_ledger(paid_out: SimpleNamespace) -> None:
    client = ada(paid_out.shop)

    assert f'href="{paid_out.path}"' in client.get("/admin/payouts").text
    page = client.get(paid_out.path).text

    assert "All 3 entries are as in our ledger, and they add up to the payout." in page
    assert page.count('<tr><th scope="row">') == 3
    for booking in (paid_out.first, paid_out.second):
        assert f'href="/admin/bookings/{booking}"' in page


def test_what_differs_is_named_first(paid_out: SimpleNamespace) -> None:
    shop = paid_out.shop
    shop.breaks = ("I3", "I9")
    other = {"payment_intent_id": "pi_else", "charge_id": None}
    change(shop, update(Payment).where(Payment.booking_id == paid_out.first).values(amount_minor=70000))
    change(shop, update(Payment).where(Payment.booking_id == paid_out.second).values(other))

    page = ada(shop).get(paid_out.path).text

    assert "2 of 3 entries differ" in page
    assert "Here: €700.00." in page
    assert "Nothing here has this id." in page


def test_no_transaction_is_open_while_stripe_is_asked(paid_out: SimpleNamespace) -> None:
    shop, client = paid_out.shop, ada(paid_out.shop)
    seen = []
    inner = shop.runtime.payments

    class Watching:
        def __getattr__(self, name: str) -> Any:
            if name.startswith(("list_payout", "look_up_payout")):
                seen.append(db.session.registry.has() and db.session().in_transaction())
            return getattr(inner, name)

    shop.app.extensions["holdfast"] = replace(shop.runtime, payments=Watching())
    client.get("/admin/payouts"), client.get(paid_out.path)

    assert seen == [False] * 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GatewayUnavailable("no answer"), 503),
        (GatewayRefused("not allowed", "permission_denied"), 503),
        (GatewayRefused("no such payout", "resource_missing"), 404),
    ],
)
def test_when_stripe_does_not_tell_the_page_says_so_plainly(small_shop: Shop, error: Exception, status: int) -> None:
    client = ada(small_shop)

    def refuse(*_args: Any) -> Any:
        raise error

    with patched(small_shop.runtime.payments, "look_up_payout", refuse):
        answer = client.get("/admin/payouts/po_1")
    with patched(small_shop.runtime.payments, "list_payouts", refuse):
        listed = client.get("/admin/payouts")

    assert (answer.status_code, listed.status_code) == (status, 503)
    assert "Stripe does not tell of payouts now" in listed.text
    assert str(error) not in answer.text + listed.text


@pytest.mark.parametrize("payout_id", ["tr_1", "po_", "po_1<b>", "po_" + "x" * 200, "..%2Fcharges"])
def test_what_is_no_payout_is_not_asked_for(small_shop: Shop, payout_id: str) -> None:
    client = ada(small_shop)

    assert client.get(f"/admin/payouts/{payout_id}").status_code == 404


def test_a_payout_that_stripe_does_not_know_is_not_there(small_shop: Shop) -> None:
    assert ada(small_shop).get("/admin/payouts/po_nothing").status_code == 404


def test_an_account_without_payouts_has_an_empty_page(small_shop: Shop) -> None:
    assert "Stripe has paid nothing out yet." in ada(small_shop).get("/admin/payouts?before=junk").text
