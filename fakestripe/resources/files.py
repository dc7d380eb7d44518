"""Files, for the evidence in a dispute: docs.stripe.com/api/files and docs.stripe.com/file-upload.

Stripe takes and gives them at `files.stripe.com`; here that is the same address as the API. What
is in a file is not kept, only how long it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fakestripe.calls import Call, Operation
from fakestripe.errors import invalid_parameter, invalid_request
from fakestripe.resources.reading import listing, retrieving
from fakestripe.schema import Choice, Param, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/files"
PURPOSES = ("business_icon", "business_logo", "customer_signature", "dispute_evidence")
LARGEST = 5_000_000
"""docs.stripe.com/file-upload: evidence is PDF, JPEG or PNG of at most 5 MB."""


@dataclass(frozen=True)
class File(Param):
    """A part of a multipart form, as `uploads.describe` gives it."""

    def parse(self, raw: Any, name: str) -> Record:
        if not isinstance(raw, dict) or set(raw) != {"filename", "type", "size", "sha256"}:
            raise invalid_parameter("Invalid file: send multipart/form-data with a file in it.", name)
        return raw


def create(world: World, call: Call) -> Record:
    sent = call.params["file"]
    content = call.files.get("file", b"")
    kind = _kind(content)
    if kind is None:
        raise invalid_request("Only PDF, JPEG and PNG files are taken.", param="file")
    if len(content) > LARGEST:
        raise invalid_request(f"The file is larger than {LARGEST:,} bytes.", param="file")
    file_id = world.ids.new("file_")
    file = {
        "id": file_id,
        "object": "file",
        "created": world.clock.timestamp(),
        "expires_at": None,
        "filename": sent["filename"] or None,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file_id}"},
        "purpose": call.params["purpose"],
        "size": len(content),
        "title": None,
        "type": kind,
        "url": None,
    }
    world.store.put("file", file)
    return file


def _kind(content: bytes) -> str | None:
    """By what is in it, not by its name."""
    starts = {b"%PDF": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}
    return next((kind for start, kind in starts.items() if content.startswith(start)), None)


OPERATIONS = [
    Operation("POST", PATH, create, group("file purpose", file=File(), purpose=Choice(*PURPOSES))),
    listing(PATH, "file", purpose=Choice(*PURPOSES)),
    retrieving(PATH, "file", "file"),
]
