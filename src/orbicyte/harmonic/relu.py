"""ReLU on both parts of fields of order 0, which a rotation does not mix, and on the magnitudes of other fields."""

import torch
from torch import Tensor, nn

from orbicyte.harmonic.activation import MagnitudeReLU
from orbicyte.harmonic.fields import Fields


class HarmonicReLU(nn.Module):
    """(B, channels, ...) -> the same shape: for order 0, both parts p -> ReLU(p + b) - ReLU(b); else ``MagnitudeReLU``.

    Real and imaginary part of a field of order 0 are two invariant maps. An ordinary ReLU of each distinguishes signs,
    which a function of the magnitude cannot; the second term keeps 0 at 0. (This differs from H-Net, whose
    non-linearity acts on all magnitudes; Weiler & Cesa 2019 call such features trivial.) ``bias``: initial bias of the
    magnitudes.
    """

    def __init__(self, fields: str | Fields, bias: float = -0.8) -> None:
        super().__init__()
        self.fields = Fields(fields)
        orders = self.fields.orders
        scalars, before = orders.count(0), orders.index(0) if 0 in orders else 0
        self.sizes = [before, scalars, len(orders) - scalars - before]
        others = {order: number for number, order in self.fields.terms if order}
        self.shift = nn.Parameter(torch.zeros(2 * scalars)) if scalars else None
        self.gate = MagnitudeReLU(Fields.of(others), bias=bias) if others else None

    def extra_repr(self) -> str:
        """The fields."""
        return str(self.fields)

    def forward(self, x: Tensor) -> Tensor:
        """Rectified fields (B, channels, ...). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        x = self.fields.lifted(x)
        if self.shift is None or self.gate is None:
            alone: Tensor = self._scalars(x) if self.gate is None else self.gate(x)
            return alone
        parts = torch.split(x, self.sizes * 2, 1)  # real: before, scalars, after; then imaginary
        scalars = self._scalars(torch.cat((parts[1], parts[4]), 1)).chunk(2, 1)
        others = self.gate(torch.cat((parts[0], parts[2], parts[3], parts[5]), 1))
        before, _, after = self.sizes
        first, second, third, fourth = torch.split(others, [before, after] * 2, 1)
        return torch.cat((first, scalars[0], second, third, scalars[1], fourth), 1)

    def _scalars(self, parts: Tensor) -> Tensor:
        assert self.shift is not None
        shift = self.shift.view(-1, *([1] * (parts.ndim - 2))).to(parts.dtype)
        return torch.relu(parts + shift) - torch.relu(shift)
