"""Cursor pagination: newest first, a hundred at most, nothing twice and nothing left out."""

import pytest
import stripe


@pytest.fixture
def intents(api):
    """Five PaymentIntents, oldest first."""
    return [api.payment_intents.create({"amount": 500 + n, "currency": "eur"}).id for n in range(5)]


def ids(page):
    return [item.id for item in page.data]


def test_the_newest_comes_first(api, intents):
    page = api.payment_intents.list()

    assert ids(page) == intents[::-1]
    assert not page.has_more
    assert page.url == "/v1/payment_intents"


def test_walking_forward_sees_each_once(api, intents):
    first = api.payment_intents.list({"limit": 2})
    second = api.payment_intents.list({"limit": 2, "starting_after": first.data[-1].id})
    third = api.payment_intents.list({"limit": 2, "starting_after": second.data[-1].id})

    assert ids(first) + ids(second) + ids(third) == intents[::-1]
    assert (first.has_more, second.has_more, third.has_more) == (True, True, False)


def test_walking_back_gives_the_page_before(api, intents):
    page = api.payment_intents.list({"limit": 2, "ending_before": intents[0]})

    assert ids(page) == [intents[2], intents[1]]
    assert page.has_more


def test_the_sdk_pages_by_itself(api, intents):
    page = api.payment_intents.list({"limit": 2})

    assert [item.id for item in page.auto_paging_iter()] == intents[::-1]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_1_to_100_items(api, limit):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.list({"limit": limit})

    assert refused.value.code == "parameter_invalid_integer"


def test_an_unknown_cursor_is_refused(api, intents):
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        api.payment_intents.list({"starting_after": "pi_none"})


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("payment_intents", "pi_x"),
        ("charges", "ch_x"),
        ("refunds", "re_x"),
        ("disputes", "du_x"),
        ("events", "evt_x"),
        ("balance_transactions", "txn_x"),
    ],
)
def test_what_does_not_exist_is_a_404(api, service, path):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(api, service).retrieve(path)

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.fixture
def refunds(api, offer, sim):
    """Two payments, refunded by turns: the refunds of the first, oldest first."""
    paid = [sim.pay(api.checkout.sessions.create(offer()).id)["payment_intent"]["id"] for _ in range(2)]
    made = [api.refunds.create({"payment_intent": paid[n % 2], "amount": 100 + n}) for n in range(8)]
    return [refund for refund in made if refund.payment_intent == paid[0]]


def test_a_filter_and_a_cursor_work_together_both_ways(api, refunds):
    mine = {"payment_intent": refunds[0].payment_intent, "limit": 2}
    expected = [refund.id for refund in refunds[::-1]]

    first = api.refunds.list(mine)
    second = api.refunds.list({**mine, "starting_after": first.data[-1].id})
    back = api.refunds.list({**mine, "ending_before": second.data[0].id})

    assert (ids(first), first.has_more) == (expected[:2], True)
    assert (ids(second), second.has_more) == (expected[2:], False)
    assert (ids(back), back.has_more) == (expected[:2], False)
    assert ids(api.refunds.list({**mine, "created": {"lt": refunds[0].created}})) == []


def test_new_objects_do_not_disturb_a_walk_that_is_under_way(api, intents):
    first = api.payment_intents.list({"limit": 2})
    api.payment_intents.create({"amount": 999, "currency": "eur"})
    second = api.payment_intents.list({"limit": 10, "starting_after": first.data[-1].id})

    assert ids(first) + ids(second) == intents[::-1]


def test_two_cursors_at_once_are_refused(api, intents):
    with pytest.raises(stripe.InvalidRequestError, match="Only one of"):
        api.payment_intents.list({"starting_after": intents[0], "ending_before": intents[1]})
