from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from orbicyte.slides.reader import open_slide
from orbicyte.slides.resolution import image_mpp, mean_mpp

GREY = np.full((40, 40, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("options", "mpp"),
    [
        ({"resolution": (40000, 40000), "resolutionunit": "CENTIMETER"}, 0.25),
        ({"resolution": (50800, 50800), "resolutionunit": "INCH"}, 0.5),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (40000, 40000), "resolutionunit": "NONE"}, None),
        ({"resolution": (40000, 20000), "resolutionunit": "CENTIMETER"}, None),
        ({}, None),
    ],
)
def test_the_resolution_of_tiff_is_used_if_plausible(
    tmp_path: Path, options: dict[str, Any], mpp: float | None
) -> None:
    for tile in (None, (16, 16)):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, GREY, photometric="rgb", metadata=None, tile=tile, **options)
        with open_slide(path) as slide:
            assert slide.info.vendor == ("image" if tile is None else "generic-tiff")
            assert slide.info.mpp == (mpp and pytest.approx(mpp))


def test_metadata_of_imagej_and_ome_are_used(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "j.tif", GREY, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    assert image_mpp(tmp_path / "j.tif") == pytest.approx(0.25)
    tifffile.imwrite(tmp_path / "n.tif", GREY, imagej=True, resolution=(0.004, 0.004), metadata={"unit": "nm"})
    assert image_mpp(tmp_path / "n.tif") == pytest.approx(0.25)
    size = {"axes": "YXS", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "o.ome.tif", GREY, photometric="rgb", metadata=size)
    assert image_mpp(tmp_path / "o.ome.tif") == pytest.approx(0.25)


@pytest.mark.parametrize(("dpi", "mpp"), [(50800, 0.5), (72, None), (96, None), (600, None)])
def test_the_resolution_of_png_and_jpeg_is_used_if_plausible(tmp_path: Path, dpi: int, mpp: float | None) -> None:
    for name in ("a.png", "a.jpg"):
        Image.fromarray(GREY).save(tmp_path / name, dpi=(dpi, dpi))
        assert image_mpp(tmp_path / name) == (mpp and pytest.approx(mpp, rel=1e-3))


def test_values_that_are_not_numbers_give_no_scale() -> None:
    assert mean_mpp("0.25", "0.2501") == pytest.approx(0.25005)
    for pair in (("wide", "0.25"), (None, None), ("nan", "nan"), ("0.25", None), (0, 0)):
        assert mean_mpp(*pair) is None
