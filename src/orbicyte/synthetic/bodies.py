"""White cells, red cells and platelets as densities of dyes on a grid of samples."""

import math

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import ComplexPoints, Floats
from orbicyte.synthetic.cells import Grains, Nucleus, Platelet, RedCell, WhiteCell
from orbicyte.synthetic.grid import Grid, Window, unit
from orbicyte.synthetic.shapes import chain, cover, radial, spine
from orbicyte.synthetic.stain import stained
from orbicyte.synthetic.texture import clumps, scatter, warp

RED_CELL_DENSITY = 0.068  # of haemoglobin
THINNING = 0.75  # share of a body's density that is lost where it overlaps a red cell: both get thinner there
REACH = 1.4  # distance of an outline's farthest point, in radii


class Painter:
    """The densities (3 absorbers, n, n) of a scene, to which one body after the other is added."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.density: Floats = np.zeros((3, *grid.points.shape), np.float32)

    def add(self, body: WhiteCell | RedCell | Platelet, place_um: complex, angle_rad: float) -> None:
        """Add a body at a position in the scene, rotated by ``angle_rad``, counter-clockwise."""
        if isinstance(body, WhiteCell):
            self.add_white(body, place_um, angle_rad)
            return
        window, points = self._local(place_um, angle_rad, body.diameter_um)
        if points.size:
            density = red_cell(body, points) if isinstance(body, RedCell) else platelet(body, points)
            below = np.minimum(self.density[2][window] / np.float32(RED_CELL_DENSITY), 1)
            self.density[:, *window] += density * (1 - THINNING * below)

    def add_white(self, white: WhiteCell, place_um: complex = 0, angle_rad: float = 0.0) -> tuple[Floats, Floats]:
        """Add a nucleated cell, which displaces other bodies; return its and its nucleus's coverage: (n, n), 0 to 1."""
        whole, inner = np.zeros_like(self.density[0]), np.zeros_like(self.density[0])
        window, body, nuclear = self.paint_white(white, place_um, angle_rad)
        whole[window], inner[window] = body, nuclear
        return whole, inner

    def paint_white(self, white: WhiteCell, place_um: complex, angle_rad: float) -> tuple[Window, Floats, Floats]:
        """As ``add_white``; return the window of the grid with the cell, and both coverages there: (h, w), 0 to 1."""
        window, points = self._local(place_um, angle_rad, white.diameter_um)
        if not points.size:
            return window, np.zeros(points.shape, np.float32), np.zeros(points.shape, np.float32)
        density, whole, inner = white_cell(white, points)
        self.density[:, *window] = self.density[:, *window] * (1 - whole) + density
        return window, whole, inner

    def _local(self, place_um: complex, angle_rad: float, diameter_um: float) -> tuple[Window, ComplexPoints]:
        window = self.grid.window(place_um, REACH * diameter_um / 2)
        points = (self.grid.points[window] - np.complex64(place_um)) * np.complex64(unit(-angle_rad))
        return window, points


def red_cell(red: RedCell, points: ComplexPoints) -> Floats:
    """Densities (3, h, w) of a biconcave disc: a soft rim, slightly denser just inside it, pale in the centre."""
    rho, edge = radial(points, red.diameter_um / 2, red.outline)
    t = rho / edge
    hollow = np.exp(-((t / np.float32(red.pallor_width)) ** 6))
    ridge = np.exp(-(((t - 0.85) / 0.12) ** 2))
    thickness = 1 - red.pallor * hollow + 0.12 * ridge
    return np.asarray(stained(red.dyes, cover(rho - edge, 0.25) * thickness), np.float32)


def platelet(scrap: Platelet, points: ComplexPoints) -> Floats:
    """Densities (3, h, w) of a pale body with granules concentrated in its centre."""
    rng = np.random.default_rng(scrap.seed)
    rho, edge = radial(points, scrap.diameter_um / 2, scrap.outline)
    body = cover(rho - edge, 0.5)
    specks = grains(points, scrap.granules, scatter(scrap.granules.count, 0.4 * scrap.diameter_um, rng))
    return np.asarray(stained(scrap.dyes, body) + stained(scrap.granules.dyes, specks * body), np.float32)


