"""ReLU on the circle: fields of several orders as the Fourier coefficients of functions of an angle."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields


class FourierReLU(nn.Module):
    """(B, channels, S, S) float -> the same shape: a ReLU of functions on the circle, of which fields are coefficients.

    One field of each order m makes a function h(theta) = sum f_m e^{-i m theta}; a rotation by phi shifts it by phi, so
    any function of its value at each angle is allowed. h is sampled at ``samples`` angles, real and imaginary part p
    are rectified as p -> ReLU(p + b) - ReLU(b) with a learned b, and the result is transformed back to the same orders
    (Franzen & Wand 2021). Unlike a function of magnitudes it mixes orders, and so compares directions. Exact at
    multiples of 360° / ``samples``. Raises ``ValueError`` unless all orders have the same number of fields, and
    ``samples`` is a multiple of 4 above twice the largest order.
    """

    to_circle: Tensor

    def __init__(self, fields: str | Fields, samples: int = 8) -> None:
        super().__init__()
        self.fields, self.samples = Fields(fields), samples
        numbers = {number for number, _ in self.fields.terms}
        orders = [order for _, order in self.fields.terms]
        if len(numbers) > 1:
            raise ValueError(f"expected the same number of fields of each order, got {self.fields}")
        if samples % 4 or samples <= 2 * max(map(abs, orders)):
            raise ValueError(f"expected a multiple of 4 above {2 * max(map(abs, orders))} samples, got {samples}")
        angles = 2 * math.pi * torch.arange(samples, dtype=torch.float64)[:, None] / samples
        wave = torch.polar(torch.ones_like(angles), -angles * torch.tensor(orders))
        matrix = torch.cat((torch.cat((wave.real, -wave.imag), 1), torch.cat((wave.imag, wave.real), 1)))
        self.functions = numbers.pop()
        self.register_buffer("to_circle", matrix.float() / math.sqrt(len(orders)), persistent=False)
        self.shift = nn.Parameter(torch.zeros(self.functions))

    def extra_repr(self) -> str:
        """The fields and the number of samples."""
        return f"{self.fields}, samples={self.samples}"

    def forward(self, x: Tensor) -> Tensor:
        """Rectified fields (B, channels, S, S). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        x = self.fields.lifted(x)
        each = torch.eye(self.functions, device=x.device)
        there = torch.kron(self.to_circle, each).to(x.dtype)
        back = there.T * (len(self.fields.terms) / self.samples)
        shift = self.shift.repeat(2 * self.samples).to(x.dtype)
        rectified = torch.relu(F.conv2d(x, there[..., None, None], shift)) - torch.relu(shift).view(-1, 1, 1)
        return F.conv2d(rectified, back[..., None, None])
