"""Poses: patch -> the angle by which the cell is rotated, in radians, counter-clockwise."""

import math

import torch
from torch import Tensor, nn

from orbicyte.settings import NetworkSettings


class NoPose(nn.Module):
    """No pose: patches are not rotated. Networks with this pose have no angle."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> None:
        """Patches (B, 3, size, size) -> None."""


class SpatialTransformer(nn.Module):
    """The localisation network of a spatial transformer restricted to rotation (paper 2; Jaderberg et al. 2015).

    (B, 3, size, size) in [0, 1] -> (B,). Before training the angle is the same for every patch (``pose_start_deg``):
    the weights of the last layer are zero.
    """

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in network.pose_widths:
            layers += [nn.Conv2d(channels, width, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2)]
            channels = width
        features = channels * (network.size_px // 2 ** len(network.pose_widths)) ** 2
        self.localisation = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 32), nn.ReLU())
        self.output = network.pose_output
        self.head = nn.Linear(32, 2 if self.output == "cos_sin" else 1)
        nn.init.zeros_(self.head.weight)
        start = math.radians(network.pose_start_deg)
        with torch.no_grad():
            bias = [math.cos(start), math.sin(start)] if self.output == "cos_sin" else [start]
            self.head.bias.copy_(torch.tensor(bias))

    def forward(self, x: Tensor) -> Tensor:
        """Angles in radians, (B,) float32; in (-pi, pi] for ``cos_sin``, unbounded for ``angle``."""
        out = self.head(self.localisation(x)).float()  # angles in half precision would have errors of degrees
        return torch.atan2(out[:, 1], out[:, 0]) if self.output == "cos_sin" else out[:, 0]
