"""Label images: 0 for background, one integer per cell; or a binary mask. Every connected component is a cell."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label

from orbicyte.arrays import Points
from orbicyte.data.tiff_pages import pages_problem
from orbicyte.errors import OrbicyteError
from orbicyte.exchange.picture import Picture
from orbicyte.exchange.shapes import SMALLEST_UM, Shape, centroid_and_diameter, shifted
from orbicyte.slides.outlines import outlines

SUFFIXES = (".tif", ".tiff", ".png")
LOSSY = (tifffile.COMPRESSION.OJPEG, tifffile.COMPRESSION.JPEG)
PIXELS = {"1": "?", "I;16": "u2", "I;16B": ">u2", "I": "i4", "F": "f4"}
"""Types of pixels by Pillow's mode; 8 bits for others."""
MOST_PX = 1 << 28
"""Pixels of a mask that are read; 3 GB of memory."""


@dataclass(frozen=True)
class _Header:
    """What is known of a mask before its pixels are read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read_mask(path: Path, pictures: Sequence[Picture], mpp: float, background: int | None = None) -> list[Shape]:
    """The cells of a label image, in level-0 pixels of the slide. ``mpp``: µm per level-0 pixel.

    It has the size of one of ``pictures``, of which the first that fits is taken, or a half, a third, ... of it.
    ``background``: the value outside cells; None: 0, which is refused if one other value has most of the pixels.
    Outlines follow the borders of pixels. Each connected component is a shape, in a mask with one number as in one with
    many; its ``pieces`` are the components of its number. Those smaller than ``SMALLEST_UM`` have no outline or place.
    Raises ``OrbicyteError`` for an image of another size or type, one that cannot be read, and one that consists of
    specks, as a label image does that was stored as JPEG.
    """
    mask, picture, step = _read(path, pictures)
    mask = _on_zero(path, mask, background)
    components = np.asarray(label(mask, connectivity=1), np.int32)  # type: ignore[no-untyped-call]
    sizes = np.bincount(components.ravel())
    values = np.zeros(len(sizes), mask.dtype)
    values[components.ravel()] = mask.ravel()
    is_speck = (2 * np.sqrt(sizes / np.pi) * step * mpp < SMALLEST_UM) & (values != 0)
    is_cell = ~is_speck & (values != 0)
    _require_cells(path, int(is_cell.sum()), int(is_speck.sum()))
    distinct, pieces = _pieces(values, is_cell)
    kept = np.where(is_cell, np.arange(len(sizes)), 0).astype(np.int32)[components]
    shapes = [
        _shape(path, int(values[number]), int(pieces[number]) if distinct > 1 else 1, outline * step)
        for number, outline in sorted(outlines(kept, 1, level=0.5), key=lambda one: one[0])
    ]
    shapes += [Shape(f"{path}, label {value}", None, 0.0, 0.0, 0.0, pieces=2) for value in values[is_speck].tolist()]
    return [shifted(shape, picture.x_px, picture.y_px) for shape in shapes]


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


def _read(path: Path, pictures: Sequence[Picture]) -> tuple[NDArray[Any], Picture, int]:
    """The pixels, the first of ``pictures`` that they fit, and level-0 pixels per pixel."""
    with _opened(path) as (header, read):
        if len(header.shape) != 2 or header.dtype.kind not in "bui":
            raise OrbicyteError(
                f"{path}: expected a label image, one integer per pixel, got {header.dtype} of shape {header.shape}"
            )
        picture, step = _fitting(path, header.shape, pictures)
        if math.prod(header.shape) > MOST_PX:
            raise OrbicyteError(
                f"{path} has {math.prod(header.shape):,} px, more than {MOST_PX:,}: export it at a half or a third of "
                "the resolution"
            )
        return read(), picture, step


def _require_cells(path: Path, cells: int, specks: int) -> None:
    if specks > cells:
        raise OrbicyteError(
            f"{path}: {specks:,} of its {specks + cells:,} connected regions are smaller than {SMALLEST_UM:g} µm: "
            "expected a label image, one number per cell; one that was stored as JPEG, or resized with interpolation, "
            "is none: export it again as PNG or TIFF"
        )


def _pieces(values: NDArray[Any], is_cell: NDArray[np.bool_]) -> tuple[int, NDArray[np.integer]]:
    """How many numbers the mask has, and for each component the number of components that have its number."""
    found, place, counts = np.unique(values[is_cell], return_inverse=True, return_counts=True)
    pieces = np.ones(len(values), np.int64)
    pieces[is_cell] = counts[place]
    return len(found), pieces


def _shape(path: Path, value: int, pieces: int, outline: Points) -> Shape:
    corners, circle = tuple(outline.ravel().tolist()), centroid_and_diameter(outline)
    return Shape(f"{path}, label {value}", None, *circle, outline_px=corners, pieces=pieces)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Header, Callable[[], NDArray[Any]]]]:
    """The header, and a function that reads the pixels."""
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tiff:
                yield _tiff_header(path, tiff), lambda: np.squeeze(tiff.pages.first.asarray())
            return
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise OrbicyteError(f"{path} has {image.n_frames} pages: expected one label image")  # type: ignore[attr-defined]
            bands = len(image.getbands())
            shape = (image.height, image.width) if bands == 1 else (image.height, image.width, bands)
            yield _Header(shape, np.dtype(PIXELS.get(image.mode, "u1"))), lambda: np.asarray(image)
    except OrbicyteError:
        raise
    except IndexError as error:
        raise OrbicyteError(f"{path}: expected a label image, got a TIFF file without a page") from error
    except Exception as error:  # each format raises its own errors
        raise OrbicyteError(f"cannot read the mask {path}: {' '.join(str(error).split())}") from error


def _tiff_header(path: Path, tiff: tifffile.TiffFile) -> _Header:
    page = tiff.pages.first
    problem = pages_problem(tiff)
    if problem:
        raise OrbicyteError(f"{path}: {problem}")
    if page.compression in LOSSY:
        raise OrbicyteError(
            f"{path} is compressed as JPEG, which changes the numbers of pixels: export the mask again, without "
            "compression or with Deflate or LZW"
        )
    if page.dtype is None:
        raise OrbicyteError(f"{path}: expected a label image, one integer per pixel")
    return _Header(tuple(side for side in page.shape if side != 1), page.dtype)


def _fitting(path: Path, shape: tuple[int, ...], pictures: Sequence[Picture]) -> tuple[Picture, int]:
    """The first of ``pictures`` that the mask fits, and its level-0 pixels per pixel of the mask."""
    height, width = shape
    for picture in pictures:
        step = _step(width, height, picture)
        if step is not None:
            return picture, step
    sizes = " or ".join(f"{picture.width_px} x {picture.height_px} px" for picture in pictures)
    raise OrbicyteError(
        f"{path} is {width} x {height} px, the slide {sizes}: expected a mask of the slide's size, or of a half, a "
        "third, a quarter ... of it"
    )


def _step(width: int, height: int, picture: Picture) -> int | None:
    """Level-0 pixels per pixel of the mask; None if it does not fit. Uneven sides may be rounded down or up."""
    step = max(1, round(picture.width_px / width)) if width else 1
    sides = (width, picture.width_px), (height, picture.height_px)
    return step if all(side in (full // step, math.ceil(full / step)) for side, full in sides) else None
