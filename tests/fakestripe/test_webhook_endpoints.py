"""Webhook endpoints through the API: several at once, each with its events, version and secrets."""

import pytest
import stripe

URL = "http://shop.test/hook"


def create(api, url=URL, **params):
    return api.webhook_endpoints.create({"url": url, "enabled_events": ["*"], **params})


def make_product(api):
    return api.products.create({"name": "Seaview Cottage"})


def verify(heard, secret):
    return stripe.Webhook.construct_event(heard.body, heard.headers["Stripe-Signature"], secret)


def test_the_secret_is_shown_once(api):
    made = create(api, description="the shop's", metadata={"a": "1"})

    assert made.secret.startswith("whsec_")
    assert (made.status, made.api_version, made.description) == ("enabled", None, "the shop's")
    read = api.webhook_endpoints.retrieve(made.id)
    assert "secret" not in read.to_dict()
    assert "secret" not in api.webhook_endpoints.list().data[0].to_dict()
    assert read.metadata.to_dict() == {"a": "1"}


def test_an_endpoint_of_the_api_gets_events_signed_with_its_secret(api, sim, shop_server):
    shop_server.forget()
    made = create(api, shop_server.url)

    make_product(api)
    sim.quiet()

    assert [verify(heard, made.secret).type for heard in shop_server.heard] == ["product.created"]


def test_each_endpoint_hears_only_what_it_asked_for(api, sim, shop_server):
    shop_server.forget()
    all_of_it = create(api, f"{shop_server.url}?all")
    charges = create(api, f"{shop_server.url}?charges", enabled_events=["charge.succeeded", "charge.refunded"])

    make_product(api)
    sim.quiet()

    sent = sim.get("deliveries")
    assert {d["endpoint"] for d in sent} == {all_of_it.id}
    assert charges.enabled_events == ["charge.succeeded", "charge.refunded"]
    assert api.events.list({"type": "product.created"}).data[0].pending_webhooks == 0


def test_an_event_is_told_in_the_version_of_each_endpoint(api, sim, shop_server):
    shop_server.forget()
    create(api, shop_server.url, api_version="2025-03-31.basil")
    create(api, shop_server.url)

    make_product(api)
    sim.quiet()

    versions = {heard.event["api_version"] for heard in shop_server.heard}
    assert versions == {"2025-03-31.basil", "2026-10-28.endive"}
    assert len({heard.event["id"] for heard in shop_server.heard}) == 1


def test_a_disabled_endpoint_hears_nothing_until_it_is_enabled(api, sim, shop_server):
    shop_server.forget()
    made = create(api, shop_server.url)
    assert api.webhook_endpoints.update(made.id, {"disabled": True}).status == "disabled"

    make_product(api)
    sim.quiet()
    assert shop_server.heard == []

    api.webhook_endpoints.update(made.id, {"disabled": False})
    make_product(api)
    sim.quiet()
    assert shop_server.types() == ["product.created"]


@pytest.mark.parametrize("how", ["deleted", "disabled"])
def test_a_closed_endpoint_is_tried_no_more(api, sim, shop_server, how):
    shop_server.forget()
    shop_server.answers = [500]
    made = create(api, shop_server.url)
    make_product(api)
    sim.quiet()
    assert len(shop_server.heard) == 1

    if how == "deleted":
        api.webhook_endpoints.delete(made.id)
    else:
        api.webhook_endpoints.update(made.id, {"disabled": True})
    sim.post("clock", {"advance": 3600})
    sim.quiet()

    assert len(shop_server.heard) == 1
    assert [d["status"] for d in sim.get("deliveries")] == ["abandoned"]
    assert api.events.list({"type": "product.created"}).data[0].pending_webhooks == 0


def test_an_endpoint_enabled_before_the_retry_still_gets_it(api, sim, shop_server):
    shop_server.forget()
    shop_server.answers = [500]
    made = create(api, shop_server.url)
    make_product(api)
    sim.quiet()

    api.webhook_endpoints.update(made.id, {"disabled": True})
    api.webhook_endpoints.update(made.id, {"disabled": False})
    sim.post("clock", {"advance": 3600})
    sim.wait_for(lambda: len(shop_server.heard) == 2)


