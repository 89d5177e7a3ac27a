from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from orbicyte.data.conversion import UnreadableImage, colours, eight_bit_rgb
from orbicyte.data.images import read_patch
from orbicyte.data.reading import value_ranges

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
RGB[0, 0] = 255
GREY = RGB[..., :1]


@pytest.mark.parametrize("opaque", [4095, 65535])
@pytest.mark.parametrize("colour", [RGB, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_transparency_has_a_range_of_its_own(
    tmp_path: Path, suffix: str, colour: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], opaque: int
) -> None:
    """A camera of 12 bits: opaque is its white or that of 16 bits, and does not decide what white is."""
    opacity = np.full((20, 30, 1), opaque, np.uint16)
    opacity[5] = 0
    values, path = np.dstack([colour.astype(np.uint16) << 4, opacity]), tmp_path / f"a.{suffix}"
    if suffix == "png":
        path.write_bytes(imagecodecs.png_encode(values))
    else:
        model = "rgb" if colour is RGB else "minisblack"
        tifffile.imwrite(path, values, photometric=model, extrasamples=["unassalpha"], planarconfig="contig")
    ranges = value_ranges([path])
    assert ranges.integer is not None
    assert ranges.integer.white == 4095
    expected = np.broadcast_to(colour, RGB.shape).copy()
    expected[5] = 255
    assert np.abs(read_patch(path, ranges).astype(int) - expected).max() <= 1


def test_opaque_floats(tmp_path: Path) -> None:
    for opaque in (1, 255):
        values = np.dstack([RGB / 255, np.full((20, 30), opaque)]).astype(np.float32)
        np.testing.assert_array_equal(eight_bit_rgb(values), RGB)
        assert colours(values).shape == (20, 30, 3)


def test_what_is_no_number_of_a_pixel_is_refused() -> None:
    for kind in ("c8", "M8[s]", "S1"):
        with pytest.raises(UnreadableImage, match="expected integers or floating-point numbers"):
            eight_bit_rgb(np.zeros((20, 30), kind))


def test_large_images_are_converted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RGB.astype(np.uint16) * 257
    monkeypatch.setattr("orbicyte.data.conversion.BLOCK", 200)
    np.testing.assert_array_equal(eight_bit_rgb(values), RGB)
    np.testing.assert_array_equal(eight_bit_rgb(np.dstack([values, np.full((20, 30), 65535, np.uint16)])), RGB)
