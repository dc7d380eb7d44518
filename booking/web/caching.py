"""What may be kept of answers, and by whom: a public page has a mark of its text, and whoever has it gets no copy.

Nobody may show a kept page without asking, because prices and free nights change at any moment (`no-cache`). The mark
is made of the text itself, in its language and at its prices, so it never fits what was made for somebody else: even a
proxy that heeds no `Vary` has to ask, and is told that what it has does not hold.
"""

import hashlib

from flask import Flask, Response, current_app, g, request

from booking.web.member import member_token
from booking.web.transport import is_for_everybody

_FILES = ("static", "media.file")  # these say themselves how long they hold


def install(app: Flask) -> None:
    """Mark public pages, and let nobody but the visitor's own browser keep the rest. To be installed before transport:
    the text is looked at before it is compressed, and after everybody else has had a say.
    """
    app.after_request_funcs.setdefault(None, []).insert(0, _say_who_may_keep)


def mark_of(text: bytes) -> str:
    """What no other text has."""
    return hashlib.blake2b(text, digest_size=15).hexdigest()


def _say_who_may_keep(response: Response) -> Response:
    if request.endpoint in _FILES:
        return response
    if not _is_marked_page(response):
        # For one visitor alone, or for this moment alone. A private page has said more than that already.
        if response.cache_control.public or not response.cache_control:
            response.headers["Cache-Control"] = "private, no-cache"
        return response
    if not response.cache_control.public:
        response.headers["Cache-Control"] = "private, no-cache" if _is_known_visitor() else "no-cache"
    return response if response.status_code == 304 else _mark(response)


def _is_marked_page(response: Response) -> bool:
    is_whole = response.status_code in (200, 304) and not response.is_streamed
    return is_whole and request.method in ("GET", "HEAD") and is_for_everybody(response)


def _is_known_visitor() -> bool:
    """Whether the browser brought more than a choice of light or dark. What it then gets may be the same, or not."""
    return bool(member_token()) or current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def _mark(response: Response) -> Response:
    if "page_mark" not in g:  # a page that is kept has brought its own
        g.page_mark = mark_of(response.get_data())  # under which the page is kept compressed
    # Weak, because the same text travels in several codings, whose bytes differ.
    response.set_etag(g.page_mark, weak=True)
    response.make_conditional(request)
    return response
