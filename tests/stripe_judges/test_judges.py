"""The judges have teeth: what is right passes, and what is wrong in one place is found."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakestripe import forms
from tests.stripe_judges import annotations, verdicts
from tests.stripe_judges.description import Description

Body = dict[str, Any]
Spoil = Callable[[Body], Any]


def bodies(conversation: list[Body]) -> list[Body]:
    """Each object that was answered or told."""
    answered = [json.loads(line["body"]) for line in conversation if line["kind"] == "exchange"]
    told = [line["event"]["data"]["object"] for line in conversation if line["kind"] == "event"]
    return [body for body in answered + told if "object" in body]


def sample(conversation: list[Body], kind: str) -> Body:
    """The newest object of a kind."""
    if kind == "event":
        return copy.deepcopy([line["event"] for line in conversation if line["kind"] == "event"][-1])
    return copy.deepcopy([body for body in bodies(conversation) if body["object"] == kind][-1])


def hashes(value: Any, path: str = "") -> Iterator[tuple[str, Body]]:
    """Each dictionary in a body that is described name by name."""
    if isinstance(value, dict) and not path.endswith("metadata"):
        yield path, value
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from hashes(item, f"{path}.{key}")


def test_stripes_description_is_there(judge: Description) -> None:
    assert len(judge.event_types) > 200


def test_a_true_conversation_passes(conversation: list[Body]) -> None:
    assert {line["kind"] for line in conversation} == {"exchange", "event"}
    assert len(conversation) > 12
    assert [word for line in conversation for word in verdicts.on_line(line, is_honest=True)] == []


SPOILT: list[tuple[str, str, Spoil]] = [
    ("a value that is none of the listed", "checkout.session", lambda body: body.update(status="finished")),
    (
        "a value that is none of the listed, deeper",
        "checkout.session",
        lambda body: body["automatic_tax"].update(status="no"),
    ),
    ("a missing key", "checkout.session", lambda body: body.pop("payment_status")),
    ("a missing key, deeper", "checkout.session", lambda body: body["total_details"].pop("amount_tax")),
    ("an undescribed key", "refund", lambda body: body.update(surprise=None)),
    ("an undescribed key, deeper", "payment_intent", lambda body: body["amount_details"].update(surprise=1)),
    ("text for a number", "payment_intent", lambda body: body.update(amount="42000")),
    ("null where there must be something", "refund", lambda body: body.update(currency=None)),
    ("an object in place of another", "charge", lambda body: body.update(balance_transaction={"object": "refund"})),
    ("a list without its address", "list", lambda body: body.pop("url")),
    ("a spoilt item of a list", "list", lambda body: body["data"][0].update(fee="much")),
    ("an event of no known type", "event", lambda body: body.update(type="refund.regretted")),
    ("an event about something else", "event", lambda body: body.update(type="customer.created")),
    ("a spoilt object in an event", "event", lambda body: body["data"]["object"].update(amount=None)),
    ("a change of what there is not", "event", lambda body: body["data"].update(previous_attributes={"mood": 1})),
    (
        "a change that is none",
        "event",
        lambda body: body["data"].update(previous_attributes={"id": body["data"]["object"]["id"]}),
    ),
]


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(("kind", "spoil"), [case[1:] for case in SPOILT], ids=[case[0] for case in SPOILT])
def test_one_spoilt_place_is_found(conversation: list[Body], kind: str, spoil: Spoil) -> None:
    body = sample(conversation, kind)
    line = {"kind": "event", "event": body} if kind == "event" else _answer(conversation, body)
    assert verdicts.on_line(line) == []

    spoil(body)

    assert verdicts.on_line({**line, "body": json.dumps(body)}) != []


def _answer(conversation: list[Body], body: Body) -> Body:
    """The body as if it had just been asked for."""
    path = body.get("url") or {
        "checkout.session": "/v1/checkout/sessions/x",
        "charge": "/v1/charges/x",
        "refund": "/v1/refunds/x",
        "payment_intent": "/v1/payment_intents/x",
    }.get(body["object"])
    asked = {"kind": "exchange", "method": "GET", "path": path, "params": {}, "status": 200, "fault": None}
    return {**asked, "body": json.dumps(body)}


def test_no_hash_of_any_object_may_hold_what_is_not_described(conversation: list[Body], judge: Description) -> None:
    overlooked = set()
    for body in bodies(conversation):
        if body["object"] == "list":
            continue
        for path, part in hashes(body):
            part["surprise"] = "!"
            if not judge.of_object(body):
                overlooked.add((body["object"], path))
            del part["surprise"]

    assert overlooked == set()


def test_no_required_key_of_an_object_may_be_missing(conversation: list[Body], judge: Description) -> None:
    body = sample(conversation, "checkout.session")
    empty = judge.of_object({"object": "checkout.session"})
    required = {text.split('"')[1] for text in empty if text.endswith("is a required property")}

    assert {"id", "payment_status", "mode", "expires_at", "custom_text", "livemode"} < required
    for name in required:
        assert f'checkout.session: as a whole: "{name}" is a required property' in judge.of_object(
            {key: value for key, value in body.items() if key != name}
        )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda body: body.update(surprise=1), "charge: surprise is not a field of Charge"),
        (lambda body: body.pop("amount"), "charge: amount is missing"),
        (lambda body: body.update(amount="1"), "charge.amount: '1' is not <class 'int'>"),
        (lambda body: body.update(amount=True), "charge.amount: True is not <class 'int'>"),
        (lambda body: body["billing_details"].update(mood=1), "charge.billing_details: mood is not a field of"),
        (lambda body: body.update(metadata={"a": 1}), "charge.metadata[]: 1 is not <class 'str'>"),
        (lambda body: body.update(object="change"), "change: the library has no class for it"),
    ],
)
def test_the_librarys_annotations_find_it_too(conversation: list[Body], spoil: Spoil, said: str) -> None:
    body = sample(conversation, "charge")
    assert annotations.complaints(body) == []

    spoil(body)

    assert [complaint[: len(said)] for complaint in annotations.complaints(body)] == [said]


GOOD = (
    "mode=payment&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data]"
    "[unit_amount]=42000&line_items[0][price_data][product_data][name]=Cottage&success_url=https://a.test&metadata[a]=b"
    "&payment_intent_data[metadata][a]=1&expand[]=payment_intent&submit_type=book"
)


def on_request(judge: Description, text: str, path: str = "/v1/checkout/sessions", method: str = "POST") -> list[str]:
    operation = judge.operation(method, path)
    assert operation is not None
    return judge.of_request(operation, forms.decode(text))


def test_a_good_request_passes(judge: Description) -> None:
    assert on_request(judge, GOOD) == []
    assert on_request(judge, "metadata=&description=", "/v1/customers/cus_1") == []
    assert on_request(judge, "created[gte]=7&limit=3", "/v1/events", "GET") == []
    assert on_request(judge, "created=7&types[]=refund.created", "/v1/events", "GET") == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("success_url", "sucess_url"),
        ("submit_type=book", "submit_type=bok"),
        ("[unit_amount]=42000", "[unit_amount]=42.5"),
        ("line_items[0][price_data][currency]=eur&", ""),
        ("[product_data][name]=Cottage", "[product]=prod_1&line_items[0][price_data][title]=Cottage"),
        ("metadata[a]=b", "metadata[a][b]=c"),
    ],
)
def test_one_mistake_in_a_request_is_found(judge: Description, right: str, wrong: str) -> None:
    assert len(on_request(judge, GOOD.replace(right, wrong))) == 1


def test_a_call_that_stripe_does_not_have_must_be_refused(judge: Description) -> None:
    assert judge.operation("POST", "/v1/refundings") is None
    line = {"kind": "exchange", "method": "POST", "path": "/v1/refundings", "params": {}, "fault": None}
    refused = json.dumps({"error": {"type": "invalid_request_error", "message": "no"}})

    unheard_of = refused.replace('"message"', '"code": "no_such_code", "message"')

    assert verdicts.on_line({**line, "status": 404, "body": refused}) == []
    assert verdicts.on_line({**line, "status": 404, "body": unheard_of}) != []
    assert verdicts.on_line({**line, "status": 404, "body": "{}"}) != []
    assert verdicts.on_line({**line, "status": 200, "body": "{}"}) != []


def test_what_is_no_json_is_wrong_unless_it_was_ordered() -> None:
    line = {"kind": "exchange", "method": "GET", "path": "/v1/refunds", "params": {}, "status": 200, "body": "<html>"}

    assert len(verdicts.on_line({**line, "fault": None})) == 1
    assert verdicts.on_line({**line, "fault": "garbage"}) == []
