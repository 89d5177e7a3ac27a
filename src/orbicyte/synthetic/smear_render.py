"""Draws any window of a smear; windows fit together without a seam: everything is a function of the position."""

import math

import numpy as np
from scipy.ndimage import gaussian_filter1d

from orbicyte.arrays import Doubles, Flags, Floats, Labels, Pixels
from orbicyte.synthetic.bodies import Painter
from orbicyte.synthetic.cells import WhiteCell
from orbicyte.synthetic.grid import Grid, Window, sample_grid
from orbicyte.synthetic.smear import Smear
from orbicyte.synthetic.stain import transmit

SLIDE_SAMPLE_UM = 0.13  # coarser than for single cells: a slide has many
BLOCK_PX = 512  # side of the part that is drawn in one step
NOISE_PX = 128  # the sensor's noise has a seed for each square of this size
FILM = (0.012, 0.015, 0.005)  # densities of the three absorbers where the film of plasma is thickest
DEFOCUS_STEPS = 4


def microscope_field(
    smear: Smear, x_um: float, y_um: float, size_px: int, mpp: float, sample_um: float = SLIDE_SAMPLE_UM
) -> tuple[Pixels, Labels, Flags]:
    """A square window of a smear: RGB (S, S, 3), numbers of cells (S, S), mask of their nuclei (S, S).

    ``x_um``, ``y_um``: its upper left corner, rounded to a whole pixel of ``mpp`` µm. The number is 0 outside white
    cells, else that of the topmost cell in ``smear.whites``, from 1. ``sample_um``: largest distance of the samples
    whose mean is a pixel. Beyond the slide's border is glass, and parts of cells that extend over the border.
    Raises ``ValueError`` for a size or scale that is not positive.
    """
    if size_px <= 0 or mpp <= 0 or sample_um <= 0:
        raise ValueError(f"expected a positive size and scale, got {size_px} px at {mpp} µm, samples of {sample_um} µm")
    return window(smear, round(x_um / mpp), round(y_um / mpp), (size_px, size_px), mpp, sample_um)


def window(
    smear: Smear, left_px: int, top_px: int, size_px: tuple[int, int], mpp: float, sample_um: float = SLIDE_SAMPLE_UM
) -> tuple[Pixels, Labels, Flags]:
    """Like ``microscope_field``, for a window of (width, height) whose upper left corner is a pixel of ``mpp`` µm.

    RGB (H, W, 3), numbers of cells (H, W), mask of their nuclei (H, W). The size and the scale are not checked.
    """
    width, height = size_px
    image, labels = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.int32)
    nuclei = np.empty((height, width), np.bool_)
    for top in range(0, height, BLOCK_PX):
        for left in range(0, width, BLOCK_PX):
            h, w = min(BLOCK_PX, height - top), min(BLOCK_PX, width - left)
            part = _block(smear, left_px + left, top_px + top, max(h, w), mpp, sample_um)
            here = np.s_[top : top + h, left : left + w]
            image[here], labels[here], nuclei[here] = (piece[:h, :w] for piece in part)
    return image, labels, nuclei


def _block(
    smear: Smear, left_px: int, top_px: int, size_px: int, mpp: float, sample_um: float
) -> tuple[Pixels, Labels, Flags]:
    margin = math.ceil(3 * math.hypot(smear.defocus_um, smear.slide.blur_um) / mpp)
    wide = size_px + 2 * margin
    grid = sample_grid(wide, mpp, 0.0, 0.0, sample_um, margin_um=0.0)
    x_px, y_px = left_px - margin, top_px - margin
    centre = complex(x_px + wide / 2, -(y_px + wide / 2)) * mpp
    density, labels, nuclei = _paint(smear, grid, centre)
    film = smear.film.on(*_middles(x_px, y_px, wide, mpp, grid.oversample))
    density += np.multiply.outer(np.array(FILM, np.float32), film)
    light = grid.pixels(transmit(density, smear.slide))
    light = _focus(light, smear, smear.defocus.on(*_middles(x_px, y_px, wide, mpp, 1)), mpp)
    inner = np.s_[margin : margin + size_px, margin : margin + size_px]
    noisy = light[inner] + smear.slide.noise * _noise(smear.seed, left_px, top_px, size_px)
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8), labels[inner], nuclei[inner]


