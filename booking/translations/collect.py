"""Collects every sentence for guests, and keeps the catalogues in step: `make translations`.

Sentences are found where they are said: in templates, and in calls of gettext and `say`. A new one stands untranslated
in each catalogue until somebody translates it; a test fails as long as one does.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from booking.config import ROOT
from booking.language import DEFAULT, LANGUAGES, TRANSLATIONS

KEYWORDS = ("_", "say", "say_count:1,2", "lazy_gettext", "lazy_ngettext:1,2", "lazy_pgettext:1c,2")


def collect(template: Path) -> None:
    """Write all sentences, untranslated, into one file."""
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    _pybabel(
        "extract", "-F", str(TRANSLATIONS / "babel.cfg"), *keywords, "-c", "Translators:", "--no-location",
        "--sort-output", "--project", "Holdfast", "--version", "", "-o", str(template), ".",
    )  # fmt: skip


def main() -> None:
    """Bring each catalogue up to date, and compile it into the form that programs read."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        collect(template)
        for code in (code for code in LANGUAGES if code != DEFAULT):
            _renew(template, code)


def _renew(template: Path, code: str) -> None:
    file = TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"
    verb = ("update", "--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date")
    known = verb if file.exists() else ("init",)
    _pybabel(*known, "-i", str(template), "-d", str(TRANSLATIONS), "-l", code)
    _pybabel("compile", "-d", str(TRANSLATIONS), "-l", code, "--statistics")


def _pybabel(*arguments: str) -> None:
    subprocess.run((sys.executable, "-m", "babel.messages.frontend", *arguments), cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
