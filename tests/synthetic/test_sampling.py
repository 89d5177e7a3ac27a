"""Random parameters: cell types, ranges, reproducibility."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import sample_cell, sample_slide
from orbicyte.synthetic.cells import RedCell
from orbicyte.synthetic.recipes import RECIPES
from orbicyte.synthetic.sampling import SCENE_UM


def test_the_ten_types_of_figure_2() -> None:
    assert set(TYPES) == {
        "promyelocyte",
        "myelocyte",
        "metamyelocyte",
        "band granulocyte",
        "segmented granulocyte",
        "eosinophilic granulocyte",
        "polychromatic erythroblast",
        "orthochromatic erythroblast",
        "basophilic erythroblast",
        "lymphocyte",
    }


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(TYPES))
def test_cells_depend_on_their_recipe_and_their_seed(seed: int, kind: str) -> None:
    cell = sample_cell(kind, np.random.default_rng(seed))
    assert cell == sample_cell(kind, np.random.default_rng(seed))
    assert cell.cell_type == kind
    low, high = RECIPES[kind].diameter_um
    assert low <= cell.white.diameter_um <= high
    assert cell.white.nucleus.diameter_um < cell.white.diameter_um
    assert 0 <= cell.angle_rad < 2 * np.pi


def test_neighbours_are_next_to_the_cell_and_in_the_scene() -> None:
    slide = sample_slide(np.random.default_rng(0))
    cells = [sample_cell("myelocyte", np.random.default_rng(seed), slide) for seed in range(30)]
    red = [(c, n) for c in cells for n in c.neighbours if isinstance(n.body, RedCell)]
    assert len(red) > 150
    for cell, neighbour in red:
        gap = abs(neighbour.place_um) - cell.white.diameter_um / 2
        assert 0.4 * neighbour.body.diameter_um < gap
        assert abs(neighbour.place_um) < SCENE_UM + 20


def test_maturing_cells_overlap_in_size_and_shape() -> None:
    stages = [RECIPES[kind] for kind in TYPES[:5]]
    for young, old in pairwise(stages):
        assert max(young.diameter_um[0], old.diameter_um[0]) < min(young.diameter_um[1], old.diameter_um[1])
        assert max(young.azure[0], old.azure[0]) < min(young.azure[1], old.azure[1])


def test_an_unknown_type_is_an_error_with_its_name() -> None:
    with pytest.raises(ValueError, match="monocyte"):
        sample_cell("monocyte", np.random.default_rng(0))
