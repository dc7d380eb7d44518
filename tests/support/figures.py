"""Figures of a run, for docs/reliability.md: written by the tests that measure them, and only where the run asks."""

import json
import os
from pathlib import Path


def note_figures(name: str, **figures: float | int | str) -> None:
    """Keep what a test measured, as `<name>.json` in the folder that `FIGURES` names; nothing where it names none."""
    folder = os.environ.get("FIGURES")
    if folder:
        path = Path(folder) / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, sort_keys=True) + "\n", "utf-8")
