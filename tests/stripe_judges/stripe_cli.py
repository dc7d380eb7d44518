"""The official Stripe CLI, fetched from npm once into a folder that git ignores, and how to run it."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.stripe_judges.fetching import NotFetched, alone, failed
from tests.support.servers import ROOT

PACKAGE = "@stripe/cli@1.52.0"
FOLDER = ROOT / ".cache" / "stripe-cli" / PACKAGE.rpartition("@")[2]
# The program lies in a package for each platform; the wrapper's install script, which npm may block, is not needed.
PROGRAMS = "node_modules/@stripe/cli-*/bin/stripe*"
KEY = "sk_test_1234567890abcdef"


def program() -> Path:
    """Where the CLI is; the first test that asks fetches it for all."""
    if not _found():
        with alone(FOLDER):
            if not _found():
                _install()
    return _found()[0]


def environment(home: Path) -> dict[str, str]:
    """No login, no telemetry, nothing left behind in anybody's home."""
    ours = {"HOME": str(home), "STRIPE_API_KEY": KEY, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
    return {"PATH": os.environ["PATH"], **ours}


def _found() -> list[Path]:
    return sorted(FOLDER.glob(PROGRAMS)) if (FOLDER / "complete").exists() else []


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotFetched(f"{PACKAGE} could not be installed: there is no npm")
    command = [npm, "install", "--prefix", str(FOLDER), "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, check=False)
    if done.returncode or not list(FOLDER.glob(PROGRAMS)):
        raise failed(FOLDER, f"{PACKAGE} could not be installed: {(done.stdout + done.stderr).strip()[-300:]}")
    (FOLDER / "complete").touch()
