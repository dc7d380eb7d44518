"""What cards do, through Checkout and through PaymentIntents."""

import pytest
import requests
import stripe

DECLINES = [
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000009987", "card_declined", "lost_card"),
    ("4000000000009979", "card_declined", "stolen_card"),
    ("4000000000000069", "expired_card", None),
    ("4000000000000127", "incorrect_cvc", None),
    ("4000000000000119", "processing_error", None),
    ("4111111111111111", "card_declined", "test_mode_live_card"),
    ("4242424242424241", "incorrect_number", None),
]


@pytest.fixture
def session(api, offer):
    return api.checkout.sessions.create(offer())


def intent_of(api, session_id):
    return api.payment_intents.retrieve(api.checkout.sessions.retrieve(session_id).payment_intent)


@pytest.mark.parametrize(("card", "code", "decline_code"), DECLINES)
def test_a_declined_card_leaves_the_session_open(api, sim, session, card, code, decline_code):
    receipt = sim.pay(session.id, card=card)

    assert receipt["outcome"] == "declined"
    assert receipt["error"]["code"] == code
    assert receipt["error"].get("decline_code") == decline_code
    now = api.checkout.sessions.retrieve(session.id)
    assert (now.status, now.payment_status) == ("open", "unpaid")
    assert intent_of(api, session.id).status == "requires_payment_method"
    assert len(sim.events("charge.failed")) == len(sim.events("payment_intent.payment_failed")) == 1
    assert sim.events("checkout.session.completed") == []


def test_after_a_decline_another_card_pays_with_the_same_intent(api, sim, session):
    first = sim.pay(session.id, card="4000000000000002")["payment_intent"]["id"]
    second = sim.pay(session.id)["payment_intent"]

    assert second["id"] == first
    assert second["last_payment_error"] is None
    assert second["amount_received"] == 42000
    charges = api.charges.list({"payment_intent": first}).data
    assert [(c.status, c.paid) for c in charges] == [("succeeded", True), ("failed", False)]
    assert charges[1].outcome.type == "issuer_declined"


def test_success_tells_of_intent_charge_and_session_once(sim, session):
    sim.pay(session.id)

    types = [event["type"] for event in sim.get("events")]
    assert types == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize("card", ["4000002500003155", "4000002760003184"])
def test_three_d_secure_waits_for_the_guest(api, sim, session, card):
    receipt = sim.pay(session.id, card=card)

    assert receipt["outcome"] == "requires_action"
    assert api.checkout.sessions.retrieve(session.id).status == "open"
    page = requests.get(receipt["challenge_url"], timeout=5).text
    assert ">Complete</button>" in page
    assert ">Fail</button>" in page
    done = requests.post(receipt["challenge_url"], {"answer": "complete"}, allow_redirects=False, timeout=5)
    assert done.status_code == 303
    assert done.headers["Location"] == f"http://shop.test/ok?s={session.id}"
    charge = api.charges.retrieve(intent_of(api, session.id).latest_charge)
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_failed_three_d_secure_returns_to_the_page_and_makes_no_charge(api, sim, session):
    receipt = sim.pay(session.id, card="4000002760003184")

    back = requests.post(receipt["challenge_url"], {"answer": "fail"}, timeout=5)

    assert back.url == session.url
    assert "unable to authenticate" in back.text
    error = intent_of(api, session.id).last_payment_error
    assert error.code == "payment_intent_authentication_failure"
    assert api.charges.list().data == []
    assert len(sim.events("payment_intent.payment_failed")) == 1


def test_a_card_can_be_declined_after_three_d_secure(sim, session):
    receipt = sim.pay(session.id, card="4000008400001629", authenticate="complete")

    assert receipt["outcome"] == "declined"
    assert receipt["error"]["decline_code"] == "generic_decline"


def test_answering_three_d_secure_twice_pays_once(api, sim, session):
    url = sim.pay(session.id, card="4000002760003184")["challenge_url"]
    for _ in range(2):
        requests.post(url, {"answer": "complete"}, allow_redirects=False, timeout=5)

    assert len(api.charges.list().data) == 1
    assert len(sim.events("checkout.session.completed")) == 1


def test_three_d_secure_after_expiry_pays_nothing(api, sim, session):
    url = sim.pay(session.id, card="4000002760003184")["challenge_url"]
    api.checkout.sessions.expire(session.id)

    page = requests.post(url, {"answer": "complete"}, timeout=5)

    assert "has expired" in page.text
    assert api.charges.list().data == []


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_bank_debit_is_completed_unpaid_and_settled_later(api, sim, session, outcome):
    receipt = sim.pay(session.id, method="sepa_debit")

    assert receipt["outcome"] == "processing"
    assert receipt["session"]["payment_status"] == "unpaid"
    assert sim.events("checkout.session.completed")[0]["data"]["object"]["payment_status"] == "unpaid"
    sim.post(f"payments/{receipt['payment_intent']['id']}/settle", {"outcome": outcome})

    told = sim.events(f"checkout.session.async_payment_{outcome}")
    expected = "paid" if outcome == "succeeded" else "unpaid"
    assert [event["data"]["object"]["payment_status"] for event in told] == [expected]
    assert api.checkout.sessions.retrieve(session.id).payment_status == expected


