"""Label images: 0 for background, one integer per cell; or a binary mask, with one cell per connected component."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label

from orbicyte.arrays import Points
from orbicyte.errors import OrbicyteError
from orbicyte.exchange.shapes import Shape, centroid_and_diameter
from orbicyte.slides.outlines import outlines

SUFFIXES = (".tif", ".tiff", ".png")


def read_mask(path: Path, width_px: int, height_px: int, background: int | None = None) -> list[Shape]:
    """The cells of a label image of the slide's size, ``width_px`` by ``height_px``, or a half, a third, ... of it.

    ``background``: the value outside cells; None: 0, which is refused if one other value has most of the pixels.
    Outlines follow the borders of pixels. A number with several connected components is one cell, with the outline of
    the largest. Raises ``OrbicyteError`` for an image of another size or type, or one that cannot be read.
    """
    mask = _read(path)
    if mask.ndim != 2 or mask.dtype.kind not in "bui":
        raise OrbicyteError(
            f"{path}: expected a label image, one integer per pixel, got {mask.dtype} of shape {mask.shape}"
        )
    step = _step(path, mask, width_px, height_px)
    mask = _on_zero(path, mask, background)
    components = np.asarray(label(mask, connectivity=1), np.int32)  # type: ignore[no-untyped-call]
    sizes = np.bincount(components.ravel())
    values = np.zeros(len(sizes), mask.dtype)
    values[components.ravel()] = mask.ravel()
    cells = np.arange(1, len(sizes))
    if len(np.unique(values[cells])) > 1:
        by_size = cells[np.argsort(-sizes[cells], kind="stable")]
        cells = by_size[np.unique(values[by_size], return_index=True)[1]]
    kept = np.zeros(len(sizes), np.int32)
    kept[cells] = cells
    found = sorted(outlines(kept[components], 1, level=0.5), key=lambda one: one[0])
    return [_shape(path, int(values[number]), outline * step) for number, outline in found]


def _on_zero(path: Path, mask: NDArray[Any], background: int | None) -> NDArray[Any]:
    """The mask with a background of 0. Raises ``OrbicyteError`` if it is not stated and may be another value."""
    if background is None:
        values, counts = np.unique(mask, return_counts=True)
        most = int(values[np.argmax(counts)]) if len(values) else 0
        if most != 0 and counts.max() > mask.size / 2:
            raise OrbicyteError(
                f"{path}: most pixels have the value {most}: give --background {most} if that is the background and "
                "other values are cells, else --background 0"
            )
        return mask
    if background == 0:
        return mask
    if not (mask == background).any():
        raise OrbicyteError(f"{path} has no pixel of the value {background}, given with --background")
    numbers = mask.astype(np.int64)
    return np.where(numbers == background, 0, np.where(numbers == 0, numbers.max() + 1, numbers))


def _shape(path: Path, value: int, outline: Points) -> Shape:
    return Shape(
        f"{path}, label {value}", None, *centroid_and_diameter(outline), outline_px=tuple(outline.ravel().tolist())
    )


def _read(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            return np.squeeze(tifffile.imread(path))
        with Image.open(path) as image:
            return np.asarray(image)
    except Exception as error:  # each format raises its own errors
        raise OrbicyteError(f"cannot read the mask {path}: {' '.join(str(error).split())}") from error


def _step(path: Path, mask: NDArray[Any], width_px: int, height_px: int) -> int:
    """Level-0 pixels per pixel of the mask. Sides that do not divide evenly may be rounded down or up."""
    height, width = mask.shape
    step = max(1, round(width_px / width)) if width else 1
    fits = [side in (full // step, math.ceil(full / step)) for side, full in ((width, width_px), (height, height_px))]
    if not all(fits):
        raise OrbicyteError(
            f"{path} is {width} x {height} px, the slide {width_px} x {height_px} px: expected a mask of the slide's "
            "size, or of a half, a third, a quarter ... of it"
        )
    return step
