"""Label images: 0 for background, one integer a cell; or a mask of two values, in which what hangs together is one."""

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
from orbicyte.exchange.shapes import Shape, measure
from orbicyte.slides.outlines import outlines

SUFFIXES = (".tif", ".tiff", ".png")


def read_mask(path: Path, width_px: int, height_px: int) -> list[Shape]:
    """The cells of a label image of the slide's size, or of that divided by a whole number.

    Its outline goes along its pixels. A label in several pieces is one cell, with the outline of the largest. Raises
    ``OrbicyteError`` for an image of another size or kind.
    """
    mask = _read(path)
    if mask.ndim != 2 or mask.dtype.kind not in "bui":
        raise OrbicyteError(
            f"{path}: expected a label image, one integer a pixel, got {mask.dtype} in the shape {mask.shape}"
        )
    step = _step(path, mask, width_px, height_px)
    pieces = np.asarray(label(mask, connectivity=1), np.int32)  # type: ignore[no-untyped-call]
    sizes = np.bincount(pieces.ravel())
    names = np.zeros(len(sizes), mask.dtype)
    names[pieces.ravel()] = mask.ravel()
    cells = np.arange(1, len(sizes))
    if len(np.unique(names[cells])) > 1:
        by_size = cells[np.argsort(-sizes[cells], kind="stable")]
        cells = by_size[np.unique(names[by_size], return_index=True)[1]]
    kept = np.zeros(len(sizes), np.int32)
    kept[cells] = cells
    found = sorted(outlines(kept[pieces], 1, level=0.5), key=lambda one: one[0])
    return [_shape(path, int(names[number]), outline * step) for number, outline in found]


def _shape(path: Path, name: int, outline: Points) -> Shape:
    return Shape(f"{path}, label {name}", None, *measure(outline), outline_px=tuple(outline.ravel().tolist()))


def _read(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            return np.squeeze(tifffile.imread(path))
        with Image.open(path) as image:
            return np.asarray(image)
    except Exception as error:  # each format has its own kinds
        raise OrbicyteError(f"cannot read the mask {path}: {' '.join(str(error).split())}") from error


def _step(path: Path, mask: NDArray[Any], width_px: int, height_px: int) -> int:
    """Level-0 pixels per pixel of the mask. What does not divide evenly may be cut off or made whole."""
    height, width = mask.shape
    step = max(1, round(width_px / width)) if width else 1
    fits = [side in (full // step, math.ceil(full / step)) for side, full in ((width, width_px), (height, height_px))]
    if not all(fits):
        raise OrbicyteError(
            f"{path} is {width} x {height} px, the slide {width_px} x {height_px} px: expected a mask of the slide's "
            "size, or of a half, a third, a quarter ... of it"
        )
    return step
