"""Patches cut from slides: squares of a stated µm per pixel with a cell in the centre, read from the best level."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.arrays import Pixels
from orbicyte.data.patches import Skipped, pixels_of, ring
from orbicyte.data.updating import StoreUpdate
from orbicyte.errors import OrbicyteError
from orbicyte.prefetch import in_threads
from orbicyte.slides.reader import SlideReader, best_level, open_slide, require_mpp
from orbicyte.study.slides import SlideRecord

BLOCK_PX = 1024
"""Side of the blocks in which cells are read one after the other, so that neighbours share decoded tiles."""
STRIP_PX = 256
COPY_WITHIN_PX = 0.05
"""Pixels by which a patch's side may differ from that at the level's scale, if pixels are to be copied."""

Cell = tuple[int, float, float, float]


def stored_px(patch_px: int) -> int:
    """Side of the square that contains a ``patch_px`` square at any rotation: 256 -> 364; with equal margins."""
    return patch_px + 2 * math.ceil(patch_px * (math.sqrt(2) - 1) / 2)


def leaves_slide(cells: pd.DataFrame, record: SlideRecord, side_um: float) -> NDArray[np.bool_]:
    """True for cells whose square of ``side_um`` extends beyond the slide: (N,), from ``x_px`` and ``y_px``."""
    half_px = side_um / record.mpp / 2
    centres_px = cells[["x_px", "y_px"]].to_numpy(dtype=np.float64)
    far_px = np.array([record.width_px, record.height_px]) - centres_px
    return np.asarray(np.minimum(centres_px, far_px).min(axis=1) < half_px)


def in_reading_order(cells: pd.DataFrame) -> pd.DataFrame:
    """``cells`` sorted by slide, then by block, and within a block by strip; all columns, and the index, are kept."""
    x, y = cells["x_px"], cells["y_px"]
    keys = {"slide": cells["slide"], "row": y // BLOCK_PX, "column": x // BLOCK_PX, "strip": y // STRIP_PX, "x": x}
    order = pd.DataFrame(keys, index=cells.index).sort_values(list(keys), kind="stable").index
    return cells.loc[order]


def read_patch(slide: SlideReader, x_px: float, y_px: float, side_px: int, mpp: float) -> Pixels:
    """The square of ``side_px`` at ``mpp`` µm per pixel centred on (x_px, y_px) in level-0 pixels: (S, S, 3).

    If a level has that scale, its pixels are copied, and the centre is off by at most half a pixel. Raises
    ``UnreadableSlide``, or ``OrbicyteError`` if the slide's µm per pixel are unknown.
    """
    scale = mpp / require_mpp(slide.info)
    down = slide.info.downsamples[best_level(slide.info.downsamples, scale)]
    corner_px = (x_px - side_px * scale / 2, y_px - side_px * scale / 2)
    if abs(scale / down - 1) * side_px < COPY_WITHIN_PX:
        corner_px = (round(corner_px[0] / down) * down, round(corner_px[1] / down) * down)
    return slide.read(*corner_px, side_px, side_px, mpp)


def missing_patches(
    store: StoreUpdate, records: Mapping[str, SlideRecord], side_px: int, view_px: int, failed: list[Skipped]
) -> Iterator[int]:
    """Read the patches that ``store`` lacks and write them, slide by slide; yield each row's number once written.

    A slide that is missing, damaged, or not the one on which its cells were detected is added to ``failed``; its
    remaining patches are not written.
    """
    rim = np.flatnonzero(ring(side_px, view_px))
    for name, cells in store.unread.groupby("slide", sort=False):
        try:
            yield from _of_slide(store, records[str(name)], in_reading_order(cells), side_px, rim)
        except OrbicyteError as error:
            failed.append(Skipped(str(name), str(error)))


def _of_slide(
    store: StoreUpdate, record: SlideRecord, cells: pd.DataFrame, side_px: int, rim: NDArray[np.intp]
) -> Iterator[int]:
    with open_slide(Path(record.path), mpp=record.mpp, value_range=record.value_range) as slide:
        if slide.info.fingerprint != record.fingerprint:
            raise OrbicyteError(
                f"{record.path} is no longer the slide on which the cells were detected: restore that slide, or run "
                "'orbicyte detect' on the new one"
            )

        def read(cell: Cell) -> tuple[int, Pixels, dict[str, Any]]:
            row, x_px, y_px, mpp = cell
            patch = np.ascontiguousarray(read_patch(slide, x_px, y_px, side_px, mpp))
            return row, patch, pixels_of(patch, rim)

        for row, patch, pixels in in_threads(read, list(cells[["x_px", "y_px", "mpp"]].itertuples(name=None))):
            store.write(row, patch, pixels)
            yield row
