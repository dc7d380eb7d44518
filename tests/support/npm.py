"""Programs and files that npm publishes, fetched once into a folder that git ignores; nothing of them is shipped."""

import shutil
import subprocess
from pathlib import Path

from tests.stripe_judges.fetching import NotFetched, alone, failed
from tests.support.servers import ROOT

FOLDER = ROOT / ".cache" / "npm"


def package(name_and_version: str) -> Path:
    """The folder of a package such as "axe-core@4.14.1"; whoever asks first fetches it for all.

    Raises:
        NotFetched: there is no npm, or no network; the text says which.
    """
    folder = FOLDER / name_and_version.replace("/", "+")
    if not (folder / "complete").exists():
        with alone(folder):
            if not (folder / "complete").exists():
                _install(folder, name_and_version)
    return folder / "node_modules" / name_and_version.rpartition("@")[0]


def _install(folder: Path, name_and_version: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotFetched(f"{name_and_version} could not be installed: there is no npm")
    # Scripts of packages are not run: what is wanted lies in the packages as they are.
    command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", name_and_version]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-300:]
        raise failed(folder, f"{name_and_version} could not be installed: {said}")
    (folder / "complete").touch()