def white_cell(white: WhiteCell, points: ComplexPoints) -> tuple[Floats, Floats, Floats]:
    """Densities (3, h, w) of a nucleated cell, its coverage and its nucleus's (h, w), 0 to 1."""
    rng = np.random.default_rng(white.seed)
    radius = white.diameter_um / 2
    rho, edge = radial(warp(points, white.roughness_um, (4.0, 9.0), rng), radius, white.outline)
    body = cover(rho - edge)
    inside = body > 0
    within = points[inside]
    specks = grains(points, white.granules, scatter(white.granules.count, radius, rng))[inside]
    holes = grains(points, white.vacuoles, scatter(white.vacuoles.count, 0.85 * radius, rng))[inside]
    pale = grains(points, white.nucleus.nucleoli, nucleoli(white.nucleus, rng))[inside]
    mottle = np.tanh(clumps(within, white.mottle.scale_um, rng))
    level = 1 + white.mottle.contrast * mottle + white.rim * ((rho / edge)[inside] ** 3 - 0.5)
    inner, chromatin = nucleus(white.nucleus, within, (rho - edge)[inside], 0.93 * radius, rng)
    density = stained(white.cytoplasm, level * (1 - inner))
    density += stained(white.granules.dyes, specks * (1 - 0.5 * inner))
    density += stained(white.nucleus.dyes, chromatin * inner * (1 - 0.35 * pale))
    whole, nuclear = np.zeros((3, *body.shape), np.float32), np.zeros_like(body)
    whole[:, inside] = density * (body[inside] * (1 - 0.85 * holes * (1 - inner)))
    nuclear[inside] = inner * body[inside]
    return whole, body, nuclear


def nucleus(
    nuc: Nucleus, points: ComplexPoints, outside_um: Floats, within_um: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Coverage (n,) of a nucleus that is inside the cell, 0 to 1, and the density (n,) of its chromatin, of mean 1.

    ``outside_um``: signed distance of the points from the cell's outline; ``within_um``: radius around the lobes.
    """
    distance = chain(warp(points, nuc.roughness_um, (3.0, 7.0), rng), *spine(nuc, within_um, rng), nuc.waist)
    distance = np.maximum(distance, outside_um + np.float32(0.25))
    gaps = np.clip(clumps(points, nuc.chromatin.scale_um, rng) - np.float32(0.2), 0, 1.4)
    coarse = np.tanh(clumps(points, 2.5 * nuc.chromatin.scale_um, rng))
    membrane = nuc.rim * np.exp(-(((distance + np.float32(0.2)) / np.float32(0.2)) ** 2))
    level = 1.12 - nuc.chromatin.contrast * gaps + 0.3 * nuc.chromatin.contrast * coarse + membrane
    return cover(distance), np.asarray(level, np.float32)


def nucleoli(nuc: Nucleus, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Positions (n,) of the nucleoli of a round nucleus, in µm from the cell's centre."""
    return scatter(nuc.nucleoli.count, 0.35 * nuc.diameter_um, rng) - nuc.offset_um


def grains(points: ComplexPoints, kind: Grains, places_um: NDArray[np.complex128]) -> Floats:
    """Coverage (h, w), 0 to 1, of soft round specks at ``places_um`` (k,); each is evaluated only near its position.

    ``points`` (h, w) are those of a window of a grid, in µm: equal steps along rows and columns.
    """
    if not kind.count or min(points.shape) < 2:
        return np.zeros(points.shape, np.float32)
    radius = kind.diameter_um / 2
    index, place = _nearby(points, places_um, 1.4 * radius)
    t = np.clip(1.4 - np.abs(points.ravel()[index] - place) / radius, 0, 0.8) / 0.8
    total = np.bincount(index, weights=t * t * (3 - 2 * t), minlength=points.size)
    return np.minimum(total, 1).astype(np.float32).reshape(points.shape)


def _nearby(
    points: ComplexPoints, places_um: NDArray[np.complex128], reach_um: float
) -> tuple[NDArray[np.intp], NDArray[np.complex128]]:
    """Pairs of a point (index in the flat window) and a place within ``reach_um``, and some pairs farther apart."""
    height, width = points.shape
    right, down = complex(points[0, 1] - points[0, 0]), complex(points[1, 0] - points[0, 0])
    relative = (places_um - complex(points[0, 0])) / abs(right) ** 2
    reach = math.ceil(reach_um / abs(right)) + 1
    offset = np.arange(-reach, reach + 1)
    columns = np.rint((relative * right.conjugate()).real).astype(np.intp)[:, None, None] + offset
    rows = np.rint((relative * down.conjugate()).real).astype(np.intp)[:, None, None] + offset[:, None]
    seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return (rows * width + columns)[seen], np.broadcast_to(places_um[:, None, None], seen.shape)[seen]
