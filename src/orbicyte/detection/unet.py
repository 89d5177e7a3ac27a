"""U-Net (Ronneberger et al. 2015): from an image to three maps: nucleus, cell and distance from the cell's rim.

The first step moves 2 x 2 pixels into channels and the last moves them back (Shi et al. 2016), so that no convolution
runs at full resolution, where it would cost most and have the smallest receptive field.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

MAPS = ("nucleus", "cell", "distance")
WIDTHS = (32, 48, 96, 128)
FOLD_PX = 2


class UNet(nn.Module):
    """``widths``: channels of each level, from the finest (whose pixels are 2 px wide) to the coarsest.

    Input: images (B, 3, H, W) in 0 to 1, H and W multiples of ``multiple_px``. Output: logits (B, 3, H, W) of
    ``MAPS``.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS):
        super().__init__()
        finest = widths[0]
        self.widths = tuple(widths)
        self.enter = _two_convolutions(3 * FOLD_PX**2, finest)
        self.down = nn.ModuleList(_two_convolutions(a, b) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_two_convolutions(a + b, a) for a, b in pairwise(widths))
        self.leave = nn.Conv2d(finest, len(MAPS) * FOLD_PX**2, kernel_size=1)

    @property
    def multiple_px(self) -> int:
        """Height and width of an image must be multiples of this."""
        return FOLD_PX << len(self.down)

    @property
    def reach_px(self) -> int:
        """Half the receptive field, rounded up to a multiple of ``multiple_px``."""
        levels = len(self.down)
        convolved = sum(2 * (FOLD_PX << level) * (1 if level == levels else 2) for level in range(levels + 1))
        return -(-(convolved + self.multiple_px) // self.multiple_px) * self.multiple_px

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 3, H, W) of images (B, 3, H, W), 0 to 1."""
        x = self.enter(F.pixel_unshuffle(2 * images - 1, FOLD_PX))
        skipped = []
        for down in self.down:
            skipped.append(x)
            x = down(F.max_pool2d(x, 2))
        for up, skip in zip(reversed(self.up), reversed(skipped), strict=True):
            x = up(torch.cat([skip, F.interpolate(x, scale_factor=2.0, mode="nearest")], dim=1))
        return F.pixel_shuffle(self.leave(x), FOLD_PX)

    def fused(self) -> "UNet":
        """This network, changed for inference only: each batch norm is merged into the convolution before it."""
        self.eval()
        for block in (self.enter, *self.down, *self.up):
            assert isinstance(block, nn.Sequential)
            for place in (0, 3):
                convolution, norm = block[place], block[place + 1]
                if isinstance(norm, nn.BatchNorm2d):
                    block[place] = fuse_conv_bn_eval(cast(nn.Conv2d, convolution), norm)
                    block[place + 1] = nn.Identity()
        return self.requires_grad_(False)


def _two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
