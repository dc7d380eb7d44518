"""Disputes: docs.stripe.com/api/disputes."""

from __future__ import annotations

from typing import Any

from fakestripe import disputes
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.disputes import FILES, LONG_TEXTS, SHORT_TEXTS
from fakestripe.errors import invalid_parameter, resource_missing
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import Flag, Metadata, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/disputes"
MOST_CHARACTERS = 150_000
EVIDENCE: dict[str, Param] = {
    **dict.fromkeys(FILES, Unsettable(Text())),
    **dict.fromkeys(LONG_TEXTS, Unsettable(Text(20_000))),
    **dict.fromkeys(SHORT_TEXTS, Unsettable(Text())),
}


def update(world: World, call: Call) -> Record:
    """Evidence is submitted unless `submit` is false; metadata alone submits nothing."""
    dispute = get(world, "dispute", call.args["dispute"], "dispute")
    given = {name: value or None for name, value in call.params.get("evidence", {}).items()}
    _check_evidence(world, {**dispute["evidence"], **given})
    changed = {"metadata": dispute["metadata"]}
    merge_metadata(changed, call.params.get("metadata", {}))
    submit = call.params.get("submit", bool(given))
    return disputes.update(world, dispute, given, changed["metadata"], submit)


def close(world: World, call: Call) -> Record:
    """The merchant accepts the dispute."""
    return disputes.close(world, get(world, "dispute", call.args["dispute"], "dispute"), "lost")


def _check_evidence(world: World, evidence: dict[str, Any]) -> None:
    texts = [evidence[name] or "" for name in LONG_TEXTS + SHORT_TEXTS]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        message = f"The combined character count of all evidence is limited to {MOST_CHARACTERS:,}."
        raise invalid_parameter(message, "evidence")
    for name in FILES:
        _check_file(world, evidence[name], f"evidence[{name}]")


def _check_file(world: World, file_id: str | None, param: str) -> None:
    if file_id is None:
        return
    file = world.store.get("file", file_id)
    if file is None:
        raise resource_missing("file", file_id, param, status=400)
    if file["purpose"] != "dispute_evidence":
        raise invalid_parameter("The file's purpose must be dispute_evidence.", param)


OPERATIONS = [
    retrieving(PATH, "dispute", "dispute"),
    listing(PATH, "dispute", charge=Text(), payment_intent=Text()),
    Operation(
        "POST", PATH + "/{dispute}", update, group(evidence=group(**EVIDENCE), metadata=Metadata(), submit=Flag())
    ),
    Operation("POST", PATH + "/{dispute}/close", close, group()),
]
