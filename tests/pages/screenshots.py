"""`make screenshots`: every page in every state as a picture, narrow and wide, light and dark, for people to look at.

`python -m tests.pages.screenshots --only booking --language de` makes some of them, with `--desk` those of the desk.
`index.html` beside the pictures shows all.
"""

import argparse
import html
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from booking.language import LANGUAGES
from tests.desk.catalogue import DESK
from tests.pages.archive import Archive, Kept
from tests.pages.catalogue import CATALOGUE
from tests.pages.making import make_archive
from tests.support.browser import open_chromium
from tests.support.servers import ROOT

WINDOWS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]
FOLDER = ROOT / "var" / "screenshots"
# Pages that are made for paper are also shown as they are printed.
ON_PAPER = ("voucher", "receipt", "booking, confirmed")


@dataclass(frozen=True)
class Picture:
    """One picture and what is on it."""

    name: str
    window: str
    file: str


def main() -> None:
    """Make the pages, take the pictures, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression for the names of the states")
    parser.add_argument("--language", default="en", choices=list(LANGUAGES))
    parser.add_argument("--desk", action="store_true", help="the pages of the desk instead of those of guests")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    states = DESK if asked.desk else CATALOGUE
    wanted = [state.name for state in states if re.search(asked.only, state.name)]
    with tempfile.TemporaryDirectory(prefix="pages-") as scratch:
        archive = make_archive(Path(scratch), lambda state: state.name in wanted, [asked.language], states)
    shutil.rmtree(asked.folder, ignore_errors=True)
    asked.folder.mkdir(parents=True)
    with open_chromium() as browser:
        pages = [archive.page(name, asked.language) for name in wanted]
        pictures = [picture for kept in pages for picture in _shoot(browser, archive, kept, asked.folder)]
    (asked.folder / "index.html").write_text(_sheet(pictures), "utf-8")
    print(f"{len(pictures)} pictures of {len(pages)} states: {asked.folder / 'index.html'}")


def _shoot(browser: Browser, archive: Archive, kept: Kept, folder: Path) -> Iterator[Picture]:
    slug = re.sub(r"[^a-z0-9]+", "-", kept.name.lower()).strip("-")
    for width, scheme in WINDOWS:
        yield _take(
            browser, archive, kept, Picture(kept.name, f"{width} {scheme}", f"{slug}-{width}-{scheme}.jpg"), folder
        )
    if kept.name in ON_PAPER:
        yield _take(browser, archive, kept, Picture(kept.name, "800 paper", f"{slug}-paper.jpg"), folder)


def _take(browser: Browser, archive: Archive, kept: Kept, picture: Picture, folder: Path) -> Picture:
    width, look = picture.window.split()
    context = browser.new_context(reduced_motion="reduce", viewport={"width": int(width), "height": 800})
    archive.serve_to(context, kept)
    page = context.new_page()
    if look == "paper":
        page.emulate_media(media="print")
    else:
        page.emulate_media(color_scheme=look)  # type: ignore[arg-type]
    page.goto(kept.url, wait_until="load")
    _wake_pictures(page)
    page.screenshot(path=folder / picture.file, full_page=True, type="jpeg", quality=80)
    context.close()
    return picture


def _wake_pictures(page: Page) -> None:
    """Photos further down wait until somebody scrolls there, and nobody does."""
    page.evaluate("""() => Promise.all([...document.images].map((image) => {
        image.loading = "eager";
        return image.decode().catch(() => {});
    }))""")


def _sheet(pictures: list[Picture]) -> str:
    """All pictures on one page, a row for each state."""
    rows = []
    for name in dict.fromkeys(picture.name for picture in pictures):
        own = [picture for picture in pictures if picture.name == name]
        shown = "".join(
            f'<a href="{picture.file}"><img src="{picture.file}" alt="{picture.window}" loading="lazy"></a>'
            for picture in own
        )
        rows.append(f"<h2>{html.escape(name)}</h2>\n<p>{shown}</p>")
    style = "body{font-family:sans-serif}p{display:flex;gap:1rem;align-items:start}img{max-height:480px;max-width:40vw}"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Screenshots</title><style>{style}</style>'
    return f"{head}<h1>{len(pictures)} pictures</h1>\n" + "\n".join(rows) + "</html>\n"


if __name__ == "__main__":
    main()
