"""The magnitude non-linearity of H-Nets (C-ReLU of Worrall et al. 2017, section 4.1)."""

import torch
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.magnitude import MagnitudeNonlinearity


class MagnitudeReLU(MagnitudeNonlinearity):
    """(B, channels, ...) float -> the same shape: f -> ReLU(|f| + b) f / |f| with a learned b for each field.

    |f| is sqrt(re² + im² + eps), so that the gradient at 0 is finite and 0 stays 0.
    """

    def __init__(self, fields: str | Fields, bias: float = -0.3, eps: float = 1e-4) -> None:
        super().__init__(fields)
        self.eps = eps
        self.bias = nn.Parameter(torch.full((self.fields.count,), bias))

    @property
    def parameter(self) -> Tensor:
        """b (fields.count,)."""
        return self.bias

    def gate(self, square: Tensor, p: Tensor) -> Tensor:
        """ReLU(1 + b / |f|)."""
        return (torch.rsqrt(square + self.eps) * p + 1).clamp(min=0)

    def slopes_(self, square: Tensor, p: Tensor, by_square: Tensor, by_parameter: Tensor) -> None:
        """The gate; -b / (2 |f|³) and 1 / |f| where it is open, 0 where it is closed."""
        torch.add(square, self.eps, out=by_square).rsqrt_()
        torch.mul(by_square, p, out=square).add_(1).clamp_(min=0)
        torch.mul(by_square, square > 0, out=by_parameter)
        by_square.mul_(by_square).mul_(by_parameter).mul_(-0.5 * p)
