"""Stored patches as networks see them: turned at the stored resolution, then scaled."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from orbicyte import geometry


@dataclass(frozen=True)
class View:
    """How stored patches (side ``side_px``) become network inputs.

    Networks see the central ``view_px`` square as ``size_px`` pixels. Where ``side_px`` is larger, the patch has
    a margin: inputs keep it, at the same scale, so that networks that turn them invent nothing either. Everything
    outside the stored patch's inscribed disc is set to ``fill_rgb`` (three numbers in [0, 1]) before turning, so that
    no corner reaches a network in any way.
    """

    side_px: int
    view_px: int
    size_px: int
    fill_rgb: tuple[float, float, float]

    @property
    def input_px(self) -> int:
        """Side of the network's input; ``size_px`` for patches without a margin."""
        margin_px = self.size_px * (self.side_px - self.view_px) / (2 * self.view_px)
        return self.size_px + 2 * math.ceil(margin_px)

    def __call__(self, images: Tensor, angle_rad: Tensor | None = None) -> Tensor:
        """Stored patches (B, side, side, 3) uint8 -> inputs (B, 3, input_px, input_px) float in [0, 1].

        ``angle_rad`` (B,): counter-clockwise turn of each patch; None turns nothing.
        """
        return self.rotated(self.discs(images), angle_rad)

    def discs(self, images: Tensor) -> Tensor:
        """What several views of the same patches share: (B, 3, side, side), in 255ths above the colour outside.

        That colour is the zero of what is turned and scaled: one pass instead of four at the stored size.
        """
        inside = geometry.disc(self.side_px, device=images.device)
        return (images.float() - self._outside(images.device)).mul_(inside[..., None]).permute(0, 3, 1, 2)

    def rotated(self, discs: Tensor, angle_rad: Tensor | None = None) -> Tensor:
        """One view of ``discs``, as ``__call__`` returns it."""
        patches = discs if angle_rad is None else geometry.rotate(discs, angle_rad)
        return (geometry.resize(patches, self.input_px) + self._outside(discs.device).reshape(-1, 1, 1)) / 255

    def _outside(self, device: torch.device) -> Tensor:
        return (torch.tensor(self.fill_rgb, device=device) * 255).round()
