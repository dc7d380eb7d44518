"""Prices: amounts, intervals, lookup keys and their transfer, lists, and what is refused."""

import pytest
import stripe


@pytest.fixture
def product(api):
    return api.products.create({"name": "Club"})


@pytest.fixture
def price(api, product):
    """Makes a price with changes."""

    def make(**changes):
        return api.prices.create({"product": product.id, "currency": "eur", "unit_amount": 1500, **changes})

    return make


def test_a_one_time_price_has_an_amount_and_no_interval(price, sim, product):
    made = price(nickname="Standard", metadata={"a": "1"}, tax_behavior="inclusive")

    assert made.id.startswith("price_")
    assert (made.type, made.recurring, made.billing_scheme) == ("one_time", None, "per_unit")
    assert (made.unit_amount, str(made.unit_amount_decimal)) == (1500, "1500")
    assert (made.product, made.active, made.nickname) == (product.id, True, "Standard")
    assert sim.events("price.created")[0]["data"]["object"]["id"] == made.id


def test_a_recurring_price_says_how_often(price):
    made = price(recurring={"interval": "month"})

    assert made.type == "recurring"
    assert (made.recurring.interval, made.recurring.interval_count) == ("month", 1)
    assert made.recurring.usage_type == "licensed"


def test_a_decimal_amount_is_kept_exactly(call, product):
    form = {"product": product.id, "currency": "eur", "unit_amount_decimal": "0.125000"}
    made = call("POST", "/v1/prices", form).json()
    assert (made["unit_amount"], made["unit_amount_decimal"]) == (None, "0.125")

    whole = call("POST", "/v1/prices", {**form, "unit_amount_decimal": "1200.00"}).json()
    assert (whole["unit_amount"], whole["unit_amount_decimal"]) == (1200, "1200")


def test_a_product_can_be_made_with_its_price(api, sim):
    made = api.prices.create(
        {"currency": "eur", "unit_amount": 100, "product_data": {"name": "Egg"}, "expand": ["product"]}
    )

    assert made.product.name == "Egg"
    assert len(sim.events("product.created")) == 1


def test_a_lookup_key_belongs_to_one_price(api, price):
    first = price(lookup_key="club_month")

    with pytest.raises(stripe.InvalidRequestError, match=f"`{first.id}`.*already uses that lookup key"):
        price(lookup_key="club_month")

    assert len(api.prices.list().data) == 1


def test_transferring_a_lookup_key_takes_it_from_the_old_price(api, price, sim):
    old = price(lookup_key="club_month")
    sim.post("clock", {"advance": 1})

    new = price(unit_amount=1700, lookup_key="club_month", transfer_lookup_key=True)

    assert [found.id for found in api.prices.list({"lookup_keys": ["club_month"]}).data] == [new.id]
    assert api.prices.retrieve(old.id).lookup_key is None
    updated = sim.events("price.updated")
    assert [(e["data"]["object"]["id"], e["data"]["previous_attributes"]) for e in updated] == [
        (old.id, {"lookup_key": "club_month"})
    ]


def test_a_lookup_key_moves_by_an_update_too(api, price):
    old, new = price(lookup_key="k"), price()

    with pytest.raises(stripe.InvalidRequestError, match="already uses"):
        api.prices.update(new.id, {"lookup_key": "k"})
    api.prices.update(new.id, {"lookup_key": "k", "transfer_lookup_key": True})

    assert api.prices.retrieve(new.id).lookup_key == "k"
    assert api.prices.retrieve(old.id).lookup_key is None


def test_an_update_changes_metadata_and_archives(api, price, sim):
    made = price(metadata={"a": "1"})

    changed = api.prices.update(made.id, {"metadata": {"foo": "bar"}, "active": False, "nickname": "Old"})

    assert changed.metadata.to_dict() == {"a": "1", "foo": "bar"}
    assert (changed.active, changed.nickname) == (False, "Old")
    previous = sim.events("price.updated")[0]["data"]["previous_attributes"]
    assert previous == {"metadata": {"foo": None}, "active": True, "nickname": None}


def test_an_amount_can_never_be_changed(api, price):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.prices.update(price().id, {"unit_amount": 1})
    assert refused.value.code == "parameter_unknown"


def test_tax_behavior_is_chosen_once(api, price):
    made = price()

    assert api.prices.update(made.id, {"tax_behavior": "exclusive"}).tax_behavior == "exclusive"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be changed"):
        api.prices.update(made.id, {"tax_behavior": "inclusive"})


def test_lists_filter_by_each_documented_field(api, price):
    once, dollars = price(), price(currency="usd", active=False)
    monthly = price(recurring={"interval": "month"}, lookup_key="m")
    yearly = price(recurring={"interval": "year"}, lookup_key="y")
    elsewhere = api.prices.create({"product_data": {"name": "Egg"}, "currency": "eur", "unit_amount": 1})

    def listed(**filters):
        return {found.id for found in api.prices.list(filters).data}

    assert listed(type="recurring") == {monthly.id, yearly.id}
    assert listed(recurring={"interval": "year"}) == {yearly.id}
    assert listed(currency="usd") == listed(active=False) == {dollars.id}
    assert listed(product=elsewhere.product) == {elsewhere.id}
    assert listed(lookup_keys=["m", "y", "nobody"]) == {monthly.id, yearly.id}
    assert listed(type="one_time", active=True) == {once.id, elsewhere.id}


def test_a_list_can_expand_its_products(api, price):
    price(lookup_key="m")

    listed = api.prices.list({"lookup_keys": ["m"], "expand": ["data.product"]})

    assert listed.data[0].product.name == "Club"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"currency": "xxx"}, "currency"),
        ({"unit_amount": -1}, "unit_amount"),
        ({"unit_amount": 100_000_000}, "unit_amount"),
        ({"unit_amount_decimal": "1.5"}, "unit_amount"),
        ({"recurring": {"interval": "fortnight"}}, "recurring[interval]"),
        ({"recurring": {"interval": "month", "interval_count": 37}}, "recurring[interval_count]"),
        ({"recurring": {"interval": "week", "interval_count": 157}}, "recurring[interval_count]"),
        ({"product": "prod_none"}, "product"),
        ({"product_data": {"name": "Egg"}}, "product_data"),
        ({"lookup_key": "x" * 201}, "lookup_key"),
        ({"billing_scheme": "tiered"}, "billing_scheme"),
        ({"custom_unit_amount": {"enabled": True}}, "custom_unit_amount"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(api, price, change, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        price(**change)
    assert refused.value.param == param
    assert api.prices.list().data == []


@pytest.mark.parametrize("missing", ["product", "currency", "unit_amount"])
def test_a_missing_parameter_is_named(call, product, missing):
    form = {"product": product.id, "currency": "eur", "unit_amount": "100"}
    del form[missing]

    error = call("POST", "/v1/prices", form).json()["error"]

    assert (error["code"], error["param"]) == ("parameter_missing", missing)
