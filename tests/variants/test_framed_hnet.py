import math

import pytest
import torch

from orbicyte import geometry
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE, build
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.training.networks import load_variant

NETWORK = NetworkSettings(size_px=32, widths=(4, 8), latent_size=8, framed_widths=(16, 16, 16))
FILL = (0.9, 0.8, 0.7)


def made() -> VAE:
    network = build(load_variant("framed_hnet", Settings(network=NETWORK), 0.5), NETWORK, FILL, seed=1)
    return network.eval()


def patches() -> torch.Tensor:
    coarse = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return geometry.resize(coarse, 32)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_rotated_patch_has_the_same_representation_and_a_rotated_reconstruction(quarter: int) -> None:
    network = made()
    with torch.no_grad():
        first = network.encode(patches())
        second = network.encode(torch.rot90(patches(), quarter, (-2, -1)))
        _, picture = network.reconstruct(patches())
        _, rotated = network.reconstruct(torch.rot90(patches(), quarter, (-2, -1)))
    assert torch.allclose(first.posterior.mean, second.posterior.mean, atol=1e-4)
    assert first.angle_rad is not None
    assert second.angle_rad is not None
    gap = second.angle_rad - first.angle_rad - quarter * math.pi / 2
    assert float((torch.remainder(gap + math.pi, 2 * math.pi) - math.pi).abs().max()) < 1e-3
    assert torch.allclose(torch.rot90(picture, quarter, (-2, -1)), rotated, atol=1e-3)


@pytest.mark.parametrize(
    ("network", "message"),
    [({"latent_size": 1}, "latent_size of at least 2"), ({"framed_widths": (16, 12)}, "framed_widths of at least")],
)
def test_settings_that_leave_a_part_empty_are_an_error(network: dict[str, object], message: str) -> None:
    with pytest.raises(OrbicyteError, match=message):
        load_variant("framed_hnet", Settings(network=NETWORK.model_copy(update=network)), 0.5)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_both_parts_have_a_dimension(share: float) -> None:
    for size in (2, 4, 64):
        assert 0 < NetworkSettings(latent_size=size, detail_share=share).invariant_size < size
