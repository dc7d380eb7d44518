"""What a guest changes about an order on the page: quantities, and items offered besides."""

import pytest
import requests
import stripe


@pytest.fixture
def price(api):
    def make(name="Night", amount=5000, **changes):
        return api.prices.create({"currency": "eur", "unit_amount": amount, "product_data": {"name": name}, **changes})

    return make


@pytest.fixture
def order(api, price):
    """A session for two nights of one to five, with breakfast offered besides."""

    def make(**changes):
        items = [
            {
                "price": price().id,
                "quantity": 2,
                "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5},
            }
        ]
        optional = [{"price": price("Breakfast", 900).id, "quantity": 1}]
        params = {"mode": "payment", "success_url": "http://shop.test/ok", "line_items": items}
        return api.checkout.sessions.create({**params, "optional_items": optional, **changes})

    return make


def inputs(page):
    """The names of the number fields, by label."""
    html = page.text
    found = {}
    for part in html.split('<label for="quantity_')[1:]:
        name, rest = part.split('">', 1)
        found[rest.split("<", 1)[0]] = f"quantity_{name}"
    return found


def look(session):
    return requests.get(session.url, timeout=5)


def change(session, **quantities):
    """Type quantities by the beginning of the label's last word, and follow the page back."""
    names = {label.rsplit(" ", 1)[1].lower(): name for label, name in inputs(look(session)).items()}
    data = {names[word]: str(number) for word, number in quantities.items()}
    return requests.post(f"{session.url}/basket", data, timeout=5)


def test_what_can_be_changed_is_offered(order):
    session = order()

    assert list(inputs(look(session))) == ["Quantity of Night", "Add Breakfast"]
    assert session.optional_items[0].quantity == 1


def test_another_quantity_changes_what_is_paid(api, order, sim):
    session = order()

    page = change(session, night=3)

    assert "Pay €150.00" in page.text
    changed = api.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert (changed.amount_total, changed.amount_subtotal) == (15000, 15000)
    assert changed.line_items.data[0].quantity == 3
    assert changed.line_items.data[0].adjustable_quantity.to_dict() == {"enabled": True, "minimum": 1, "maximum": 5}
    assert sim.pay(session.id)["payment_intent"]["amount"] == 15000


def test_what_is_offered_besides_can_be_added_and_taken_back(api, order):
    session = order()

    assert "Pay €109.00" in change(session, breakfast=1).text
    names = [item.description for item in api.checkout.sessions.line_items.list(session.id).data]
    assert names == ["Night", "Breakfast"]

    assert "Pay €100.00" in change(session, breakfast=0).text
    assert len(api.checkout.sessions.line_items.list(session.id).data) == 1


@pytest.mark.parametrize(
    ("wanted", "message"), [({"night": 6}, "between 1 and 5"), ({"breakfast": 2}, "between 0 and 1")]
)
def test_limits_hold(api, order, wanted, message):
    session = order()

    page = change(session, **wanted)

    assert page.status_code == 422
    assert message in page.text
    assert api.checkout.sessions.retrieve(session.id).amount_total == 10000


def test_an_order_of_nothing_is_refused(order, price):
    free_choice = [{"price": price().id, "quantity": 1, "adjustable_quantity": {"enabled": True}}]
    session = order(line_items=free_choice)

    assert "at least one item" in change(session, night=0).text


def test_a_quantity_that_is_not_adjustable_stays(api, order, price):
    session = order(line_items=[{"price": price().id, "quantity": 2}])
    line = api.checkout.sessions.line_items.list(session.id).data[0]
    assert list(inputs(look(session))) == ["Add Breakfast"]

    requests.post(f"{session.url}/basket", {f"quantity_{line.id}": "1"}, timeout=5)

    assert api.checkout.sessions.retrieve(session.id).amount_total == 10000


def test_a_change_after_a_decline_is_charged_as_shown(api, order, sim):
    session = order()
    sim.pay(session.id, card="4000000000000002")

    change(session, night=1)
    sim.pay(session.id)

    assert api.payment_intents.list().data[0].amount_received == 5000


def test_a_paid_order_stays_as_it_is(api, order, sim):
    session = order()
    names = list(inputs(look(session)).values())
    sim.pay(session.id)

    page = requests.post(f"{session.url}/basket", {names[0]: "5"}, allow_redirects=False, timeout=5)

    assert page.status_code == 303
    assert api.checkout.sessions.retrieve(session.id).amount_total == 10000


def test_subscriptions_take_the_quantity_chosen(api, order, price, sim):
    seat = price("Seat", 700, recurring={"interval": "month"})
    items = [{"price": seat.id, "quantity": 1, "adjustable_quantity": {"enabled": True, "maximum": 9}}]
    session = order(mode="subscription", line_items=items)

    change(session, seat=4, breakfast=1)
    done = sim.pay(session.id)["session"]

    assert done["amount_total"] == 3700
    subscription = api.subscriptions.retrieve(done["subscription"])
    assert [(item.quantity, item.price.id) for item in subscription["items"].data] == [(4, seat.id)]
    assert api.invoices.retrieve(done["invoice"]).amount_paid == 3700


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"optional_items": [{"price": "price_none", "quantity": 1}]}, "optional_items[0][price]"),
        ({"optional_items": [{"quantity": 1}]}, "optional_items[0][price]"),
        ({"mode": "setup", "currency": "eur"}, "line_items"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(order, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        order(**changes)
    assert refused.value.param == param


def test_what_is_offered_has_the_currency_of_the_rest(order, price):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        order(optional_items=[{"price": price(currency="usd").id, "quantity": 1}])
    assert refused.value.param == "optional_items[0][price]"
