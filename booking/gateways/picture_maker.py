"""The program that opens a picture somebody gave us: run by its path, in a process of its own that may be stopped.

It imports nothing of the shop, reads the picture from its standard input, writes the files of all sizes into a folder,
and answers with one line of JSON: the facts of the picture, or why it was refused.
"""

import json
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

# By decoding, not by name: anything else, SVG included, is no picture to us.
READ = ("JPEG", "PNG", "WEBP", "AVIF")
# AVIF at its default speed takes ten times as long for files a quarter smaller.
HOW: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 46, "speed": 9, "max_threads": 1},
    "webp": {"format": "WEBP", "quality": 80, "method": 4},
    "jpg": {"format": "JPEG", "quality": 80, "progressive": True, "optimize": True},
}
CPU_SECONDS = 40
MEMORY_BYTES = 3 * 2**30
_PALETTE = 8


class Refused(Exception):
    """Not a picture for us; the text is a code that the shop has words for."""


def main(folder: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """Write all files of the picture on standard input; its facts, or the reason it was refused."""
    _limit_this_process()
    try:
        upright = _decode(sys.stdin.buffer.read(), limits)
    except Refused as refused:
        return {"refused": str(refused)}
    # What a broken or hostile file makes a decoder raise is anybody's guess, and here nothing else is done.
    except Exception as error:
        return {"refused": "unreadable", "because": type(error).__name__}
    largest = _shrunk(upright, min(upright.width, limits["widths"][-1]))
    _write(largest, folder, [width for width in limits["widths"] if width < largest.width])
    _save(_cropped(upright, *limits["shared"]), folder / limits["shared_name"])
    return {"width": largest.width, "height": largest.height, "colour": _main_colour(largest)}


def _limit_this_process() -> None:
    for what, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        with suppress(ValueError, OSError):  # some systems know no such limit; the shop's own patience still ends
            resource.setrlimit(what, (most, most))


def _decode(data: bytes, limits: dict[str, Any]) -> Image.Image:
    """The picture as it is meant to be seen: upright, in the colours of the web, on white, without a word about it."""
    Image.MAX_IMAGE_PIXELS = None  # Pillow warns at one size and refuses at another; ours is smaller than both
    with Image.open(BytesIO(data), formats=READ) as image:
        _refuse_size(image.width, image.height, limits)  # before load(), which is what takes the memory
        upright = ImageOps.exif_transpose(image)
        return _on_white(_in_srgb(upright))


def _refuse_size(width: int, height: int, limits: dict[str, Any]) -> None:
    if width * height > limits["pixels"]:
        raise Refused("pixels")
    if max(width, height) > limits["shape"] * min(width, height):
        raise Refused("shape")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Telephones take pictures in wider colours, which look pale where nobody says so."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        return (
            ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            or image
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    sheet = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(sheet, image.convert("RGBA")).convert("RGB")


def _write(largest: Image.Image, folder: Path, smaller: list[int]) -> None:
    image = largest
    for width in sorted({*smaller, largest.width}, reverse=True):
        # Each from the one before: as good, and quicker. All of one shape, to the pixel.
        image = _resized(image, width, round(largest.height * width / largest.width))
        for kind in HOW:
            _save(image, folder / f"{width}.{kind}")


def _shrunk(image: Image.Image, width: int) -> Image.Image:
    return _resized(image, width, round(image.height * width / image.width))


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, max(1, height)), Image.Resampling.LANCZOS)


def _cropped(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle in the shape of a shared picture, and never larger than what there is."""
    share = min(1.0, image.width / width, image.height / height)
    return ImageOps.fit(image, (max(1, int(width * share)), max(1, int(height * share))), Image.Resampling.LANCZOS)


def _save(image: Image.Image, file: Path) -> None:
    # Only the pixels: what a camera wrote beside them (place, owner, a small picture of its own) is left behind.
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    bare.save(file, **HOW[file.suffix.removeprefix(".")])


def _main_colour(image: Image.Image) -> str:
    """The colour the picture has most of, as "#c9a27e"."""
    small = image.resize((64, 64)).quantize(_PALETTE).convert("RGB")
    (((red, green, blue), _count),) = Counter(_pixels(small)).most_common(1)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _pixels(image: Image.Image) -> Iterator[tuple[int, int, int]]:
    data = image.tobytes()
    return ((data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))
