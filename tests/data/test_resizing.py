import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.data.resizing import ResizePlan, choose_plan, describe
from orbicyte.errors import OrbicyteError

NAN = math.nan


def _disc(side_px: int, diameter_px: float) -> np.ndarray:
    axis = np.arange(side_px) - (side_px - 1) / 2
    inside = np.hypot(axis[:, None], axis[None]) <= diameter_px / 2
    return np.repeat(np.where(inside, 255, 0).astype(np.uint8)[..., None], 3, 2)


def _diameter(image: np.ndarray) -> float:
    return float(np.sqrt((image[..., 0] / 255).sum() * 4 / np.pi))


def test_patches_of_the_most_common_side_are_copied() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 47, 3), dtype=np.uint8)
    plan = choose_plan([(47, 40), (40, 40), (90, 90)], [NAN] * 3, None, None)
    assert (plan.side_px, plan.view_px, plan.mpp) == (40, 40, None)
    np.testing.assert_array_equal(plan.apply(image, NAN), image[:, 3:43])


def test_an_odd_margin_loses_a_row() -> None:
    plan = choose_plan([(363, 360), (363, 363), (363, 363)], [NAN] * 3, None, 256)
    assert plan.side_px == 362
    image = np.random.default_rng(0).integers(0, 256, (363, 363, 3), dtype=np.uint8)
    np.testing.assert_array_equal(plan.apply(image, NAN), image[:362, :362])
    assert plan.apply(image[:360], NAN).shape == (362, 362, 3)


@given(st.floats(0.1, 0.5))
def test_a_cell_has_one_size_in_um_after_scaling_by_mpp(mpp: float) -> None:
    plan = choose_plan([(64, 64)] * 3 + [(200, 200)], [0.5, 0.5, 0.5, mpp], None, None)
    scaled = plan.apply(_disc(200, 10 / mpp), mpp)
    assert plan.mpp == 0.5
    if 32 / mpp <= 200:
        assert _diameter(scaled) == pytest.approx(20, abs=0.7)
        assert plan.stored_mpp(200, mpp) == pytest.approx(0.5)
    else:
        assert plan.stored_mpp(200, mpp) == pytest.approx(mpp * 200 / 64)


def test_a_patch_that_shows_too_little_is_scaled_by_size_with_a_message() -> None:
    sizes, mpp = [(64, 64), (64, 64), (40, 40)], [0.5, 0.5, 0.5]
    plan = choose_plan(sizes, mpp, None, None)
    assert plan.apply(_disc(40, 20), 0.5).shape == (64, 64, 3)
    assert plan.stored_mpp(40, 0.5) == pytest.approx(0.5 * 40 / 64)
    assert describe(plan, sizes, mpp) == [
        "1 of 3 patches scaled to 64 px",
        "1 of 3 patches show less than the common side in µm: scaled by size, with their own µm per pixel",
    ]


def test_mpp_that_is_not_known_for_all_is_not_used() -> None:
    sizes, mpp = [(64, 64), (64, 64), (32, 32)], [0.5, NAN, 0.25]
    plan = choose_plan(sizes, mpp, None, None)
    assert plan.reference_um is None
    assert plan.stored_mpp(32, 0.25) == 0.125
    assert describe(plan, sizes, mpp)[-1].startswith("µm per pixel are known for only 2 of 3 patches")


def test_another_side_can_be_given() -> None:
    plan = choose_plan([(64, 64)], [0.25], 32, None)
    assert (plan.side_px, plan.mpp) == (32, 0.5)
    assert _diameter(plan.apply(_disc(64, 40), 0.25)) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(("patch_px", "view_px"), [(None, 65), (None, 8), (8, None), (32, 64)])
def test_impossible_sizes_are_refused(patch_px: int | None, view_px: int | None) -> None:
    with pytest.raises(OrbicyteError, match="cannot have a view"):
        choose_plan([(64, 64)], [NAN], patch_px, view_px)


@given(st.integers(16, 80), st.integers(16, 80), st.floats(0.05, 2), st.integers(16, 64))
def test_every_patch_becomes_square(width: int, height: int, mpp: float, side: int) -> None:
    for plan in (ResizePlan(side, side), ResizePlan(side, side, reference_um=10.0), ResizePlan(side, side, share=0.98)):
        assert plan.apply(np.zeros((height, width, 3), np.uint8), mpp).shape == (side, side, 3)
