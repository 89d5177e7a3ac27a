"""The detector: from a slide, or an image in memory, to a table with one row per cell."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from orbicyte.arrays import Pixels
from orbicyte.detection.pipeline import Finder
from orbicyte.detection.scale import resized
from orbicyte.detection.tiles import CORE_PX, Tile, plan
from orbicyte.detection.tissue import Tissue
from orbicyte.detection.unet import UNet
from orbicyte.detection.watershed import Found
from orbicyte.detection.weight_files import SHIPPED, Config, read_detector
from orbicyte.devices import device_of
from orbicyte.errors import OrbicyteError
from orbicyte.slides.reader import SlideReader, require_mpp
from orbicyte.study.cells import SCHEMA, cell_id, outline

DTYPES = {field.name: field.type.to_pandas_dtype() for field in SCHEMA if field.name not in ("id", "outline_px")}


class Detector:
    """A U-Net and its post-processing. ``mpp``: its working µm per pixel; ``fingerprint``: of weights and rules.

    ``core_px``: side of a tile's core in working pixels; the detected cells do not depend on it.
    """

    def __init__(
        self, network: UNet, config: Config, fingerprint: str, device: torch.device, core_px: int = CORE_PX
    ) -> None:
        self.mpp = config.mpp
        self.fingerprint = fingerprint
        self.core_px = core_px
        self.finder = Finder(network, config.mpp, config.separation, device)

    @classmethod
    def load(cls, path: Path | None = None, device: str | None = None) -> "Detector":
        """The detector in the folder ``path``; None: the one shipped with orbicyte.

        ``device`` is a name such as ``cpu`` or ``cuda:1``; None: a GPU if there is one. Raises ``OrbicyteError`` for
        a folder without a detector, or with a damaged one, and for a device that does not exist.
        """
        network, config, fingerprint = read_detector(SHIPPED if path is None else Path(path))
        return cls(network, config, fingerprint, device_of(device))

    def detect(
        self, slide: SlideReader, fingerprint: str, advance: Callable[[int], None] | None = None
    ) -> pd.DataFrame:
        """The cells of a slide, with the columns of ``orbicyte.study.cells.SCHEMA``, sorted by y, then x.

        ``fingerprint``: of the slide's content, which determines the ids. ``advance(n)`` is called when ``n`` more
        hundredths of ``tiles(slide)`` are done; they add up to 100. Raises ``OrbicyteError`` for a slide whose µm per
        pixel are unknown, and ``UnreadableSlide`` for one that cannot be read.
        """
        image = self.on_slide(slide)
        tiles = self.tiles(slide)
        found = self.finder.find(image, tiles, None if advance is None else _hundredths(len(tiles), advance))
        return _table(found, fingerprint, image.step_px, require_mpp(slide.info))

    def tiles(self, slide: SlideReader) -> list[Tile]:
        """The tiles that ``detect`` reads: those that are not empty glass."""
        image = self.on_slide(slide)
        tiles = plan(image.width_px, image.height_px, self.core_px, self.finder.multiple_px)
        longest_px = max(image.width_px, image.height_px)
        if longest_px <= CORE_PX:
            return list(tiles)
        tissue = Tissue.of(slide.thumbnail, longest_px, self.mpp)
        return [tile for tile in tiles if tissue.on(tile)]

    def on_slide(self, slide: SlideReader) -> "OnSlide":
        """The slide at the detector's µm per pixel."""
        return OnSlide.at(slide, self.mpp)

    def detect_image(self, image: NDArray[np.uint8], mpp: float) -> pd.DataFrame:
        """The cells of an image (H, W, 3), 0 to 255, at ``mpp`` µm per pixel: a table like that of ``detect``.

        Raises ``OrbicyteError`` for an array of another shape or type, and an ``mpp`` that is not positive.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape or not mpp > 0:
            raise OrbicyteError(
                f"expected an RGB image (height, width, 3) of 8 bits and a positive scale, "
                f"got {image.dtype} {image.shape} at {mpp} µm per pixel"
            )
        working = _InMemory(resized(image, mpp, self.mpp))
        tiles = list(plan(working.width_px, working.height_px, self.core_px, self.finder.multiple_px))
        fingerprint = hashlib.sha256(image.tobytes()).hexdigest()
        return _table(self.finder.find(working, tiles), fingerprint, self.mpp / mpp, mpp)


@dataclass(frozen=True)
class _InMemory:
    pixels: Pixels

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    def read(self, left_px: int, top_px: int, width_px: int, height_px: int) -> Pixels:
        return self.pixels[top_px : top_px + height_px, left_px : left_px + width_px]


@dataclass(frozen=True)
class OnSlide:
    """A slide at ``mpp``: one of its pixels is ``step_px`` level-0 pixels wide."""

    slide: SlideReader
    mpp: float
    step_px: float
    width_px: int
    height_px: int

    @classmethod
    def at(cls, slide: SlideReader, mpp: float) -> "OnSlide":
        """``slide`` at ``mpp``. Raises ``OrbicyteError`` if its own µm per pixel are unknown."""
        step = mpp / require_mpp(slide.info)
        sides = (max(1, round(side / step)) for side in (slide.info.width_px, slide.info.height_px))
        return cls(slide, mpp, step, *sides)

    def read(self, left_px: int, top_px: int, width_px: int, height_px: int) -> Pixels:
        """A part, all in pixels of ``mpp``: (height_px, width_px, 3), 0 to 255. Raises ``UnreadableSlide``."""
        return self.slide.read(left_px * self.step_px, top_px * self.step_px, width_px, height_px, self.mpp)


def _hundredths(total: int, advance: Callable[[int], None]) -> Callable[[int], None]:
    """A function for the number of items newly done of ``total``; it calls ``advance`` with hundredths."""
    done = 0

    def more(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        advance(100 * done // total - 100 * before // total)

    return more


def _table(found: Iterable[Found], fingerprint: str, step_px: float, mpp: float) -> pd.DataFrame:
    """One row per cell. ``step_px``: level-0 pixels per pixel of ``found``; ``mpp``: µm per level-0 pixel."""
    rows = []
    for one in sorted(found, key=lambda cell: (cell.y_px, cell.x_px)):
        x_px, y_px = one.x_px * step_px, one.y_px * step_px
        diameter_um = 2 * np.sqrt(one.area_px2 / np.pi) * step_px * mpp
        where = (cell_id(fingerprint, x_px, y_px), x_px, y_px, x_px * mpp, y_px * mpp)
        rows.append((*where, diameter_um, one.score, outline(one.outline_px * step_px)))
    table = pd.DataFrame(rows, columns=SCHEMA.names)
    return table.astype(DTYPES)
