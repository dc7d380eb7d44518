"""Products: made with and without a price, changed, listed, archived, deleted."""

import pytest
import stripe


def changes(sim, type_):
    """What each event of this type says was there before."""
    return [event["data"].get("previous_attributes") for event in sim.events(type_)]


def test_a_product_begins_active_with_what_was_given(api, sim):
    product = api.products.create(
        {
            "name": "Guest club",
            "description": "Late check-out",
            "images": ["http://shop.test/club.png"],
            "marketing_features": [{"name": "Free bicycle"}],
            "metadata": {"tier": "1"},
            "package_dimensions": {"height": 1.5, "length": 2, "weight": 3, "width": 4},
            "statement_descriptor": "CLUB",
            "unit_label": "seat",
            "url": "http://shop.test/club",
        }
    )

    assert product.id.startswith("prod_")
    assert (product.active, product.default_price, product.livemode) == (True, None, False)
    assert product.marketing_features[0].name == "Free bicycle"
    assert product.package_dimensions.height == 1.5
    assert product.metadata.to_dict() == {"tier": "1"}
    assert product.created == product.updated
    assert [event["data"]["object"]["id"] for event in sim.events("product.created")] == [product.id]
    assert api.products.retrieve(product.id).to_dict() == product.to_dict()


def test_an_id_of_ones_own_is_taken_once(api):
    assert api.products.create({"id": "night", "name": "Night"}).id == "night"

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.products.create({"id": "night", "name": "Night"})
    assert (refused.value.code, refused.value.param) == ("resource_already_exists", "id")


def test_default_price_data_makes_the_price_as_well(api, sim):
    recurring = {"interval": "month", "interval_count": 3}
    price_data = {"currency": "eur", "unit_amount": 4000, "recurring": recurring}

    product = api.products.create({"name": "Club", "default_price_data": price_data, "expand": ["default_price"]})

    assert product.default_price.product == product.id
    assert product.default_price.recurring.interval_count == 3
    assert changes(sim, "product.updated") == [{"default_price": None}]
    assert len(sim.events("price.created")) == 1


def test_an_update_changes_what_is_named_and_says_what_was(api, sim):
    product = api.products.create({"name": "Club", "description": "Old", "metadata": {"a": "1", "b": "2"}})
    sim.post("clock", {"advance": 60})

    changed = api.products.update(
        product.id, {"name": "Circle", "description": "", "metadata": {"a": "", "c": "3"}, "active": False}
    )

    assert (changed.name, changed.description, changed.active) == ("Circle", None, False)
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert changed.updated > product.updated
    previous = changes(sim, "product.updated")[0]
    assert previous.pop("updated") == product.updated
    metadata = {"a": "1", "c": None}
    assert previous == {"name": "Club", "description": "Old", "active": True, "metadata": metadata}


def test_an_update_that_changes_nothing_makes_no_event(api, sim):
    product = api.products.create({"name": "Club"})

    api.products.update(product.id, {"name": "Club"})

    assert sim.events("product.updated") == []


def test_lists_of_values_can_be_emptied(api):
    product = api.products.create({"name": "Club", "images": ["http://shop.test/a.png"]})

    assert api.products.update(product.id, {"images": ""}).images == []


def test_metadata_can_be_emptied_as_a_whole(api):
    product = api.products.create({"name": "Hat", "metadata": {"colour": "red"}})

    assert api.products.update(product.id, {"metadata": ""}).metadata.to_dict() == {}


def test_the_default_price_must_be_a_price_of_the_product(api):
    mine, other = (api.products.create({"name": name}) for name in ("Mine", "Other"))
    price = api.prices.create({"product": other.id, "currency": "eur", "unit_amount": 100})

    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        api.products.update(mine.id, {"default_price": price.id})
    assert api.products.update(other.id, {"default_price": price.id}).default_price == price.id


def test_a_product_without_prices_can_be_deleted(api, sim):
    product = api.products.create({"name": "Club"})

    gone = api.products.delete(product.id)

    assert gone.to_dict() == {"id": product.id, "object": "product", "deleted": True}
    assert sim.events("product.deleted")[0]["data"]["object"]["name"] == "Club"
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.products.retrieve(product.id)
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_a_product_with_a_price_can_only_be_archived(api):
    product = api.products.create({"name": "Club"})
    api.prices.create({"product": product.id, "currency": "eur", "unit_amount": 100})

    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        api.products.delete(product.id)
    assert api.products.update(product.id, {"active": False}).active is False


def test_lists_filter_and_page(api):
    ids = [api.products.create({"name": str(n), "active": n != 1, "shippable": n == 2}).id for n in range(4)]

    def listed(**filters):
        return [product.id for product in api.products.list(filters).data]

    assert listed() == ids[::-1]
    assert listed(active=False) == [ids[1]]
    assert listed(shippable=True) == [ids[2]]
    assert listed(ids=[ids[0], ids[3], "prod_none"]) == [ids[3], ids[0]]
    assert listed(limit=2, starting_after=ids[3]) == [ids[2], ids[1]]
    assert [product.id for product in api.products.list({"limit": 1}).auto_paging_iter()] == ids[::-1]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": ""}, "name"),
        ({"images": ["shop.test/a.png"]}, "images[0]"),
        ({"unit_label": "x" * 13}, "unit_label"),
        ({"package_dimensions": {"height": 1}}, "package_dimensions[length]"),
        ({"marketing_features": [{"name": str(n)} for n in range(16)]}, "marketing_features"),
        ({"default_price_data": {"currency": "eur"}}, "default_price_data[unit_amount]"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(api, change, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.products.create({"name": "Club", **change})
    assert refused.value.param == param
    assert api.products.list().data == []
