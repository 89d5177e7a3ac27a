"""Random parameters of synthetic cells, slides and surroundings."""

import numpy as np

from orbicyte.cell_types import TYPES
from orbicyte.synthetic.cells import (
    Cell,
    Dyes,
    Grains,
    Neighbour,
    Nucleus,
    Platelet,
    RedCell,
    Slide,
    Texture,
    WhiteCell,
)
from orbicyte.synthetic.recipes import RECIPES, Range, Recipe

SCENE_UM = 22.0  # radius of the surroundings: beyond the corners of a patch of 25.6 µm at any angle


def sample_slide(rng: np.random.Generator, name: str = "slide") -> Slide:
    """A smear with its own stain strength, tint, sharpness, noise and density of cells."""
    return Slide(
        name=name,
        azure=_within((0.72, 1.28), rng),
        eosin=_within((0.65, 1.35), rng),
        ripeness=_within((0.4, 1.0), rng),
        background=(_within((0.96, 1.0), rng), _within((0.872, 0.91), rng), _within((0.765, 0.835), rng)),
        blur_um=_within((0.04, 0.11), rng),
        noise=_within((0.005, 0.013), rng),
        red_cells_per_100_um2=_within((1.4, 3.6), rng),
    )


def sample_cell(cell_type: str, rng: np.random.Generator, slide: Slide | None = None) -> Cell:
    """A cell of one of ``TYPES`` with its surroundings, at a random angle; on a new slide if none is given.

    Raises ``ValueError`` for another type.
    """
    if cell_type not in RECIPES:
        raise ValueError(f"expected a cell type among {', '.join(TYPES)}, got {cell_type!r}")
    slide = sample_slide(rng) if slide is None else slide
    white = sample_white(cell_type, rng)
    around = sample_neighbours(white.diameter_um / 2, slide, rng)
    return Cell(white, around, slide, float(rng.uniform(0, 2 * np.pi)), _seed(rng))


def sample_white(cell_type: str, rng: np.random.Generator) -> WhiteCell:
    """A nucleated cell in its own coordinates, by the recipe of its type."""
    recipe = RECIPES[cell_type]
    diameter = _within(recipe.diameter_um, rng)
    dyes = Dyes(_within(recipe.azure, rng), _within(recipe.eosin, rng), _within(recipe.haemoglobin, rng))
    granule_dyes = Dyes(_within(recipe.granule_azure, rng), _within(recipe.granule_eosin, rng))
    return WhiteCell(
        cell_type=cell_type,
        diameter_um=diameter,
        outline=_outline(_within(recipe.irregularity, rng) * (3 if rng.uniform() < 0.12 else 1), rng),
        roughness_um=_within((0.03, 0.25), rng),
        cytoplasm=dyes,
        mottle=Texture(_within((0.25, 0.7), rng), _within(recipe.mottle_contrast, rng)),
        rim=_within(recipe.rim, rng),
        granules=Grains(int(_within(recipe.granules, rng)), _within(recipe.granule_um, rng), granule_dyes),
        vacuoles=Grains(int(rng.choice(recipe.vacuoles)), _within((0.5, 1.1), rng)),
        nucleus=_nucleus(recipe, diameter, rng),
        seed=_seed(rng),
    )


def _nucleus(recipe: Recipe, cell_um: float, rng: np.random.Generator) -> Nucleus:
    diameter, spine = _within(recipe.nucleus_share, rng) * cell_um, _within(recipe.spine_share, rng) * cell_um
    bend = _within(recipe.bend_rad, rng)
    depth = spine / max(bend, 1e-3) * (1 - np.cos(min(bend, np.pi) / 2))  # of the arc, left to right
    slack = max(cell_um - diameter - depth, 0.0) / 2
    return Nucleus(
        diameter_um=diameter,
        lobes=int(rng.choice(recipe.lobes)),
        spine_um=spine,
        bend_rad=bend,
        waist=_within(recipe.waist, rng),
        offset_um=_within(recipe.eccentricity, rng) * slack,
        roughness_um=_within((0.1, 0.3), rng),
        dyes=Dyes(_within(recipe.nuclear_azure, rng), _within(recipe.nuclear_eosin, rng)),
        chromatin=Texture(_within(recipe.chromatin_um, rng), _within(recipe.chromatin_contrast, rng)),
        rim=_within((0.15, 0.5), rng),
        nucleoli=Grains(int(rng.choice(recipe.nucleoli)), _within((1.2, 2.4), rng)),
    )


