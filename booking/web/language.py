"""Which language a page is in: the one its address begins with, or else the one the visitor's browser asks for.

The beginning (/de) is taken off the path before a route is looked for and counts as the script's name, so that every
address built with url_for keeps it by itself, through Stripe's page and back.
"""

from collections.abc import Callable, Iterable
from typing import Any

from babel.support import Translations
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, get_translations
from flask_babel import get_locale as current_locale

from booking.language import DEFAULT, LANGUAGES, TRANSLATIONS, Language, language

_KEY = "holdfast.language"
# What is not for guests' eyes has one address only.
_SPEECHLESS = ("admin", "webhooks", "static", "media", "healthz", "readyz", "metrics", "sitemap.xml", "robots.txt")
_WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class LanguagePrefix:
    """Moves a leading language from the path of a request to the name of the script."""

    def __init__(self, app: _WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        code, rest = _split(environ.get("PATH_INFO", ""))
        if code:
            environ[_KEY] = code
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{code}"
            environ["PATH_INFO"] = rest
        return self._app(environ, start_response)


def install(app: Flask) -> None:
    """Give the app its languages."""
    app.wsgi_app = LanguagePrefix(app.wsgi_app)  # type: ignore[method-assign]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, locale_selector=_choose)
    # A page has a hundred sentences; the library would look for the catalogue at each of them.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda message: _catalogue().ugettext(message),
        ngettext=lambda one, many, number: _catalogue().ungettext(one, many, number),
        newstyle=True,
    )
    app.after_request(_tell_caches)


def current_language() -> Language:
    """The language of the page that is being made; English outside of any request."""
    if not has_request_context():
        return language(DEFAULT)
    spoken: Language | None = g.get("language")  # asked hundreds of times for a page
    if spoken is None:
        spoken = g.language = language(str(current_locale() or DEFAULT))
    return spoken


def other_languages() -> list[tuple[str, str, str]]:
    """The other languages of this very page: code, own name, address."""
    present = current_language().code
    return [(code, name, address_in(code)) for code, name in LANGUAGES.items() if code != present]


def address_in(code: str) -> str:
    """The path of this very page in a language, with its question; of the home page for what is no page to link to.

    Those are other methods than GET, and the address of a mailed link, which is a secret and stands in no page.
    """
    root = request.script_root.removesuffix(f"/{request.environ.get(_KEY, '')}").rstrip("/")
    is_page = request.method in ("GET", "HEAD") and not request.path.startswith(("/m/", "/club/m/"))
    path = request.full_path.rstrip("?") if is_page else "/"
    return f"{root}/{code}{path}"


def _split(path: str) -> tuple[str, str]:
    """A path as its language and what follows; an empty language where it begins with none."""
    _, first, *rest = f"{path}/".split("/", 2)
    follows = "/" + rest[0].removesuffix("/") if rest else "/"
    if first not in LANGUAGES or follows.split("/")[1] in _SPEECHLESS:
        return "", path
    # Slashes at the end belong to the path and are for the routes to judge.
    return first, path[len(first) + 1 :] or "/"


def _choose() -> str:
    named = request.environ.get(_KEY)
    if named:
        return str(named)
    if request.blueprint in ("admin", "auth"):
        return DEFAULT
    g.asked_browser = True
    return request.accept_languages.best_match(LANGUAGES, DEFAULT) or DEFAULT


def _catalogue() -> Translations:
    catalogue: Translations | None = g.get("catalogue")
    if catalogue is None:
        catalogue = g.catalogue = get_translations()
    return catalogue


def _tell_caches(response: Response) -> Response:
    if g.get("asked_browser"):
        response.vary.add("Accept-Language")
    return response
