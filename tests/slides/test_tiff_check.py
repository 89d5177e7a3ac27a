import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.slides.check import check_slide
from orbicyte.slides.reader import UnreadableSlide, open_slide
from orbicyte.slides.tiff_check import find_truncation

Pixels = NDArray[np.uint8]

KINDS: dict[str, dict[str, Any]] = {
    "jpeg": {"compression": "jpeg"},
    "bigtiff": {"bigtiff": True},
    "big-endian": {"byteorder": ">"},
    "strips": {"tile": None, "rowsperstrip": 16, "compression": None},
    "described": {"description": "Aperio Image" + " word" * 200},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_file_passes_and_one_truncated_anywhere_does_not(
    write_pyramid: Callable[..., Path], speckled: Pixels, kind: str
) -> None:
    path = write_pyramid("a.tif", speckled, levels=3, **KINDS[kind])
    assert find_truncation(path) is None
    open_slide(path).close()
    content = path.read_bytes()
    for size in [*np.random.default_rng(0).integers(1, len(content), 60), 9, 17, len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(UnreadableSlide) as caught:
            open_slide(path)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
        if size > 16:
            assert f"truncated at byte {size:,}: " in str(caught.value)


def test_nested_directories_are_checked(tmp_path: Path, speckled: Pixels) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(speckled, tile=(64, 64), subifds=1, photometric="rgb", metadata=None)
        writer.write(speckled[::2, ::2], tile=(64, 64), subfiletype=1, photometric="rgb", metadata=None)
    assert find_truncation(path) is None
    path.write_bytes(path.read_bytes()[:-2000])
    assert "tiles of page 2 are missing" in (find_truncation(path) or "")


@pytest.mark.parametrize("start", [0, 3 << 32])
def test_ndpi_with_its_wide_links_is_complete(tmp_path: Path, start: int) -> None:
    """A sparse file: strips and directory are at positions that 32-bit links cannot represent."""
    path, strip = tmp_path / "a.ndpi", start + 2000
    tags = [
        (256, 4, 1, 8),
        (257, 4, 1, 8),
        (271, 2, 4, 0x616D6148),
        (273, 4, 1, strip & 0xFFFFFFFF),
        (279, 4, 1, 500),
        (65420, 4, 1, 1),
    ]
    offset = start + 5000
    with path.open("wb") as file:
        file.write(struct.pack("<2sHQ", b"II", 42, offset))
        file.seek(offset)
        file.write(struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags))
        file.write(struct.pack("<Q", 0) + b"".join(struct.pack("<I", (start >> 32) * (tag[0] == 273)) for tag in tags))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ndpi
        assert tiff.pages.first.dataoffsets == (strip,)
    assert find_truncation(path) is None
    with path.open("r+b") as file:
        file.truncate(offset + 20)
    if start == 0:
        assert "a directory should be at byte 5,002" in (find_truncation(path) or "")
    with pytest.raises(UnreadableSlide):
        open_slide(path)


def test_circular_directories_do_not_loop_for_ever(write_pyramid: Callable[..., Path], speckled: Pixels) -> None:
    path = write_pyramid("a.tif", speckled)
    content = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", content, 4)[0]
    entries = struct.unpack_from("<H", content, first)[0]
    struct.pack_into("<I", content, first + 2 + 12 * entries, first)
    path.write_bytes(content)
    assert find_truncation(path) is None


def test_unknown_structures_are_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for content in (b"", b"II", b"\x89PNG\r\n", b"II*\0\x08\0\0\0\xff\xff" + b"x" * 40):
        path.write_bytes(content)
        assert find_truncation(path) is None


def test_real_slides_are_complete_and_truncated_copies_are_not(data: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole = [path for path in sorted((data / "slides").iterdir()) if path.name != "broken.svs"]
    assert len(whole) == 3
    for path in whole:
        assert find_truncation(path) is None
        cut = tmp_path / path.name
        shutil.copyfile(path, cut)
        cut.chmod(0o600)
        for size in sorted(random.integers(1, path.stat().st_size, 25), reverse=True):
            with cut.open("r+b") as file:
                file.truncate(size)
            with pytest.raises(UnreadableSlide, match=f"truncated at byte {size:,}: "):
                open_slide(cut)


@pytest.mark.parametrize("layout", [{"tile": (64, 64)}, {"tile": None, "rowsperstrip": 16}])
@pytest.mark.parametrize("side", ["ImageWidth", "ImageLength"])
def test_a_header_that_claims_more_than_there_is_does_not_pass(
    tmp_path: Path, speckled: Pixels, layout: dict[str, Any], side: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, speckled, photometric="rgb", metadata=None, **layout)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags[side].overwrite(65535)
    problem = check_slide(path, 0.25, whole=True).problem or ""
    assert "its size needs" in problem or (side == "ImageWidth" and problem)


def test_a_slide_of_which_all_tiles_are_empty_is_refused(tmp_path: Path, speckled: Pixels) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, speckled, photometric="rgb", metadata=None, tile=(64, 64))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        for name in ("TileOffsets", "TileByteCounts"):
            tags[name].overwrite([0] * tags[name].count)
    with pytest.raises(UnreadableSlide, match=r"no pixels: all [0-9]+ tiles of page 1 are empty"):
        open_slide(path)
