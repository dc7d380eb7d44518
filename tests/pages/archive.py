"""Guest pages as they were answered once, kept so that every judge looks at the same page as often as it likes.

A page that only a POST can bring, or only a shop whose Stripe is silent, is then as easy to look at as the home page.
"""

import html
import mimetypes
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

from tests.support.servers import ROOT

# Of the connection, not of the page; and a page that loads itself again would do so under the eyes of whoever looks.
_OF_THE_WAY = {
    "connection", "content-length", "content-encoding", "transfer-encoding", "date", "server", "set-cookie", "refresh",
}  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """What the shop's ledger said of a booking when its page was made, in minor units."""

    currency: str
    paid: int
    on_the_way: int  # of the refunds
    sent_back: int
    is_processing: bool
    refund_failed: bool


@dataclass(frozen=True)
class Kept:
    """One page in one language. `problem` says why there is none."""

    name: str
    language: str
    url: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    ledger: Ledger | None = None
    problem: str = ""

    @property
    def words(self) -> str:
        """What a person reads between the head and the foot of the page."""
        return words_of(self.body.partition("<main")[2].partition(">")[2].partition("</main>")[0])

    @property
    def title(self) -> str:
        return words_of(self.body.partition("<title>")[2].partition("</title>")[0])


@dataclass
class Archive:
    """All pages of the catalogue in all languages, the pictures on them, and every mail that the shop writes."""

    pages: dict[tuple[str, str], Kept] = field(default_factory=dict)
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    mails: dict[str, str] = field(default_factory=dict)  # the HTML of each, by its kind and language
    mail_problem: str = ""

    def page(self, name: str, language: str = "en") -> Kept:
        """A page that must be there."""
        kept = self.pages[name, language]
        assert not kept.problem, f"{name} ({language}) could not be made: {kept.problem}"
        return kept

    def serve_to(self, context: BrowserContext, kept: Kept) -> None:
        """From now on this browser gets this page at its address, with its style and pictures, and else nothing."""
        context.unroute_all()
        context.route("**/*", lambda route: self._answer(route, kept))

    def _answer(self, route: Route, kept: Kept) -> None:
        asked, path = route.request.url, urlsplit(route.request.url).path
        file = ROOT / path.lstrip("/")
        if asked == kept.url:
            route.fulfill(status=kept.status, headers=kept.headers, body=kept.body)
        elif path in self.pictures:
            route.fulfill(content_type=self.pictures[path][0], body=self.pictures[path][1])
        elif path.startswith("/static/") and file.is_file():
            route.fulfill(content_type=mimetypes.guess_type(path)[0] or "", body=file.read_bytes())
        else:
            route.fulfill(status=404)


def page_headers(headers: dict[str, str]) -> dict[str, str]:
    """The headers that belong to the page and not to the way it came."""
    return {name: value for name, value in headers.items() if name.lower() not in _OF_THE_WAY}


def words_of(markup: str) -> str:
    """Markup as a person reads it: without tags, scripts and styles, one space between words."""
    text = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", markup)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u2019", "'")
    return " ".join(text.split())


def pictures_in(markup: str) -> set[str]:
    """The addresses of pictures that are no static files."""
    listed = re.findall(r'\b(?:src|srcset)="([^"]+)"', markup)
    found = {html.unescape(part).split()[0] for some in listed for part in some.split(", ")}
    return {address for address in found if address.startswith("/") and not address.startswith("/static/")}
