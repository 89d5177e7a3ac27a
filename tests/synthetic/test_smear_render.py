"""Windows of a smear fit together, and their labels are correct where cells touch or are cut by the border."""

from dataclasses import replace

import numpy as np
import pytest

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import Smear, microscope_field, sample_smear
from orbicyte.synthetic.cells import Neighbour
from orbicyte.synthetic.smear_render import BLOCK_PX, window


@pytest.fixture(scope="module")
def smear() -> Smear:
    return sample_smear(2, 220, 220, "S", cells=45)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(a.astype(int) - b.astype(int)))


def test_a_window_is_the_same_on_its_own_and_in_a_larger_one(smear: Smear) -> None:
    """The larger window is drawn in blocks; the smaller one crosses their borders and is drawn in one block."""
    large = window(smear, 0, 0, (700, 620), 0.25)
    left, top, size = BLOCK_PX - 90, BLOCK_PX - 60, 160
    small = window(smear, left, top, (size, size), 0.25)
    there = np.s_[top : top + size, left : left + size]
    assert difference(small[0], large[0][there]).max() <= 1
    assert (small[1] != large[1][there]).mean() < 1e-4
    assert (small[2] != large[2][there]).mean() < 1e-4
    assert small[1].any()


def test_a_field_starts_at_the_nearest_pixel(smear: Smear) -> None:
    image, labels, nuclei = microscope_field(smear, 50.1, 30.1, 64, 0.25)
    assert image.shape == (64, 64, 3)
    assert [array.dtype for array in (image, labels, nuclei)] == [np.uint8, np.int32, np.bool_]
    for mine, other in zip((image, labels, nuclei), window(smear, 200, 120, (64, 64), 0.25), strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("mpp", [0.1, 0.2, 0.5])
def test_labels_are_on_their_cells_at_every_scale(smear: Smear, mpp: float) -> None:
    size = round(100 / mpp)
    _, labels, nuclei = microscope_field(smear, 60, 60, size, mpp)
    assert not (nuclei & (labels == 0)).any()
    seen = 0
    for number, placed in enumerate(smear.whites, 1):
        x, y = placed.place_um.real - 60, -placed.place_um.imag - 60
        if placed.body.diameter_um < min(x, y, 100 - x, 100 - y):
            seen += 1
            mask = labels == number
            assert mask[int(y / mpp), int(x / mpp)]
            diameter_um = 2 * np.sqrt(mask.sum() / np.pi) * mpp
            assert diameter_um == pytest.approx(placed.body.diameter_um, rel=0.15)
            assert 0.05 < nuclei[mask].mean() < 0.95
    assert seen > 2


def test_scales_agree(smear: Smear) -> None:
    fine, coarse = (microscope_field(smear, 40, 40, round(100 / mpp), mpp)[0].astype(float) for mpp in (0.25, 0.5))
    halved = fine.reshape(200, 2, 200, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - coarse).mean() < 4


def test_of_two_touching_cells_the_later_is_on_top() -> None:
    smear = sample_smear(0, 60, 60, cells=0)
    first, second = (
        next(p for p in sample_smear(seed, 200, 200, cells=10).whites if p.body.cell_type == TYPES[kind])  # type: ignore[union-attr]
        for seed, kind in ((1, 0), (2, 1))
    )
    reach = 0.45 * (first.body.diameter_um + second.body.diameter_um)
    placed = [Neighbour(complex(20, -30), 0.0, first.body), Neighbour(complex(20 + reach, -30), 0.0, second.body)]
    labels = [_with(smear, cells) for cells in (placed, placed[::-1], placed[:1], placed[1:])]
    both = (labels[2] == 1) & (labels[3] == 1)
    assert 0 < both.sum() < 0.2 * (labels[2] == 1).sum()
    np.testing.assert_array_equal(labels[0] == 2, labels[3] == 1)
    np.testing.assert_array_equal(labels[0] == 1, (labels[2] == 1) & ~both)
    np.testing.assert_array_equal(labels[1] == 2, labels[2] == 1)


def _with(smear: Smear, whites: list[Neighbour]) -> np.ndarray:
    return microscope_field(replace(smear, whites=tuple(whites)), 0, 0, 240, 0.25)[1]


def test_noise_depends_on_the_position() -> None:
    smear = sample_smear(0, 60, 60, cells=0)
    here, there = (microscope_field(smear, x, 10, 40, 0.25)[0] for x in (10, 10.25))
    assert difference(here[:, 1:], there[:, :-1]).max() <= 1


def test_part_of_a_slide_is_out_of_focus(smear: Smear) -> None:
    """Differences between neighbouring pixels are smaller there."""
    size = round(smear.width_um / 0.5)
    image = microscope_field(smear, 0, 0, size, 0.5)[0].astype(float)
    middles = np.arange(0.25, size / 2, 0.5, dtype=np.float64)
    degree = smear.defocus.on(middles, middles)[:, :-1]
    step = np.abs(np.diff(image, axis=1)).mean(axis=-1)
    assert np.percentile(step[degree > 0.9], 99) < 0.7 * np.percentile(step[degree == 0], 99)


@pytest.mark.parametrize(("size_px", "mpp"), [(0, 0.25), (10, 0.0), (10, -1.0)])
def test_a_size_or_scale_that_is_not_positive_is_refused(smear: Smear, size_px: int, mpp: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        microscope_field(smear, 0, 0, size_px, mpp)
