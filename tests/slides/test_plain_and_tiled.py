"""Strips and tiles of one picture are the same slide, whichever library decodes them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from orbicyte.data.images import read_patch
from orbicyte.errors import OrbicyteError
from orbicyte.slides.check import check_slide
from orbicyte.slides.reader import UnreadableSlide, open_slide

RGB = np.random.default_rng(0).integers(0, 256, (150, 210, 3), dtype=np.uint8)
GREY = RGB[..., 0]
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rgb": (RGB, {"photometric": "rgb"}),
    "planes": (RGB.transpose(2, 0, 1).copy(), {"photometric": "rgb", "planarconfig": "separate"}),
    "grey": (GREY, {"photometric": "minisblack"}),
    "white is zero": (GREY, {"photometric": "miniswhite"}),
    "deflate": (RGB, {"photometric": "rgb", "compression": "zlib"}),
    "16 bits": (RGB.astype("u2") * 257, {"photometric": "rgb"}),
    "16 bits grey": (GREY.astype("u2") * 257, {"photometric": "minisblack"}),
    "floats": ((RGB / 255).astype("f4"), {"photometric": "rgb"}),
    "transparent": (np.dstack([RGB, GREY]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "upside down": (RGB, {"photometric": "rgb", "extratags": [(274, 3, 1, 3, True)]}),
    "on its side": (RGB, {"photometric": "rgb", "extratags": [(274, 3, 1, 6, True)]}),
    "jpeg 2000": (RGB, {"photometric": "rgb", "compression": "jpeg2000"}),
    "zstd": (RGB, {"photometric": "rgb", "compression": "zstd"}),
    "resolution": (RGB, {"photometric": "rgb", "resolution": (40000, 40000), "resolutionunit": 3}),
    "not square": (RGB, {"photometric": "rgb", "resolution": (40000, 38000), "resolutionunit": 3}),
    "palette": (GREY, {"photometric": "palette", "colormap": np.arange(768, dtype="u2").reshape(3, 256) * 80}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_strips_and_tiles_have_the_same_pixels_size_and_scale(tmp_path: Path, kind: str) -> None:
    values, options = KINDS[kind]
    found = []
    for name, layout in (("strips", {"rowsperstrip": 50}), ("tiles", {"tile": (64, 64)})):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, values, metadata=None, **layout, **options)
        with open_slide(path) as slide:
            info = slide.info
            pixels = slide.region(0, 0, 210, 150)
            np.testing.assert_array_equal(pixels, read_patch(path))
            found.append((pixels.tobytes(), info.width_px, info.height_px, info.mpp, info.why_no_mpp))
    assert found[0] == found[1]


def test_inverted_values_are_stated_for_strips_as_for_tiles(tmp_path: Path) -> None:
    for layout in ({"rowsperstrip": 50}, {"tile": (64, 64)}):
        tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", metadata=None, **layout)
        with open_slide(tmp_path / "a.tif", value_range=(255, 0)) as slide:
            np.testing.assert_array_equal(slide.region(0, 0, 210, 150), 255 - RGB)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 50}, {"tile": (64, 64)}])
def test_a_slide_of_three_pages_is_refused(tmp_path: Path, layout: dict[str, Any]) -> None:
    planes = RGB.transpose(2, 0, 1).copy()
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", metadata=None, **layout)
    with pytest.raises(UnreadableSlide, match=r"3 pages, of which one would be read: .* merged into one RGB page"):
        open_slide(tmp_path / "a.tif")


def test_a_label_in_strips_beside_a_tiled_slide_is_no_second_slide(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(RGB, photometric="rgb", tile=(64, 64), metadata=None)
        writer.write(RGB[:60, :50].copy(), photometric="rgb", metadata=None)
    with open_slide(tmp_path / "a.tif") as slide:
        assert slide.info.vendor == "generic-tiff"


def test_what_cannot_be_read_says_what_it_is_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.data.images.MAX_PIXELS", 1000)
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", compression="jpeg2000", tile=(64, 64))
    problem = check_slide(tmp_path / "a.tif").problem or ""
    assert problem.startswith("it has pixels compressed with JPEG2000, which are read only as a whole: 210 x 150 px")
    assert "convert it to a tiled pyramid: vips tiffsave" in problem


def test_pixels_that_are_not_square_and_implausible_scales_are_named(tmp_path: Path) -> None:
    for dots, words in (((40000, 38000), "its pixels are not square, 0.25 x 0.2632 µm"), ((28.3, 28.3), "states 353")):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, RGB, photometric="rgb", tile=(64, 64), resolution=dots, resolutionunit=3)
        problem = check_slide(path).problem or ""
        assert problem.startswith("no µm per pixel: ")
        assert words in problem
        assert problem.endswith("give --mpp or --mpp-csv")
        with open_slide(path) as slide, pytest.raises(OrbicyteError, match=words):
            slide.read(0, 0, 8, 8, 0.5)


def test_many_directories_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    number = 100_000
    entry = (256).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little") + bytes(4)
    small = (1).to_bytes(2, "little") + entry + bytes(4)
    start = 8 + 2 + 12 + 4
    table = b"".join((start + 4 * number + i * len(small)).to_bytes(4, "little") for i in range(number))
    nested = (330).to_bytes(2, "little") + (4).to_bytes(2, "little") + number.to_bytes(4, "little")
    first = (1).to_bytes(2, "little") + nested + start.to_bytes(4, "little") + bytes(4)
    path.write_bytes(b"II*\0" + (8).to_bytes(4, "little") + first + table + small * number)
    with pytest.raises(UnreadableSlide, match="more than 10,000 directories"):
        open_slide(path)
