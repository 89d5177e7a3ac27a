"""Plain images, read whole: PNG, JPEG, BMP, TIFF in strips or of 16 bits. One level."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orbicyte.data.images import UnreadableImage, image_size, read_patch
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.slides.info import SlideInfo, UnreadableSlide
from orbicyte.slides.mpp import image_mpp

WAY_OUT = "make a tiled pyramid of it: vips tiffsave IMAGE SLIDE.tif --tile --pyramid --compression jpeg --Q 90"


class PlainSource:
    """An image of at most 64 megapixels, decoded at the first region and kept. Raises ``UnreadableSlide``."""

    steps = (1.0,)

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._pixels: NDArray[np.uint8] | None = None
        try:
            width_px, height_px = image_size(path)
        except UnreadableImage as error:
            raise UnreadableSlide(path, _reason(error)) from error
        self.info = SlideInfo(
            path=path,
            vendor="image",
            width_px=width_px,
            height_px=height_px,
            level_sizes=((width_px, height_px),),
            downsamples=(1.0,),
            mpp=image_mpp(path),
            fingerprint=fingerprint(path),
        )

    def region(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> NDArray[np.uint8]:
        """As ``SlideReader.region``."""
        if level != 0:
            raise ValueError(f"a plain image has level 0 only, not {level}")
        pixels = self._decoded()
        found = np.full((height_px, width_px, 3), 255, np.uint8)
        left, top = max(0, x_px), max(0, y_px)
        part = pixels[top : max(0, y_px + height_px), left : max(0, x_px + width_px)]
        found[top - y_px :, left - x_px :][: part.shape[0], : part.shape[1]] = part
        return found

    def close(self) -> None:
        """Let go of the pixels."""
        self._pixels = None

    def _decoded(self) -> NDArray[np.uint8]:
        with self._lock:
            if self._pixels is None:
                try:
                    self._pixels = read_patch(self.info.path)
                except UnreadableImage as error:
                    raise UnreadableSlide(self.info.path, _reason(error)) from error
            return self._pixels


def _reason(error: UnreadableImage) -> str:
    return f"{error}: {WAY_OUT}" if "megapixels" in str(error) else str(error)
