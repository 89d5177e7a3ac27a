"""Overwritten bytes of a slide: an error or correct pixels, and never white ones."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from orbicyte.slides.reader import UnreadableSlide, open_slide

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def cloudy() -> Pixels:
    """Soft clouds without anything white, 300 x 420."""
    clouds = gaussian_filter(np.random.default_rng(0).normal(size=(300, 420, 3)), (4, 4, 0))
    pixels: Pixels = (60 + 120 * (clouds - clouds.min()) / np.ptp(clouds)).astype(np.uint8)
    return pixels


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(random=st.randoms(use_true_random=False), filling=st.sampled_from(["noise", "zeros", "ones"]))
@pytest.mark.parametrize("compression", ["jpeg", "zlib", "lzw"])
def test_a_partly_overwritten_tile_is_an_error_or_not_white(
    write_pyramid: Callable[..., Path], cloudy: Pixels, compression: str, random: Random, filling: str
) -> None:
    path = write_pyramid("a.tif", cloudy, levels=2, compression=compression)
    with tifffile.TiffFile(path) as tiff:
        page = random.choice(list(tiff.pages))
        offset, length = random.choice(list(zip(page.dataoffsets, page.databytecounts, strict=True)))
    stretch = random.randint(1, length)
    written = {"noise": random.randbytes(stretch), "zeros": bytes(stretch), "ones": b"\xff" * stretch}[filling]
    with path.open("r+b") as file:
        file.seek(offset + random.randint(0, length - stretch))
        file.write(written)
    with open_slide(path) as slide:
        for level, (width_px, height_px) in enumerate(slide.info.level_sizes):
            with suppress(UnreadableSlide):
                pixels = slide.region(0, 0, width_px, height_px, level)
                white = pixels.min(axis=2) == 255  # a wrong brightness can saturate a few pixels
                tiles = (white[y : y + 64, x : x + 64] for y in range(0, height_px, 64) for x in range(0, width_px, 64))
                assert max(tile.mean() for tile in tiles) < 0.25


@pytest.mark.parametrize("name", ["cmu-1-small-region.svs", "tcga-cr-7395-01a-01-ts1.svs"])
def test_a_real_slide_with_overwritten_tiles_is_an_error(data: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((data / "slides" / name).read_bytes())
    with tifffile.TiffFile(path) as tiff:
        tiles = list(zip(tiff.pages.first.dataoffsets, tiff.pages.first.databytecounts, strict=True))
        across = -(-tiff.pages.first.imagewidth // tiff.pages.first.tilewidth)
        side = tiff.pages.first.tilewidth
    random = np.random.default_rng(0)
    for number in random.integers(0, len(tiles), 10):
        offset, length = tiles[number]
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(random.bytes(length))
        place = int(number % across * side), int(number // across * side)
        with open_slide(path) as slide, pytest.raises(UnreadableSlide, match="damaged: level 0"):
            slide.region(*place, 64, 64)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
def test_a_truncated_plain_image_is_an_error(tmp_path: Path, cloudy: Pixels, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(cloudy).save(path)
    content = path.read_bytes()
    for size in np.random.default_rng(0).integers(1, len(content) - 2, 40):
        path.write_bytes(content[:size])
        with pytest.raises(UnreadableSlide, match=f"^[^\n]*{name}: [^\n]+$"), open_slide(path) as slide:
            slide.region(0, 0, 420, 300)
