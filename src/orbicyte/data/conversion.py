"""Pixels of any type and layout as 8-bit RGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.data.values import (
    FLOATS,
    INTEGERS,
    Ranges,
    ValueRange,
    decide,
    extent_of,
    kind_of,
    require_within,
    scaled,
)
from orbicyte.errors import OrbicyteError

BLOCK = 1 << 22
"""Numbers or pixels that are converted at once."""


class UnreadableImage(Exception):  # noqa: N818
    """The reason why a file yields no patch."""


def rgb(image: Image.Image) -> Pixels:
    """The pixels (H, W, 3) of a Pillow image of 8 bits, of any colour model; transparent pixels become white."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return np.asarray(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, BLOCK // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        if strip.has_transparency_data:
            layer = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        pixels[top : top + rows] = np.asarray(strip.convert("RGB"))
    return pixels


def eight_bit_rgb(values: NDArray[np.generic], ranges: Ranges | None = None, is_inverted: bool = False) -> Pixels:
    """Pixels (H, W, 3) as ``read_patch`` returns them, from (H, W), (H, W, 3 or 4) or (3 or 4, H, W) of any type.

    ``ranges`` as for ``read_patch``; ``is_inverted``: white is zero. Raises ``UnreadableImage`` for other shapes, and
    values out of range.
    """
    stored, opacity = _separated(values)
    if stored.ndim != 2 and not (stored.ndim == 3 and stored.shape[2] == 3):
        raise UnreadableImage(f"an array of shape {values.shape}, not grey or colour")
    pixels = _eight_bit(stored, ranges)
    if is_inverted:
        pixels = 255 - pixels
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if opacity is None:
        return pixels
    return rgb(Image.fromarray(np.dstack([pixels, _eight_bit(opacity, _full(opacity))])))


def colours(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The grey or colour channels of an image: without those of transparency, which has a range of its own."""
    return _separated(values)[0]


def _separated(values: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.generic] | None]:
    """The colours (H, W) or (H, W, 3), and the opacity (H, W), if the image has one."""
    if values.ndim == 3 and values.shape[0] in (3, 4) and values.shape[2] not in (3, 4):
        values = values.transpose(1, 2, 0)
    has_opacity = values.ndim == 3 and values.shape[2] == 4
    return (values[..., :3], values[..., 3]) if has_opacity else (values, None)


def _full(opacity: NDArray[np.generic]) -> Ranges:
    """Opaque is the full range of a depth, the smallest that has all values: cameras of 12 bits may write 4095."""
    most, kind = float(opacity.max()), kind_of(opacity)
    full = next((float(white) for white in (FLOATS if kind == "float" else INTEGERS) if most <= white), most)
    return Ranges(ValueRange(0, full), ValueRange(0, full))


def _eight_bit(values: NDArray[np.generic], ranges: Ranges | None) -> Pixels:
    """The values as 0 to 255, in blocks, to limit memory."""
    if values.dtype.kind not in "buif":
        raise UnreadableImage(f"numbers of type {values.dtype}, expected integers or floating-point numbers")
    kind = kind_of(values)
    if kind is None:
        pixels = values.astype(np.uint8, copy=False)
        pixels = pixels * np.uint8(255) if values.dtype.kind == "b" else pixels
        return 255 - pixels if ranges is not None and ranges.is_inverted else pixels
    try:
        chosen = (ranges or _own_ranges(values)).of(kind) or _own_ranges(values).of(kind) or ValueRange(0, 1)
        pixels = np.empty(values.shape, np.uint8)
        rows = max(1, BLOCK * len(values) // values.size)
        require_within(values, chosen, kind)
        for start in range(0, len(values), rows):
            pixels[start : start + rows] = np.rint(scaled(values[start : start + rows], chosen, kind) * 255)
    except (OrbicyteError, ValueError) as reason:
        raise UnreadableImage(str(reason)) from None
    return pixels


def _own_ranges(values: NDArray[np.generic]) -> Ranges:
    extent = extent_of(values, "")
    return Ranges() if extent is None else decide([extent])
