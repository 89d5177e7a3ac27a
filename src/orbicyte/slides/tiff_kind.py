"""Which TIFF files OpenSlide reads with the pixels that other readers find: 8-bit grey or RGB as it is stored.

OpenSlide's reader of plain TIFF converts other pixels in ways of its own (it drops transparency, rotates each tile by
the orientation tag, and cuts 16 bits to 8), so strips and tiles of one picture would differ.
"""

from pathlib import Path

import tifffile

COMPRESSIONS = (
    tifffile.COMPRESSION.NONE,
    tifffile.COMPRESSION.LZW,
    tifffile.COMPRESSION.JPEG,
    tifffile.COMPRESSION.ADOBE_DEFLATE,
    tifffile.COMPRESSION.DEFLATE,
    tifffile.COMPRESSION.PACKBITS,
)
CHANNELS: dict[int, int] = {
    tifffile.PHOTOMETRIC.MINISBLACK: 1,
    tifffile.PHOTOMETRIC.RGB: 3,
    tifffile.PHOTOMETRIC.YCBCR: 3,
}
ORIENTATION, UPRIGHT = 274, 1


def unusual(path: Path) -> str | None:
    """In words, what about the pixels of the first page OpenSlide would change or not read; None if nothing.

    Raises the errors of ``tifffile``.
    """
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        compression = page.compression
        if compression not in COMPRESSIONS:
            return f"pixels compressed with {getattr(compression, 'name', compression)}"
        if page.dtype != "uint8" or page.bitspersample != 8:
            return f"pixels of {page.dtype or page.bitspersample}, not of 8 bits"
        if page.samplesperpixel != CHANNELS.get(page.photometric):
            return f"{page.samplesperpixel} channels as {getattr(page.photometric, 'name', page.photometric)}"
        if page.photometric == tifffile.PHOTOMETRIC.YCBCR and compression != tifffile.COMPRESSION.JPEG:
            return "colours as YCBCR without JPEG"
        if page.tags.valueof(ORIENTATION, UPRIGHT) != UPRIGHT:
            return "an orientation tag"
    return None
