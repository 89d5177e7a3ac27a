"""Harmonic batch norm: every field is divided by its root mean square (paper 2.3; Worrall et al. 2017)."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from orbicyte.harmonic.activation import in_layout_of
from orbicyte.harmonic.fields import Fields


class HarmonicBatchNorm2d(nn.Module):
    """(B, channels, S, S) -> same shape: each field divided by its root mean square magnitude, times a learned scale.

    One real number multiplies both parts of a field, so phases stay. Nothing is subtracted: the mean of a field of
    order m rotates with the input, and 0 outside the cell stays 0. (Worrall et al. also subtract the mean of the
    magnitudes; here the non-linearity has the shift.) In evaluation mode a running mean square is used. In training
    mode, first derivatives only.
    """

    mean_square: Tensor

    def __init__(self, fields: str | Fields, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.fields, self.momentum, self.eps = Fields(fields), momentum, eps
        self.scale = nn.Parameter(torch.ones(self.fields.count))
        self.register_buffer("mean_square", torch.ones(self.fields.count))

    def extra_repr(self) -> str:
        """The fields."""
        return str(self.fields)

    def forward(self, x: Tensor) -> Tensor:
        """Scaled fields (B, channels, S, S). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        x = self.fields.lifted(x)
        if not self.training:
            return x * _of_both_parts(self.scale * torch.rsqrt(self.mean_square + self.eps), x)
        # Torch's fast pass cannot be compiled and is for CPU and CUDA only; compiled, this branch is as fast.
        if torch.compiler.is_compiling() or x.device.type not in ("cpu", "cuda"):
            square = x.float().square().mean((0, 2, 3)).view(2, -1).sum(0)
            out = x * _of_both_parts(self.scale * torch.rsqrt(square + self.eps), x)
        else:
            found = _Normed.apply(x, self.scale, self.eps)  # type: ignore[no-untyped-call]
            out, square = cast(tuple[Tensor, Tensor], found)
        with torch.no_grad():
            self.mean_square.lerp_(square.detach().to(self.mean_square.dtype), self.momentum)
        return out


class _Normed(torch.autograd.Function):
    """x scale / sqrt(mean |x|² + eps), and the mean square. Written by hand for the same reason as the non-linearity:

    with i the inverse root and d the dot product of g and x over the batch, dL/dx = scale i (g - x i² d / n) and
    dL/dscale = i d.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        mean, variance = torch.batch_norm_update_stats(x, None, None, 0.0)  # torch's fast pass: both statistics at once
        precise = torch.promote_types(x.dtype, torch.float32)
        square = (variance + mean * mean).to(precise).view(2, -1).sum(0)
        inverse = torch.rsqrt(square + eps)
        ctx.save_for_backward(x, scale, inverse)
        ctx.mark_non_differentiable(square)
        return x * _of_both_parts(scale * inverse, x), square

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: None) -> tuple[Tensor, Tensor, None]:
        x, scale, inverse = ctx.saved_tensors
        gradient = in_layout_of(x, gradient)
        out = torch.mul(gradient, x)
        dot = out.sum((0, 2, 3), dtype=inverse.dtype).view(2, -1).sum(0)
        cells = x.numel() // x.shape[1]
        torch.mul(gradient, _of_both_parts(scale * inverse, x), out=out)
        out.addcmul_(x, _of_both_parts(-scale * inverse**3 * dot / cells, x))
        return out, dot * inverse, None


def _of_both_parts(of_fields: Tensor, x: Tensor) -> Tensor:
    return of_fields.repeat(2).view(1, -1, 1, 1).to(x.dtype)