@pytest.mark.parametrize(
    ("iban", "told"),
    [
        ("AT321904300235473204", "checkout.session.async_payment_succeeded"),
        ("AT051904300235473205", "checkout.session.async_payment_failed"),
    ],
)
def test_time_settles_a_bank_debit(sim, session, iban, told):
    sim.pay(session.id, method="sepa_debit", iban=iban)

    sim.post("clock", {"advance": 170})
    assert sim.events(told) == []
    sim.post("clock", {"advance": 20})
    assert len(sim.events(told)) == 1


def test_checkout_with_manual_capture_authorises_then_captures(api, sim, offer):
    session = api.checkout.sessions.create(offer(payment_intent_data={"capture_method": "manual"}))

    receipt = sim.pay(session.id)
    assert receipt["outcome"] == "authorized"
    assert receipt["session"]["payment_status"] == "unpaid"
    captured = api.payment_intents.capture(receipt["payment_intent"]["id"], {"amount_to_capture": 40000})

    assert (captured.status, captured.amount_received) == ("succeeded", 40000)
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert len(sim.events("charge.captured")) == 1


def test_more_than_authorised_cannot_be_captured(api):
    intent = api.payment_intents.create(
        {
            "amount": 500,
            "currency": "eur",
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    )

    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        api.payment_intents.capture(intent.id, {"amount_to_capture": 501})
    assert api.payment_intents.cancel(intent.id).status == "canceled"


def test_the_payment_of_a_session_is_ended_by_expiring_the_session(api, sim, session):
    intent = sim.pay(session.id, card="4000000000000002")["payment_intent"]["id"]

    with pytest.raises(stripe.InvalidRequestError, match="expire the Checkout Session"):
        api.payment_intents.cancel(intent)
    with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
        api.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def test_an_intent_goes_from_method_to_confirmation_to_success(api):
    intent = api.payment_intents.create({"amount": 500, "currency": "EUR", "metadata": {"a": "1"}})
    assert (intent.status, intent.currency) == ("requires_payment_method", "eur")

    changed = api.payment_intents.update(
        intent.id, {"amount": 600, "payment_method": "pm_card_visa", "metadata": {"b": "2"}}
    )
    assert (changed.status, changed.amount) == ("requires_confirmation", 600)
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}

    paid = api.payment_intents.confirm(intent.id)
    assert (paid.status, paid.amount_received) == ("succeeded", 600)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_declined_confirmation_is_a_card_error_that_names_the_intent(api):
    with pytest.raises(stripe.CardError) as refused:
        api.payment_intents.create(
            {
                "amount": 500,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
            }
        )

    error = refused.value
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error.decline_code == "insufficient_funds"
    kept = api.payment_intents.retrieve(error.error.payment_intent.id)
    assert kept.status == "requires_payment_method"
    assert kept.last_payment_error.decline_code == "insufficient_funds"


def test_an_intent_of_the_api_returns_to_its_return_url(api):
    intent = api.payment_intents.create(
        {
            "amount": 500,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "http://shop.test/back?a=1",
        }
    )
    url = intent.next_action.redirect_to_url.url

    done = requests.post(url, {"answer": "complete"}, allow_redirects=False, timeout=5)

    assert done.headers["Location"].startswith(f"http://shop.test/back?a=1&payment_intent={intent.id}")
    assert api.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_promised_dispute_comes_and_blocks_refunds(api, sim, session):
    intent = sim.pay(session.id, card="4000000000000259")["payment_intent"]
    sim.post("clock", {"advance": 5})

    dispute = api.disputes.list({"payment_intent": intent["id"]}).data[0]
    assert (dispute.amount, dispute.reason, dispute.status) == (42000, "fraudulent", "needs_response")
    assert dispute.evidence_details.due_by > dispute.created
    assert api.charges.retrieve(dispute.charge).disputed
    assert api.disputes.retrieve(dispute.id).balance_transactions[0].amount == -42000
    types = [event["type"] for event in sim.get(f"events?object={dispute.id}")]
    assert types == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.refunds.create({"payment_intent": intent["id"]})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize(("status", "reinstated"), [("won", 1), ("lost", 0)])
def test_a_dispute_can_be_closed(api, sim, session, status, reinstated):
    sim.pay(session.id, card="4000000000002685")
    sim.post("clock", {"advance": 5})
    dispute = api.disputes.list().data[0]

    sim.post(f"disputes/{dispute.id}", {"status": status})

    assert api.disputes.retrieve(dispute.id).status == status
    assert len(sim.events("charge.dispute.closed")) == 1
    assert len(sim.events("charge.dispute.funds_reinstated")) == reinstated
