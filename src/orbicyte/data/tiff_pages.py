"""Whether a TIFF file is one picture in grey or colour: readers take its first page and three of its channels.

Pages that are smaller copies of the first (a pyramid, a thumbnail) or say which pixels are valid are no pictures.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import tifffile
from PIL import Image

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_BYTES = 192_000_000
"""Bytes of the pixels of a file that is decoded at once: 64 megapixels of 8-bit RGB."""
REDUCED, VALID_PIXELS = 1, 4
"""Bits of a page's type (tag 254): a smaller copy of another page, and which of its pixels are valid."""
MOST_PAGES = 1000
SAME_ASPECT = 0.02
SEGMENTS = (273, 279, 324, 325)
"""The tags of positions and sizes of strips and tiles."""
MOST_SEGMENTS = 300_000
"""64 megapixels in tiles of 16 x 16 px are 250,000."""
MOST_TILES = 3_000_000
"""Of a slide: 200,000 x 200,000 px in tiles of 128 x 128 px have 2.4 million."""
WIDTH, HEIGHT, ORIENTATION = 256, 257, 274
BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What undoes an orientation tag."""
ALPHA = (1, 2)
"""Kinds of extra channels that are transparency."""
COLOURS: dict[int, int] = {
    tifffile.PHOTOMETRIC.RGB: 3,
    tifffile.PHOTOMETRIC.YCBCR: 3,
    tifffile.PHOTOMETRIC.CIELAB: 3,
    tifffile.PHOTOMETRIC.SEPARATED: 4,
}
"""Channels of a picture by its colour model; 1 for others."""


def problem_of(path: Path, *, at_once: bool = True) -> str | None:
    """Why ``path`` is not one picture in grey or colour; None if it is, or is no TIFF.

    ``at_once``: all pixels will be read, so a picture of more than ``MOST_BYTES`` is a problem, too.
    Raises ``OSError``, and the errors of ``tifffile``.
    """
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            return None
    with tifffile.TiffFile(path) as tiff:
        try:
            first = tiff.pages.first
        except IndexError:
            return "a TIFF file without a page, or truncated"
        problem = pages_problem(tiff) or _channels_problem(first) or _segments_problem(first, at_once=at_once)
        return problem or (size_problem(first) if at_once else None)


def pages_problem(tiff: tifffile.TiffFile) -> str | None:
    """Why the file has more pictures than one; None if it has one."""
    first = tiff.pages.first
    pictures = 1 + sum(not _is_copy(page, first) for page in further_pages(tiff))
    if pictures == 1:
        pictures = max(_stacked(tiff), first.imagedepth)
    if pictures > 1:
        return _several(pictures, "pages") + "; channels in pages must be merged into one RGB page"
    return None


def _several(pictures: int, what: str) -> str:
    return f"{pictures} {what}, of which one would be read: expected one picture; save the others as files"


def further_pages(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    """The pages after the first, up to ``MOST_PAGES`` in all; those of a ring of pages once."""
    seen = {tiff.pages.first.offset}
    for number in range(1, MOST_PAGES):
        try:
            page = tiff.pages[number]
        except IndexError:
            return
        if page.offset in seen:
            return
        seen.add(page.offset)
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _is_copy(page: tifffile.TiffPage, first: tifffile.TiffPage) -> bool:
    """Whether ``page`` is a smaller copy of the first, marked as such or not, its valid pixels, or a slide's label."""
    if page.subfiletype & (REDUCED | VALID_PIXELS):
        return True
    if page.imagewidth >= first.imagewidth or page.imagelength >= first.imagelength:
        return False
    aspects = page.imagewidth / max(1, page.imagelength), first.imagewidth / max(1, first.imagelength)
    slack = SAME_ASPECT + 1 / max(1, min(page.imagewidth, page.imagelength))
    is_label = bool(first.is_tiled and not page.is_tiled)
    return is_label or abs(aspects[0] / max(1e-9, aspects[1]) - 1) <= slack


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


def size_problem(page: tifffile.TiffPage) -> str | None:
    """Why the pixels need too much memory to be decoded at once; None if they do not, and for 8-bit grey and RGB."""
    pixel_bytes = _pixel_bytes(page)
    return bytes_problem(page.imagewidth, page.imagelength, pixel_bytes) if pixel_bytes > 3 else None


def _segments_problem(page: tifffile.TiffPage, *, at_once: bool) -> str | None:
    """Why the strips or tiles are too many, or too large."""
    found = max((page.tags[tag].count for tag in SEGMENTS if tag in page.tags), default=0)
    most = MOST_SEGMENTS if at_once else MOST_TILES
    if found > most:
        return f"{found:,} strips or tiles, more than {most:,}"
    return bytes_problem(page.tilewidth, page.tilelength, _pixel_bytes(page), "a tile of ") if page.is_tiled else None


def _pixel_bytes(page: tifffile.TiffPage) -> int:
    return int(page.samplesperpixel * max(1, page.bitspersample // 8))


def bytes_problem(width_px: int, height_px: int, pixel_bytes: int, what: str = "") -> str | None:
    """Why so many pixels of so many bytes need too much memory; None if they do not."""
    if width_px * height_px * pixel_bytes > MOST_BYTES:
        return (
            f"{what}{width_px} x {height_px} px of {pixel_bytes} bytes, more than {MOST_BYTES // 1_000_000} MB: save "
            "it with 8 bits for each colour, or in smaller parts"
        )
    return None


def frames_problem(image: Image.Image) -> str | None:
    """Why a PNG or JPEG has more pictures than one: its further frames are as large as the first, so no previews."""
    frames = getattr(image, "n_frames", 1) if image.format in ("PNG", "MPO") else 1
    if frames == 1:
        return None
    size, pictures = image.size, 1
    for number in range(1, min(frames, MOST_PAGES) if image.format == "MPO" else 1):
        image.seek(number)
        pictures += image.size == size
    image.seek(0)
    pictures = frames if image.format == "PNG" else pictures
    return _several(pictures, "frames") if pictures > 1 else None


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the pixels as stored; Pillow exchanges those of a TIFF by its orientation tag."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return tags.get(WIDTH, image.width), tags.get(HEIGHT, image.height)


def loaded_as_stored(image: Image.Image) -> Image.Image:
    """The decoded ``image`` as stored: Pillow rotates and mirrors a TIFF by its orientation tag, which is undone."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    back = BACK.get(tags.get(ORIENTATION, 1))
    image.load()
    return image if back is None else image.transpose(back)
