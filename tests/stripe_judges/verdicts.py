"""Lays what a fakestripe has recorded before the judges, and tells what remains after the allowed differences."""

import json
from typing import Any

from tests.stripe_judges import annotations, description, differences
from tests.stripe_judges.description import Description
from tests.stripe_judges.fetching import NotFetched
from tests.support.recordings import Recordings

Line = dict[str, Any]


def on_fresh(recordings: Recordings) -> set[str]:
    """What is wrong with anything that was written down since the last look."""
    return {word for line, is_honest in recordings.fresh() for word in on_line(line, is_honest=is_honest)}


def on_line(line: Line, *, is_honest: bool = False) -> list[str]:
    """What is wrong with one exchange or one event."""
    return [text for text in everything_on(line, is_honest=is_honest) if differences.allowance(text) is None]


def everything_on(line: Line, *, is_honest: bool = False) -> list[str]:
    """The same, with what is allowed."""
    if line["kind"] == "event":
        return on_event(line["event"])
    if not line["body"].startswith("{"):
        return [] if line["fault"] else [f"answer: no JSON object but {line['body'][:60]!r}"]
    return _on_exchange(line, json.loads(line["body"]), is_honest)


def on_event(event: Line) -> list[str]:
    """What both judges say to an event and the object in it."""
    found = [*annotations.complaints(event), *annotations.complaints(event["data"]["object"])]
    if not event["type"].rpartition(".")[0].endswith(event["data"]["object"]["object"]):
        found.append(f"event: {event['type']} tells of a {event['data']['object']['object']}")
    judge = _description()
    return [*found, *(judge.of_event(event) if judge else [])]


def _on_exchange(line: Line, body: Any, is_honest: bool) -> list[str]:
    if differences.is_undescribed(line["path"]):
        return []
    found, judge = _of_library(line, body), _description()
    if judge is None:
        return found
    operation = judge.operation(line["method"], line["path"])
    if operation is None:
        return [*found, *_on_unknown(judge, line, body)]
    if line["status"] == 200 or (is_honest and line["status"] != 401):
        found += judge.of_request(operation, line["params"])
    return [*found, *judge.of_answer(operation, line["status"], body)]


def _of_library(line: Line, body: Any) -> list[str]:
    if line["status"] != 200:
        return annotations.complaints_about_error(body.get("error", {}))
    return annotations.complaints(body) if "object" in body else []


def _on_unknown(judge: Description, line: Line, body: Any) -> list[str]:
    """A call that Stripe does not know must be refused, in its envelope."""
    if line["status"] == 200:
        return [f"{line['method']} {line['path']}: Stripe has no such call"]
    return judge.of_error(body)


def _description() -> Description | None:
    """Without a network judge B stays away; `test_description.py` says so once, and fails under CI."""
    try:
        return description.load()
    except NotFetched:
        return None
