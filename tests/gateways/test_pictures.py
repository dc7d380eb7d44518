"""gateways/pictures.py: what is no picture is refused, and what is one leaves everything private behind."""

import random
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from booking.domain import pictures as limits
from booking.domain.pictures import KeptPicture, PictureRefused
from booking.gateways import pictures
from booking.gateways.pictures import PictureFolder
from tests.support.pictures import BLUE, RED, bomb, draw, halves, with_place, written

KINDS = ("JPEG", "PNG", "WEBP", "AVIF")
OF_ALL_SIZES = {f"{width}.{kind}" for width in (400, 800, 1200, 1600) for kind in ("avif", "webp", "jpg")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


def keep(folder: Path, data: bytes) -> KeptPicture:
    return PictureFolder(folder).keep(data)


def opened(folder: Path, kept: KeptPicture, name: str) -> Image.Image:
    with Image.open(folder / kept.digest / name) as image:
        image.load()
        return image


def is_near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(seen - wanted) < 24 for seen, wanted in zip(pixel, colour, strict=True))


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_becomes_files_of_all_sizes_and_formats(folder: Path, kind: str) -> None:
    kept = keep(folder, draw((1700, 1000), kind))

    files = {file.name for file in (folder / kept.digest).iterdir()}
    assert files == OF_ALL_SIZES | {"share.jpg", "facts.json"}
    assert (kept.width, kept.height) == (1600, 941)
    for name in OF_ALL_SIZES:
        width, ending = name.split(".")
        image = opened(folder, kept, name)
        assert image.size == (int(width), round(941 * int(width) / 1600))
        assert image.format == {"avif": "AVIF", "webp": "WEBP", "jpg": "JPEG"}[ending]
        assert is_near(image.convert("RGB").getpixel((9, 9)), RED)


def test_a_small_picture_is_never_blown_up(folder: Path) -> None:
    kept = keep(folder, draw((500, 300)))

    assert (kept.width, kept.height) == (500, 300)
    assert {file.stem for file in (folder / kept.digest).iterdir()} == {"400", "500", "share", "facts"}
    assert opened(folder, kept, "share.jpg").size == (500, 262)


def test_the_shared_picture_is_the_middle_in_the_shape_that_networks_show(folder: Path) -> None:
    kept = keep(folder, draw((2000, 2000)))

    assert opened(folder, kept, "share.jpg").size == (1200, 630)


def test_a_picture_taken_sideways_is_turned_upright(folder: Path) -> None:
    kept = keep(folder, halves((1000, 600), exif=with_place(orientation=6)))

    image = opened(folder, kept, "600.jpg")
    assert (kept.width, kept.height) == image.size == (600, 1000)
    assert is_near(image.getpixel((300, 100)), RED)
    assert is_near(image.getpixel((300, 900)), BLUE)


