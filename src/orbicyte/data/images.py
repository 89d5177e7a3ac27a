"""Image files: the list of those in a folder, and the pixels of one as 8-bit RGB.

PNG, JPEG and TIFF of any bit depth and colour model. Files with several pages, or with channels that are neither
colours nor transparency, are refused. Orientation tags are ignored: a cell has no preferred orientation. Missing parts
of a damaged file are never filled with grey.
"""

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from orbicyte.data import completeness, tiff_pages
from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.study import is_study

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
MIN_SIDE_PX = 16
MAX_PIXELS = 64_000_000
WEBP = (34927, 50001)

_filtering = threading.Lock()
logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it also raises the errors that it logs


class UnreadableImage(Exception):  # noqa: N818
    """The reason why a file yields no patch."""


def list_images(folder: Path, recursive: bool = True) -> list[Path]:
    """Image files in ``folder``, sorted; hidden files and folders, and studies inside it, are skipped.

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


def names_within(images: Path, files: list[Path]) -> list[str]:
    """The paths of ``files`` within the folder ``images``, or the name of the one file ``images``, with slashes."""
    folder = images.parent if images.is_file() else images
    return [file.relative_to(folder).as_posix() for file in files]


def readable_patches(files: list[Path], kept: list[Path]) -> Iterator[NDArray[np.uint8]]:
    """The patches (H, W, 3), one at a time; files that can be read are added to ``kept``, others give a warning."""
    for file in files:
        try:
            patch = read_patch(file)
        except UnreadableImage as reason:
            warn(f"{file} is left out: {reason}")
            continue
        kept.append(file)
        yield patch


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels from the file's header. Raises ``UnreadableImage``."""
    return _read(path, pixels=False).shape[1::-1]


def read_patch(path: Path) -> NDArray[np.uint8]:
    """The pixels of an image file: (H, W, 3), 0 to 255.

    Grey becomes RGB; 16 bits are scaled by their full range (65535 is white); floating point may be 0 to 1 or 0 to
    255; transparent pixels become white. Raises ``UnreadableImage`` for a file that is not an image or is damaged, and
    an image smaller than 16 px or larger than 64 megapixels.
    """
    return _read(path, pixels=True)


def _refuse(error: OSError) -> None:
    raise OrbicyteError(f"cannot list the folder {error.filename}: {error.strerror}") from error


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _is_new(folder: Path, seen: set[tuple[int, int]]) -> bool:
    """False for hidden folders, studies, and folders reached a second time through a link."""
    status = folder.stat()
    key = (status.st_dev, status.st_ino)
    if folder.name.startswith(".") or is_study(folder) or key in seen:
        return False
    seen.add(key)
    return True


def _read(path: Path, pixels: bool) -> NDArray[np.uint8]:
    """The pixels; if ``pixels`` is False, an array of their shape that needs no memory."""
    try:
        if path.stat().st_size == 0:
            raise UnreadableImage("empty file")
        _require(tiff_pages.problem_of(path))
        return _with_pillow(path, pixels)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        return _with_tifffile(path, pixels)
    except Image.DecompressionBombError:
        raise UnreadableImage(f"more than {MAX_PIXELS // 1_000_000} megapixels") from None
    except Exception as error:  # decoders raise all kinds of errors for damaged files
        raise UnreadableImage(_words(error)) from error


def _with_pillow(path: Path, pixels: bool) -> NDArray[np.uint8]:
    with _quiet():
        image = Image.open(path, formats=FORMATS)
    with image:
        if image.format == "TIFF" and _is_misread(image):
            return _with_tifffile(path, pixels)
        size_px = tiff_pages.stored_size(image)
        _check_size(*size_px)
        if not pixels:
            return _blank(*size_px)
        if image.format == "TIFF":
            with _quiet():  # decoding reads the tags again and warns; other formats are decoded in parallel
                stored = tiff_pages.loaded_as_stored(image)
        else:
            image.load()
            stored = image
        _require(completeness.problem_of(path, image))
        return _rgb(stored)


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
    """Whether colours are in planes of more than 8 bits, which Pillow reads as 8 bits, or compressed as WebP."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits, planes = tags.get(258, (1,)), tags.get(284, 1)
    return bool(planes == 2 and max(bits) > 8) or tags.get(259) in WEBP


def _with_tifffile(path: Path, pixels: bool) -> NDArray[np.uint8]:
    """Reads TIFF that Pillow does not support: 16-bit colours in planes, floating-point colours, ..."""
    if not path.name.lower().endswith((".tif", ".tiff")):
        raise UnreadableImage("not an image, or a damaged one")
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            _check_size(page.imagewidth, page.imagelength)
            _require(completeness.tiff_problem(path) if pixels else None)
            return eight_bit_rgb(page.asarray()) if pixels else _blank(page.imagewidth, page.imagelength)
    except UnreadableImage:
        raise
    except Exception as error:  # as above
        raise UnreadableImage(_words(error)) from error


def _words(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())


def _check_size(width_px: int, height_px: int) -> None:
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise UnreadableImage(f"{width_px} x {height_px} px, less than {MIN_SIDE_PX} px")
    if width_px * height_px > MAX_PIXELS:
        raise UnreadableImage(f"{width_px} x {height_px} px, more than {MAX_PIXELS // 1_000_000} megapixels")


def _blank(width_px: int, height_px: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.uint8(0), (height_px, width_px, 3))


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        return eight_bit_rgb(np.asarray(image))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def eight_bit_rgb(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) as ``read_patch`` returns them, from (H, W), (H, W, 3 or 4) or (3 or 4, H, W) of any type.

    Raises ``UnreadableImage`` for other shapes, and values out of range.
    """
    scaled = values if values.dtype == np.uint8 else np.rint(_unit(values) * 255).astype(np.uint8)
    if scaled.ndim == 3 and scaled.shape[0] in (3, 4) and scaled.shape[2] not in (3, 4):
        scaled = scaled.transpose(1, 2, 0)
    if scaled.ndim == 2:
        return np.repeat(scaled[..., None], 3, axis=2)
    if scaled.ndim != 3 or scaled.shape[2] not in (3, 4):
        raise UnreadableImage(f"an array of shape {values.shape}, not grey or colour")
    return _rgb(Image.fromarray(np.ascontiguousarray(scaled)))


def _unit(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Values scaled to 0..1 by their type's full range."""
    numbers = values.astype(np.float32)
    low, high = numbers.min(), numbers.max()
    full = 1.0 if values.dtype.kind == "b" else 65535.0
    if values.dtype.kind == "f":
        full = 1.0 if high <= 1 else 255.0
    if not (low >= 0 and high <= full):  # also refuses NaN
        raise UnreadableImage(f"values from {low:g} to {high:g}, expected 0 to {full:g}")
    return numbers / full
