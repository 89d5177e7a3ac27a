"""Slides that tests write themselves: tiled pyramids with µm per pixel, as OpenSlide reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray


def halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height_px, width_px = (side // 2 * 2 for side in pixels.shape[:2])
    blocks = pixels[:height_px, :width_px].reshape(height_px // 2, 2, width_px // 2, 2, 3)
    means: NDArray[np.uint8] = np.rint(blocks.mean((1, 3))).astype(np.uint8)
    return means


@pytest.fixture
def write_pyramid(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``pixels`` and their halves below ``tmp_path``; options as of ``tifffile.TiffWriter.write``."""

    def write(name: str, pixels: NDArray[np.uint8], levels: int = 1, mpp: float | None = 0.25, **options: Any) -> Path:
        path = tmp_path / name
        layout = {"tile": (64, 64), "photometric": "rgb", "compression": "zlib", "metadata": None}
        kind = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
        with tifffile.TiffWriter(path, **kind) as writer:
            for level in range(levels):
                scale = {} if mpp is None else {"resolution": (1e4 / mpp / 2**level,) * 2, "resolutionunit": 3}
                writer.write(pixels, subfiletype=int(level > 0), **{**layout, **scale, **options})
                pixels = halved(pixels)
        return path

    return write


@pytest.fixture(scope="session")
def speckled() -> NDArray[np.uint8]:
    """Pixels without anything white, 300 x 420, in which all regions differ."""
    return np.random.default_rng(0).integers(40, 200, (300, 420, 3), np.uint8)
