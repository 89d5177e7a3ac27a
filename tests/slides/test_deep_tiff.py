from pathlib import Path

import numpy as np
import pytest
import tifffile

from orbicyte.slides import deep_tiff
from orbicyte.slides.check import check_slide
from orbicyte.slides.info import UnreadableSlide, record_of
from orbicyte.slides.reader import open_slide

RGB = np.full((300, 400, 3), 230, np.uint8)
RGB[100:200, 100:200] = [120, 60, 160]


def slide(path: Path, bits: int, tiled: bool = True) -> Path:
    tifffile.imwrite(path, RGB.astype(np.uint16) << (bits - 8), photometric="rgb", tile=(128, 128) if tiled else None)
    return path


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_slide_has_its_colours_at_any_depth(tmp_path: Path, bits: int, tiled: bool) -> None:
    with open_slide(slide(tmp_path / "a.tif", bits, tiled), 0.25) as reader:
        assert np.abs(reader.region(0, 0, 400, 300, 0).astype(int) - RGB).max() <= 1
        assert reader.info.value_range == (0, 2**bits - 1)
        record = record_of("a", reader.info, 0.25)
    with open_slide(record.path, 0.25, record.value_range) as again:
        assert np.abs(again.region(0, 0, 400, 300, 0).astype(int) - RGB).max() <= 1


def test_a_range_can_be_stated_and_slides_of_8_bits_have_none(tmp_path: Path) -> None:
    with open_slide(slide(tmp_path / "a.tif", 12), 0.25, (0, 65535)) as reader:
        assert reader.region(0, 0, 400, 300, 0).max() == round(230 / 16)
        assert reader.info.value_range == (0, 65535)
    tifffile.imwrite(tmp_path / "b.tif", RGB, photometric="rgb", tile=(128, 128))
    with open_slide(tmp_path / "b.tif", 0.25, (0, 4095)) as reader:
        assert reader.info.value_range is None
        np.testing.assert_array_equal(reader.region(0, 0, 400, 300, 0), RGB)


def test_a_slide_without_a_plausible_range_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB.astype(np.float32) * 20, photometric="rgb")
    checked = check_slide(tmp_path / "a.tif", 0.25)
    assert not checked.readable
    assert "--value-range" in (checked.problem or "")
    assert check_slide(tmp_path / "a.tif", 0.25, value_range=(0, 5100)).problem is None


def test_large_slides_of_16_bits_are_left_to_openslide_and_others_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep_tiff, "MAX_PIXELS", 100_000)
    with open_slide(slide(tmp_path / "a.tif", 16), 0.25) as reader:
        assert reader.info.vendor == "generic-tiff"
    with pytest.raises(UnreadableSlide, match="0 is black and 4095 white, in a large slide: convert it to 8 bits"):
        open_slide(slide(tmp_path / "b.tif", 12), 0.25)
    with open_slide(tmp_path / "b.tif", 0.25, (0, 65535)) as reader:
        assert reader.info.vendor == "generic-tiff"
