"""Random changes of patches that keep the type of the cell: another stain, light, focus, scale and position."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from orbicyte import geometry
from orbicyte.settings import AugmentationSettings

BLUR_RADIUS_PX = 3
LEAST_TRANSMISSION = 0.02
"""Transmissions below this count as this: densities above 4 are noise of the camera."""
DARKEST = 1 / 255
"""Least intensity of a background, where a density is a ratio to it."""


@dataclass(frozen=True)
class Augmentation:
    """The changes of B patches.

    Geometric: ``matrix`` (B, 2, 2) and ``shift`` (B, 2) of ``geometry.transform``. Photometric: ``stain`` (B, 3, 3)
    multiplies the optical densities of red, green and blue, -log(intensity / background), which are proportional to the
    amount of stain (law of Beer and Lambert); ``light`` (B, 3) multiplies the intensities; ``blur_px`` (B,):
    standard deviation of a Gaussian blur in pixels of the network's input.
    """

    matrix: Tensor
    shift: Tensor
    stain: Tensor
    light: Tensor
    blur_px: Tensor

    @classmethod
    def random(cls, count: int, settings: AugmentationSettings, random: torch.Generator) -> "Augmentation":
        """Independent changes of ``count`` patches with the strengths of ``settings``, and random rotations."""

        def uniform(*shape: int) -> Tensor:
            return 2 * torch.rand(*shape, generator=random) - 1

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=random)

        scale = torch.exp(uniform(count) * settings.scale)
        mirror = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0)
        matrix = geometry.rotation_matrix(uniform(count) * math.pi) * scale[:, None, None]
        matrix = matrix * torch.stack((mirror, torch.ones(count)), -1)[:, None, :]
        amount = torch.exp(normal(count, 1, 1) * settings.stain)
        return cls(
            matrix=matrix,
            shift=uniform(count, 2) * settings.shift,
            stain=amount * (torch.eye(3) + normal(count, 3, 3) * settings.stain / 2),
            light=torch.exp(normal(count, 3) * settings.light),
            blur_px=torch.rand(count, generator=random) * settings.blur_px,
        )

    def to(self, device: torch.device) -> "Augmentation":
        """The same changes on ``device``."""
        return Augmentation(*(value.to(device) for value in vars(self).values()))

    def photometric(self, patches: Tensor, background: Tensor) -> Tensor:
        """``patches`` (B, 3, S, S) in [0, 1] with the other stain, light and blur: the same shape and range.

        ``background`` (3,): the colour without stain, in [0, 1].
        """
        white = background.reshape(-1, 1, 1).clamp(min=DARKEST)
        density = -torch.log((patches / white).clamp(min=LEAST_TRANSMISSION))
        stained = torch.exp(-torch.einsum("nij,njhw->nihw", self.stain, density))
        return blurred(stained * (white * self.light[..., None, None]), self.blur_px).clamp(0, 1)


def blurred(patches: Tensor, sigma_px: Tensor) -> Tensor:
    """``patches`` (B, C, S, S), each blurred by a Gaussian of its own standard deviation (B,); borders are repeated."""
    count, channels = patches.shape[:2]
    offsets = torch.arange(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1, device=patches.device)
    weights = torch.exp(-0.5 * (offsets / sigma_px[:, None].clamp(min=0.05)) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    planes = patches.reshape(1, count * channels, *patches.shape[2:])
    padded = F.pad(planes, (BLUR_RADIUS_PX,) * 4, mode="replicate")
    rows = F.conv2d(padded, weights[:, None, None, :], groups=count * channels)
    return F.conv2d(rows, weights[:, None, :, None], groups=count * channels).reshape(patches.shape)
