import pytest
import torch

from orbicyte.harmonic import GaussianBlur2d


def test_a_point_becomes_a_gaussian_with_the_same_sum() -> None:
    x = torch.zeros(1, 2, 31, 31)
    x[..., 15, 15] = 1
    out = GaussianBlur2d(2.0)(x)
    axis = torch.arange(31) - 15.0
    expected = torch.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / 4)
    assert torch.allclose(out[0, 1], expected / expected.sum(), atol=0.02 * float(out.max()))
    assert out.sum((2, 3)).flatten().tolist() == pytest.approx([1, 1], rel=1e-4)


def test_a_standard_deviation_of_0_is_an_error() -> None:
    with pytest.raises(ValueError, match="a standard deviation above 0, got 0 px"):
        GaussianBlur2d(0)
