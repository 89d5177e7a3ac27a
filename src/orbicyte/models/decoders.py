"""Decoders: latent vector -> aligned patch."""

from itertools import pairwise

from torch import Tensor, nn

from orbicyte.models.blocks import stage
from orbicyte.settings import NetworkSettings


class ResidualDecoder(nn.Module):
    """(B, latent_size) float -> (B, 3, size, size) in [0, 1]: the plain encoder in reverse, bilinear upsampling."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        widths = network.widths[::-1]
        start_px = network.size_px // 2 ** len(widths)
        layers: list[nn.Module] = [
            nn.Linear(network.latent_size, widths[0] * start_px**2),
            nn.Unflatten(1, (widths[0], start_px, start_px)),
        ]
        for before, width in pairwise(widths):
            layers += [_double(), stage(before, width, network.blocks)]
        layers += [_double(), nn.Conv2d(widths[-1], 3, 5, padding=2), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Latent vectors (B, latent_size) -> aligned reconstructions (B, 3, size, size) in [0, 1]."""
        patches: Tensor = self.layers(z)
        return patches


def _double() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