def test_an_endpoint_can_be_changed(api):
    made = create(api, metadata={"a": "1"}, description="old")

    changed = api.webhook_endpoints.update(
        made.id,
        {
            "url": "https://shop.test/new",
            "enabled_events": ["charge.succeeded"],
            "description": "",
            "metadata": {"a": "", "b": "2"},
        },
    )

    assert (changed.url, changed.enabled_events) == ("https://shop.test/new", ["charge.succeeded"])
    assert (changed.description, changed.metadata.to_dict()) == (None, {"b": "2"})


def test_a_deleted_endpoint_is_gone(api):
    made = create(api)

    gone = api.webhook_endpoints.delete(made.id)

    assert gone.to_dict() == {"id": made.id, "object": "webhook_endpoint", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.webhook_endpoints.retrieve(made.id)
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"enabled_events": ["checkout.session.complete"]}, "enabled_events[0]"),
        ({"enabled_events": []}, "enabled_events"),
        ({"url": "shop.test/hook"}, "url"),
        ({"api_version": "2026-02-30.nonsense"}, "api_version"),
        ({"connect": True}, "connect"),
    ],
)
def test_what_would_never_work_is_refused(api, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(api, **params)

    assert refused.value.param == param
    assert api.webhook_endpoints.list().data == []


def test_there_are_no_more_than_sixteen(api, sim):
    sim.post("webhook", {"url": URL})
    for _ in range(15):
        create(api)

    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16 test webhook endpoints"):
        create(api)


def test_the_endpoint_of_the_controls_is_in_the_same_list(api, sim):
    sim.post("webhook", {"url": URL, "secrets": ["whsec_known"]})
    create(api, "http://other.test/hook")

    assert [e.url for e in api.webhook_endpoints.list().data] == ["http://other.test/hook", URL]
    assert sim.get("endpoints")[0]["secrets"] == ["whsec_known"]


def test_while_a_secret_rolls_both_sign_and_then_only_the_new_one(api, sim, shop_server):
    shop_server.forget()
    made = create(api, shop_server.url)
    new = sim.post(f"endpoints/{made.id}/roll", {"expires_in": 3600})["secrets"][0]

    make_product(api)
    sim.quiet()
    for secret in (made.secret, new):
        verify(shop_server.heard[0], secret)

    sim.post("clock", {"advance": 3601})
    make_product(api)
    sim.quiet()
    verify(shop_server.heard[1], new)
    with pytest.raises(stripe.SignatureVerificationError):
        verify(shop_server.heard[1], made.secret)


def test_a_secret_can_be_replaced_at_once(api, sim):
    made = create(api)

    rolled = sim.post(f"endpoints/{made.id}/roll")

    assert len(rolled["secrets"]) == 1
    assert rolled["secrets"] != [made.secret]


def test_rolling_again_keeps_the_first_expiry(api, sim):
    made = create(api)
    sim.post(f"endpoints/{made.id}/roll", {"expires_in": 60})
    sim.post(f"endpoints/{made.id}/roll", {"expires_in": 7200})
    assert len(sim.get("endpoints")[0]["secrets"]) == 3

    sim.post("clock", {"advance": 61})
    left = sim.get("endpoints")[0]["secrets"]
    assert len(left) == 2
    assert made.secret not in left

    sim.post("clock", {"advance": 7200})
    assert len(sim.get("endpoints")[0]["secrets"]) == 1


def test_no_secret_rolls_for_more_than_a_day(api, sim):
    made = create(api)

    with pytest.raises(AssertionError, match="between 0 and 86400"):
        sim.post(f"endpoints/{made.id}/roll", {"expires_in": 86401})


def test_an_endpoint_of_the_api_survives_a_restart_beside_the_named_one(launch, connect, tmp_path):
    arguments = ("--db", str(tmp_path / "db"), "--webhook", URL, "--secret", "whsec_a")
    process = launch(*arguments)
    made = create(connect(process.url), "http://other.test/hook")
    process.stop()

    process = launch("--db", str(tmp_path / "db"), "--webhook", "http://moved.test/hook")
    kept = {e.url: e.id for e in connect(process.url).webhook_endpoints.list().data}
    process.stop()

    assert kept["http://other.test/hook"] == made.id
    assert set(kept) == {"http://other.test/hook", "http://moved.test/hook"}


def test_one_event_can_be_sent_again_to_one_endpoint(api, sim, shop_server):
    shop_server.forget()
    create(api, f"{shop_server.url}?first")
    second = create(api, f"{shop_server.url}?second")
    make_product(api)
    sim.quiet()
    event = api.events.list().data[0].id

    answers = sim.post(f"events/{event}/resend", {"endpoint": second.id, "times": 2})

    assert [a["status"] for a in answers] == [200, 200]
    assert len(shop_server.heard) == 4


@pytest.mark.parametrize("to_one", [True, False])
def test_an_event_is_sent_again_as_the_official_cli_asks(api, sim, shop_server, call, to_one):
    shop_server.forget()
    create(api, f"{shop_server.url}?first")
    second = create(api, f"{shop_server.url}?second")
    make_product(api)
    sim.quiet()
    event = api.events.list().data[0].id

    answer = call("POST", f"/v1/events/{event}/retry", data={"webhook_endpoint": second.id} if to_one else None)
    sim.quiet()

    assert answer.json()["id"] == event
    assert [heard.event["id"] for heard in shop_server.heard] == [event] * (3 if to_one else 4)


def test_an_event_is_not_sent_again_to_nobody(api, call):
    make_product(api)
    event = api.events.list().data[0].id

    refused = call("POST", f"/v1/events/{event}/retry", data={"webhook_endpoint": "we_none"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "resource_missing")


def test_an_event_that_failed_counts_as_delivered_once_it_was_sent_again(api, sim, shop):
    shop.answers = [500] * 4
    sim.post("delivery", {"retry_after": []})
    make_product(api)
    sim.quiet()
    event = api.events.list({"delivery_success": False}).data[0].id

    shop.answers.clear()
    sim.post(f"events/{event}/resend")

    assert api.events.list({"delivery_success": False}).data == []


def test_a_single_coming_event_can_be_lost_while_the_rest_arrives(api, sim, shop):
    sim.post("delivery/orders", [{"types": ["product.created"], "mode": "drop", "times": 1}])

    make_product(api)
    make_product(api)
    sim.quiet()

    assert shop.types() == ["product.created"]
    assert [d["status"] for d in sim.get("deliveries")] == ["dropped", "delivered"]
    assert sim.get("delivery/orders") == []


def test_a_single_event_can_be_doubled_or_delayed(api, sim, shop):
    orders = [{"duplicate": 1}, {"delay_ms": 60_000}]
    sim.post("delivery/orders", orders)

    make_product(api)
    make_product(api)
    sim.quiet()
    assert len(shop.heard) == 2
    assert len({heard.event["id"] for heard in shop.heard}) == 1

    sim.post("clock", {"advance": 61})
    sim.wait_for(lambda: len(shop.heard) == 3)


def test_a_delivery_that_waits_can_be_dropped_or_let_go(api, sim, shop):
    sim.post("delivery", {"mode": "hold"})
    make_product(api)
    make_product(api)
    first, second = sim.get("deliveries?status=held")

    sim.post(f"deliveries/{first['id']}", {"mode": "drop"})
    sim.post(f"deliveries/{second['id']}", {"mode": "normal"})
    sim.wait_for(lambda: shop.heard)

    assert [heard.event["id"] for heard in shop.heard] == [second["event"]]
    with pytest.raises(AssertionError, match="409"):
        sim.post(f"deliveries/{first['id']}", {"mode": "normal"})


@pytest.mark.parametrize("wrong", [{"mode": "drip"}, {"type": "x"}, {"delay_ms": "soon"}, {"types": "a"}])
def test_misspelt_orders_are_refused(sim, wrong):
    with pytest.raises(AssertionError, match="400"):
        sim.post("delivery/orders", [wrong])
