"""Patches cut from slides: squares of a stated µm per pixel with a cell in the centre, read from the best level."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.arrays import Pixels
from orbicyte.data.patches import Skipped, pixels_of, ring
from orbicyte.data.updating import StoreUpdate
from orbicyte.errors import OrbicyteError
from orbicyte.slides.prefetch import prefetch
from orbicyte.slides.reader import SlideReader, best_level, open_slide, require_mpp
from orbicyte.study.slides import SlideRecord

BLOCK_PX = 1024
"""Side of the blocks in which cells are read one after the other, so that neighbours share decoded tiles."""
STRIP_PX = 256
THREADS = min(4, os.cpu_count() or 1)
COPY_WITHIN_PX = 0.05
"""What a patch's side may be off for its scale to be the level's."""
AHEAD = 8
"""Patches that each thread may have read and nobody written."""

Cell = tuple[int, float, float, float]
T = TypeVar("T")
R = TypeVar("R")


def stored_px(patch_px: int) -> int:
    """Side of the square that holds a turned ``patch_px`` square: 256 -> 364. The margin is the same on all sides."""
    return patch_px + 2 * math.ceil(patch_px * (math.sqrt(2) - 1) / 2)


def leaves_slide(cells: pd.DataFrame, record: SlideRecord, side_um: float) -> NDArray[np.bool_]:
    """True for cells whose square of ``side_um`` reaches beyond the slide: (N,), from ``x_px`` and ``y_px``."""
    half_px = side_um / record.mpp / 2
    centres_px = cells[["x_px", "y_px"]].to_numpy(dtype=np.float64)
    far_px = np.array([record.width_px, record.height_px]) - centres_px
    return np.asarray(np.minimum(centres_px, far_px).min(axis=1) < half_px)


def in_reading_order(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells by slide, then block by block, and within a block strip by strip."""
    x, y = cells["x_px"], cells["y_px"]
    keys = {"slide": cells["slide"], "row": y // BLOCK_PX, "column": x // BLOCK_PX, "strip": y // STRIP_PX, "x": x}
    order = pd.DataFrame(keys, index=cells.index).sort_values(list(keys), kind="stable").index
    return cells.loc[order]


def read_patch(slide: SlideReader, x_px: float, y_px: float, side_px: int, mpp: float) -> Pixels:
    """The square of ``side_px`` at ``mpp`` µm per pixel centred on (x_px, y_px) in level-0 pixels: (S, S, 3).

    Where a level has that scale its pixels are copied, with the centre within half a pixel of its place.
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
    """Read what ``store`` lacks and write it, slide by slide; yields the number of each row when it is written.

    A slide that is missing, damaged, or another than the one on which its cells were found is added to ``failed``;
    those of its patches that are not read yet stay out.
    """
    rim = np.flatnonzero(ring(side_px, view_px))
    for name, cells in store.unread.groupby("slide", sort=False):
        try:
            yield from _of_slide(store, records[str(name)], in_reading_order(cells), side_px, rim)
        except OrbicyteError as error:
            failed.append(Skipped(str(name), str(error)))
        store.keep()


def _of_slide(
    store: StoreUpdate, record: SlideRecord, cells: pd.DataFrame, side_px: int, rim: NDArray[np.intp]
) -> Iterator[int]:
    with open_slide(Path(record.path), mpp=record.mpp) as slide:
        if slide.info.fingerprint != record.fingerprint:
            raise OrbicyteError(
                f"{record.path} is not the slide any more on which the cells were found: put that one back, or run "
                "'orbicyte detect' on it again"
            )

        def read(cell: Cell) -> tuple[int, Pixels, dict[str, Any]]:
            row, x_px, y_px, mpp = cell
            patch = np.ascontiguousarray(read_patch(slide, x_px, y_px, side_px, mpp))
            return row, patch, pixels_of(patch, rim)

        for row, patch, pixels in in_threads(read, list(cells[["x_px", "y_px", "mpp"]].itertuples(name=None))):
            store.write(row, patch, pixels)
            yield row


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Results in the order of ``items``, of which threads work on some ahead (decoding leaves the GIL)."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from prefetch(pool, function, items, AHEAD * THREADS)
