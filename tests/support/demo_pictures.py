"""Paints the drawings of the demo shop (static/img/demo/*.svg) as WebP beside them, for the shop reads no drawings.

`python -m tests.support.demo_pictures`, after a drawing was changed or added; needs Chromium.
"""

import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from booking.config import ROOT

FOLDER = ROOT / "static" / "img" / "demo"
WIDTH, HEIGHT = 1600, 1000


def paint_all() -> list[Path]:
    """Paint every drawing anew; the files written."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        painted = [_paint(page, drawing) for drawing in sorted(FOLDER.glob("*.svg"))]
        browser.close()
    return painted


def _paint(page: Page, drawing: Path) -> Path:
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100vw; height: 100vh }}</style>"
                     f"{drawing.read_text(encoding='utf-8')}")  # fmt: skip
    picture = drawing.with_suffix(".webp")
    Image.open(BytesIO(page.screenshot())).convert("RGB").save(picture, "WEBP", quality=90, method=6)
    return picture


if __name__ == "__main__":
    for file in paint_all():
        print(f"{file.name}: {file.stat().st_size // 1024} KB")
