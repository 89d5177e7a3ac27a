"""Draws a cell at any angle by evaluating its shapes and textures at rotated points, without interpolation."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from orbicyte.arrays import Flags, Floats
from orbicyte.synthetic.bodies import Painter
from orbicyte.synthetic.cells import Cell
from orbicyte.synthetic.grid import Grid, sample_grid
from orbicyte.synthetic.stain import transmit

FIELD_UM = 25.6  # side of a patch: twice a neutrophil's diameter, as in published data sets of single cells


@dataclass(frozen=True)
class Drawing:
    """``image``: (S, S, 3) in 0 to 1; masks (S, S) of the cell in the centre and of its nucleus.

    ``angle_rad``: the orientation of the cell, counter-clockwise.
    """

    image: Floats
    cell_mask: Flags
    nucleus_mask: Flags
    angle_rad: float


def draw(
    cell: Cell, size_px: int = 128, mpp: float | None = None, rotation_rad: float = 0.0, noise: bool = True
) -> Drawing:
    """Draw a cell, rotated counter-clockwise by ``rotation_rad`` in addition to its own orientation.

    ``mpp`` is in µm per pixel; if omitted, the patch covers 25.6 µm at any size. The sensor's noise is sampled for each
    pixel with the cell's seed and is not rotated. Raises ``ValueError`` for a size or scale that is not positive.
    """
    mpp = FIELD_UM / size_px if mpp is None and size_px > 0 else mpp
    if size_px <= 0 or mpp is None or mpp <= 0:
        raise ValueError(f"expected a positive size and scale, got {size_px} px at {mpp} µm per pixel")
    grid = sample_grid(size_px, mpp, cell.angle_rad, rotation_rad)
    painter = Painter(grid)
    for neighbour in cell.neighbours:
        painter.add(neighbour.body, neighbour.place_um, neighbour.angle_rad)
    covers = painter.add_white(cell.white)
    image = grid.pixels(_blur(transmit(painter.density, cell.slide), grid, cell.slide.blur_um))
    if noise:
        image = image + np.random.default_rng(cell.seed).normal(0, cell.slide.noise, image.shape).astype(np.float32)
    cell_mask, nucleus_mask = (grid.pixels(cover) >= 0.5 for cover in covers)
    return Drawing(np.clip(image, 0, 1), cell_mask, nucleus_mask, (cell.angle_rad + rotation_rad) % (2 * np.pi))


def _blur(image: Floats, grid: Grid, sigma_um: float) -> Floats:
    for axis in (0, 1):
        image = gaussian_filter1d(image, sigma_um / grid.spacing_um, axis=axis, truncate=3.0)
    return image