def _middles(x_px: int, y_px: int, size_px: int, mpp: float, oversample: int) -> tuple[Doubles, Doubles]:
    """Columns (n,) and rows (n,), in µm on the slide, of the samples of a square window."""
    middles = (np.arange(size_px * oversample) + 0.5) * (mpp / oversample)
    return np.asarray(x_px * mpp + middles, np.float64), np.asarray(y_px * mpp + middles, np.float64)


def _paint(smear: Smear, grid: Grid, centre_um: complex) -> tuple[Floats, Labels, Flags]:
    """Densities on the grid with its centre at ``centre_um``; numbers of cells and mask of nuclei on its pixels."""
    painter = Painter(grid)
    size = len(grid.points) // grid.oversample
    labels, nuclei = np.zeros((size, size), np.int32), np.zeros((size, size), np.bool_)
    numbers, others = smear.near(centre_um, len(grid.points) * grid.spacing_um / 2)
    for other in others:
        painter.add(other.body, other.place_um - centre_um, other.angle_rad)
    for number in numbers:
        placed = smear.whites[number]
        assert isinstance(placed.body, WhiteCell)
        where, *covers = painter.paint_white(placed.body, placed.place_um - centre_um, placed.angle_rad)
        pixels, (cell, nucleus) = _on_pixels(where, covers, grid.oversample)
        labels[pixels][cell] = number + 1
        nuclei[pixels][cell] = nucleus[cell]
    return painter.density, labels, nuclei


def _on_pixels(where: Window, covers: list[Floats], oversample: int) -> tuple[Window, list[Flags]]:
    """The pixels of a window of samples, and for each coverage the mask of pixels that are at least half covered."""
    pixels = tuple(slice(s.start // oversample, -(-s.stop // oversample)) for s in where)
    before = [
        (s.start - p.start * oversample, p.stop * oversample - s.stop) for s, p in zip(where, pixels, strict=True)
    ]
    masks = []
    for cover in covers:
        whole = np.pad(cover, before)
        height, width = (n // oversample for n in whole.shape)
        masks.append(whole.reshape(height, oversample, width, oversample).mean(axis=(1, 3)) >= 0.5)
    return (pixels[0], pixels[1]), masks


def _focus(light: Floats, smear: Smear, defocus: Floats, mpp: float) -> Floats:
    """Blur by the optics and by the local defocus, as a mixture of images with blurs in regular steps."""
    total = np.zeros_like(light)
    for step in range(DEFOCUS_STEPS + 1):
        share = np.clip(1 - np.abs(defocus * DEFOCUS_STEPS - step), 0, 1)
        if share.any():
            sigma = math.hypot(smear.slide.blur_um, smear.defocus_um * step / DEFOCUS_STEPS) / mpp
            total += share[..., None] * _blur(light, sigma)
    return total


def _blur(light: Floats, sigma_px: float) -> Floats:
    for axis in (0, 1):
        light = gaussian_filter1d(light, sigma_px, axis=axis, truncate=3.0)
    return light


def _noise(seed: int, left_px: int, top_px: int, size_px: int) -> Floats:
    """Standard normal noise (S, S, 3), the same for a pixel of the slide in every window."""
    rows = range(top_px // NOISE_PX, (top_px + size_px - 1) // NOISE_PX + 1)
    columns = range(left_px // NOISE_PX, (left_px + size_px - 1) // NOISE_PX + 1)
    whole = np.vstack([np.hstack([_noise_square(seed, row, column) for column in columns]) for row in rows])
    top, left = top_px - rows.start * NOISE_PX, left_px - columns.start * NOISE_PX
    return np.asarray(whole[top : top + size_px, left : left + size_px])


def _noise_square(seed: int, row: int, column: int) -> Floats:
    # Seeds cannot be negative, squares beyond the slide's border can.
    rng = np.random.default_rng((seed, row + 2**31, column + 2**31))
    return rng.standard_normal((NOISE_PX, NOISE_PX, 3), np.float32)
