"""What the shop relies on Stripe for, asked of fakestripe in each run, and of Stripe itself by `make smoke-stripe`.

With `STRIPE_SMOKE_KEY=sk_test_...` each of these runs a second time against Stripe's own sandbox: the rules in
fakestripe were written from documentation, and this is where an owner can see that Stripe still keeps them. It creates
only test objects. Nothing else in the suite leaves the machine.
"""

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.support import servers

KEY = os.environ.get("STRIPE_SMOKE_KEY", "")
# A card is all that these payments may use: nobody is there to be sent to another page.
CARDS_ONLY = {"enabled": True, "allow_redirects": "never"}


@pytest.fixture(scope="module", params=["fakestripe", *(["stripe"] if KEY else [])])
def api(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Stripe's own client, pointed at one of the two."""
    stripe.enable_telemetry = False
    if request.param == "stripe":
        assert KEY.startswith("sk_test_"), "only a test key: these tests create charges"
        yield stripe.StripeClient(KEY, max_network_retries=2).v1
        return
    with servers.fakestripe(is_honest=False) as simulated:
        base = {"api": simulated.url, "files": simulated.url}
        yield stripe.StripeClient("sk_test_behaviours", base_addresses=base).v1


def test_stripe_itself_is_asked_too() -> None:
    if not KEY:
        pytest.skip("Stripe itself is asked by: STRIPE_SMOKE_KEY=sk_test_... make smoke-stripe")


def offer(**changes: Any) -> dict[str, Any]:
    price = {"currency": "eur", "unit_amount": 42000, "product_data": {"name": "Seaview Cottage"}}
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/back",
        **changes,
    }


def pay(api: Any, card: str = "pm_card_visa", amount: int = 42000, **more: Any) -> Any:
    """A payment that is confirmed at once."""
    params = {"amount": amount, "currency": "eur", "payment_method": card, "confirm": True}
    return api.payment_intents.create(params={**params, "automatic_payment_methods": CARDS_ONLY, **more})


def refused(call: Any, kind: type[stripe.StripeError]) -> Any:
    """The error that a call gives, as Stripe describes it."""
    with pytest.raises(kind) as caught:
        call()
    return caught.value.error


def test_session_opens_unpaid_with_an_address_of_its_own_and_can_be_found_again(api: Any) -> None:
    session = api.checkout.sessions.create(params=offer(client_reference_id="HF-1", metadata={"app": "holdfast"}))
    again = api.checkout.sessions.retrieve(session.id, params={"expand": ["line_items"]})

    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 42000)
    assert session.id in session.url
    assert (again.client_reference_id, again.metadata.to_dict()) == ("HF-1", {"app": "holdfast"})
    assert [item.amount_total for item in again.line_items.data] == [42000]
    assert session.id in [one.id for one in api.checkout.sessions.list(params={"limit": 100}).data]


def test_expired_session_is_expired_for_good(api: Any) -> None:
    session = api.checkout.sessions.create(params=offer())

    assert api.checkout.sessions.expire(session.id).status == "expired"
    again = refused(lambda: api.checkout.sessions.expire(session.id), stripe.InvalidRequestError)
    assert "open" in again.message


def test_same_key_gives_the_same_session_and_says_that_it_is_a_replay(api: Any) -> None:
    key = {"idempotency_key": str(uuid.uuid4())}
    first = api.checkout.sessions.create(params=offer(), options=key)
    second = api.checkout.sessions.create(params=offer(), options=key)

    assert second.id == first.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_same_key_with_other_parameters_is_refused(api: Any) -> None:
    key = {"idempotency_key": str(uuid.uuid4())}
    api.checkout.sessions.create(params=offer(), options=key)

    call = lambda: api.checkout.sessions.create(params=offer(locale="de"), options=key)  # noqa: E731
    assert refused(call, stripe.IdempotencyError).type == "idempotency_error"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"sucess_url": "https://shop.example/"}, "sucess_url"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"expires_at": 1}, "expires_at"),
        ({"line_items": [{"price_data": {"currency": "eur", "unit_amount": 1.5}, "quantity": 1}]}, "line_items"),
    ],
)
def test_wrong_parameter_is_refused_by_name(api: Any, changes: dict[str, Any], param: str) -> None:
    error = refused(lambda: api.checkout.sessions.create(params=offer(**changes)), stripe.InvalidRequestError)

    assert error.param.startswith(param)


def test_unknown_session_is_not_found(api: Any) -> None:
    error = refused(lambda: api.checkout.sessions.retrieve("cs_test_nobody"), stripe.InvalidRequestError)

    assert error.code == "resource_missing"


def test_wrong_key_is_not_let_in(api: Any) -> None:
    call = lambda: api.checkout.sessions.list(options={"api_key": "sk_tset_wrong"})  # noqa: E731

    refused(call, stripe.AuthenticationError)


def test_partial_refunds_add_up_until_the_rest_is_refused(api: Any) -> None:
    intent = pay(api)
    for amount in (12000, 20000):
        assert api.refunds.create(params={"payment_intent": intent.id, "amount": amount}).status == "succeeded"

    over = refused(
        lambda: api.refunds.create(params={"payment_intent": intent.id, "amount": 10001}), stripe.InvalidRequestError
    )
    assert "greater than unrefunded amount" in over.message
    assert api.refunds.create(params={"payment_intent": intent.id}).amount == 10000
    none_left = refused(lambda: api.refunds.create(params={"payment_intent": intent.id}), stripe.InvalidRequestError)
    assert none_left.code == "charge_already_refunded"
    charge = api.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (42000, True)


