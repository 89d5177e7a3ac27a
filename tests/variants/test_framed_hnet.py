import math

import numpy as np
import pytest
import torch

from orbicyte import geometry
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE, build
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.synthetic import draw, sample_cell
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


def test_an_average_over_two_rotations_moves_less() -> None:
    rng = np.random.default_rng(0)
    names = ("lymphocyte", "myelocyte", "segmented granulocyte", "eosinophilic granulocyte")
    cells = [sample_cell(name, rng) for name in names]

    def drawn(angle_rad: float) -> torch.Tensor:
        images = [draw(cell, 64, rotation_rad=angle_rad, noise=False).image for cell in cells]
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)

    moved = []
    for rotations in (1, 2):
        settings = Settings(network=NetworkSettings(framed_rotations=rotations))
        network = build(load_variant("framed_hnet", settings, 0.5), settings.network, FILL, seed=1).eval()
        with torch.no_grad():
            first, second = network.encode(drawn(0)), network.encode(drawn(math.pi / 4))
        moved.append(float((second.posterior.mean - first.posterior.mean).norm()))
        assert first.angle_rad is not None
        assert second.angle_rad is not None
        gap = second.angle_rad - first.angle_rad - math.pi / 4
        assert float((torch.remainder(gap + math.pi, 2 * math.pi) - math.pi).abs().max()) < math.radians(10)
    assert moved[1] < 0.8 * moved[0]
