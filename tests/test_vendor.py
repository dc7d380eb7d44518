"""Files made by others are exactly the ones written down, each with its version and its licence beside it."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "static"
ROW = re.compile(r"^\| `([^`]+)` \|.*\| ([\w.]+) \| [^|]*\(`([^`]+)`\) \| `([0-9a-f]{64})` \|$", re.M)
ROWS = ROW.findall((STATIC / "vendor.md").read_text())


@pytest.mark.parametrize(("file", "version", "licence", "digest"), ROWS, ids=[row[0] for row in ROWS])
def test_each_file_is_the_one_that_was_written_down(file, version, licence, digest):
    assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() == digest
    assert version[0].isdigit()
    assert (STATIC / licence).read_text().strip()


def test_nothing_of_others_lies_here_unwritten():
    found = {*(STATIC / "vendor").rglob("*"), *(STATIC / "fonts").rglob("*")}
    written = {STATIC / name for file, _, licence, _ in ROWS for name in (file, licence)}

    assert {path for path in found if path.is_file()} <= written


def test_the_drawings_of_amenities_come_with_their_licence():
    assert "ISC License" in (ROOT / "templates/icons/LICENSE.txt").read_text()


def test_own_scripts_are_small_and_the_calendar_of_others_is_fetched_by_no_page():
    assert (STATIC / "js/stay.js").stat().st_size <= 6_500
    assert (STATIC / "js/dates.js").stat().st_size <= 4_500
    templates = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    assert not any(re.search(r'(src|href)="\{\{ asset\(.vendor/', text) for text in templates)
