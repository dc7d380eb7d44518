"""The folder of the pictures: checks what it is given, and keeps it in every size and format under its digest."""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from booking.domain.pictures import (
    LONGEST_TO_SHORTEST,
    MOST_BYTES,
    MOST_PIXELS,
    SHARED_HEIGHT,
    SHARED_NAME,
    SHARED_WIDTH,
    WIDTHS,
    KeptPicture,
    PictureRefused,
)
from booking.domain.words import Said, say

logger = logging.getLogger(__name__)

# A picture of 40 million pixels takes a few seconds; what takes this long was made to.
PATIENCE_SECONDS = 60
MAKER = Path(__file__).with_name("picture_maker.py")
_FACTS = "facts.json"
_ASIDE = ".aside"  # no name that anything is served by
_LIMITS = {
    "pixels": MOST_PIXELS,
    "shape": LONGEST_TO_SHORTEST,
    "widths": WIDTHS,
    "shared": (SHARED_WIDTH, SHARED_HEIGHT),
    "shared_name": SHARED_NAME,
}
_TOO_SLOW = say("This picture takes too long to open. Save it anew with another program and try again.")
_REASONS: dict[str, Said] = {
    "pixels": say("This picture is too large. It may have {most} million pixels at most.",
                  most=MOST_PIXELS // 1_000_000),
    "shape": say("This picture is too long and narrow. One side may be {times} times the other at most.",
                 times=LONGEST_TO_SHORTEST),
}  # fmt: skip


class PictureFolder:
    """Keeps pictures below one folder, which all hosts of a shop share.

    The files of a picture come into being together: they are made beside their place and moved there in one step, so
    that nobody ever sees half of them. The same picture twice is once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> KeptPicture:
        """Make the files of a picture, unless they are there already. Takes seconds; hold no transaction meanwhile.

        Raises PictureRefused, with words for whoever gave it.
        """
        _refuse_too_big(data)
        digest = hashlib.sha256(data).hexdigest()
        kept = self._find(digest)
        if kept is None:
            self._make(digest, data)
            kept = self._find(digest)
        if kept is None:
            raise OSError(f"the files of {digest} vanished while they were made")
        return kept

    def set_aside(self, data: bytes) -> str:
        """Put a file beside the pictures until somebody has the time to make one of it; the key to it.

        Nobody is served anything from there. Raises PictureRefused where it is too big.
        """
        _refuse_too_big(data)
        key = hashlib.sha256(data).hexdigest()
        aside = self._folder / _ASIDE
        aside.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=aside, prefix=".new-", delete=False) as file:
            file.write(data)
        Path(file.name).rename(aside / key)  # whole or not at all
        return key

    def keep_aside(self, key: str) -> KeptPicture:
        """Make the files of a picture that was set aside. Takes seconds. Raises PictureRefused."""
        kept = self._find(key)
        if kept is not None:
            return kept
        try:
            data = (self._folder / _ASIDE / key).read_bytes()
        except FileNotFoundError:
            raise PictureRefused(say("The file is not there any more. Choose it once more.")) from None
        return self.keep(data)

    def drop_aside(self, key: str) -> None:
        """Forget a file that was set aside, if it is there."""
        (self._folder / _ASIDE / key).unlink(missing_ok=True)

    def drop_old_asides(self, before: datetime) -> int:
        """Forget what was set aside before then and fetched by nobody, as after a crash; how many files."""
        old = [file for file in (self._folder / _ASIDE).glob("*") if file.stat().st_mtime < before.timestamp()]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def drop(self, digest: str) -> None:
        """Delete the files of a picture, if they are there."""
        if not (self._folder / digest).exists():
            return
        # Moved away first, so that nobody finds a picture of which half the files are gone.
        with (
            tempfile.TemporaryDirectory(dir=self._folder, prefix=".gone-") as bin_,
            suppress(FileNotFoundError),
        ):
            (self._folder / digest).rename(Path(bin_) / digest)

    def find_lost(self, digests: Iterable[str]) -> list[str]:
        """Those pictures that have no files here, as after a restored backup that left them out."""
        return [digest for digest in digests if self._find(digest) is None]

    def can_keep(self) -> bool:
        """Whether this process may write in the folder, or make it where it is not there yet."""
        nearest = next(place for place in (self._folder, *self._folder.absolute().parents) if place.exists())
        return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)

    def _find(self, digest: str) -> KeptPicture | None:
        try:
            facts = json.loads((self._folder / digest / _FACTS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return KeptPicture(digest, facts["width"], facts["height"], facts["colour"])

    def _make(self, digest: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as scratch:
            files = Path(scratch) / digest
            files.mkdir()
            (files / _FACTS).write_text(json.dumps(_run_maker(files, data)), encoding="utf-8")
            self._put_in_place(files, self._folder / digest)

    def _put_in_place(self, files: Path, place: Path) -> None:
        try:
            files.rename(place)
        except OSError:
            # Somebody else made the same files meanwhile; a folder that is not whole, after a crash, gives way.
            if self._find(place.name) is None:
                shutil.rmtree(place)
                files.rename(place)


def _refuse_too_big(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise PictureRefused(say("This file is too big. It may have {most} MB at most.", most=MOST_BYTES // 1_000_000))


def _run_maker(files: Path, data: bytes) -> dict[str, Any]:
    # -I: the maker's own folder holds modules that are named like those of other libraries. Nor is it told any setting:
    # whoever takes it over with a picture shall find no key.
    command = [sys.executable, "-I", str(MAKER), str(files), json.dumps(_LIMITS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE_SECONDS, check=False, env={})
    except subprocess.TimeoutExpired as late:
        raise PictureRefused(_TOO_SLOW) from late
    if done.returncode < 0:  # stopped by the limits it set itself
        logger.warning("picture_refused", extra={"reason": f"signal {-done.returncode}"})
        raise PictureRefused(_TOO_SLOW)
    if done.returncode:
        raise OSError(f"the picture could not be kept: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return _read_answer(json.loads(done.stdout))


def _read_answer(answer: dict[str, Any]) -> dict[str, Any]:
    reason = answer.get("refused")
    if reason is None:
        return answer
    logger.info("picture_refused", extra={"reason": answer.get("because", reason)})
    raise PictureRefused(_REASONS.get(reason))
