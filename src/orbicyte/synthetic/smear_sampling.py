"""Draw a whole smear at random, from a seed: where its cells lie, thick and empty regions, where it is out of focus."""

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
CLUMPED = 0.3  # share of white cells laid against another
OVERLAP = 0.04  # of their two radii, at most, where white cells touch
TRIES = 200  # for a place, before a cell is left out
THICK = 1.5  # how many more cells lie in the thickest region, over those in the usual
RED_STOCK = 400  # different red cells of a smear, each laid down many times at any angle
EDGE_UM = 1.0  # within this of the border no cell has its centre
BIN_UM = 24.0


@dataclass(frozen=True)
class Terrain:
    """Where cells lie: ``filled`` is 0 where there are none, ``thick`` 1 where most are, no cell in the round holes
    that fat leaves (rows of x, y, radius) nor within ``glass_um`` of the left, upper, right and lower border."""

    width_um: float
    height_um: float
    filled: Region
    thick: Region
    holes: tuple[tuple[float, float, float], ...]
    glass_um: tuple[float, float, float, float]

    def density(self, places: Places) -> Doubles:
        """How many cells there are relative to the usual, at places (n,)."""
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

    Left out, ``cells`` is about 700 a mm². Fewer are laid where no more fit. Raises ``ValueError`` for a size below
    20 µm.
    """
    if min(width_um, height_um) < 20:
        raise ValueError(f"expected a smear of at least 20 µm a side, got {width_um} x {height_um} µm")
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
    """What lies where already, as circles that can be looked up by place."""

    def __init__(self) -> None:
        self._bins: dict[tuple[int, int], list[tuple[complex, float, Neighbour]]] = defaultdict(list)

    def add(self, placed: Neighbour) -> None:
        """Remember a body."""
        self._bins[_bin(placed.place_um)].append((placed.place_um, placed.body.diameter_um / 2, placed))

    def around(self, place: complex) -> Iterator[tuple[complex, float, Neighbour]]:
        """Place, radius and body of all that lies within ``BIN_UM`` of a place, and of some more."""
        column, row = _bin(place)
        for i in (column - 1, column, column + 1):
            for j in (row - 1, row, row + 1):
                yield from self._bins.get((i, j), ())


def sample_whites(rng: np.random.Generator, terrain: Terrain, count: int) -> tuple[Neighbour, ...]:
    """White cells in about the mix of a study, some laid against others, covering no more than a rim of them."""
    crowd, laid = Crowd(), list[Neighbour]()
    shares = 0.3 * np.array(SHARES) + 0.7 * rng.dirichlet(40 * np.array(SHARES))
    for i in range(count):
        # Multiples of the golden ratio fill the unit interval evenly: few cells already hold every type.
        kind = np.searchsorted(np.cumsum(shares)[:-1], (i * GOLDEN) % 1, side="right")
        white, angle = sample_white(TYPES[kind], rng), rng.uniform(0, 2 * np.pi)
        for _ in range(TRIES):
            clumped = bool(laid) and rng.uniform() < CLUMPED
            place = _against(rng, laid, white, angle) if clumped else _anywhere(rng, terrain)
            placed = Neighbour(place, angle, white)
            if rng.uniform() * (1 + THICK) < terrain.density(np.array([place]))[0] and _fits(placed, crowd, clumped):
                crowd.add(placed)
                laid.append(placed)
                break
    return tuple(laid)


def _anywhere(rng: np.random.Generator, terrain: Terrain) -> complex:
    return complex(rng.uniform(0, terrain.width_um), -rng.uniform(0, terrain.height_um))


def _against(rng: np.random.Generator, laid: list[Neighbour], white: WhiteCell, angle_rad: float) -> complex:
    """A place at which a white cell meets one of those laid, or overlaps it a little."""
    other = laid[rng.integers(len(laid))]
    direction = complex(np.exp(2j * np.pi * rng.uniform()))
    distance = _reach(other, direction) + _reach(Neighbour(0, angle_rad, white), -direction)
    return other.place_um + distance * (1 - rng.uniform(0, OVERLAP)) * direction


def _fits(placed: Neighbour, crowd: Crowd, clumped: bool) -> bool:
    """Whether a white cell keeps clear of the others, or overlaps them by no more than it may in a clump."""
    least = 1 - 1.05 * OVERLAP if clumped else 1.08
    for place, _, other in crowd.around(placed.place_um):
        gap = placed.place_um - place
        direction = gap / abs(gap)
        if abs(gap) < least * (_reach(other, direction) + _reach(placed, -direction)):
            return False
    return True


def _reach(placed: Neighbour, direction: complex) -> float:
    """How far a white cell extends from its centre in a direction, but for the roughness of its outline."""
    assert isinstance(placed.body, WhiteCell)
    own = np.array([direction * np.exp(-1j * placed.angle_rad)], np.complex64)
    return float(radial(own, placed.body.diameter_um / 2, placed.body.outline)[1][0])


def sample_reds(
    rng: np.random.Generator, terrain: Terrain, per_100_um2: float, whites: tuple[Neighbour, ...]
) -> Iterator[Neighbour]:
    """Red cells, side by side or in heaps, and many over one another where the smear is thick."""
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
        if _lies(placed, crowd, heaped=chance < 0.15 + 0.85 * depth, covered=chance < 0.6 * depth):
            crowd.add(placed)
            yield placed


def _lies(red: Neighbour, crowd: Crowd, heaped: bool, covered: bool) -> bool:
    """Whether a red cell keeps clear of white cells, unless it is covered by them, and of red ones, unless heaped."""
    for place, radius, other in crowd.around(red.place_um):
        gap, own = abs(red.place_um - place), red.body.diameter_um / 2
        if isinstance(other.body, RedCell):
            # In a heap, too, no cell lies wholly on another.
            least = 0.55 * (radius + own) if heaped else 0.98 * (radius + own)
        else:
            least = 0.0 if covered else radius + 0.84 * own
        if gap < least:
            return False
    return True


def _spread(rng: np.random.Generator, terrain: Terrain, per_um2: float) -> Places:
    """Places at random, ``per_um2`` where density is usual, more and fewer elsewhere."""
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
    """Stain that fell out: dark grains, alone and in heaps, on cells and on bare glass."""
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
