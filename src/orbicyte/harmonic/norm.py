"""Harmonic batch norm: every field is divided by its root mean square (paper 2.3; Worrall et al. 2017)."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.memory import blocks, scratch


class HarmonicBatchNorm2d(nn.Module):
    """(B, channels, S, S) -> same shape: each field divided by its root mean square magnitude, times a learned scale.

    One real number multiplies both parts of a field, so phases stay. Nothing is subtracted: the mean of a field of
    order m rotates with the input, and 0 outside the cell stays 0. (Worrall et al. also subtract the mean of the
    magnitudes; here the non-linearity has the shift.) In evaluation mode a running mean square is used.
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
            return x * of_both_parts(self.scale * torch.rsqrt(self.mean_square + self.eps), x)
        if torch.compiler.is_compiling():
            out, square = _normed(x, self.scale, self.eps)
        else:
            found = _Normed.apply(x, self.scale, self.eps)  # type: ignore[no-untyped-call]
            out, square = cast(tuple[Tensor, Tensor], found)
        self.track(square)
        return out

    @torch.no_grad()
    def track(self, square: Tensor) -> None:
        """Update the running mean square with that of a batch, (fields.count,)."""
        self.mean_square.lerp_(square.detach().to(self.mean_square.dtype), self.momentum)


class _Normed(torch.autograd.Function):
    """x scale / sqrt(mean |x|² + eps), and the mean square; the gradient is written by hand, as it saves passes.

    With i the inverse root and d the dot product of g and x over the batch, dL/dx = scale i (g - x i² d / n) and
    dL/dscale = i d. Second derivatives are those of the plain expression.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        out, square = _normed(x, scale, eps)
        ctx.save_for_backward(x, scale, torch.rsqrt(square + eps))
        ctx.mark_non_differentiable(square)
        ctx.eps = eps
        return out, square

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: None) -> tuple[Tensor | None, Tensor | None, None]:
        x, scale, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative
            of_x, of_scale = gradients_of(lambda x, scale: _normed(x, scale, ctx.eps)[0], (x, scale), gradient)
            return of_x, of_scale, None
        gradient = in_layout_of(x, gradient)
        out = torch.mul(gradient, x)
        dot = out.sum((0, 2, 3), dtype=inverse.dtype).view(2, -1).sum(0)
        torch.mul(gradient, of_both_parts(scale * inverse, x), out=out)
        places = x.numel() // x.shape[1]
        out.addcmul_(x, of_both_parts(-scale * inverse**3 * dot / places, x))
        return out, dot * inverse, None


def _normed(x: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    square = mean_square(x)
    return x * of_both_parts(scale * torch.rsqrt(square + eps), x), square


def gradients_of(f: Callable[..., Tensor], inputs: Sequence[Tensor | None], gradient: Tensor) -> list[Tensor | None]:
    """Gradients of ``f(*inputs)`` with respect to its inputs, as differentiable expressions; None where not needed.

    With respect to aliases of the inputs: one input may depend on another, and that path is not a part of ``f``.
    """
    aliases = [None if tensor is None else tensor.view_as(tensor) for tensor in inputs]
    wanted = [alias for alias in aliases if alias is not None and alias.requires_grad]
    found = iter(torch.autograd.grad(f(*aliases), wanted, gradient, create_graph=True))
    return [next(found) if alias is not None and alias.requires_grad else None for alias in aliases]


def mean_square(x: Tensor) -> Tensor:
    """Mean |f|² over the batch and the map of each field of (B, 2 C, S, S): (C,), float32 or wider."""
    wide = torch.promote_types(x.dtype, torch.float32)
    if torch.is_grad_enabled() or torch.compiler.is_compiling():
        total = x.to(wide).square().sum((0, 2, 3))
    else:
        total = torch.stack([_square_sum(x[rows]) for rows in blocks(x)]).sum(0)
    return total.view(2, -1).sum(0) / (x.numel() // x.shape[1])


def _square_sum(x: Tensor) -> Tensor:
    (square,) = scratch(x, [x.shape[1]])
    wide = x if x.dtype == square.dtype else square.copy_(x)
    return torch.mul(wide, wide, out=square).sum((0, 2, 3))


def of_both_parts(of_fields: Tensor, x: Tensor) -> Tensor:
    """A number for each field, (C,), as factors of ``x`` (B, 2 C, S, S): (1, 2 C, 1, 1) in its dtype."""
    return of_fields.repeat(2).view(1, -1, 1, 1).to(x.dtype)


def in_layout_of(x: Tensor, gradient: Tensor) -> Tensor:
    """``gradient``, shaped as ``x``, with the memory layout of ``x``; a copy unless it has it already.

    Elementwise passes over mixed layouts are several times slower.
    """
    return gradient if gradient.stride() == x.stride() else torch.empty_like(x).copy_(gradient)
