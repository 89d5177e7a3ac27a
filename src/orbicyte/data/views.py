"""Stored patches as networks see them: rotated at the stored resolution, then scaled."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from orbicyte import geometry
from orbicyte.data.augmentation import Augmentation


@dataclass(frozen=True)
class View:
    """Converts stored patches (side ``side_px``) to network inputs.

    Networks see the central ``view_px`` square as ``size_px`` pixels. If ``side_px`` is larger, the patch has
    a margin: inputs keep it, at the same scale, so that networks that rotate them have real pixels in the corners.
    Everything outside the stored patch's inscribed disc is set to ``fill_rgb`` (three numbers in [0, 1]) before the
    rotation, so that the stored corners cannot affect a network.
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

        ``angle_rad`` (B,): counter-clockwise rotation of each patch; None for no rotation.
        """
        return self.rotated(self.discs(images), angle_rad)

    def discs(self, images: Tensor) -> Tensor:
        """The part that several views of the same patches share: (B, 3, side, side) float32.

        ``images``: (B, side, side, 3) uint8. Values are differences from the colour outside, in units of 1/255, so
        rotation and scaling can fill with zeros: one pass instead of four at the stored size.
        """
        inside = geometry.disc(self.side_px, device=images.device)
        return (images.float() - self._outside(images.device)).mul_(inside[..., None]).permute(0, 3, 1, 2)

    def rotated(self, discs: Tensor, angle_rad: Tensor | None = None) -> Tensor:
        """One view of ``discs`` (B, 3, side, side), as ``__call__`` returns it; ``angle_rad`` as there."""
        return self._scaled(discs if angle_rad is None else geometry.rotate(discs, angle_rad))

    def each_rotated(self, discs: Tensor, angles_deg: Sequence[float]) -> Iterator[Tensor]:
        """The views of ``discs`` at each angle in degrees, as ``rotated`` returns them, except for rounding.

        Patches are rotated at the stored resolution by the angles from 0 up to 90° only; multiples of 90° map the
        pixels of such a view onto pixels.
        """
        within_90: dict[float, Tensor] = {}
        for angle in angles_deg:
            quarters, rest = divmod(angle, 90)
            rest = round(rest, 6)
            if rest not in within_90:
                patches = geometry.rotate_all(discs, math.radians(rest)) if rest else discs
                within_90[rest] = self._scaled(patches)
            yield torch.rot90(within_90[rest], int(quarters), (-2, -1))

    def _scaled(self, discs: Tensor) -> Tensor:
        return (geometry.resize(discs, self.input_px) + self._outside(discs.device).reshape(-1, 1, 1)) / 255

    def augmented(self, discs: Tensor, augmentation: Augmentation) -> Tensor:
        """A view of ``discs`` (B, 3, side, side), as ``__call__`` returns it, changed by ``augmentation``."""
        moved = geometry.transform(discs, augmentation.matrix, augmentation.shift)
        background = self._outside(discs.device) / 255
        patches = geometry.resize(moved, self.input_px) / 255 + background.reshape(-1, 1, 1)
        return augmentation.photometric(patches, background)

    def _outside(self, device: torch.device) -> Tensor:
        return (torch.tensor(self.fill_rgb, device=device) * 255).round()
