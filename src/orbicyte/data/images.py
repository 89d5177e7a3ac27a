"""Image files: the list of those in a folder, and the pixels of one as 8-bit RGB.

PNG, JPEG and TIFF of any bit depth and colour model. Files with several pages, or with channels that are neither
colours nor transparency, are refused. What the numbers of more than 8 bits mean is decided for a whole data set (see
``orbicyte.data.values``). Orientation tags are ignored: a cell has no preferred orientation. Missing parts of a damaged
file are never filled with grey.
"""

import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from orbicyte.data import completeness, tiff_pages
from orbicyte.data.conversion import UnreadableImage, colours, eight_bit_rgb, rgb
from orbicyte.data.values import Extent, Ranges, extent_of
from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.study import is_study
from orbicyte.text import number_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
SYSTEM_FOLDERS = ("__macosx", "lost+found", "system volume information")
SYSTEM_MARKS = (".", "@", "#", "$", "~")
"""First characters of the folders that storage systems and desktops add: @eaDir, #recycle, $RECYCLE.BIN, .Trash."""
MIN_SIDE_PX = 16
MAX_PIXELS = 64_000_000
TOO_LARGE = f"more than {MAX_PIXELS // 1_000_000} megapixels"
BITS, COMPRESSION, PHOTOMETRIC, WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 258, 259, 262, 0, 1, 2
"""Tags of TIFF, and values of the third."""
CHECKED = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946)
"""Compressions of TIFF, from none to deflate, of which Pillow reports damage, or ``completeness`` does."""
READABLE = (33003, 33004, 33005, 34712, 34925, 34927, 34933, 50000, 50001)
"""Compressions that ``tifffile`` reads: JPEG 2000, LZMA, WebP, PNG, Zstandard."""
TO_RGB = (6, 7, 33007, 34892, 34927, 50001)
"""JPEG and WebP, which are decoded to RGB whatever the colours are stored as."""
BYTES = {"I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2, "I": 4, "F": 4}
"""Of one value, by Pillow's mode; 1 for others."""
DEEP_PNG = ("RGB;16B", "RGBA;16B", "LA;16B")
"""What Pillow calls the pixels of PNGs of 16 bits of which it reads 8."""

_filtering = threading.Lock()
logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it also raises the errors that it logs


def list_images(folder: Path, recursive: bool = True) -> list[Path]:
    """Image files in ``folder``, sorted; hidden files, system folders, and studies inside it, are skipped.

    Raises ``OrbicyteError`` for a folder that cannot be listed.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        found += [Path(parent, name) for name in files if _is_image(name)]
        folders[:] = [name for name in folders if recursive and _is_new(Path(parent, name), seen)]
    return sorted(found)


def patch_files(images: Path) -> list[Path]:
    """The image files in the folder ``images``, or the one file. Raises ``OrbicyteError`` if there is none."""
    files = [images] if images.is_file() else list_images(images)
    if not files:
        raise OrbicyteError(f"no images in {images}: expected PNG, JPEG or TIFF files")
    return files


def none_readable(images: Path, count: int) -> str:
    """The error for ``count`` files ``images``, or in that folder, of which none can be read."""
    return (
        f"{images} cannot be read"
        if images.is_file()
        else f"none of {number_of(count, 'image')} in {images} could be read"
    )


def left_out(count: int) -> str:
    """What to add to a summary about ``count`` files that cannot be read."""
    return f"; {number_of(count, 'file')} left out" if count else ""


def names_within(images: Path, files: list[Path]) -> list[str]:
    """The paths of ``files`` within the folder ``images``, or the name of the one file ``images``, with slashes."""
    folder = images.parent if images.is_file() else images
    return [file.relative_to(folder).as_posix() for file in files]


def readable_patches(files: list[Path], kept: list[Path], ranges: Ranges | None = None) -> Iterator[NDArray[np.uint8]]:
    """The patches (H, W, 3), one at a time; files that can be read are added to ``kept``, others give a warning.

    ``ranges``: as for ``read_patch``.
    """
    for file in files:
        try:
            patch = read_patch(file, ranges)
        except UnreadableImage as reason:
            warn(f"{file} is left out: {reason}")
            continue
        kept.append(file)
        yield patch


@dataclass(frozen=True)
class Stored:
    """The pixels of a file as stored: (H, W), (H, W, 3 or 4) or (3 or 4, H, W); ``is_inverted``: white is zero."""

    values: NDArray[np.generic]
    is_inverted: bool = False


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels from the file's header. Raises ``UnreadableImage``."""
    return _read(path, "size").values.shape[1::-1]


def value_extent(path: Path) -> Extent | None:
    """The extremes of an image of more than 8 bits; None for others, of which only the header is read.

    Raises as ``read_patch``.
    """
    return extent_of(colours(_read(path, "deep pixels").values), str(path))


def read_patch(path: Path, ranges: Ranges | None = None) -> NDArray[np.uint8]:
    """The pixels of an image file: (H, W, 3), 0 to 255.

    Grey becomes RGB; more than 8 bits are scaled by ``ranges``, what was decided for the data set of the image; None:
    the image is the whole data set. Transparent pixels become white. Raises ``UnreadableImage`` for a file that is not
    an image or is damaged, an image smaller than 16 px or larger than 64 megapixels, and values out of range.
    """
    stored = _read(path, "pixels")
    return eight_bit_rgb(stored.values, ranges, stored.is_inverted)


def _refuse(error: OSError) -> None:
    raise OrbicyteError(f"cannot list the folder {error.filename}: {error.strerror}") from error


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name is hidden, or one that a storage system or desktop adds, such as ``@eaDir``."""
    return name.startswith(SYSTEM_MARKS) or name.lower() in SYSTEM_FOLDERS


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _is_new(folder: Path, seen: set[tuple[int, int]]) -> bool:
    """False for system folders, studies, and folders reached a second time through a link."""
    status = folder.stat()
    key = (status.st_dev, status.st_ino)
    if is_system_folder(folder.name) or is_study(folder) or key in seen:
        return False
    seen.add(key)
    return True


Wanted = Literal["size", "deep pixels", "pixels"]
"""What to read; an array of the image's shape that needs no memory stands for pixels that are not read."""


def _read(path: Path, wanted: Wanted) -> Stored:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage("not a regular file")
        if status.st_size == 0:
            raise UnreadableImage("empty file")
        _require(tiff_pages.problem_of(path))
        return _with_pillow(path, wanted)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        return _with_tifffile(path, wanted)
    except Image.DecompressionBombError:
        raise UnreadableImage(TOO_LARGE) from None
    except FileNotFoundError:
        target = "the target of this link is not here" if path.is_symlink() else "no such file"
        raise UnreadableImage(target) from None
    except Exception as error:  # decoders raise all kinds of errors for damaged files
        raise UnreadableImage(_words(error)) from error


def _with_pillow(path: Path, wanted: Wanted) -> Stored:
    with _quiet():
        image = Image.open(path, formats=FORMATS)
    with image:
        if image.format == "TIFF" and _is_misread(image):
            return _with_tifffile(path, wanted)
        size_px = tiff_pages.stored_size(image)
        is_deep_png = image.format == "PNG" and image.tile[0][3] in DEEP_PNG
        _check_size(*size_px, len(image.getbands()) * (2 if is_deep_png else BYTES.get(image.mode, 1)))
        _require(tiff_pages.frames_problem(image))
        if wanted == "size" or (wanted == "deep pixels" and not (is_deep_png or _is_number(image))):
            return _blank(*size_px)
        _require(completeness.problem_before(path, image))
        if image.format == "TIFF":
            with _quiet():  # decoding reads the tags again and warns; other formats are decoded in parallel
                stored = tiff_pages.loaded_as_stored(image)
        else:
            image.load()
            stored = image
        _require(completeness.problem_of(path, image))
        if is_deep_png:
            return Stored(_with_colours(imagecodecs.png_decode(path.read_bytes())))
        return Stored(np.asarray(stored) if _is_number(stored) else rgb(stored))


def _require(problem: str | None) -> None:
    if problem is not None:
        raise UnreadableImage(problem)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings. The filters belong to the process, so only one thread at a time."""
    with _filtering, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_misread(image: Image.Image) -> bool:
    """Whether Pillow reads 8 bits of more, does not see the polarity, or not all damage of this compression."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    is_deep = max(tags.get(BITS, (1,))) > 8 and tags.get(PHOTOMETRIC) in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
    return is_deep or tags.get(COMPRESSION, 1) not in CHECKED


def _is_number(image: Image.Image) -> bool:
    """Whether pixels are integers of more than 8 bits or floating-point numbers."""
    return image.mode.startswith(("I", "F"))


def _with_tifffile(path: Path, wanted: Wanted) -> Stored:
    """Reads TIFF that Pillow does not support: 16-bit colours, floating-point colours, ..."""
    if not path.name.lower().endswith((".tif", ".tiff")):
        raise UnreadableImage("not an image, or a damaged one")
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            _check_size(page.imagewidth, page.imagelength, page.samplesperpixel * page.bitspersample // 8)
            if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) and page.compression not in TO_RGB:
                colour, how = (getattr(one, "name", one) for one in (page.photometric, page.compression))
                raise UnreadableImage(f"colours as {colour}, compressed with {how}: save it as RGB")
            if page.compression not in (*CHECKED, *READABLE):
                raise UnreadableImage(f"pixels compressed with {getattr(page.compression, 'name', page.compression)}")
            if wanted == "size" or (wanted == "deep pixels" and page.dtype == np.uint8):
                return _blank(page.imagewidth, page.imagelength)
            _require(completeness.tiff_problem(path))
            return Stored(_with_colours(page.asarray()), page.photometric == WHITE_IS_ZERO)
    except UnreadableImage:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(TOO_LARGE) from None
    except Exception as error:  # as above
        raise UnreadableImage(_words(error)) from error


def _with_colours(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Grey with opacity, (H, W, 2) or (2, H, W), as colours with opacity; others unchanged."""
    axis = next((axis for axis in (2, 0) if values.ndim == 3 and values.shape[axis] == 2), None)
    return values if axis is None else values.take([0, 0, 0, 1], axis)


def _words(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())


def _check_size(width_px: int, height_px: int, pixel_bytes: int) -> None:
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise UnreadableImage(f"{width_px} x {height_px} px, less than {MIN_SIDE_PX} px")
    if width_px * height_px > MAX_PIXELS:
        raise UnreadableImage(f"{width_px} x {height_px} px, {TOO_LARGE}")
    if pixel_bytes > 3:
        _require(tiff_pages.bytes_problem(width_px, height_px, pixel_bytes))


def _blank(width_px: int, height_px: int) -> Stored:
    return Stored(np.broadcast_to(np.uint8(0), (height_px, width_px, 3)))