@pytest.mark.parametrize("kind", KINDS)
def test_place_owner_and_comments_are_left_behind(folder: Path, kind: str) -> None:
    given = draw((900, 600), kind, exif=with_place(), icc_profile=ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")).tobytes(), xmp=b"<x:xmpmeta>Canary</x:xmpmeta>")  # fmt: skip
    assert b"Canary Telephones" in given
    assert place_in(BytesIO(given))

    kept = keep(folder, given)

    files = list((folder / kept.digest).iterdir())
    assert all(b"Canary" not in file.read_bytes() for file in files)
    for file in files:
        if file.suffix != ".json":
            assert not place_in(file)
            with Image.open(file) as image:
                assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


def place_in(file: Path | BytesIO) -> dict[int, object]:
    with Image.open(file) as image:
        return dict(image.getexif().get_ifd(0x8825))


def test_what_is_transparent_becomes_white(folder: Path) -> None:
    kept = keep(folder, draw((600, 400), "PNG", (10, 10, 10, 0)))

    assert is_near(opened(folder, kept, "600.jpg").getpixel((5, 5)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "I;16"])
def test_other_kinds_of_pixels_are_understood(folder: Path, mode: str) -> None:
    kept = keep(folder, written(Image.new(mode, (500, 400)), "JPEG" if mode == "CMYK" else "PNG"))

    assert opened(folder, kept, "500.avif").mode == "RGB"


def test_the_colour_is_the_one_the_picture_has_most_of(folder: Path) -> None:
    image = Image.new("RGB", (800, 500), RED)
    image.paste(BLUE, (0, 0, 250, 500))

    kept = keep(folder, written(image, "PNG"))

    red, green, blue = (int(kept.colour[at : at + 2], 16) for at in (1, 3, 5))
    assert is_near((red, green, blue), RED)


# --- twice, at once, and after a crash ------------------------------------------------------------------------------


def test_the_same_picture_twice_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keep(folder, draw((500, 400)))
    monkeypatch.setattr(pictures, "MAKER", folder / "nobody")

    assert keep(folder, draw((500, 400))) == first
    assert [path.name for path in folder.iterdir()] == [first.digest]


def test_the_same_picture_at_once_is_one_whole_folder(folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        kept = set(pool.map(lambda _: keep(folder, draw((450, 300))), range(4)))

    assert len(kept) == 1
    assert [path.name for path in folder.iterdir()] == [kept.pop().digest]


def test_what_a_crash_left_behind_gives_way_to_the_whole(folder: Path) -> None:
    whole = keep(folder, draw((500, 400)))
    (folder / whole.digest / "facts.json").unlink()
    (folder / whole.digest / "400.jpg").write_bytes(b"half of")

    assert keep(folder, draw((500, 400))) == whole
    assert opened(folder, whole, "400.jpg").size == (400, 320)


def test_dropped_files_are_gone_and_dropping_twice_is_no_error(folder: Path) -> None:
    kept = keep(folder, draw((500, 400)))

    PictureFolder(folder).drop(kept.digest)
    PictureFolder(folder).drop(kept.digest)

    assert list(folder.iterdir()) == []


def test_dropping_before_any_picture_was_kept_is_no_error(folder: Path) -> None:
    PictureFolder(folder).drop("0" * 64)


# --- what is refused ------------------------------------------------------------------------------------------------

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
WHOLE = written(Image.effect_noise((640, 480), 90).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        SVG,
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n%\xe2\xe3",
        b"\xff\xd8\xff\xe0" + bytes(40),
        draw((40, 40), "GIF"),
        draw((40, 40), "BMP"),
        draw((40, 40), "TIFF"),
        draw((40, 40), "ICO"),
        WHOLE[: len(WHOLE) // 2],
        draw((640, 480), "PNG")[:-400],
        draw((640, 480), "AVIF")[:-60],
        draw((640, 480), "WEBP", lossless=True)[:-8],
        bytes(random.Random(7).randbytes(5000)),
    ],
    ids="empty text svg html pdf jpeg-head gif bmp tiff ico half-jpeg half-png half-avif half-webp noise".split(),
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(folder: Path, data: bytes) -> None:
    with pytest.raises(PictureRefused) as refused:
        keep(folder, data)

    assert "no picture that can be read" in refused.value.user_message
    assert list(folder.iterdir()) == []


def test_a_picture_with_too_many_pixels_is_refused_before_one_of_them_is_read(folder: Path) -> None:
    # It has no pixels: whoever tried to read them would call it broken.
    with pytest.raises(PictureRefused, match="40 million pixels"):
        keep(folder, bomb(9000, 9000))
    with pytest.raises(PictureRefused, match="40 million pixels"):
        keep(folder, bomb(40_001, 1_000))
    with pytest.raises(PictureRefused, match="no picture that can be read"):
        keep(folder, bomb(8_000, 5_000))


def test_a_real_bomb_is_refused_by_its_size(folder: Path) -> None:
    data = written(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(data) < 100_000

    with pytest.raises(PictureRefused, match="40 million pixels"):
        keep(folder, data)


def test_a_ribbon_is_refused(folder: Path) -> None:
    with pytest.raises(PictureRefused, match="4 times the other"):
        keep(folder, draw((401, 100)))

    assert keep(folder, draw((400, 100))).width == 400


def test_a_file_that_is_too_big_is_refused_without_being_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAKER", folder / "nobody")

    with pytest.raises(PictureRefused, match="12 MB"):
        keep(folder, bytes(limits.MOST_BYTES + 1))


# --- the process that opens it --------------------------------------------------------------------------------------


def maker_that(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    script = folder.parent / "maker.py"
    script.write_text(code)
    monkeypatch.setattr(pictures, "MAKER", script)


def test_a_picture_that_takes_for_ever_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker_that(folder, monkeypatch, "while True: pass")
    monkeypatch.setattr(pictures, "PATIENCE_SECONDS", 0.2)

    with pytest.raises(PictureRefused, match="takes too long"):
        keep(folder, draw())

    assert list(folder.iterdir()) == []


def test_a_picture_whose_process_is_stopped_by_its_limits_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker_that(folder, monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)")

    with pytest.raises(PictureRefused, match="takes too long"):
        keep(folder, draw())


def test_the_process_knows_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_canary")
    maker_that(folder, monkeypatch, "import os; raise SystemExit(repr(dict(os.environ)))")

    with pytest.raises(OSError, match="could not be kept") as failed:
        keep(folder, draw())

    assert "canary" not in str(failed.value)


def test_a_full_disk_is_no_fault_of_the_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker_that(folder, monkeypatch, "raise OSError(28, 'No space left on device')")

    with pytest.raises(OSError, match="No space left"):
        keep(folder, draw())

    assert list(folder.iterdir()) == []


def test_the_process_limits_its_own_time_and_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = pictures.MAKER.read_text(encoding="utf-8").replace(
        "    print(json.dumps(main(", "    main(Path(sys.argv[1]), json.loads(sys.argv[2]))\n"
        "    raise SystemExit(repr([resource.getrlimit(w)[0] for w in (resource.RLIMIT_CPU, resource.RLIMIT_AS)]))\n"
        "    print(json.dumps(main(",
    )  # fmt: skip
    maker_that(folder, monkeypatch, told)

    with pytest.raises(OSError, match=r"\[40, 3221225472\]"):
        keep(folder, draw((40, 40)))


def test_a_folder_in_which_nothing_can_be_kept_is_known(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    assert PictureFolder(tmp_path / "not" / "there" / "yet").can_keep()
    assert not PictureFolder(tmp_path / "file" / "media").can_keep()
