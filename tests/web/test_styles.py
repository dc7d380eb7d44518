"""The style sheets: small, whole in both schemes, readable, and asking nobody else for anything."""

import gzip
import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
SHEETS = sorted(path for path in CSS.glob("*.css") if not path.name.startswith("admin"))
MOST_BYTES = 14 * 1024
TEXT, LARGE = 4.5, 3.0
# What is written on what, and how much it must stand out.
PAIRS = [
    ("ink", "paper", TEXT), ("ink", "surface", TEXT), ("ink-soft", "paper", TEXT), ("ink-soft", "surface", TEXT),
    ("accent", "paper", TEXT), ("accent", "surface", TEXT), ("accent", "accent-wash", TEXT),
    ("ink", "accent-wash", TEXT), ("ink-soft", "accent-wash", TEXT), ("ink", "warm-wash", TEXT),
    ("warm", "warm-wash", TEXT), ("warm", "paper", TEXT), ("warm", "surface", TEXT), ("on-accent", "accent", TEXT),
    ("on-accent", "accent-deep", TEXT), ("paper", "warm", TEXT), ("on-danger", "danger", TEXT),
    ("rule-strong", "surface", LARGE), ("rule-strong", "paper", LARGE), ("focus", "paper", LARGE),
    ("focus", "surface", LARGE), ("focus", "focus-gap", LARGE),
]  # fmt: skip


def blocks():
    """The custom properties of each block of tokens.css: light, dark by the device, dark by choice."""
    found = re.findall(r"([^{}]*)\{((?:\s*(?:--|color-scheme)[^{}]*;)+)\s*\}", (CSS / "tokens.css").read_text())
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", body)) for _, body in found if "--paper" in body]


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_all_sheets_of_the_guests_pages_together_are_small():
    # What Brotli makes of them is smaller still.
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in SHEETS) <= MOST_BYTES


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_sheet_asks_nobody_else_for_anything(path):
    text = path.read_text()

    assert "@import" not in text
    assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", text)


def test_dark_by_choice_is_dark_by_device():
    light, by_device, by_choice = blocks()

    assert by_device == by_choice
    assert set(by_device) == set(light)
    assert not {name for name in light if light[name] == by_device[name]}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_what_is_written_stands_out_from_what_lies_behind(scheme, front, back, least):
    colours = blocks()[scheme]

    assert contrast(colours[front], colours[back]) >= least


def test_motion_is_only_for_those_who_want_it():
    for path in SHEETS:
        for found in re.finditer(r"@view-transition|transition:|animation:|scroll-behavior: smooth", path.read_text()):
            before = path.read_text()[: found.start()]
            assert "prefers-reduced-motion: no-preference" in before[-200:], f"{path.name}: {found[0]}"


def test_every_sheet_puts_its_rules_into_a_layer():
    for path in SHEETS:
        assert "@layer" in path.read_text(), path.name
