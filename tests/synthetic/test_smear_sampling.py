"""Smears: every kind of cell and region, touching clumps, and empty areas."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import Smear, sample_slide, sample_smear
from orbicyte.synthetic.cells import Platelet, RedCell, WhiteCell
from orbicyte.synthetic.smear_sampling import sample_terrain


@pytest.fixture(scope="module")
def smear() -> Smear:
    return sample_smear(0, 500, 400, "S", cells=160)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_a_smear_depends_on_its_seed_only(seed: int) -> None:
    smear = sample_smear(seed, 120, 90)
    assert smear == sample_smear(seed, 120, 90)
    assert smear != sample_smear(seed + 1, 120, 90)


def test_every_type_of_white_cell_and_of_other_bodies_occurs(smear: Smear) -> None:
    kinds = [placed.body.cell_type for placed in smear.whites if isinstance(placed.body, WhiteCell)]
    assert len(kinds) == len(smear.whites) == 160
    assert set(kinds) == set(TYPES)
    others = [placed.body for placed in smear.others]
    assert sum(isinstance(body, RedCell) for body in others) > 1000
    assert any(isinstance(body, Platelet) and body.granules.count > 0 for body in others)
    assert any(isinstance(body, Platelet) and body.granules.count == 0 for body in others)  # precipitate


def test_cells_are_on_the_slide(smear: Smear) -> None:
    for placed in (*smear.whites, *(other for other in smear.others if isinstance(other.body, RedCell))):
        assert 1 < placed.place_um.real < smear.width_um - 1
        assert 1 < -placed.place_um.imag < smear.height_um - 1


def test_white_cells_touch_but_do_not_cover_one_another(smear: Smear) -> None:
    share = np.array(
        [
            2 * abs(a.place_um - b.place_um) / (a.body.diameter_um + b.body.diameter_um)
            for a, b in combinations(smear.whites, 2)
        ]
    )
    assert ((share > 0.9) & (share < 1.05)).sum() > 20
    assert share.min() > 0.7  # on the short side of an ellipse, the outline is inside the disc of its diameter


def test_red_cells_overlap_more_where_the_smear_is_thick() -> None:
    terrain = sample_terrain(np.random.default_rng((0, 3)), 500, 500)
    places = np.random.default_rng(0).uniform(0, 500, 2000) - 1j * np.random.default_rng(1).uniform(0, 500, 2000)
    density = terrain.density(places)
    assert (density == 0).mean() > 0.05
    assert density.max() > 2
    smear = sample_smear(0, 300, 300, cells=10)
    red = np.array([placed.place_um for placed in smear.others if isinstance(placed.body, RedCell)])
    nearest = np.sort(np.abs(red[:, None] - red), axis=1)[:, 1]
    heaped = nearest < 6
    assert 0.05 < heaped.mean() < 0.95
    thick = smear.film.at(red) > 0.3
    assert heaped[thick].mean() > heaped[~thick].mean()


def test_a_stain_can_be_given() -> None:
    slide = sample_slide(np.random.default_rng(4), "given")
    assert sample_smear(0, 50, 50, slide=slide).slide == slide


def test_a_smear_too_small_for_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="20 µm"):
        sample_smear(0, 500, 10)
