"""Files in a multipart form, which only `POST /v1/files` takes: docs.stripe.com/file-upload."""

from __future__ import annotations

import hashlib
from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request

from fakestripe import forms

MULTIPART = "multipart/form-data"
PATH = "/v1/files"


def has_files(request: Request) -> bool:
    return request.mimetype == MULTIPART and request.path == PATH and request.method == "POST"


def describe(request: Request) -> dict[str, Any]:
    """The form's fields; each file as what tells it from another, so that idempotency can compare."""
    tree: dict[str, Any] = {}
    for name, value in request.form.items(multi=True):
        forms.place(tree, forms.split(name), value)
    for name, file in request.files.items():
        tree[name] = _description(file)
    return tree


def contents(request: Request) -> dict[str, bytes]:
    return {name: _bytes(file) for name, file in request.files.items()} if has_files(request) else {}


def _description(file: FileStorage) -> dict[str, str]:
    content = _bytes(file)
    digest = hashlib.sha256(content).hexdigest()
    return {"filename": file.filename or "", "type": file.mimetype, "size": str(len(content)), "sha256": digest}


def _bytes(file: FileStorage) -> bytes:
    file.stream.seek(0)
    return file.stream.read()