def test_charge_tells_its_fee_and_what_is_left_of_it(api: Any) -> None:
    intent = pay(api)
    shown = api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge.balance_transaction"]})

    entry = shown.latest_charge.balance_transaction
    assert entry.amount - entry.fee == entry.net
    assert entry.fee > 0


def test_declined_card_says_why_and_leaves_the_payment_to_be_tried_again(api: Any) -> None:
    error = refused(lambda: pay(api, "pm_card_chargeDeclinedInsufficientFunds"), stripe.CardError)

    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    assert error.payment_intent["status"] == "requires_payment_method"


def test_hold_is_taken_or_given_back(api: Any) -> None:
    held = pay(api, capture_method="manual")
    other = pay(api, capture_method="manual")

    assert (held.status, held.amount_capturable) == ("requires_capture", 42000)
    assert api.payment_intents.capture(held.id, params={"amount_to_capture": 30000}).amount_received == 30000
    assert api.payment_intents.cancel(other.id).status == "canceled"


def test_disputed_payment_takes_evidence_first_as_a_draft_and_then_for_good(api: Any) -> None:
    intent = pay(api, "pm_card_createDispute")
    find = lambda: api.disputes.list(params={"payment_intent": intent.id}).data  # noqa: E731
    [dispute] = servers.wait_until(find, 60, "the dispute")
    draft = {"evidence": {"customer_name": "Grace Guest"}, "submit": False}
    staged = api.disputes.update(dispute.id, params=draft)

    assert (dispute.status, dispute.is_charge_refundable) == ("needs_response", False)
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    blocked = refused(lambda: api.refunds.create(params={"payment_intent": intent.id}), stripe.InvalidRequestError)
    assert blocked.code == "charge_disputed"
    evidence = {"uncategorized_text": "winning_evidence"}
    submitted = api.disputes.update(dispute.id, params={"evidence": evidence, "submit": True})
    assert submitted.evidence_details.submission_count == 1
    assert submitted.status in ("under_review", "won")


def test_saved_card_that_wants_the_guest_is_refused_while_the_guest_is_away(api: Any) -> None:
    customer = api.customers.create(params={"email": "grace@example.com"})
    card = api.payment_methods.attach("pm_card_authenticationRequired", params={"customer": customer.id})

    error = refused(lambda: pay(api, card.id, customer=customer.id, off_session=True), stripe.CardError)
    assert error.code == "authentication_required"
    assert error.payment_intent["status"] in ("requires_payment_method", "requires_action")


def test_saved_card_is_charged_while_the_guest_is_away(api: Any) -> None:
    customer = api.customers.create(params={"email": "grace@example.com"})
    setup = api.setup_intents.create(
        params={
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "usage": "off_session",
            "automatic_payment_methods": CARDS_ONLY,
        }
    )

    assert setup.status == "succeeded"
    paid = pay(api, setup.payment_method, customer=customer.id, off_session=True)
    assert (paid.status, paid.customer) == ("succeeded", customer.id)
    cards = api.customers.payment_methods.list(customer.id)
    assert [card.card.last4 for card in cards.data] == ["4242"]


def test_lookup_key_moves_to_a_new_price(api: Any) -> None:
    key = f"club-{uuid.uuid4().hex[:8]}"
    product = api.products.create(params={"name": "Guest club"})
    price = {"product": product.id, "currency": "eur", "recurring": {"interval": "year"}, "lookup_key": key}
    old = api.prices.create(params={**price, "unit_amount": 4900})
    taken = refused(lambda: api.prices.create(params={**price, "unit_amount": 5900}), stripe.InvalidRequestError)
    new = api.prices.create(params={**price, "unit_amount": 5900, "transfer_lookup_key": True})

    assert taken.param == "lookup_key"
    assert [found.id for found in api.prices.list(params={"lookup_keys": [key]}).data] == [new.id]
    assert api.prices.retrieve(old.id).lookup_key is None


def test_metadata_is_merged_and_an_empty_value_removes(api: Any) -> None:
    customer = api.customers.create(params={"metadata": {"a": "1", "b": "2"}})
    changed = api.customers.update(customer.id, params={"metadata": {"b": "", "c": "3"}})

    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}


def test_lists_walk_both_ways(api: Any) -> None:
    made = [api.customers.create(params={"name": f"Guest {number}"}).id for number in range(3)]
    newest = api.customers.list(params={"limit": 1, "ending_before": made[0]})
    older = api.customers.list(params={"limit": 2, "starting_after": made[2]})

    assert [one.id for one in older.data] == [made[1], made[0]]
    assert (newest.data[0].id, newest.has_more) == (made[1], True)


def test_what_happened_can_be_read_as_events(api: Any) -> None:
    customer = api.customers.create(params={"name": "Grace"})
    events = api.events.list(params={"types": ["customer.created"], "limit": 100})

    about = [event for event in events.data if event.data.object.id == customer.id]
    assert len(about) == 1
    assert about[0].request.id == customer.last_response.request_id
