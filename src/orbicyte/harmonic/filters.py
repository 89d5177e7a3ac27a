"""Ring filters: W_m(r, theta) = R(r) e^{i (m theta + beta)} on a pixel grid (Worrall et al. 2017; paper 2.3).

R(r) is a sum of Gaussian rings at radius 0, 1, ..., kernel_size // 2; its coefficients are learned. On a square grid a
frequency m mixes with m - 4 and m + 4, the more the fewer pixels a ring has: a high frequency on a small ring is an
alias that does not rotate with the input. So every ring has a cap on its frequency.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rings:
    """Radius and width of the rings of a filter, and the frequencies that each may carry.

    ``kernel_size``: side in pixels, odd; ``width_px``: standard deviation of a ring's profile; ``outer_width_px``:
    that of the outermost ring, which the square window truncates; ``inner_frequency``: largest |m| on the inner rings,
    and largest difference of two orders that are connected; ``outer_frequency``: largest |m| on the outermost ring.
    They are two settings because of the truncation; if narrow enough, the outermost ring carries |m| = 2 better than
    the next one (figures in docs/harmonic.md). The ring at radius 0 is one pixel and carries m = 0 only.
    Raises ``ValueError`` for an even kernel size, or a width that is not positive.
    """

    kernel_size: int
    width_px: float = 0.6
    outer_width_px: float = 0.4
    inner_frequency: int = 2
    outer_frequency: int = 2

    def __post_init__(self) -> None:
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(f"expected an odd kernel size, so that filters have a centre, got {self.kernel_size}")
        if not min(self.width_px, self.outer_width_px) > 0:
            raise ValueError(f"expected ring widths above 0, got {self.width_px} and {self.outer_width_px} px")

    def radii(self, frequency: int) -> list[int]:
        """Radii in pixels of the rings that carry e^{i m theta} for ``frequency`` m; empty if the kernel is too small.

        A frequency above ``inner_frequency`` is only for layers that need it, such as order 0 -> 3; the inner rings
        with enough pixels (2 r >= |m|) carry it.
        """
        order, last = abs(frequency), self.kernel_size // 2
        return [r for r in range(last + 1) if order <= self._cap(r, last, order)]

    def _cap(self, radius: int, last: int, order: int) -> int:
        if radius == 0:
            return 0
        if radius == last:
            return self.outer_frequency
        return self.inner_frequency if order <= self.inner_frequency else 2 * radius

    def basis(self, frequency: int) -> Tensor:
        """One filter for each ring of ``radii(frequency)``: (rings, k, k) complex128, each of norm 1."""
        half = self.kernel_size // 2
        axis = torch.arange(-half, half + 1, dtype=torch.float64)
        radius, theta = torch.hypot(axis[None, :], axis[:, None]), torch.atan2(-axis[:, None], axis[None, :])
        wave = torch.polar(torch.ones_like(radius), frequency * theta)
        if frequency:
            wave[half, half] = 0  # the centre has no direction
        rings = [self._profile(radius, at) * wave for at in self.radii(frequency)]
        return torch.stack([ring / ring.abs().square().sum().sqrt() for ring in rings])

    def _profile(self, radius: Tensor, at: int) -> Tensor:
        width = self.outer_width_px if 0 < at == self.kernel_size // 2 else self.width_px
        return torch.exp(-0.5 * ((radius - at) / width) ** 2)
