"""Encoders: patch -> features, from which the read-out computes a posterior."""

from itertools import pairwise

from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.models.blocks import stage
from orbicyte.settings import NetworkSettings


class ResidualEncoder(nn.Module):
    """(B, 3, size, size) float -> (B, out_features): a plain residual network.

    Every stage ends in 2x2 average pooling, which the paper's harmonic networks need (2.3), so that the networks
    differ in their layers and not in their pooling.
    """

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        widths = network.widths
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 5, padding=2), nn.AvgPool2d(2)]
        for before, width in pairwise(widths):
            layers += [stage(before, width, network.blocks), nn.AvgPool2d(2)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.out_features = widths[-1] * (network.size_px // 2 ** len(widths)) ** 2

    def forward(self, x: Tensor) -> Tensor:
        """Aligned patches (B, 3, size, size) in [0, 1] -> features (B, out_features)."""
        features: Tensor = self.layers(x)
        return features


class PooledEncoder(ResidualEncoder):
    """(B, 3, size, size) float -> (B, out_features): the plain residual network, averaged over the map at its end."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__(network)
        self.places = self.out_features // network.widths[-1]
        self.out_features = network.widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Aligned patches (B, 3, size, size) in [0, 1] -> features (B, out_features)."""
        return super().forward(x).reshape(-1, self.out_features, self.places).mean(2)


class FadedEncoder(PooledEncoder):
    """(B, 3, size, size) float, 0 outside the disc -> (B, out_features): as ``PooledEncoder``, of the faded disc."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__(network)
        self.fade = network.harmonic_fade

    def forward(self, x: Tensor) -> Tensor:
        """Aligned patches (B, 3, size, size) minus the background -> features (B, out_features)."""
        return super().forward(geometry.faded(x, self.fade))
