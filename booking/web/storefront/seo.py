"""What search engines and other sites are told: which pages there are, in which languages, and what stands on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Response as FlaskResponse
from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from booking.extensions import db
from booking.language import LANGUAGES
from booking.queries.lodging import Facts, describe_house, describe_stay
from booking.queries.search import Offer, list_listings
from booking.web.language import current_language
from booking.web.media import shared_picture
from booking.web.security import is_private
from booking.web.storefront.blueprint import blueprint
from booking.wiring import current_runtime

# What makes one page into endlessly many: engines may follow its links, but should not keep it.
_ENDLESS = {"arrive", "leave", "guests", "month", "sort", "back"}
_PRIVATE_PATHS = ("/b/", "/m/", "/manage", "/club/", "/pay/", "/look", "/stays/*/book", "/stays/*/review")
_PLAIN_PATHS = ("/terms", "/privacy", "/accessibility")
_ONE_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the sitemap in one language, with all its languages beside it."""

    address: str
    alternates: tuple[tuple[str, str], ...]
    changed_on: date | None  # None where nobody keeps count


@blueprint.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """Every public page in every language."""
    listings = list_listings(db.session())
    changes = {f"/stays/{listing.slug}": listing.updated_at.date() for listing in listings}
    newest = max(changes.values(), default=None)
    pages = [("/", newest), ("/stays", newest), *changes.items(), *((path, None) for path in _PLAIN_PATHS)]
    entries = [entry for path, changed_on in pages for entry in _entries(path, changed_on)]
    return _for_engines(render_template("storefront/sitemap.xml", entries=entries), "application/xml")


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """Private pages are nothing for engines; the rest stands in the sitemap."""
    prefixes = ["", *(f"/{code}" for code in LANGUAGES)]
    paths = ["/admin", *(f"{prefix}{path}" for prefix in prefixes for path in _PRIVATE_PATHS)]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in paths), "", f"Sitemap: {_base()}/sitemap.xml", ""]
    return _for_engines("\n".join(lines), "text/plain")


@blueprint.after_app_request
def keep_out(response: Response) -> Response:
    """Say it in the header too, which also counts for answers that are no pages."""
    words = robots_words() or ("noindex" if response.status_code >= 400 else "")
    if words:
        response.headers["X-Robots-Tag"] = words
    return response


@blueprint.app_template_global()
def robots_words() -> str:
    """What engines are told of this page: nothing where they may keep it."""
    if is_private(request.path) or request.path == "/look":
        return "noindex"
    return "noindex, follow" if _ENDLESS & request.args.keys() else ""


@blueprint.app_template_global()
def canonical_address() -> str:
    """The one address of this page, in the language that its address names."""
    return address_of(request.path, current_language().code if _names_language() else "")


@blueprint.app_template_global()
def language_addresses() -> list[tuple[str, str]]:
    """This page for each language, and for readers of none of them: what `hreflang` says."""
    return _alternates(request.path)


@blueprint.app_template_global()
def house_facts(place: Any, listings: Iterable[Any]) -> Facts:
    """The house for a block of JSON-LD."""
    shown = list(listings)
    return describe_house(place, shown, address_of("/"), _pictures(shown[:1]), current_runtime().clock.now())


@blueprint.app_template_global()
def stay_facts(listing: Any, offer: Offer | None = None) -> Facts:
    """One listing for a block of JSON-LD, with the price of the nights asked for where they can be had."""
    code = current_language().code
    url, now = address_of(f"/stays/{listing.slug}"), current_runtime().clock.now()
    return describe_stay(listing, offer, code, url, _pictures([listing]), now)


def address_of(path: str, code: str = "") -> str:
    """The whole address of a page in a language; without one, the address at which the browser's language decides."""
    return f"{_base()}{f'/{code}' if code else ''}{quote(path)}"


def _base() -> str:
    # Never the host of the request, which anybody may write.
    return current_runtime().settings.base_url


def _names_language() -> bool:
    return request.script_root.endswith(f"/{current_language().code}")


def _alternates(path: str) -> list[tuple[str, str]]:
    return [("x-default", address_of(path)), *((code, address_of(path, code)) for code in LANGUAGES)]


def _entries(path: str, changed_on: date | None) -> Iterator[Entry]:
    alternates = tuple(_alternates(path))
    for _, address in alternates:
        yield Entry(address, alternates, changed_on)


def _pictures(listings: Iterable[Any]) -> list[str]:
    return [shared_picture(photo) for listing in listings for photo in listing.photos[:1]]


def _for_engines(text: str, media_type: str) -> FlaskResponse:
    answer = make_response(text)
    answer.mimetype = media_type
    answer.cache_control.public = True
    answer.cache_control.max_age = _ONE_HOUR
    return answer
