"""Files of which decoders make up a part without an error; none of them is read as an image or a slide."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from orbicyte.data.conversion import UnreadableImage
from orbicyte.data.images import read_patch
from orbicyte.slides.check import check_slide

SMOOTH = gaussian_filter(np.random.default_rng(0).normal(size=(120, 200, 3)), (4, 4, 0))
PIXELS = (60 + 120 * (SMOOTH - SMOOTH.min()) / np.ptp(SMOOTH)).astype(np.uint8)


def require_refused(path: Path) -> None:
    with pytest.raises(UnreadableImage):
        read_patch(path)
    for whole in (False, True):
        row = check_slide(path, whole=whole)
        assert not row.readable
        assert "\n" not in (row.problem or "")


def jpeg(path: Path, **options: Any) -> bytes:
    Image.fromarray(PIXELS).save(path, "jpeg", **options)
    return path.read_bytes()


KINDS: list[dict[str, Any]] = [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0, "quality": 95}]


@pytest.mark.parametrize("options", KINDS)
def test_a_jpeg_cut_in_half_that_ends_in_an_end_marker_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.jpg"
    content = jpeg(path, **options)
    assert read_patch(path).shape == PIXELS.shape
    path.write_bytes(content[: len(content) // 2] + b"\xff\xd9")
    require_refused(path)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("height", [240, 300, 65_500])
def test_a_jpeg_of_another_height_is_refused(tmp_path: Path, options: dict[str, Any], height: int) -> None:
    content = bytearray(jpeg(tmp_path / "a.jpg", **options))
    frame = content.index(b"\xff\xc2" if "progressive" in options else b"\xff\xc0")
    content[frame + 5 : frame + 7] = struct.pack(">H", height)
    (tmp_path / "a.jpg").write_bytes(content)
    require_refused(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", KINDS)
def test_a_complete_jpeg_that_ends_in_grey_is_read(tmp_path: Path, mode: str, options: dict[str, Any]) -> None:
    grey = PIXELS.copy()
    grey[60:] = 128
    Image.fromarray(grey).convert(mode).save(tmp_path / "a.jpg", **options)
    assert read_patch(tmp_path / "a.jpg").shape == PIXELS.shape
    assert check_slide(tmp_path / "a.jpg", whole=True).readable


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_a_png_of_twice_its_height_is_refused(tmp_path: Path, mode: str) -> None:
    Image.fromarray(PIXELS).convert(mode).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[20:24] = struct.pack(">I", 240)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    require_refused(tmp_path / "a.png")


def test_a_complete_png_that_ends_in_black_is_read(tmp_path: Path) -> None:
    black = PIXELS.copy()
    black[60:] = 0
    for mode in ("RGB", "L", "RGBA", "P", "1"):
        Image.fromarray(black).convert(mode).save(tmp_path / "a.png")
        assert read_patch(tmp_path / "a.png").shape == PIXELS.shape


@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("kind", ["u1", "u2", "grey"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("which", [0, -1])
def test_a_deflate_tiff_whose_checksum_fails_is_refused(
    tmp_path: Path, tile: tuple[int, int] | None, kind: str, predictor: bool, which: int
) -> None:
    values = PIXELS[..., 0] if kind == "grey" else PIXELS.astype(kind)
    colours = "minisblack" if kind == "grey" else "rgb"
    rows = None if tile else 50
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"compression": "zlib", "predictor": predictor, "tile": tile, "rowsperstrip": rows}
    tifffile.imwrite(path, values, photometric=colours, **options)
    assert check_slide(path, whole=True).readable
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        at = page.dataoffsets[which] + page.databytecounts[which] // 2
    content = bytearray(path.read_bytes())
    content[at] ^= 0x11
    path.write_bytes(content)
    require_refused(path)


@pytest.mark.parametrize("change", ["rows", "bytes"])
def test_a_jpeg_strip_that_is_too_short_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", compression="jpeg", rowsperstrip=120)
    assert read_patch(path).shape == PIXELS.shape
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags, count = tiff.pages.first.tags, tiff.pages.first.databytecounts[0]
        if change == "rows":
            tags["ImageLength"].overwrite(240)
            tags["RowsPerStrip"].overwrite(240)
        else:
            tags["StripByteCounts"].overwrite(count // 2)
    require_refused(path)
