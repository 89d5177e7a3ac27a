"""Whole-slide files through OpenSlide: .svs, .ndpi, .mrxs, .vms, .scn, .bif, tiled TIFF, ..."""

import threading
from pathlib import Path

import openslide
from PIL import Image

from orbicyte.slides.deflate_check import DeflateCheck
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.slides.info import SlideInfo, UnreadableSlide
from orbicyte.slides.resolution import Pair, mean_mpp, stated_um, why_no_mpp

SIZE_SLACK_PX = 1
BOUNDS = ("x", "y", "width", "height")


class OpenSlideSource:
    """A file that OpenSlide reads. Raises ``UnreadableSlide`` if OpenSlide cannot; many threads may read from it.

    ``steps``: level-0 pixels per pixel of each level as OpenSlide calculates them, which sets where it reads.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._slide = _opened(path)
        try:
            self.steps: tuple[float, ...] = self._slide.level_downsamples
            self.info = _info(path, self._slide)
            self._checksums = DeflateCheck(path) if self.info.vendor == "generic-tiff" else None
        except openslide.OpenSlideError as error:
            raise UnreadableSlide(path, str(error)) from error

    def region(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> Image.Image:
        """As ``SlideReader.region``, as an RGB Pillow image of ``width_px`` by ``height_px``.

        Raises ``UnreadableSlide`` for a region that cannot be decoded.
        """
        slide = self._slide
        try:
            image = slide.read_region((x_px, y_px), level, (width_px, height_px))
        except openslide.OpenSlideError:
            image = self._again(slide, x_px, y_px, width_px, height_px, level)
        self._require_checksums(x_px, y_px, width_px, height_px, level)
        return _on_white(image)

    def _require_checksums(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> None:
        if self._checksums is None:
            return
        size, step = self.info.level_sizes[level], self.steps[level]
        if self._checksums.is_damaged(size, x_px / step, y_px / step, width_px, height_px):
            place = _place(x_px, y_px, width_px, height_px, level)
            raise UnreadableSlide(self.info.path, f"damaged: {place} cannot be decoded: a tile's checksum is wrong")

    def close(self) -> None:
        """Close the file. No thread may be reading."""
        self._slide.close()

    def _again(
        self, dead: openslide.OpenSlide, x_px: int, y_px: int, width_px: int, height_px: int, level: int
    ) -> Image.Image:
        """Read again: after one error, OpenSlide's handle fails for all threads, whether or not a region is damaged."""
        path = self.info.path
        with self._lock:
            if self._slide is dead:
                self._slide = _opened(path)  # the old handle is closed when no thread uses it any more
        try:
            with _opened(path) as own:
                return own.read_region((x_px, y_px), level, (width_px, height_px))
        except openslide.OpenSlideError as error:
            place = _place(x_px, y_px, width_px, height_px, level)
            raise UnreadableSlide(path, f"damaged: {place} cannot be decoded: {error}") from error


def _place(x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> str:
    return f"level {level}, {width_px} x {height_px} px at x {x_px}, y {y_px}"


def _opened(path: Path) -> openslide.OpenSlide:
    try:
        return openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        words = str(error)
        raise UnreadableSlide(path, words if words.startswith("Unsupported") else f"damaged: {words}") from error


def _info(path: Path, slide: openslide.OpenSlide) -> SlideInfo:
    width_px, height_px = slide.dimensions
    sizes, scale = slide.level_dimensions, _stated_um(path, slide)
    return SlideInfo(
        path=path,
        vendor=slide.properties[openslide.PROPERTY_NAME_VENDOR],
        width_px=width_px,
        height_px=height_px,
        level_sizes=sizes,
        downsamples=tuple(
            _true_downsample(sizes[0], size, step) for size, step in zip(sizes, slide.level_downsamples, strict=True)
        ),
        mpp=mean_mpp(*scale),
        fingerprint=fingerprint(path),
        bounds_px=_bounds_px(slide),
        why_no_mpp=why_no_mpp(*scale),
    )


def _bounds_px(slide: openslide.OpenSlide) -> tuple[int, int, int, int]:
    """The scanned area; the whole slide if the file states none, or one that is not on the slide."""
    width_px, height_px = slide.dimensions
    try:
        x, y, width, height = (int(slide.properties[f"openslide.bounds-{side}"]) for side in BOUNDS)
    except (KeyError, ValueError):
        return 0, 0, width_px, height_px
    is_on_slide = 0 <= x < x + width <= width_px and 0 <= y < y + height <= height_px
    return (x, y, width, height) if is_on_slide else (0, 0, width_px, height_px)


def _stated_um(path: Path, slide: openslide.OpenSlide) -> Pair:
    """µm per pixel across and down; of a plain TIFF as of plain images."""
    if slide.properties[openslide.PROPERTY_NAME_VENDOR] == "generic-tiff":
        return stated_um(path)
    return slide.properties.get("openslide.mpp-x"), slide.properties.get("openslide.mpp-y")


def _true_downsample(full: tuple[int, int], size: tuple[int, int], step: float) -> float:
    """``step`` as a whole number, if the sizes of the levels differ from that only by rounding at an edge."""
    whole = round(step)
    near = all(abs(side - side_0 / whole) <= SIZE_SLACK_PX for side, side_0 in zip(size, full, strict=True))
    return float(whole) if near else step


def _on_white(image: Image.Image) -> Image.Image:
    """RGB of an RGBA image; areas that were not scanned are transparent and become white."""
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white
