"""Pictures of listings: their addresses for templates, and the route that serves their files where no proxy does."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Flask, Response, abort, request, send_file, session

from booking.domain.pictures import SHARED_NAME, PictureFormat, file_name, widths_up_to
from booking.web.language import current_language
from booking.wiring import current_runtime

FOREVER = 365 * 24 * 3600  # the files of a digest never change
# Should a browser ever take such a file for a page, it is one that may do nothing.
POLICY = "default-src 'none'; sandbox"
_FILES = ("media.file", "static")
_FALLBACK_WIDTH = 800  # for browsers that know no srcset
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(rf"([1-9][0-9]{{0,4}}\.({'|'.join(PictureFormat)})|{re.escape(SHARED_NAME)})")

blueprint = Blueprint("media", __name__)


class Photo(Protocol):
    """What a row of the table photo says."""

    digest: str
    width: int

    def alt_in(self, language: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One format of a picture."""

    media_type: str
    srcset: str


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """What the macro `picture` writes down. `src` and `srcset` are of the format that every browser knows."""

    sources: tuple[Source, ...]
    src: str
    srcset: str
    largest: str  # for whoever wants to see it alone
    alt: str


def install(app: Flask) -> None:
    """Serve the files, and tell templates where they are."""
    app.register_blueprint(blueprint)
    # The first in this list is the last to be asked: after every extension that looks into the session.
    app.after_request_funcs.setdefault(None, []).insert(0, _say_same_for_everybody)
    app.jinja_env.globals.update({"shown_picture": shown_picture, "shared_picture": shared_picture})


@blueprint.get("/media/<digest>/<name>")
def file(digest: str, name: str) -> Response:
    """One file of a picture. Only names that the shop gives itself are looked for; all else is a 404."""
    if not _DIGEST.fullmatch(digest) or not _FILE.fullmatch(name):
        abort(404)
    path = current_runtime().settings.media_dir / digest / name
    if not path.is_file():
        abort(404)
    return _served(path)


def shown_picture(photo: Photo) -> ShownPicture:
    """A photo with its addresses, its words in the language of the page."""
    sources = [Source(kind.media_type, _srcset(photo, kind)) for kind in PictureFormat if kind != PictureFormat.JPEG]
    return ShownPicture(
        sources=tuple(sources),
        src=_address(photo, file_name(min(_FALLBACK_WIDTH, photo.width), PictureFormat.JPEG)),
        srcset=_srcset(photo, PictureFormat.JPEG),
        largest=_address(photo, file_name(photo.width, PictureFormat.JPEG)),
        alt=photo.alt_in(current_language().code),
    )


def shared_picture(photo: Photo) -> str:
    """The whole address of the picture that others show beside a link to the page."""
    return current_runtime().settings.base_url + _address(photo, SHARED_NAME)


def _served(path: Path) -> Response:
    kind = PictureFormat(path.suffix.removeprefix("."))
    answer = send_file(path, mimetype=kind.media_type, max_age=FOREVER)
    answer.cache_control.public = True
    answer.cache_control.immutable = True
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _say_same_for_everybody(response: Response) -> Response:
    # Somebody always looks whether the visitor is signed in, and files would then count as made for one cookie alone:
    # with each new cookie a browser would fetch every picture again.
    if request.endpoint in _FILES:
        session.accessed = False
    return response


def _srcset(photo: Photo, kind: PictureFormat) -> str:
    return ", ".join(f"{_address(photo, file_name(width, kind))} {width}w" for width in widths_up_to(photo.width))


def _address(photo: Photo, name: str) -> str:
    # Not url_for: the same file must not have an address, and a place in the browser's cache, for each language.
    return f"/media/{photo.digest}/{name}"
