"""Pictures for tests: drawn by Pillow, and some that nobody should accept."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)


def draw(size: tuple[int, int] = (1700, 1000), kind: str = "JPEG", colour: Any = RED, **more: Any) -> bytes:
    """A picture of one colour."""
    mode = {3: "RGB", 4: "RGBA"}[len(colour)]
    return written(Image.new(mode, size, colour), kind, **more)


def halves(size: tuple[int, int], kind: str = "JPEG", **more: Any) -> bytes:
    """A picture that is red on the left and blue on the right, so that one sees how it lies."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return written(image, kind, **more)


def with_place(orientation: int = 1) -> Image.Exif:
    """What a telephone writes beside the pixels: how it was held, whose it is, and where that was."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Canary Telephones"
    exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 40.0, 34.0), 3: "E", 4: (12.0, 34.0, 6.0)})
    return exif


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge, and has no pixels at all."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")


def written(image: Image.Image, kind: str, **more: Any) -> bytes:
    """An image as the bytes of a file."""
    file = BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
