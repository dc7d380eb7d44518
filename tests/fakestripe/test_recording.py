"""`--record`: what is asked, answered and told is written down, and the tests lay it before the judges."""

import json

import pytest

from tests.stripe_judges import verdicts
from tests.support.recordings import Recordings, recordings

PATH = "/v1/customers"


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def recorded(launch, connect, tmp_path):
    """What is written about one customer who is made, and one that is not there."""
    path = tmp_path / "said.jsonl"
    process = launch("--record", str(path))
    api = connect(process.url)
    api.customers.create(params={"name": "Grace", "metadata": {"booking": "7"}})
    with pytest.raises(Exception, match="No such customer"):
        api.customers.retrieve("cus_none")
    process.stop()
    return written(path)


def test_each_exchange_is_written_with_its_question_and_its_answer(recorded):
    made, missing = [line for line in recorded if line["kind"] == "exchange"]

    assert (made["method"], made["path"], made["status"]) == ("POST", PATH, 200)
    assert made["params"] == {"name": "Grace", "metadata": {"booking": "7"}}
    assert json.loads(made["body"])["name"] == "Grace"
    assert (missing["path"], missing["status"]) == (f"{PATH}/cus_none", 404)
    assert json.loads(missing["body"])["error"]["code"] == "resource_missing"


def test_each_event_is_written_though_nobody_listens(recorded):
    (line,) = [line for line in recorded if line["kind"] == "event"]

    assert line["event"]["type"] == "customer.created"
    assert line["event"]["data"]["object"]["name"] == "Grace"


def test_what_the_tests_start_is_recorded(call):
    list(recordings.fresh())

    asked = {"name": "Grace, who is in no other test"}
    call("POST", PATH, asked)

    assert [line["params"] for line, _honest in recordings.fresh() if line["kind"] == "exchange"] == [asked]


def test_a_wrong_answer_is_found_in_a_recording_and_only_once():
    own = Recordings()
    _flag, path = own.new()
    customer = {"object": "customer", "id": "cus_1", "created": 1, "livemode": False, "mood": "good"}
    asked = {"kind": "exchange", "method": "GET", "path": f"{PATH}/cus_1", "params": {}, "status": 200, "fault": None}
    line = json.dumps({**asked, "body": json.dumps(customer)})

    with open(path, "w") as file:
        file.write(line + "\n" + line[:9])

    assert "customer: mood is not a field of Customer" in verdicts.on_fresh(own)
    assert verdicts.on_fresh(own) == set()


def test_exchanges_that_differ_in_ids_and_numbers_alone_are_judged_once_and_others_each():
    own = Recordings()
    _flag, path = own.new()
    events = [{"id": f"evt_{n}aXdkaZZ29fjq", "amount": n * 100, "livemode": False} for n in range(3)]
    events += [{**events[0], "livemode": True}, {**events[0], "amount": None}, {**events[0], "mood": "good"}]

    with open(path, "w") as file:
        file.writelines(json.dumps({"kind": "event", "event": event}) + "\n" for event in events)

    assert [line["event"] for line, _honest in own.fresh()] == [events[0], *events[3:]]


def test_a_line_that_is_still_being_written_waits_until_it_is_whole():
    own = Recordings()
    path = own.new(is_honest=True)[1]

    with open(path, "w", buffering=1) as file:
        file.write('{"kind": "event",')
        assert list(own.fresh()) == []
        file.write('"event": 1}\n')

    assert list(own.fresh()) == [({"kind": "event", "event": 1}, True)]
