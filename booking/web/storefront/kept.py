"""Pages that several people ask for in the same minute are made once, and given again as long as every word is true.

What stands on a public page comes from its address and language, from what is on sale (one number tells whether that
changed), from the minute, and from the nights that were asked about while it was made. All of these are asked again
each time, in one statement; only the judging, pricing and writing is spared.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Response, current_app, g, make_response, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from booking.extensions import db
from booking.queries.on_sale import find_reading, on_sale
from booking.queries.witness import Asked, ask_again, witnessing
from booking.web.caching import mark_of
from booking.web.language import current_language
from booking.web.member import member_off
from booking.web.memory import LastUsed
from booking.web.storefront.blueprint import blueprint
from booking.web.storefront.look import scheme
from booking.web.transport import is_for_everybody
from booking.wiring import current_runtime

_EXTENSION = "holdfast_kept_pages"
_MOST = 100
_LARGEST = 200_000  # letters
_View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was made, and what it was made of."""

    text: bytes
    mark: str
    reading: Hashable  # not what was read: pages of minutes ago would keep that alive, over and over
    asked: tuple[Asked, ...]

    def is_true(self, now: datetime) -> bool:
        """Whether it would be made the same way once more: one statement. Reads only."""
        version, holds = ask_again(db.session(), self.asked, now)
        return holds and find_reading(db.session(), version) == self.reading


@blueprint.record
def _give_place(state: BlueprintSetupState) -> None:
    state.app.extensions[_EXTENSION] = LastUsed[Page](_MOST)


def kept(view: _View) -> _View:
    """Let a public page be given again while it is true. Its view may read nights and what is on sale, nothing else."""

    @wraps(view)
    def answer(**place: Any) -> ResponseReturnValue:
        now = current_runtime().clock.now()
        pages: LastUsed[Page] = current_app.extensions[_EXTENSION]
        page = pages.get(key := _key(now))
        if page and page.is_true(now):
            g.page_mark = page.mark
            return make_response(page.text)
        shelf = on_sale(db.session())
        with witnessing(db.session()) as asked:
            response = make_response(view(**place))
        if shelf.version is not None and _is_for_all(response):
            text = response.get_data()
            g.page_mark = mark_of(text)
            pages.set(key, Page(text, g.page_mark, shelf.reading, tuple(asked)))
        return response

    return answer


def _key(now: datetime) -> tuple[Any, ...]:
    """All that a page is made of beside rows. Of the time no page says more than its minute."""
    address = (request.script_root, request.full_path)
    return (*address, current_language().code, scheme(), member_off(), now.replace(second=0, microsecond=0))


def _is_for_all(response: Response) -> bool:
    """Whether it is a whole page, and one in which nothing of this visitor stands."""
    is_page = response.status_code == 200 and response.mimetype == "text/html"
    return is_page and (response.content_length or 0) <= _LARGEST and is_for_everybody(response)
