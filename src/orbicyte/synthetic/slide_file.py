"""Synthetic slides as files: a pyramidal TIFF as scanners write it, and the truth about its cells next to it."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from orbicyte.progress import track
from orbicyte.study.files import replacing
from orbicyte.synthetic.cells import WhiteCell
from orbicyte.synthetic.pyramid import SQUARE_PX, TILE_PX, Tiles, add_square, cut, grid, write_pyramid
from orbicyte.synthetic.smear import Smear
from orbicyte.synthetic.smear_render import SLIDE_SAMPLE_UM, window
from orbicyte.synthetic.smear_sampling import sample_smear

Size = tuple[int, int]

MASK_UM = 0.5  # size of a pixel of the mask, rounded to a power of two times the slide's
CELLS_PER_MM2 = 800.0


def draw_slides(
    folder: Path | str,
    slides: int = 6,
    cells: int = 200,
    seed: int = 0,
    mpp: float = 0.25,
    sample_um: float = SLIDE_SAMPLE_UM,
) -> pd.DataFrame:
    """Draw slides ``D1.tif``, ``D2.tif``, ... of about ``cells`` white cells each, each with its own stain.

    Next to each are its truth and mask (see ``draw_slide``). Returns the truth of all, with the slide's name.
    """
    side_um = 1000 * (cells / CELLS_PER_MM2) ** 0.5
    tables = []
    for i in track(range(slides), "slides drawn"):
        name = f"D{i + 1}"
        own = int(np.random.SeedSequence((seed, i)).generate_state(1)[0])
        smear = sample_smear(own, side_um, side_um, name, cells)
        tables.append(draw_slide(Path(folder) / f"{name}.tif", smear, mpp, sample_um).assign(slide=name))
    return pd.concat(tables, ignore_index=True)


def draw_slide(
    path: Path, smear: Smear, mpp: float = 0.25, sample_um: float = SLIDE_SAMPLE_UM, repeat: Size = (1, 1)
) -> pd.DataFrame:
    """Write a smear as a tiled pyramidal TIFF with ``mpp`` µm per pixel, and the truth about it; return the truth.

    Next to ``NAME.tif``: ``NAME.truth.parquet``, one row per white cell: id, x_px, y_px, x_um, y_um (its centre),
    diameter_um (of the whole cell), type, and x0_px, y0_px, x1_px, y1_px, the box of its visible part, with x1 and
    y1 just outside; pixels are of level 0. And ``NAME.mask.tif``: in 32 bits the row, from 1, of the cell visible at
    each position, in pixels of about 0.5 µm (the slide's, or 2, 4, ... times larger; the file states the size).

    ``repeat``: the numbers of copies of the smear from left to right and from top to bottom, for very large slides;
    then its sides must be multiples of 256 pixels of the mask, else raises ``ValueError``. Memory does not grow with
    the slide.
    """
    size = (round(smear.width_um / mpp), round(smear.height_um / mpp))
    down = 2 ** max(0, round(np.log2(MASK_UM / mpp)))
    if repeat != (1, 1) and any(side % (TILE_PX * down) for side in size):
        raise ValueError(f"expected sides of a multiple of {TILE_PX * down} px to repeat, got {size[0]} x {size[1]} px")
    path.parent.mkdir(parents=True, exist_ok=True)
    mask_size = (size[0] // down, size[1] // down)
    with Tiles(path.parent) as tiles, Tiles(path.parent) as mask:
        boxes = _draw(smear, size, mpp, sample_um, down, tiles, mask)
        seen = boxes[:, 2] > 0
        truth = _repeated(_truth(smear, mpp, boxes)[seen], size, mpp, repeat)
        rows = np.where(np.append(False, seen), np.cumsum(np.append(0, seen)), 0).astype(np.uint32)
        with replacing(path) as slide_file, replacing(path.with_suffix(".truth.parquet")) as truth_file:
            with replacing(path.with_suffix(".mask.tif")) as mask_file:
                _write_mask(mask_file, mask, mask_size, mpp * down, rows, repeat)
            truth.to_parquet(truth_file, index=False)
            write_pyramid(slide_file, tiles, size, mpp, repeat)
    return truth


def _draw(
    smear: Smear, size_px: Size, mpp: float, sample_um: float, down: int, tiles: Tiles, mask: Tiles
) -> NDArray[np.int64]:
    """Draw part by part into both files of tiles; return the box of each white cell (n, 4), 0 for an invisible one."""
    least, most = np.full((len(smear.whites), 2), 2**62), np.zeros((len(smear.whites), 2), np.int64)
    for top in range(0, size_px[1], SQUARE_PX):
        for left in range(0, size_px[0], SQUARE_PX):
            part = (min(SQUARE_PX, size_px[0] - left), min(SQUARE_PX, size_px[1] - top))
            image, labels, _ = window(smear, left, top, part, mpp, sample_um)
            add_square(tiles, image, left, top)
            coarse = labels[down // 2 :: down, down // 2 :: down]
            for row, column, tile in cut(coarse, left // down, top // down, mode="constant"):
                mask[0, row, column] = zlib.compress(tile.tobytes(), 1)
            for i, found in enumerate(find_objects(labels)):
                if found is not None:
                    y, x = found
                    least[i] = np.minimum(least[i], (left + x.start, top + y.start))
                    most[i] = np.maximum(most[i], (left + x.stop, top + y.stop))
    return np.hstack([least, most])


def _truth(smear: Smear, mpp: float, boxes: NDArray[np.int64]) -> pd.DataFrame:
    places = np.array([placed.place_um for placed in smear.whites], np.complex128)
    bodies = [placed.body for placed in smear.whites if isinstance(placed.body, WhiteCell)]
    table = pd.DataFrame(
        {
            "id": [f"{smear.slide.name}-{i + 1}" for i in range(len(bodies))],
            "x_px": places.real / mpp,
            "y_px": -places.imag / mpp,
            "x_um": places.real,
            "y_um": -places.imag,
            "diameter_um": [body.diameter_um for body in bodies],
            "type": [body.cell_type for body in bodies],
        }
    )
    return table.assign(**{name: boxes[:, i] for i, name in enumerate(("x0_px", "y0_px", "x1_px", "y1_px"))})


def _repeated(truth: pd.DataFrame, size_px: Size, mpp: float, repeat: Size) -> pd.DataFrame:
    """The truth about copies of a smear, row by row; each id includes the number of the copy."""
    if repeat == (1, 1):
        return truth.reset_index(drop=True)
    copies = []
    for down, across in np.ndindex(repeat[1], repeat[0]):
        right_px, lower_px = across * size_px[0], down * size_px[1]
        moved = truth.assign(id=truth["id"] + f"-{down + 1}-{across + 1}")
        for axis, shift_px in (("x", right_px), ("y", lower_px)):
            moved[[f"{axis}_px", f"{axis}0_px", f"{axis}1_px"]] += shift_px
            moved[f"{axis}_um"] += shift_px * mpp
        copies.append(moved)
    return pd.concat(copies, ignore_index=True)


def _write_mask(path: Path, tiles: Tiles, size_px: Size, mpp: float, rows: NDArray[np.uint32], repeat: Size) -> None:
    """``rows``: the number to write for each number in the tiles (n + 1,)."""
    tifffile.imwrite(
        path,
        _mask_tiles(tiles, size_px, rows, repeat),
        shape=(size_px[1] * repeat[1], size_px[0] * repeat[0]),
        dtype=np.uint32,
        tile=(TILE_PX, TILE_PX),
        photometric="minisblack",
        compression="zlib",
        compressionargs={"level": 1},
        resolution=(1e4 / mpp, 1e4 / mpp),
        resolutionunit="CENTIMETER",
        metadata=None,
        software=False,
    )


def _mask_tiles(tiles: Tiles, size_px: Size, rows: NDArray[np.uint32], repeat: Size) -> Iterator[NDArray[np.uint32]]:
    high, wide = grid(size_px)
    for down in range(high * repeat[1]):
        for across in range(wide * repeat[0]):
            labels = np.frombuffer(zlib.decompress(tiles[0, down % high, across % wide]), np.int32)
            copy = (down // high) * repeat[0] + across // wide
            found = rows[labels.reshape(TILE_PX, TILE_PX)]
            yield np.where(found > 0, found + np.uint32(copy * rows.max()), found)
