import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.harmonic import Rings


@given(st.sampled_from([3, 5, 7, 9]), st.integers(-2, 2))
def test_rotation_by_90_degrees_multiplies_a_filter_by_a_phase_factor(kernel_size: int, frequency: int) -> None:
    """W(theta + 90°) = e^{i m 90°} W(theta), to rounding, for each ring; so multiples of 90° are exact."""
    basis = Rings(kernel_size).basis(frequency)
    rotated = torch.rot90(basis, -1, (1, 2))
    assert torch.allclose(rotated, 1j**frequency * basis, atol=1e-12)


@given(st.sampled_from([3, 5, 7, 9]), st.integers(-2, 2))
def test_each_filter_has_norm_1_and_one_ring(kernel_size: int, frequency: int) -> None:
    rings = Rings(kernel_size)
    basis = rings.basis(frequency)
    assert basis.shape == (len(rings.radii(frequency)), kernel_size, kernel_size)
    assert torch.allclose(basis.abs().square().sum((1, 2)), torch.ones(len(basis), dtype=torch.float64))
    assert torch.allclose(basis.conj(), rings.basis(-frequency))


def test_only_frequency_0_has_a_mean_and_a_centre() -> None:
    for frequency in (-2, -1, 1, 2):
        basis = Rings(7).basis(frequency)
        assert float(basis.sum((1, 2)).abs().max()) < 1e-12
        assert not basis[:, 3, 3].any()
    assert Rings(7).radii(0) == [0, 1, 2, 3]


def test_the_caps_are_kept_and_one_that_is_needed_is_carried_by_rings_that_can() -> None:
    capped = Rings(7, inner_frequency=2, outer_frequency=1)
    assert [capped.radii(m) for m in (0, 1, -2)] == [[0, 1, 2, 3], [1, 2, 3], [1, 2]]
    assert Rings(7).radii(3) == [2]
    assert Rings(5).radii(3) == []
    assert Rings(1).radii(0) == [0]


def test_a_ring_width_of_0_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"ring widths above 0, got 0 and 0\.4"):
        Rings(5, width_px=0)


@pytest.mark.parametrize("kernel_size", [0, 2, 6, -3])
def test_a_kernel_without_a_centre_is_an_error(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"odd kernel size.*{kernel_size}"):
        Rings(kernel_size)
