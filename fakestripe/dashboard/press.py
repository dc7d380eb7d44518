"""Presses a button: sends one call to a test control or to the API, through the same door as a script would.

So a button can do nothing that a script cannot, and each press can be shown as the call it was.
"""

from __future__ import annotations

import itertools
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from flask import current_app, request
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

DOORS = ("/_fake/", "/v1/")
METHODS = ("POST", "DELETE")
NOTES_KEPT = 100
KEY = "Bearer sk_test_dashboard"


@dataclass(frozen=True)
class Outcome:
    """The call, and what came of it."""

    call: str
    ok: bool
    words: str


class Notes:
    """What buttons did, each shown on the page that follows; the last hundred, in memory."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._notes: OrderedDict[str, Outcome] = OrderedDict()

    def keep(self, outcome: Outcome) -> str:
        number = str(next(self._numbers))
        self._notes[number] = outcome
        if len(self._notes) > NOTES_KEPT:
            self._notes.popitem(last=False)
        return number

    def get(self, number: str) -> Outcome | None:
        return self._notes.get(number)


def press(method: str, path: str, body: Any) -> Outcome:
    """Make the call and put its answer into a few words."""
    call = f"{method} {path} {json.dumps(body, ensure_ascii=False)}" if body else f"{method} {path}"
    broken: list[bool] = []
    environ = _environ(method, path, body)
    # What the server offers to faults that break the connection; here there is none to break.
    environ["fakestripe.silence"] = lambda *, hard: broken.append(hard)
    answer = Response.from_app(current_app.wsgi_app, environ, buffered=True)
    if broken:
        return Outcome(call, False, "no answer: the connection broke, as ordered")
    return Outcome(call, answer.status_code < 400, f"{answer.status_code}: {_words(answer)}")


def _environ(method: str, path: str, body: Any) -> dict[str, Any]:
    """The API takes forms and a key, the controls take JSON and callers of this machine."""
    given: dict[str, Any] = {"data": body} if path.startswith("/v1/") else {"json": body}
    environ = create_environ(path, request.host_url, method=method, headers={"Authorization": KEY}, **given)
    environ["REMOTE_ADDR"] = "127.0.0.1"
    return environ


def _words(answer: Response) -> str:
    try:
        body = json.loads(answer.get_data(as_text=True))
    except ValueError:
        return "not JSON"
    return _words_of_list(body) if isinstance(body, list) else _words_of_object(body)


def _words_of_list(body: list[Any]) -> str:
    answers = [str(item.get("status") or item.get("error")) for item in body if "ms" in item]
    return f"sent, answered {', '.join(answers)}" if answers else f"{len(body)} of them"


def _words_of_object(body: dict[str, Any]) -> str:
    error = body.get("error")
    if error:
        words = error["message"] if isinstance(error, dict) else str(error)
        return f"{body['outcome']}. {words}" if "outcome" in body else words
    if "ran" in body:
        return f"{len(body['ran'])} things came due"
    return str(body.get("outcome") or body.get("status") or "done").replace("_", " ")
