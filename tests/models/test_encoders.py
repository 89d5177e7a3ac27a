"""The plain encoders: what they see, and how they end."""

import torch
from torch.testing import assert_close

from orbicyte import geometry
from orbicyte.models.encoders import FadedEncoder, PooledEncoder, ResidualEncoder
from orbicyte.settings import NetworkSettings

NETWORK = NetworkSettings(size_px=32, widths=(4, 8))


def images() -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_pooled_features_are_means_of_the_map_that_is_flattened() -> None:
    torch.manual_seed(0)
    flat, pooled = ResidualEncoder(NETWORK).eval(), PooledEncoder(NETWORK).eval()
    pooled.load_state_dict(flat.state_dict())
    assert flat.out_features == 8 * 8 * 8
    assert pooled.out_features == 8
    assert_close(pooled(images()), flat(images()).reshape(3, 8, 64).mean(2))


def test_the_faded_encoder_sees_what_a_harmonic_encoder_sees() -> None:
    torch.manual_seed(0)
    pooled, faded = PooledEncoder(NETWORK).eval(), FadedEncoder(NETWORK).eval()
    faded.load_state_dict(pooled.state_dict())
    seen = images() * geometry.fade(32, NETWORK.harmonic_fade)
    assert_close(faded(images()), pooled(seen))
    corner = images()
    corner[..., 0, 0] = torch.nan
    assert_close(faded(corner), faded(images()))
