"""Plain images with one level, decoded as a whole: PNG, JPEG, BMP, TIFF in strips or with 16 bits."""

import threading
from dataclasses import replace
from pathlib import Path

from PIL import Image

from orbicyte.data.conversion import UnreadableImage
from orbicyte.data.images import image_size, read_patch, value_extent
from orbicyte.data.values import Ranges, decide, stated_ranges
from orbicyte.errors import OrbicyteError
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.slides.info import SlideInfo, UnreadableSlide
from orbicyte.slides.resolution import mean_mpp, stated_um, why_no_mpp

ADVICE = "convert it to a tiled pyramid: vips tiffsave IMAGE SLIDE.tif --tile --pyramid --compression jpeg --Q 90"


class PlainSource:
    """An image of at most 64 megapixels, decoded when first read and kept in memory. Raises ``UnreadableSlide``.

    ``value_range``: black and white of an image of more than 8 bits; None: decided from all of it. ``unusual``: what it
    has, in words, if it is a tiled TIFF that OpenSlide would read otherwise or not at all.
    """

    steps = (1.0,)

    def __init__(self, path: Path, value_range: tuple[float, float] | None = None, unusual: str | None = None) -> None:
        self._unusual = unusual
        self._lock = threading.Lock()
        self._pixels: Image.Image | None = None
        try:
            width_px, height_px = image_size(path)
            self._ranges, found = _ranges(path, value_range)
        except UnreadableImage as error:
            raise UnreadableSlide(path, self._reason(error)) from error
        except OrbicyteError as error:
            raise UnreadableSlide(path, str(error)) from error
        scale = stated_um(path)
        self.info = SlideInfo(
            path=path,
            vendor="image",
            width_px=width_px,
            height_px=height_px,
            level_sizes=((width_px, height_px),),
            downsamples=(1.0,),
            mpp=mean_mpp(*scale),
            fingerprint=fingerprint(path),
            bounds_px=(0, 0, width_px, height_px),
            why_no_mpp=why_no_mpp(*scale),
            value_range=found,
        )

    def region(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> Image.Image:
        """As ``SlideReader.region``, as an RGB Pillow image of ``width_px`` by ``height_px``.

        Raises ``UnreadableSlide`` for an image that cannot be decoded, ``ValueError`` for a level other than 0.
        """
        if level != 0:
            raise ValueError(f"a plain image has level 0 only, not {level}")
        found = Image.new("RGB", (width_px, height_px), "white")
        found.paste(self._decoded(), (-x_px, -y_px))
        return found

    def close(self) -> None:
        """Release the pixels."""
        self._pixels = None

    def _decoded(self) -> Image.Image:
        with self._lock:
            if self._pixels is None:
                try:
                    self._pixels = Image.fromarray(read_patch(self.info.path, self._ranges))
                except UnreadableImage as error:
                    raise UnreadableSlide(self.info.path, self._reason(error)) from error
            return self._pixels

    def _reason(self, error: UnreadableImage) -> str:
        if str(error).startswith("not an image"):
            return "not a slide or an image, or damaged at its beginning"
        what = "" if self._unusual is None else f"it has {self._unusual}, which are read only as a whole: "
        return f"{what}{error}: {ADVICE}" if "megapixels" in str(error) or " MB: " in str(error) else str(error)


def _ranges(path: Path, stated: tuple[float, float] | None) -> tuple[Ranges, tuple[float, float] | None]:
    """The ranges to read the slide with, and black and white of its own numbers, None for 8 bits."""
    extent = value_extent(path)
    if stated is not None:
        ranges = stated_ranges(stated)
        return ranges, stated if extent is not None or ranges.is_inverted else None
    ranges = Ranges() if extent is None else decide([replace(extent, name="")])
    chosen = None if extent is None else ranges.of(extent.kind)
    return ranges, None if chosen is None else (chosen.black, chosen.white)
