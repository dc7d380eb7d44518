"""How answers travel: compressed where no length tells a secret, kept for good where the address names the content."""

import gzip
from collections.abc import Hashable
from dataclasses import dataclass

import brotli
from flask import Flask, Response, g, request, session

from booking.extensions import compress
from booking.web.media import FOREVER
from booking.web.memory import LastUsed
from booking.web.security import is_private
from booking.web.templating import asset

# Brotli's fifth step makes these pages a tenth smaller than gzip does, in the same time.
_CODINGS = ["br", "gzip"]
_SETTINGS = {
    "COMPRESS_ALGORITHM": _CODINGS,
    "COMPRESS_BR_LEVEL": 5,
    "COMPRESS_REGISTER": False,  # nothing by itself: `_compress` decides
    "COMPRESS_STREAMS": False,
    "COMPRESS_CACHE_KEY": lambda _request: g.get("page_mark", ""),
    "COMPRESS_CACHE_BACKEND": lambda: _PackedPages(_MOST_PAGES),
}
_MOST_PAGES = 100
_LEAST_BYTES = 500  # what is shorter gains nothing; the library says the same of pages


class _PackedPages(LastUsed[bytes]):
    """Pages by coding and by the mark of their text; what has no mark is packed anew each time."""

    def get(self, key: Hashable) -> bytes | None:
        return None if str(key).endswith(";") else super().get(key)

    def set(self, key: Hashable, value: bytes) -> None:
        if not str(key).endswith(";"):
            super().set(key, value)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A file below /static/ in one coding; `mark` is of the file that it was made of."""

    mark: str
    content: bytes


# As many as there are files, some hundred kilobytes in all: only a file that is there gets into it.
_packed: dict[tuple[str, str], _Packed] = {}


def install(app: Flask) -> None:
    """Send files and public pages compressed; let browsers keep each file whose address has the mark of its content."""
    app.config.update(_SETTINGS)
    compress.init_app(app)
    # The first in this list is the last to be asked: nobody changes an answer after it was compressed.
    app.after_request_funcs.setdefault(None, []).insert(0, _compress)
    app.after_request(_keep_marked_files)


def is_for_everybody(response: Response) -> bool:
    """Whether everybody gets this very text. What is for one visitor alone could be guessed letter by letter from the
    lengths of its compressed answers, if somebody else has a say in the rest of it: https://breachattack.com/.
    """
    if request.endpoint == "static":
        return True
    is_public = request.blueprint == "storefront" and not is_private(request.path)
    # The list above says what should be so; a form's token that was made, or a cookie that is set, says what is.
    return is_public and "csrf_token" not in g and "Set-Cookie" not in response.headers and not _is_session_sent()


def _is_session_sent() -> bool:
    # Its cookie is put on the answer after all else. One that lasts is put on every answer.
    return session.modified or session.permanent


def _compress(response: Response) -> Response:
    if response.mimetype not in compress.compress_mimetypes_set or not is_for_everybody(response):
        return response
    if request.endpoint == "static":
        return _send_packed(response)
    if not request.accept_encodings.best_match(_CODINGS):  # the library would take "br;q=0" for a wish
        response.vary.add("Accept-Encoding")
        return response
    return compress.after_request(response)


# --- files ----------------------------------------------------------------------------------------------------------


def _send_packed(response: Response) -> Response:
    """A file as it was packed once. Parts are of the file as it is, since of a packed one nobody wants any."""
    response.vary.add("Accept-Encoding")
    coding, mark = _coding(), response.get_etag()[0]
    if not coding or not mark or response.status_code != 200 or (response.content_length or 0) < _LEAST_BYTES:
        return response
    path = str((request.view_args or {})["filename"])
    known = _packed.get((path, coding))
    if known is None or known.mark != mark:
        known = _packed[path, coding] = _pack(response, coding, mark)
    response.close()  # the file: its bytes are not needed any more
    response.direct_passthrough = False
    response.set_data(known.content)
    response.headers["Content-Encoding"] = coding
    response.set_etag(f"{mark}:{coding}")
    response.make_conditional(request)
    return response


def _coding() -> str:
    """The coding that the browser likes best, of two alike the shorter one; empty where it wants none."""
    liked = {name.lower(): quality for name, quality in request.accept_encodings}
    # What it names counts before its word for all the rest, and both before the file as it is.
    likings = [liked.get(coding, liked.get("*", 0)) for coding in _CODINGS]
    most = max(likings)
    return _CODINGS[likings.index(most)] if most > 0 and most >= liked.get("identity", 0) else ""


def _pack(response: Response, coding: str, mark: str) -> _Packed:
    # As small as can be: this is done once in the life of a process, not at each request.
    response.direct_passthrough = False
    content = response.get_data()
    return _Packed(mark, brotli.compress(content) if coding == "br" else gzip.compress(content, 9, mtime=0))


def _keep_marked_files(response: Response) -> Response:
    # Only with the mark of the content that is sent: in the middle of an update, the address of a new sheet may reach a
    # server that still has the old one.
    if request.endpoint == "static" and response.status_code in (200, 206, 304) and _is_marked():
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = FOREVER
        response.cache_control.immutable = True
    return response


def _is_marked() -> bool:
    path = (request.view_args or {}).get("filename", "")
    return bool(request.args.get("v")) and request.full_path == asset(path)
