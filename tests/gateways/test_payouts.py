"""Payouts at the border to Stripe: what is asked for, and what each kind of entry becomes. No network."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import responses
from responses import matchers

from booking.clock import SystemClock
from booking.domain.money import Money
from booking.domain.payouts import EntryKind, Payout
from booking.gateways.stripe_gateway import StripeGateway

API = "https://api.stripe.com/v1"
PAYOUT: dict[str, Any] = {
    "id": "po_1", "object": "payout", "amount": 41000, "currency": "eur", "status": "paid", "automatic": True,
    "arrival_date": 1_803_859_200, "created": 1_803_700_000,
}  # fmt: skip
ENTRY: dict[str, Any] = {
    "id": "txn_1", "object": "balance_transaction", "amount": 42000, "fee": 1000, "net": 41000, "currency": "eur",
    "created": 1_803_500_000, "type": "charge",
    "source": {"id": "ch_1", "object": "charge", "amount": 42000, "amount_captured": 42000, "currency": "eur",
               "payment_intent": "pi_1"},
}  # fmt: skip


@pytest.fixture
def gateway() -> StripeGateway:
    gateway = StripeGateway("sk_test_0123456789abcdef", ("whsec_0123456789abcdefghijkl",), SystemClock())
    gateway._patience = (1, 0)
    return gateway


def page(*objects: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(objects), "has_more": has_more, "url": "/v1/things"}


@responses.activate
def test_payouts_are_asked_for_page_by_page(gateway: StripeGateway) -> None:
    asked = {"limit": "26", "starting_after": "po_9"}
    responses.get(f"{API}/payouts", json=page(PAYOUT), match=[matchers.query_param_matcher(asked)])

    assert gateway.list_payouts("po_9", 26) == [
        Payout("po_1", Money(41000, "eur"), "paid", date(2027, 3, 1), items_known=True)
    ]


@responses.activate
def test_a_payout_that_was_ordered_by_hand_says_so(gateway: StripeGateway) -> None:
    responses.get(f"{API}/payouts/po_1", json={**PAYOUT, "automatic": False})

    assert not gateway.look_up_payout("po_1").items_known


@responses.activate
def test_entries_are_read_with_their_sources_over_all_pages_and_without_the_payouts_own(gateway: StripeGateway) -> None:
    asked = {"payout": "po_1", "limit": "100", "expand[0]": "data.source"}
    own = {**ENTRY, "id": "txn_0", "type": "payout", "amount": -41000, "net": -41000, "source": "po_1"}
    further = {**asked, "starting_after": "txn_1"}
    refund = {"id": "re_1", "object": "refund", "amount": 5000, "currency": "eur", "payment_intent": "pi_1"}
    second = {**ENTRY, "id": "txn_2", "type": "refund", "amount": -5000, "fee": 0, "net": -5000, "source": refund}
    places = f"{API}/balance_transactions"
    first_page, second_page = page(own, ENTRY, has_more=True), page(second)
    responses.get(places, json=first_page, match=[matchers.query_param_matcher(asked)])
    responses.get(places, json=second_page, match=[matchers.query_param_matcher(further)])

    paid, back = gateway.list_payout_items("po_1")

    assert (paid.kind, paid.source_id, paid.payment_intent_id) == (EntryKind.PAYMENT, "ch_1", "pi_1")
    assert (paid.amount, paid.fee, paid.net) == (Money(42000, "eur"), Money(1000, "eur"), Money(41000, "eur"))
    assert (paid.source_amount, paid.at) == (Money(42000, "eur"), datetime(2027, 2, 24, 20, 13, 20, tzinfo=UTC))
    assert (back.kind, back.source_id, back.payment_intent_id) == (EntryKind.REFUND, "re_1", "")
    assert (back.amount, back.source_amount) == (Money(-5000, "eur"), Money(5000, "eur"))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "adjustment", "source": {"id": "du_1", "object": "dispute", "amount": 42000, "currency": "eur"}},
         EntryKind.DISPUTE),
        ({"type": "payment"}, EntryKind.PAYMENT),
        ({"type": "stripe_fee", "source": None}, EntryKind.OTHER),
        ({"type": "adjustment", "source": "something_new_1"}, EntryKind.OTHER),
        ({"type": "transfer"}, EntryKind.OTHER),
    ],
)  # fmt: skip
@responses.activate
def test_each_entry_is_what_its_source_says(gateway: StripeGateway, changes: dict[str, Any], kind: EntryKind) -> None:
    responses.get(f"{API}/balance_transactions", json=page({**ENTRY, **changes}))

    assert [item.kind for item in gateway.list_payout_items("po_1")] == [kind]
