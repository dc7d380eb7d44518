"""How answers travel: compressed where no length tells a secret, kept for good where the address names the content."""

from flask import Flask, Response, g, request, session

from booking.extensions import compress
from booking.web.media import FOREVER
from booking.web.security import is_private
from booking.web.templating import asset

# Brotli's fifth step makes these pages a tenth smaller than gzip does, in the same time.
_CODINGS = ["br", "gzip"]
_SETTINGS = {
    "COMPRESS_ALGORITHM": _CODINGS,
    "COMPRESS_BR_LEVEL": 5,
    "COMPRESS_REGISTER": False,  # nothing by itself: `_compress` decides
    "COMPRESS_STREAMS": False,
}


def install(app: Flask) -> None:
    """Send files and public pages compressed; let browsers keep each file whose address has the mark of its content."""
    app.config.update(_SETTINGS)
    compress.init_app(app)
    # The first in this list is the last to be asked: nobody changes an answer after it was compressed.
    app.after_request_funcs.setdefault(None, []).insert(0, _compress)
    app.after_request(_keep_marked_files)


def _compress(response: Response) -> Response:
    if response.mimetype not in compress.compress_mimetypes_set or not _has_no_secret(response):
        return response
    if not request.accept_encodings.best_match(_CODINGS):  # the library would take "br;q=0" for a wish
        response.vary.add("Accept-Encoding")
        return response
    if response.status_code == 200:
        # A file, too, is read here: else nobody could say how long it has become.
        response.direct_passthrough = False
        response.make_sequence()
    return compress.after_request(response)


def _has_no_secret(response: Response) -> bool:
    """Whether everybody gets this very text. What is for one visitor alone could be guessed letter by letter from the
    lengths of its compressed answers, if somebody else has a say in the rest of it: https://breachattack.com/.
    """
    if request.endpoint == "static":
        return True
    is_public = request.blueprint == "storefront" and not is_private(request.path)
    # The list above says what should be so; a form's token that was made, or a cookie that is set, says what is.
    return is_public and "csrf_token" not in g and "Set-Cookie" not in response.headers and not session.modified


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
