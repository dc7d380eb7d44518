"""What may be kept of answers, and by whom: a public page has a mark of its text, and whoever has it gets no copy.

Nobody may show a kept page without asking, because prices and free nights change at any moment (`no-cache`). The mark
is made of the text itself, in its language and at its prices, so it never fits what was made for somebody else: even a
proxy that heeds no `Vary` has to ask, and is told that what it has does not hold.
"""

import hashlib
from collections.abc import Hashable

from flask import Flask, Response, current_app, g, request

from booking.extensions import db
from booking.queries.on_sale import on_sale
from booking.web.language import current_language
from booking.web.member import member_token
from booking.web.storefront.look import scheme
from booking.web.transport import is_for_everybody
from booking.wiring import current_runtime

_FILES = ("static", "media.file")  # these say themselves how long they hold
# Pages that show what is on sale and ask no other table, as long as no nights are asked for.
_OF_THE_SHELF = {f"storefront.{name}" for name in ("home", "stays", "terms", "privacy", "accessibility", "sitemap")}
_NIGHTS = {"arrive", "leave"}
_MARKS, _MOST_MARKS = "holdfast_page_marks", 2_000


def install(app: Flask) -> None:
    """Mark public pages, and let nobody but the visitor's own browser keep the rest. To be installed before transport:
    the text is looked at before it is compressed, and after everybody else has had a say.
    """
    app.extensions[_MARKS] = {}
    app.before_request(_answer_from_memory)
    app.after_request_funcs.setdefault(None, []).insert(0, _say_who_may_keep)


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
    # Weak, because the same text travels in several codings, whose bytes differ.
    mark = hashlib.blake2b(response.get_data(), digest_size=15).hexdigest()
    response.set_etag(mark, weak=True)
    key = g.get("page_key")
    if key:
        _remember(key, (mark, response.headers["Cache-Control"]))
    response.make_conditional(request)
    return response


# --- without making the page ----------------------------------------------------------------------------------------


def _answer_from_memory() -> Response | None:
    """Whoever brings the mark of a page that this process made a moment ago, of the same things, has it still."""
    if request.endpoint not in _OF_THE_SHELF or not request.if_none_match or not _is_plain():
        return None
    g.page_key = _key()
    mark, told = current_app.extensions[_MARKS].get(g.page_key, ("", ""))
    if not mark or not request.if_none_match.contains_weak(mark):
        return None
    answer = Response(status=304, headers={"Cache-Control": told})
    answer.set_etag(mark, weak=True)
    return answer


def _is_plain() -> bool:
    return request.method in ("GET", "HEAD") and not _NIGHTS & request.args.keys() and not _is_known_visitor()


def _key() -> Hashable:
    """All that such a page is made of: its address, the visitor's language and look, what is on sale, the minute."""
    shelf, now = on_sale(db.session()), current_runtime().clock.now()
    minute = now.replace(second=0, microsecond=0)
    return (
        request.full_path,
        request.script_root,
        current_language().code,
        scheme(),
        shelf.version,
        shelf.read_at,
        minute,
    )


def _remember(key: Hashable, told: tuple[str, str]) -> None:
    marks = current_app.extensions[_MARKS]
    if len(marks) >= _MOST_MARKS:  # old minutes, mostly
        marks.clear()
    marks[key] = told
