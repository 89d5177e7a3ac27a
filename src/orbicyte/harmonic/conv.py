"""The harmonic convolution: fields of some rotation orders -> fields of others (Worrall et al. 2017; paper 2.3)."""

import math
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.filters import Rings


class HarmonicConv2d(nn.Module):
    """(B, in.channels, S, S) float -> (B, out.channels, S, S), stride 1, zero padding, no bias.

    A filter of frequency m maps a field of order n to one of order n + m: R(r) e^{i (m theta + beta)}, with the radial
    profile R and the phase beta learned for each pair of fields. Real images (B, C, S, S) are fields of order 0 with an
    imaginary part of 0. The background of the input should be 0, as the padding is.

    ``profile`` is R on the rings ``rings.radii(m)``, pair by pair (all inputs of the first output, ...);
    ``phase`` (out.count, in.count) is beta in radians.

    ``rings``: the kernel size in pixels, or all parameters of the rings. Two orders that differ by more than the rings'
    caps are not connected, unless an output order has no nearer input. Raises ``ValueError`` if the kernel is too small
    to reach an output order.
    """

    _basis: Tensor
    _place: Tensor

    def __init__(self, fields_in: str | Fields, fields_out: str | Fields, rings: int | Rings = 5) -> None:
        super().__init__()
        self.fields_in, self.fields_out = Fields(fields_in), Fields(fields_out)
        self.rings = Rings(rings) if isinstance(rings, int) else rings
        frequencies = _frequencies(self.fields_in, self.fields_out, self.rings)
        waves = sorted({m for row in frequencies for m in row if m is not None})
        self.register_buffer("_basis", _block_basis(self.rings, waves), persistent=False)
        place, fan_in = _placed(frequencies, waves, self.rings)
        self.register_buffer("_place", place, persistent=False)
        # Every coefficient scales a filter of norm 1, so an output has the variance of the inputs.
        self.profile = nn.Parameter(torch.randn(len(place)) * fan_in.rsqrt())
        self.phase = nn.Parameter(torch.rand(self.fields_out.count, self.fields_in.count) * 2 * math.pi)
        self._built: tuple[object, Tensor] | None = None

    def extra_repr(self) -> str:
        """The fields."""
        return f"{self.fields_in} -> {self.fields_out}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    def forward(self, x: Tensor) -> Tensor:
        """Convolved fields (B, out.channels, S, S).

        Raises ``ValueError`` unless ``x`` has the channels of the input fields.
        """
        weight = self.weight()
        if x.shape[1] == self.fields_in.count and not any(self.fields_in.orders):
            weight = weight[:, : self.fields_in.count]  # the imaginary part is 0
        else:
            x = self.fields_in.lifted(x)
        return F.conv2d(x, weight, padding=self.rings.kernel_size // 2)

    def weight(self) -> Tensor:
        """The filters as one real kernel (out.channels, in.channels, k, k), [[Re W, -Im W], [Im W, Re W]].

        In evaluation mode without gradients they are built once; if compiled, at every call. After writing to
        ``.data`` of the parameters in evaluation mode, call ``eval()`` again.
        """
        if self.training or torch.is_grad_enabled() or torch.compiler.is_compiling() or self.profile.is_inference():
            return self._build()
        state = [(p.data_ptr(), p._version, p.dtype) for p in (self.profile, self.phase)]
        if self._built is None or self._built[0] != state:
            self._built = state, self._build()
        return self._built[1]

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and discard the filters that were built."""
        self._built = None
        return super().train(mode)

    def _build(self) -> Tensor:
        with torch.autocast(self.profile.device.type, enabled=False):  # the convolution rounds filters, not their parts
            return self._filters()

    def _filters(self) -> Tensor:
        pairs, k = self.phase.numel(), self.rings.kernel_size
        profile = self.profile.new_zeros(pairs * len(self._basis) // 2).index_copy(0, self._place, self.profile)
        profile, phase = profile.view(pairs, -1), self.phase.view(pairs, 1)
        coefficients = torch.cat((profile * torch.cos(phase), profile * torch.sin(phase)), 1)
        blocks = (coefficients @ self._basis).view(*self.phase.shape, 2, 2, k, k)
        weight = blocks.permute(2, 0, 3, 1, 4, 5).reshape(self.fields_out.channels, self.fields_in.channels, k, k)
        return weight.contiguous(memory_format=torch.channels_last)


def _frequencies(fields_in: Fields, fields_out: Fields, rings: Rings) -> list[list[int | None]]:
    """The filter's frequency for each pair (out, in); None where the pair is not connected."""
    table: list[list[int | None]] = []
    for order in fields_out.orders:
        gaps = [order - other for other in fields_in.orders]
        nearest = min(abs(gap) for gap in gaps)
        if not rings.radii(nearest):
            raise ValueError(
                f"a {rings.kernel_size} px kernel has no ring for a change of rotation order by {nearest} "
                f"({fields_in} -> {fields_out}): use a larger kernel or nearer orders"
            )
        furthest = max(nearest, rings.inner_frequency)
        table.append([gap if abs(gap) <= furthest and rings.radii(gap) else None for gap in gaps])
    return table


def _block_basis(rings: Rings, waves: list[int]) -> Tensor:
    """Rows: rings of each frequency, for cos(beta) then for sin(beta). Columns: the four blocks, k x k each."""
    waves_of_rings = torch.cat([rings.basis(m) for m in waves]).flatten(1)
    rows = torch.cat((waves_of_rings, 1j * waves_of_rings))
    return torch.cat((rows.real, -rows.imag, rows.imag, rows.real), 1).float()


def _placed(frequencies: list[list[int | None]], waves: list[int], rings: Rings) -> tuple[Tensor, Tensor]:
    """The index of each learned coefficient in (out, in, ring of a frequency), and the number that its output has."""
    count = {m: len(rings.radii(m)) for m in waves}
    width = sum(count.values())
    first = {m: sum(count[other] for other in waves[:i]) for i, m in enumerate(waves)}
    place: list[int] = []
    fan_in: list[int] = []
    start = 0
    for row in frequencies:
        learned = sum(count[m] for m in row if m is not None)
        for m in row:
            if m is not None:
                place += range(start + first[m], start + first[m] + count[m])
                fan_in += [learned] * count[m]
            start += width
    return torch.tensor(place), torch.tensor(fan_in, dtype=torch.float32)
