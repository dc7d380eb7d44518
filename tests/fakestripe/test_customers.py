"""Customers: created, changed, found by email, and deleted."""

import pytest
import stripe

ADDRESS = {"line1": "1 Sea Road", "city": "Brno", "country": "CZ"}


@pytest.fixture
def customer(api):
    return api.customers.create({"email": "grace@example.com", "name": "Grace Hopper", "metadata": {"room": "7"}})


def last(sim, type_):
    return sim.events(type_)[-1]["data"]


def test_a_new_customer_shows_what_was_given_and_how_stripe_begins_the_rest(api, sim):
    made = api.customers.create(
        {
            "email": "grace@example.com",
            "phone": "+420 1",
            "address": ADDRESS,
            "shipping": {"name": "Grace", "address": ADDRESS},
            "preferred_locales": ["cs", "en"],
            "tax_exempt": "reverse",
            "business_name": "Cobol Ltd",
        }
    )

    assert made.id.startswith("cus_")
    assert (made.email, made.phone, made.tax_exempt, made.balance) == ("grace@example.com", "+420 1", "reverse", 0)
    assert (made.address.city, made.address.state) == ("Brno", None)
    assert made.shipping.address.country == "CZ"
    assert made.business_name == "Cobol Ltd"
    assert made.invoice_settings.default_payment_method is None
    assert last(sim, "customer.created")["object"] == api.customers.retrieve(made.id).to_dict()


def test_an_update_keeps_the_rest_and_tells_what_was_before(api, sim, customer):
    changed = api.customers.update(
        customer.id,
        {"name": "Rear Admiral Hopper", "address": {"city": "Praha"}, "metadata": {"room": "", "floor": "2"}},
    )

    assert changed.email == "grace@example.com"
    assert changed.metadata.to_dict() == {"floor": "2"}
    assert changed.address.city == "Praha"
    told = last(sim, "customer.updated")
    assert told["previous_attributes"] == {
        "name": "Grace Hopper",
        "address": None,
        "metadata": {"room": "7"},
    }


def test_an_update_that_changes_nothing_tells_nothing(api, sim, customer):
    api.customers.update(customer.id, {"name": "Grace Hopper"})

    assert sim.events("customer.updated") == []


def test_part_of_an_address_can_be_changed_and_all_of_it_removed(api, customer):
    api.customers.update(customer.id, {"address": ADDRESS})

    moved = api.customers.update(customer.id, {"address": {"city": "Praha"}})
    assert (moved.address.city, moved.address.line1) == ("Praha", "1 Sea Road")
    assert api.customers.update(customer.id, {"address": ""}).address is None


def test_customers_are_found_by_their_exact_email(api, customer):
    api.customers.create({"email": "alan@example.com"})

    found = api.customers.list({"email": "grace@example.com"}).data
    assert [c.id for c in found] == [customer.id]
    assert api.customers.list({"email": "nobody@example.com"}).data == []
    assert len(api.customers.list().data) == 2


def test_a_deleted_customer_leaves_a_stub_and_no_place_in_lists(api, sim, customer):
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})

    gone = api.customers.delete(customer.id)

    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert api.customers.retrieve(customer.id).to_dict() == gone.to_dict()
    assert api.customers.list().data == []
    assert api.payment_methods.retrieve(method.id).customer is None
    assert last(sim, "customer.deleted")["object"]["email"] == "grace@example.com"
    types = [event["type"] for event in sim.get("events")]
    assert types[-2:] == ["payment_method.detached", "customer.deleted"]


@pytest.mark.parametrize("change", ["update", "delete", "attach", "pay"])
def test_nothing_more_can_be_done_with_a_deleted_customer(api, customer, change):
    api.customers.delete(customer.id)
    attempts = {
        "update": lambda: api.customers.update(customer.id, {"name": "x"}),
        "delete": lambda: api.customers.delete(customer.id),
        "attach": lambda: api.payment_methods.attach("pm_card_visa", {"customer": customer.id}),
        "pay": lambda: api.payment_intents.create({"amount": 500, "currency": "eur", "customer": customer.id}),
    }

    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refused:
        attempts[change]()
    assert refused.value.code == "resource_missing"


def test_a_customer_can_begin_with_a_card_as_the_default(api, sim):
    made = api.customers.create(
        {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )

    kept = api.customers.payment_methods.list(made.id).data
    assert [m.id for m in kept] == [made.invoice_settings.default_payment_method]
    told = last(sim, "customer.created")["object"]
    assert told["invoice_settings"]["default_payment_method"] == kept[0].id
    shown = api.customers.retrieve(made.id, {"expand": ["invoice_settings.default_payment_method"]})
    assert shown.invoice_settings.default_payment_method.card.last4 == "4242"
    assert isinstance(api.customers.retrieve(made.id).invoice_settings.default_payment_method, str)


def test_a_card_that_is_declined_makes_no_customer(api, sim):
    with pytest.raises(stripe.CardError) as refused:
        api.customers.create({"payment_method": "pm_card_chargeDeclined"})

    assert (refused.value.code, refused.value.http_status) == ("card_declined", 402)
    assert api.customers.list().data == []
    assert sim.get("events") == []


def test_the_default_must_be_a_card_of_this_customer(api, customer):
    other = api.customers.create({"payment_method": "pm_card_visa"})
    card = api.customers.payment_methods.list(other.id).data[0].id

    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card}})


def test_a_detached_card_is_no_longer_the_default(api, sim, customer):
    card = api.payment_methods.attach("pm_card_visa", {"customer": customer.id}).id
    api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card, "footer": "Thanks"}})

    api.payment_methods.detach(card)

    settings = api.customers.retrieve(customer.id).invoice_settings
    assert (settings.default_payment_method, settings.footer) == (None, "Thanks")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"email": "not an address"}, "email"),
        ({"tax_exempt": "often"}, "tax_exempt"),
        ({"source": "tok_visa"}, "source"),
        ({"invoice_settings": {"colour": "red"}}, "invoice_settings[colour]"),
        ({"shipping": {"name": "Grace"}}, "shipping[address]"),
    ],
)
def test_bad_parameters_are_refused_by_name(api, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.customers.create(params)
    assert refused.value.param == param