def sample_neighbours(cell_radius_um: float, slide: Slide, rng: np.random.Generator) -> tuple[Neighbour, ...]:
    """Red cells, some overlapping, platelets and sometimes another white cell around a cell in the centre."""
    found: list[Neighbour] = []
    if rng.uniform() < 0.2:
        white = sample_white(str(rng.choice(TYPES)), rng)
        found.append(_nearby(white, white.diameter_um / 2, cell_radius_um + 0.3, rng))
    look = _within((0, 1), rng)
    crowding = slide.red_cells_per_100_um2 * _within((0.4, 1.6), rng)
    for _ in range(rng.poisson(crowding * np.pi * SCENE_UM**2 / 100)):
        red = sample_red(look, rng)
        heap = found[rng.integers(len(found))] if found and rng.uniform() < 0.15 else None
        found.extend(_place(red, heap, found, cell_radius_um, rng))
    for _ in range(rng.poisson(1.0)):
        scrap = sample_platelet(rng)
        found.append(_nearby(scrap, scrap.diameter_um / 2, cell_radius_um, rng))
    return tuple(found)


def sample_red(look: float, rng: np.random.Generator) -> RedCell:
    """A red cell; ``look`` (0 to 1), similar for those in one region: from flat and dense to ring-shaped."""
    strength = rng.uniform(0.85, 1.15)
    crenation = _outline(0.04, rng)
    return RedCell(
        diameter_um=_within((6.2, 8.4), rng),
        outline=(rng.uniform(0, 0.14) * _direction(rng), *crenation[1:]),
        dyes=Dyes(0.066 * strength, 0.032 * strength, 0.068 * strength),
        pallor=float(np.clip(0.5 + 0.6 * look + rng.normal(0, 0.15), 0.1, 1.0)),
        pallor_width=_within((0.3, 0.58), rng),
    )


def sample_platelet(rng: np.random.Generator) -> Platelet:
    """A platelet."""
    granules = Grains(int(rng.integers(5, 18)), _within((0.35, 0.6), rng), Dyes(0.22, 0.22))
    return Platelet(_within((1.4, 3.0), rng), _outline(0.1, rng), Dyes(0.12, 0.1), granules, _seed(rng))


def _place(
    red: RedCell, heap: Neighbour | None, found: list[Neighbour], cell_radius_um: float, rng: np.random.Generator
) -> list[Neighbour]:
    """The red cell at a free position, or overlapping the cell ``heap``; none if that position is not free."""
    if heap is not None:
        place = heap.place_um + red.diameter_um * rng.uniform(0.55, 0.9) * _direction(rng)
    else:
        place = SCENE_UM * np.sqrt(rng.uniform()) * _direction(rng)
    clear = abs(place) > cell_radius_um + 0.42 * red.diameter_um
    crowded = heap is None and any(
        abs(place - other.place_um) < 0.49 * (red.diameter_um + other.body.diameter_um) for other in found
    )
    return [Neighbour(complex(place), 0.0, red)] if clear and not crowded else []


def _nearby(body: WhiteCell | Platelet, radius_um: float, clear_um: float, rng: np.random.Generator) -> Neighbour:
    distance = rng.uniform(clear_um + radius_um, SCENE_UM)
    return Neighbour(complex(distance * _direction(rng)), float(rng.uniform(0, 2 * np.pi)), body)


def _outline(irregularity: float, rng: np.random.Generator) -> tuple[complex, ...]:
    """Amplitudes of 2 to 7 waves around an outline, decreasing with their number."""
    size = irregularity * rng.rayleigh(0.8, 6) * (2 / np.arange(2, 8)) ** 1.8
    return tuple((size * np.exp(2j * np.pi * rng.uniform(size=6))).tolist())


def _within(limits: Range, rng: np.random.Generator) -> float:
    """A random number between two limits, more often near the middle."""
    return float(limits[0] + (limits[1] - limits[0]) * rng.beta(1.6, 1.6))


def _direction(rng: np.random.Generator) -> complex:
    return complex(np.exp(2j * np.pi * rng.uniform()))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
