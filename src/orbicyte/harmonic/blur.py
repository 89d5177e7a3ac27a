"""A Gaussian blur, which removes what filters of a high frequency would alias."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GaussianBlur2d(nn.Module):
    """(B, C, S, S) -> the same shape: convolved with a Gaussian of standard deviation ``sigma_px``, zero padding.

    Raises ``ValueError`` unless ``sigma_px`` is positive.
    """

    row: Tensor

    def __init__(self, sigma_px: float) -> None:
        super().__init__()
        if not sigma_px > 0:
            raise ValueError(f"expected a standard deviation above 0, got {sigma_px} px")
        self.sigma_px = sigma_px
        reach = math.ceil(3 * sigma_px)
        row = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma_px) ** 2)
        self.register_buffer("row", row / row.sum(), persistent=False)

    def extra_repr(self) -> str:
        """The standard deviation."""
        return f"{self.sigma_px:g} px"

    def forward(self, x: Tensor) -> Tensor:
        """The blurred maps (B, C, S, S)."""
        channels, reach = x.shape[1], len(self.row) // 2
        row = self.row.to(x.dtype).expand(channels, 1, 1, -1)
        along_x = F.conv2d(x, row, padding=(0, reach), groups=channels)
        return F.conv2d(along_x, row.mT, padding=(reach, 0), groups=channels)
