"""The magnitude non-linearity: it acts on |f| and keeps the phase (C-ReLU of Worrall et al. 2017, section 4.1)."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from orbicyte.harmonic.fields import Fields


class MagnitudeReLU(nn.Module):
    """(B, channels, ...) float -> the same shape: f -> ReLU(|f| + b) f / |f| with a learned b for each field.

    |f| is sqrt(re² + im² + eps), so that the gradient at 0 is finite and 0 stays 0. First derivatives only.
    """

    def __init__(self, fields: str | Fields, bias: float = -0.3, eps: float = 1e-4) -> None:
        super().__init__()
        self.fields, self.eps = Fields(fields), eps
        self.bias = nn.Parameter(torch.full((self.fields.count,), bias))

    def extra_repr(self) -> str:
        """The fields."""
        return str(self.fields)

    def forward(self, x: Tensor) -> Tensor:
        """Rectified fields (B, channels, ...). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        x = self.fields.lifted(x)
        bias = self.bias.view(-1, *([1] * (x.ndim - 2))).to(x.dtype)
        if torch.compiler.is_compiling():  # also in an export, where writing into halves would be a scatter
            real, imaginary = x.chunk(2, 1)
            gate = (_inverse(real, imaginary, self.eps) * bias + 1).clamp(min=0)
            return torch.cat((real * gate, imaginary * gate), 1)
        return cast(Tensor, _Gated.apply(x, bias, self.eps))  # type: ignore[no-untyped-call]


class _Gated(torch.autograd.Function):
    """x times gate = ReLU(1 + b / |x|). By hand, as elementwise passes over memory take half of a step on a CPU:

    with s = g . x (of one field), dL/dx = g gate - x s b / |x|³ and dL/db = sum s / |x| where the gate is open.
    Only x and b are kept for the backward pass.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor, eps: float) -> Tensor:
        real, imaginary = x.chunk(2, 1)
        gate = _inverse(real, imaginary, eps).mul_(bias).add_(1).clamp_(min=0)
        out = torch.empty_like(x)
        for part, result in zip((real, imaginary), out.chunk(2, 1), strict=True):
            torch.mul(part, gate, out=result)
        ctx.save_for_backward(x, bias)
        ctx.eps = eps
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, bias = ctx.saved_tensors
        gradient = in_layout_of(x, gradient)
        real, imaginary = x.chunk(2, 1)
        inverse = _inverse(real, imaginary, ctx.eps)
        gate = torch.mul(inverse, bias).add_(1).clamp_(min=0)
        # Products over the full width: with channels last, halves are short runs in memory.
        pull = torch.add(*torch.mul(gradient, x).chunk(2, 1)).mul_(inverse)
        pull = torch.ops.aten.threshold_backward(pull, gate, 0)  # 0 where the gate is closed
        of_bias = pull.sum((0, *range(2, x.ndim))).view_as(bias)
        pull.mul_(inverse.square_()).mul_(bias)
        out = torch.cat((gate, gate), 1).mul_(gradient)
        return out.addcmul_(x, torch.cat((pull, pull), 1), value=-1), of_bias, None


def _inverse(real: Tensor, imaginary: Tensor, eps: float) -> Tensor:
    return torch.mul(real, real).addcmul_(imaginary, imaginary).add_(eps).rsqrt_()


def in_layout_of(x: Tensor, gradient: Tensor) -> Tensor:
    """``gradient``, shaped as ``x``, with the memory layout of ``x``; a copy unless it has it already.

    Elementwise passes over mixed layouts are several times slower.
    """
    return gradient if gradient.stride() == x.stride() else torch.empty_like(x).copy_(gradient)
