"""Halving the resolution by averaging, which keeps fields equivariant (paper 2.3)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLUR = (1.0, 3.0, 3.0, 1.0)


class AveragePool2d(nn.Module):
    """(B, C, S, S) -> (B, C, S / 2, S / 2): means of 4 x 4 pixels with weights 1 3 3 1 along each axis, or of 2 x 2.

    Both keep the centre of the map in the centre. ``taps`` 4 removes more of what the coarser grid would alias; fields
    of order 2 have most of it. Maximum pooling, a stride, or a blur of an odd number of pixels at stride 2 would not
    be equivariant. Raises ``ValueError`` for another number of taps.
    """

    blur: Tensor

    def __init__(self, taps: Literal[2, 4] = 4) -> None:
        super().__init__()
        if taps not in (2, 4):
            raise ValueError(f"expected 2 or 4 taps, got {taps}")
        self.taps = taps
        row = torch.tensor(BLUR)
        self.register_buffer("blur", torch.outer(row, row)[None, None] / row.sum() ** 2, persistent=False)

    def extra_repr(self) -> str:
        """The number of taps."""
        return f"taps={self.taps}"

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, C, S / 2, S / 2). Raises ``ValueError`` for maps of an odd side."""
        if x.shape[-1] % 2 or x.shape[-2] % 2:
            raise ValueError(f"expected maps of an even side, got {tuple(x.shape)}: 2 x 2 means would shift the centre")
        if self.taps == 2:
            return F.avg_pool2d(x, 2)
        channels = x.shape[1]
        return F.conv2d(x, self.blur.to(x.dtype).expand(channels, 1, 4, 4), stride=2, padding=1, groups=channels)
