"""Whether a TIFF file is one picture in grey or colour: readers take its first page and three of its channels.

Pages that are smaller copies of the first (a pyramid, a thumbnail) or say which pixels are valid are no pictures.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import tifffile

REDUCED, VALID_PIXELS = 1, 4
"""Bits of a page's type (tag 254): a smaller copy of another page, and which of its pixels are valid."""
MOST_PAGES = 1000
SAME_ASPECT = 0.02
ALPHA = (1, 2)
"""Kinds of extra channels that are transparency."""
COLOURS: dict[int, int] = {
    tifffile.PHOTOMETRIC.RGB: 3,
    tifffile.PHOTOMETRIC.YCBCR: 3,
    tifffile.PHOTOMETRIC.CIELAB: 3,
    tifffile.PHOTOMETRIC.SEPARATED: 4,
}
"""Channels of a picture by its colour model; 1 for others."""


def problem_of(path: Path) -> str | None:
    """Why ``path`` is not one picture in grey or colour; None if it is. Raises the errors of ``tifffile``."""
    with tifffile.TiffFile(path) as tiff:
        return pages_problem(tiff) or _channels_problem(tiff.pages.first)


def pages_problem(tiff: tifffile.TiffFile) -> str | None:
    """Why the file has more pictures than one; None if it has one."""
    first = tiff.pages.first
    pictures = 1 + sum(not _is_copy(page, first) for page in _further(tiff))
    if pictures == 1:
        pictures = max(_stacked(tiff), first.imagedepth)
    if pictures > 1:
        return (
            f"{pictures} pages, of which one would be read: expected one picture; channels in pages must be "
            "merged into one RGB page, and other pages saved as files"
        )
    return None


def _further(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    """The pages after the first, up to ``MOST_PAGES`` in all."""
    for number in range(1, MOST_PAGES):
        try:
            page = tiff.pages[number]
        except IndexError:
            return
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _is_copy(page: tifffile.TiffPage, first: tifffile.TiffPage) -> bool:
    """Whether ``page`` is a smaller copy of the first, marked as such or not, or its valid pixels."""
    if page.subfiletype & (REDUCED | VALID_PIXELS):
        return True
    if page.imagewidth >= first.imagewidth or page.imagelength >= first.imagelength:
        return False
    aspects = page.imagewidth / max(1, page.imagelength), first.imagewidth / max(1, first.imagelength)
    slack = SAME_ASPECT + 1 / max(1, min(page.imagewidth, page.imagelength))
    return abs(aspects[0] / aspects[1] - 1) <= slack


def _stacked(tiff: tifffile.TiffFile) -> int:
    """The pictures that follow the first without pages of their own, as ImageJ and tifffile write them."""
    about = tiff.imagej_metadata or {}
    shapes = [entry.get("shape") for entry in tiff.shaped_metadata or ()]
    shape = shapes[0] if shapes and shapes[0] else ()
    planes = math.prod(map(int, shape)) // max(1, math.prod(tiff.pages.first.shape))
    return max(int(about.get("images", 1)), planes)


def _channels_problem(page: tifffile.TiffPage) -> str | None:
    """Why channels would be dropped: those beyond the colour model's that are not transparency."""
    extra = page.samplesperpixel - COLOURS.get(page.photometric, 1)
    kinds = tuple(page.extrasamples or ())[-extra:] if extra > 0 else ()
    is_colour_without_model = page.samplesperpixel == 3
    if extra <= 0 or is_colour_without_model or (extra == 1 and kinds and int(kinds[0]) in ALPHA):
        return None
    return (
        f"{page.samplesperpixel} channels, of which {extra} would be dropped: expected grey or RGB, with or without "
        "transparency"
    )
