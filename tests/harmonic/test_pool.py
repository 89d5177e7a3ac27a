import pytest
import torch
from torch.nn import functional

from orbicyte.harmonic import AveragePool2d


@pytest.mark.parametrize("taps", [2, 4])
def test_the_mean_is_preserved_and_with_four_taps_the_centre_of_mass(taps: int) -> None:
    pool = AveragePool2d(taps)  # type: ignore[arg-type]
    maps = functional.pad(torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), (4, 4, 4, 4))
    pooled = pool(maps)
    assert pooled.shape == (2, 3, 8, 8)
    assert torch.allclose(4 * pooled.sum((2, 3)), maps.sum((2, 3)), rtol=1e-5)
    place = torch.arange(16.0) - 7.5
    pooled_place = 2 * (torch.arange(8.0) - 3.5)
    first, second = (maps * place).sum((2, 3)), 4 * (pooled * pooled_place).sum((2, 3))
    assert torch.allclose(first, second, rtol=1e-4, atol=1e-4) is (taps == 4)


def test_another_number_of_taps_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 or 4 taps, got 3"):
        AveragePool2d(3)  # type: ignore[arg-type]


def test_an_odd_side_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"even side, got \(1, 2, 7, 7\)"):
        AveragePool2d()(torch.zeros(1, 2, 7, 7))
