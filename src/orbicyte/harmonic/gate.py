"""A smooth non-linearity of the magnitude, which aliases less than one with a kink."""

import math

import torch
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.magnitude import MagnitudeNonlinearity

GAIN, THRESHOLD = 1.610831, 1.0
"""With this threshold, this gain keeps the mean square of a complex normal input of mean square 1."""


class MagnitudeGate(MagnitudeNonlinearity):
    """(B, channels, ...) float -> the same shape: f -> gain |f|² f / (|f|² + t²), with a learned t for each field.

    A smooth function of real and imaginary part, unlike ``MagnitudeReLU``, whose kink creates frequencies above the
    limit of the pixel grid: they alias, and do not rotate with the input. (This differs from H-Net.) The gain is fixed,
    and with t at its initial value the mean square of the output is 1 for normal inputs of ``mean_square``: 1 after a
    norm, 2 after the sum of two such fields.
    """

    def __init__(self, fields: str | Fields, mean_square: float = 1.0) -> None:
        super().__init__(fields)
        self.gain = GAIN / math.sqrt(mean_square)
        self.threshold = nn.Parameter(torch.full((self.fields.count,), THRESHOLD * math.sqrt(mean_square)))

    @property
    def parameter(self) -> Tensor:
        """t (fields.count,)."""
        return self.threshold

    def gate(self, square: Tensor, p: Tensor) -> Tensor:
        """gain |f|² / (|f|² + t²)."""
        below = p * p
        return torch.addcdiv(torch.full_like(p, self.gain), below, square + below, value=-self.gain)

    def slopes_(self, square: Tensor, p: Tensor, by_square: Tensor, by_parameter: Tensor) -> None:
        """gain |f|² i, gain t² i² and -2 gain t |f|² i², with i = 1 / (|f|² + t²)."""
        below = p * p
        torch.add(square, below, out=by_square).reciprocal_()
        share = torch.mul(square, by_square, out=by_parameter)
        torch.mul(share, self.gain, out=square)
        by_parameter.mul_(by_square).mul_(-2 * self.gain * p)
        by_square.mul_(by_square).mul_(self.gain * below)
