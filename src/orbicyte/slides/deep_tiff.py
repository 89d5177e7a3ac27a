"""TIFF of more than 8 bits, of which OpenSlide reads the upper 8 bits of 16: almost nothing of a 12-bit slide."""

from pathlib import Path

import tifffile

from orbicyte.data.images import MAX_PIXELS
from orbicyte.data.tiff_pages import size_problem
from orbicyte.data.values import decide, extent_of
from orbicyte.errors import OrbicyteError
from orbicyte.slides.info import UnreadableSlide

FULL_RANGE = (0.0, 65535.0)


def is_deep(path: Path) -> bool:
    """Whether the pixels of the TIFF file ``path`` have more than 8 bits. False for other files."""
    try:
        with tifffile.TiffFile(path) as tiff:
            return bool(tiff.pages.first.dtype is not None and tiff.pages.first.dtype.itemsize > 1)
    except Exception:  # damage is detected when the slide is opened
        return False


def is_decodable_whole(path: Path) -> bool:
    """Whether the TIFF file is small enough to be decoded as a plain image."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return bool(page.imagewidth * page.imagelength <= MAX_PIXELS) and size_problem(page) is None


def require_full_range(path: Path, value_range: tuple[float, float] | None) -> None:
    """Raise ``UnreadableSlide`` unless 0 is black and 65535 white: as stated, or in the smallest level of the slide."""
    if value_range is None:
        try:
            with tifffile.TiffFile(path) as tiff:
                smallest = min(tiff.series[0].levels, key=lambda level: level.size)
                extent = extent_of(smallest.asarray(), "") if smallest.size <= 4 * MAX_PIXELS else None
            chosen = None if extent is None else decide([extent]).of(extent.kind)
        except OrbicyteError as error:
            raise UnreadableSlide(path, str(error)) from error
        except Exception as error:  # decoders raise all kinds of errors for damaged files
            raise UnreadableSlide(path, f"damaged: {error}") from error
        value_range = None if chosen is None else (chosen.black, chosen.white)
    if value_range != FULL_RANGE:
        what = "unknown values are" if value_range is None else f"{value_range[0]:g} is black and {value_range[1]:g}"
        raise UnreadableSlide(path, f"more than 8 bits, of which {what} white, in a large slide: convert it to 8 bits")
