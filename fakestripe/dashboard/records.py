"""Finds what the dashboard shows: pages of records, one record by its id, and what belongs to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from fakestripe.dashboard.sections import BY_KIND, SECTIONS, Section
from fakestripe.hosted.looks import short
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

PAGE = 50
TIMELINE = 200
# Fields that tie objects to one story; a customer or a product would tie it to too many others.
FAMILY = (
    "payment_intent",
    "charge",
    "latest_charge",
    "setup_intent",
    "subscription",
    "invoice",
    "latest_invoice",
)


@dataclass(frozen=True)
class Moment:
    """One event of a timeline with its deliveries."""

    event: Record
    deliveries: list[Record]


def page(world: World, section: Section, words: str = "", beyond: str | None = None) -> tuple[list[Record], str | None]:
    """The next records, newest first, that contain the words; and the id after which more would come."""
    if section.kind == "_request":
        found = _requests(world, words, beyond)
    else:
        if beyond is not None and world.store.get(section.kind, beyond) is None:
            beyond = None
        picked = world.store.pick(section.kind, _containing(words), PAGE + 1, beyond=beyond)
        found = [dressed(section.kind, record) for record in picked]
    return found[:PAGE], found[PAGE - 1]["id"] if len(found) > PAGE else None


def count(world: World, section: Section) -> int:
    return len(world.requests) if section.kind == "_request" else world.store.count(section.kind)


def search(world: World, words: str) -> list[tuple[Section, list[Record]]]:
    """In each section, the newest few that contain the words."""
    pages = ((section, page(world, section, words)[0][:5]) for section in SECTIONS)
    return [(section, records) for section, records in pages if records]


def find(world: World, record_id: str) -> tuple[Section, Record] | None:
    """The record with this id, whatever its kind."""
    for section in SECTIONS:
        record = world.store.get(section.kind, record_id)
        if record:
            return section, record
    for entry in world.requests.show(None, None):
        if entry["id"] == record_id:
            return BY_KIND["_request"], entry
    return None


def exists(world: World, record_id: str) -> bool:
    """Whether a link to this id would lead somewhere; requests are not looked through."""
    return any(world.store.get(section.kind, record_id) for section in SECTIONS)


def dressed(kind: str, record: Record) -> Record:
    """The record with what its row shows beyond its fields."""
    if kind == "_delivery":
        answers = [str(attempt["status"] or attempt["error"]) for attempt in record["attempts"]]
        next_at = record["next_at"] if record["status"] == "pending" else None
        return {**record, "answers": ", ".join(answers), "next_at": next_at}
    if kind == "_request":
        marks = [mark for mark in ("replayed" if record["replayed"] else "", record["fault"] or "") if mark]
        return {**record, "call": " ".join([record["method"], _path(record["path"]), *(f"({mark})" for mark in marks)])}
    return record


def plain(kind: str, record: Record) -> Record:
    """The record as its page prints it: as the API shows it and in its order, or whole if it is one of our own."""
    if kind.startswith("_"):
        return record
    return dict(sorted(visible(record).items(), key=lambda item: (item[0] != "id", item[0] != "object", item[0])))


def timeline(world: World, record: Record) -> list[Moment]:
    """What happened to this object and to those of the same story, newest first."""
    story = {record["id"], *(record[name] for name in FAMILY if isinstance(record.get(name), str))}
    events = world.store.pick("event", lambda event: _is_about(event, story), TIMELINE)
    return [Moment(event, world.store.where("_delivery", "event", event["id"])) for event in events]


def newest(world: World, kind: str, limit: int) -> list[Record]:
    """The last few of a kind."""
    return [dressed(kind, record) for record in world.store.pick(kind, lambda record: True, limit)]


def moments(world: World, limit: int) -> list[Moment]:
    """The last few events of all."""
    return [
        Moment(event, world.store.where("_delivery", "event", event["id"])) for event in newest(world, "event", limit)
    ]


def fate(deliveries: list[Record]) -> str:
    """One word for how an event's deliveries went; the worst of them."""
    states = {record["status"] for record in deliveries}
    order = ("failed", "held", "dropped", "resending", "pending", "delivered")
    waiting = any(record["status"] == "pending" and record["attempts"] for record in deliveries)
    worst = next((state for state in order if state in states), "")
    return "retrying" if worst == "pending" and waiting else worst


def _path(path: str) -> str:
    return "/".join(short(part) for part in path.split("/"))


def _is_about(event: Record, story: set[str]) -> bool:
    told: Record = event["data"]["object"]
    return told.get("id") in story or any(isinstance(value, str) and value in story for value in told.values())


def _containing(words: str) -> Callable[[Record], bool]:
    sought = words.casefold()
    if not sought:
        return lambda record: True
    return lambda record: sought in json.dumps(record, ensure_ascii=False).casefold()


def _requests(world: World, words: str, beyond: str | None) -> list[Record]:
    entries = iter(world.requests.show(None, None)[::-1])
    if beyond:
        for entry in entries:
            if entry["id"] == beyond:
                break
    fits = _containing(words)
    return [dressed("_request", entry) for entry in islice(filter(fits, entries), PAGE + 1)]
