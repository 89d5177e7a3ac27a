"""Random parameters of a whole smear: the positions of its cells; its thick, empty and out-of-focus regions."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Doubles
from orbicyte.cell_types import TYPES
from orbicyte.synthetic.cells import Dyes, Grains, Neighbour, Platelet, RedCell, Slide, WhiteCell
from orbicyte.synthetic.landscape import Region, region
from orbicyte.synthetic.sampling import sample_platelet, sample_red, sample_slide, sample_white
from orbicyte.synthetic.shapes import radial
from orbicyte.synthetic.smear import Smear
from orbicyte.synthetic.study import GOLDEN, SHARES
from orbicyte.synthetic.texture import scatter

Places = NDArray[np.complex128]


CELLS_PER_MM2 = 700.0
CLUMPED = 0.3  # share of white cells that touch another
OVERLAP = 0.04  # largest overlap of touching white cells, over the sum of their radii
TRIES = 200  # positions tried before a cell is left out
THICK = 1.5  # additional cells in the thickest region, over the usual number
RED_STOCK = 400  # different red cells of a smear, each used many times at any angle
EDGE_UM = 1.0  # within this of the border no cell has its centre
BIN_UM = 24.0


@dataclass(frozen=True)
class Terrain:
    """Where cells can be: ``filled`` is 0 where there are none, ``thick`` is 1 where there are most.

    There are no cells in ``holes``, the round gaps that fat leaves (rows of x, y, radius in µm), nor within
    ``glass_um`` of the left, upper, right and lower border.
    """

    width_um: float
    height_um: float
    filled: Region
    thick: Region
    holes: tuple[tuple[float, float, float], ...]
    glass_um: tuple[float, float, float, float]

    def density(self, places: Places) -> Doubles:
        """The number of cells relative to the usual one, at places (n,): (n,)."""
        x, y = places.real, -places.imag
        depths = (x, y, self.width_um - x, self.height_um - y)
        ragged = 0.3 + 0.7 * Region(self.thick.seed, 20.0).at(places)
        free = np.ones(len(places), np.bool_)
        for depth, glass in zip(depths, self.glass_um, strict=True):
            free &= depth > max(glass, EDGE_UM) * (ragged if glass else 1)
        for hx, hy, radius in self.holes:
            free &= np.hypot(x - hx, y - hy) > radius
        return np.asarray(free * self.filled.at(places) * (1 + THICK * self.thick.at(places)))


def sample_smear(
    seed: int,
    width_um: float,
    height_um: float,
    name: str = "smear",
    cells: int | None = None,
    slide: Slide | None = None,
) -> Smear:
    """A smear with regions of every kind, its own stain (or that of ``slide``), and ``cells`` white cells.

    By default, ``cells`` is about 700 per mm²; there are fewer if no more fit. Raises ``ValueError`` for a size below
    20 µm.
    """
    if min(width_um, height_um) < 20:
        raise ValueError(f"expected a smear of at least 20 µm per side, got {width_um} x {height_um} µm")
    rng = np.random.default_rng((seed, 7))
    slide = sample_slide(rng, name) if slide is None else slide
    terrain = sample_terrain(rng, width_um, height_um)
    if cells is None:
        cells = int(CELLS_PER_MM2 * rng.uniform(0.6, 1.4) * width_um * height_um / 1e6)
    whites = sample_whites(rng, terrain, cells)
    others = (
        *sample_reds(rng, terrain, slide.red_cells_per_100_um2, whites),
        *sample_platelets(rng, terrain),
        *sample_debris(rng, terrain),
    )
    return Smear(
        slide=slide,
        width_um=width_um,
        height_um=height_um,
        whites=whites,
        others=others,
        film=region(terrain.thick.seed, terrain.thick.scale_um, (width_um, height_um), (0.4, 1.0)),
        defocus=region(_seed(rng), rng.uniform(60, 140), (width_um, height_um), (0.68, 0.97)),
        defocus_um=rng.uniform(0.5, 1.1),
        seed=seed,
    )


def sample_terrain(rng: np.random.Generator, width_um: float, height_um: float) -> Terrain:
    """Regions of a smear; one to three of its borders are glass."""
    size, seed, scale = (width_um, height_um), _seed(rng), rng.uniform(80, 180)
    bare = rng.uniform(0.03, 0.12)
    holes = [
        (rng.uniform(0, width_um), rng.uniform(0, height_um), rng.uniform(8, 28))
        for _ in range(rng.poisson(width_um * height_um / 250**2))
    ]
    sides = rng.permutation([True, *(rng.uniform(size=3) < 0.3)])
    glass = [float(side * rng.uniform(0.03, 0.08) * min(*size, 800)) for side in sides]
    return Terrain(
        width_um=width_um,
        height_um=height_um,
        filled=region(seed, scale, size, (bare, bare + 0.05)),
        thick=region(seed, scale, size, (rng.uniform(0.6, 0.75), rng.uniform(0.85, 0.95))),
        holes=tuple(holes),
        glass_um=(glass[0], glass[1], glass[2], glass[3]),
    )


class Crowd:
    """The bodies placed so far, as circles that can be looked up by position."""

    def __init__(self) -> None:
        self._bins: dict[tuple[int, int], list[tuple[complex, float, Neighbour]]] = defaultdict(list)

    def add(self, placed: Neighbour) -> None:
        """Add a body."""
        self._bins[_bin(placed.place_um)].append((placed.place_um, placed.body.diameter_um / 2, placed))

    def around(self, place: complex) -> Iterator[tuple[complex, float, Neighbour]]:
        """Position, radius and body of all bodies within ``BIN_UM`` of a position, and of some more."""
        column, row = _bin(place)
        for i in (column - 1, column, column + 1):
            for j in (row - 1, row, row + 1):
                yield from self._bins.get((i, j), ())


def sample_whites(rng: np.random.Generator, terrain: Terrain, count: int) -> tuple[Neighbour, ...]:
    """White cells in about the proportions of a study; some touch others and overlap their rims."""
    crowd, whites = Crowd(), list[Neighbour]()
    shares = 0.3 * np.array(SHARES) + 0.7 * rng.dirichlet(40 * np.array(SHARES))
    for i in range(count):
        # Multiples of the golden ratio fill the unit interval evenly: few cells already hold every type.
        kind = np.searchsorted(np.cumsum(shares)[:-1], (i * GOLDEN) % 1, side="right")
        white, angle = sample_white(TYPES[kind], rng), rng.uniform(0, 2 * np.pi)
        for _ in range(TRIES):
            clumped = bool(whites) and rng.uniform() < CLUMPED
            place = _against(rng, whites, white, angle) if clumped else _anywhere(rng, terrain)
            placed = Neighbour(place, angle, white)
            if rng.uniform() * (1 + THICK) < terrain.density(np.array([place]))[0] and _fits(placed, crowd, clumped):
                crowd.add(placed)
                whites.append(placed)
                break
    return tuple(whites)


def _anywhere(rng: np.random.Generator, terrain: Terrain) -> complex:
    return complex(rng.uniform(0, terrain.width_um), -rng.uniform(0, terrain.height_um))


def _against(rng: np.random.Generator, whites: list[Neighbour], white: WhiteCell, angle_rad: float) -> complex:
    """A position at which a white cell touches one of ``whites``, or slightly overlaps it."""
    other = whites[rng.integers(len(whites))]
    direction = complex(np.exp(2j * np.pi * rng.uniform()))
    distance = _reach(other, direction) + _reach(Neighbour(0, angle_rad, white), -direction)
    return other.place_um + distance * (1 - rng.uniform(0, OVERLAP)) * direction


def _fits(placed: Neighbour, crowd: Crowd, clumped: bool) -> bool:
    """Whether a white cell is clear of the others, or in a clump overlaps them by no more than allowed."""
    least = 1 - 1.05 * OVERLAP if clumped else 1.08
    for place, _, other in crowd.around(placed.place_um):
        gap = placed.place_um - place
        direction = gap / abs(gap)
        if abs(gap) < least * (_reach(other, direction) + _reach(placed, -direction)):
            return False
    return True


def _reach(placed: Neighbour, direction: complex) -> float:
    """The extent of a white cell from its centre in a direction, without the roughness of its outline."""
    assert isinstance(placed.body, WhiteCell)
    own = np.array([direction * np.exp(-1j * placed.angle_rad)], np.complex64)
    return float(radial(own, placed.body.diameter_um / 2, placed.body.outline)[1][0])


def sample_reds(
    rng: np.random.Generator, terrain: Terrain, per_100_um2: float, whites: tuple[Neighbour, ...]
) -> Iterator[Neighbour]:
    """Red cells, side by side or overlapping, with more overlaps where the smear is thick."""
    stock = [sample_red(look, rng) for look in np.linspace(0, 1, RED_STOCK)]
    look = Region(_seed(rng), 150.0, -1.5, 1.5)
    crowd = Crowd()
    for white in whites:
        crowd.add(white)
    places = _spread(rng, terrain, per_100_um2 / 100)
    index = np.clip(look.at(places) * RED_STOCK + rng.normal(0, 0.1 * RED_STOCK, len(places)), 0, RED_STOCK - 1)
    thick = terrain.thick.at(places)
    for place, i, depth, chance in zip(
        places.tolist(), index.astype(int), thick, rng.uniform(size=len(places)), strict=True
    ):
        placed = Neighbour(place, float(rng.uniform(0, 2 * np.pi)), stock[i])
        if _is_free(placed, crowd, heaped=chance < 0.15 + 0.85 * depth, covered=chance < 0.6 * depth):
            crowd.add(placed)
            yield placed


def _is_free(red: Neighbour, crowd: Crowd, heaped: bool, covered: bool) -> bool:
    """Whether a red cell is clear of white cells, unless it is covered by them, and of red ones, unless heaped."""
    for place, radius, other in crowd.around(red.place_um):
        gap, own = abs(red.place_um - place), red.body.diameter_um / 2
        if isinstance(other.body, RedCell):
            # Even in a heap, no cell covers another one completely.
            least = 0.55 * (radius + own) if heaped else 0.98 * (radius + own)
        else:
            least = 0.0 if covered else radius + 0.84 * own
        if gap < least:
            return False
    return True


def _spread(rng: np.random.Generator, terrain: Terrain, per_um2: float) -> Places:
    """Random places, ``per_um2`` where the density is usual, more or fewer elsewhere."""
    count = rng.poisson(per_um2 * (1 + THICK) * terrain.width_um * terrain.height_um)
    places = rng.uniform(0, terrain.width_um, count) - 1j * rng.uniform(0, terrain.height_um, count)
    return np.asarray(places[rng.uniform(size=count) * (1 + THICK) < terrain.density(places)])


def sample_platelets(rng: np.random.Generator, terrain: Terrain) -> Iterator[Neighbour]:
    """Platelets, some in groups."""
    for place in _spread(rng, terrain, 4.5e-4):
        group = int(rng.integers(3, 12)) if rng.uniform() < 0.06 else 1
        for shift in scatter(group, 1.3 * group**0.5 if group > 1 else 0.0, rng):
            yield Neighbour(complex(place + shift), float(rng.uniform(0, 2 * np.pi)), sample_platelet(rng))


def sample_debris(rng: np.random.Generator, terrain: Terrain) -> Iterator[Neighbour]:
    """Precipitated stain: dark grains, single and in heaps, on cells and on bare glass."""
    for _ in range(rng.poisson(1.2e-4 * terrain.width_um * terrain.height_um)):
        place, heap = _anywhere(rng, terrain), int(rng.choice((1, 1, 1, 2, 5, 14)))
        for shift in scatter(heap, 0.9 * heap**0.6 if heap > 1 else 0.0, rng):
            yield Neighbour(complex(place + shift), 0.0, sample_grain(rng))


def sample_grain(rng: np.random.Generator) -> Platelet:
    """A grain of precipitate."""
    outline = tuple((0.12 * (rng.normal(size=3) + 1j * rng.normal(size=3))).tolist())
    dyes = Dyes(rng.uniform(0.25, 0.6), rng.uniform(0.2, 0.5))
    return Platelet(rng.uniform(0.4, 1.5), outline, dyes, Grains(0, 0.4), _seed(rng))


def _bin(place: complex) -> tuple[int, int]:
    return int(place.real // BIN_UM), int(place.imag // BIN_UM)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
