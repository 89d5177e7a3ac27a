"""Non-linearities of the magnitude, and their fusion with a batch norm before them.

Elementwise passes over memory take up to half of a training step on a CPU. So the gradients here are written by hand:
they keep the layer's input only, and compute again what follows from it. Second derivatives are those of the plain
expression.
"""

from abc import ABC, abstractmethod
from typing import Any, cast

import torch
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.memory import blocks, scratch
from orbicyte.harmonic.norm import HarmonicBatchNorm2d, gradients_of, in_layout_of, mean_square, of_both_parts


class MagnitudeNonlinearity(nn.Module, ABC):
    """(B, channels, ...) float -> the same shape: f -> gate(|f|²) f, with one parameter p for each field.

    The gate is a real function of the magnitude, so phases stay.
    """

    def __init__(self, fields: str | Fields) -> None:
        super().__init__()
        self.fields = Fields(fields)

    def extra_repr(self) -> str:
        """The fields."""
        return str(self.fields)

    @property
    @abstractmethod
    def parameter(self) -> Tensor:
        """p (fields.count,)."""

    @abstractmethod
    def gate(self, square: Tensor, p: Tensor) -> Tensor:
        """The gate at |f|² (B, count, ...); ``p`` (count, 1, ...)."""

    @abstractmethod
    def slopes_(self, square: Tensor, p: Tensor, by_square: Tensor, by_parameter: Tensor) -> None:
        """Replace |f|² by the gate, and fill in its derivatives by |f|² and by p, of the same shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Gated fields (B, channels, ...). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        x = self.fields.lifted(x)
        if torch.compiler.is_compiling():  # also in an export
            return _gated(x, self, self.parameter)
        out, _ = cast(tuple[Tensor, Tensor], _NormedGated.apply(x, None, None, self.parameter, self, 0.0))  # type: ignore[no-untyped-call]
        return out


def norm_and_gate(
    x: Tensor, norm: HarmonicBatchNorm2d, activation: nn.Module, skip: Tensor | None = None, overwrite: bool = False
) -> Tensor:
    """``activation(norm(x) + skip)`` for fields (B, channels, S, S), without ``skip`` if it is None.

    For a ``MagnitudeNonlinearity`` in one pass: training keeps ``x`` and ``skip`` only. ``overwrite``: whether the
    result may be written into ``x`` where no gradient is needed. If a hook is registered on one of the two, or dtypes
    differ, each is called on its own. Raises ``ValueError`` unless ``x`` has the channels of the fields of both.
    """
    x = norm.fields.lifted(x)
    is_alone = has_hooks(norm) or has_hooks(activation) or (skip is not None and skip.dtype != x.dtype)
    if not isinstance(activation, MagnitudeNonlinearity) or is_alone or torch.compiler.is_compiling():
        normed = norm(x)
        return cast(Tensor, activation(normed if skip is None else normed + skip))
    activation.fields.lifted(x)
    if not norm.training:
        factor = of_both_parts(norm.scale * torch.rsqrt(norm.mean_square + norm.eps), x)
        if torch.is_grad_enabled():
            return cast(Tensor, activation(x * factor if skip is None else torch.addcmul(skip, x, factor)))
        return _forward(x, skip, factor, activation, activation.parameter, x if overwrite else torch.empty_like(x))
    found = _NormedGated.apply(x, skip, norm.scale, activation.parameter, activation, norm.eps)  # type: ignore[no-untyped-call]
    out, square = cast(tuple[Tensor, Tensor], found)
    norm.track(square)
    return out


def has_hooks(module: nn.Module) -> bool:
    """Whether something else reads the input or the output of a module."""
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


class _NormedGated(torch.autograd.Function):
    """gate(|y|²) y with y = x scale / sqrt(mean |x|² + eps) + skip, and the mean square; y = x without a scale.

    With s the dot product of g and y in one field, dL/dy = g gate + 2 y s gate' and dL/dp = sum s dgate/dp. With i the
    inverse root, dL/dx = scale i (dL/dy - x i² d / n) and dL/dscale = i d, where d is the dot product of dL/dy and x
    over the batch and n the number of places.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        skip: Tensor | None,
        scale: Tensor | None,
        parameter: Tensor,
        layer: MagnitudeNonlinearity,
        eps: float,
    ) -> tuple[Tensor, Tensor | None]:
        square = None if scale is None else mean_square(x)
        inverse = None if square is None else torch.rsqrt(square + eps)
        ctx.save_for_backward(x, skip, scale, parameter, inverse)
        ctx.layer, ctx.eps = layer, eps
        if square is not None:
            ctx.mark_non_differentiable(square)
        factor = None if scale is None or inverse is None else of_both_parts(scale * inverse, x)
        out = _forward(x, skip, factor, layer, parameter, torch.empty_like(x))
        return out, square

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: None) -> tuple[Tensor | None, ...]:
        x, skip, scale, parameter, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative

            def plain(x: Tensor, skip: Tensor | None, scale: Tensor | None, parameter: Tensor) -> Tensor:
                factor = None if scale is None else of_both_parts(scale * torch.rsqrt(mean_square(x) + ctx.eps), x)
                return _gated(_normed(x, skip, factor), ctx.layer, parameter)

            return *gradients_of(plain, (x, skip, scale, parameter), gradient), None, None
        gradient, of_y, p = in_layout_of(x, gradient), torch.empty_like(x), _wide(parameter, x)
        factor = None if scale is None or inverse is None else of_both_parts(scale * inverse, x)
        of_parameter, dot = torch.zeros_like(parameter), torch.zeros_like(parameter)
        whole, half = x.shape[1], x.shape[1] // 2
        for rows in blocks(x):
            y, product, own, g, gate, by_square, by_parameter, pull = scratch(x[rows], [whole] * 4 + [half] * 4)
            own = of_y[rows] if of_y.dtype == own.dtype else own
            g = gradient[rows] if gradient.dtype == g.dtype else g.copy_(gradient[rows])
            y = _normed(x[rows], None if skip is None else skip[rows], factor, y)
            torch.add(*torch.mul(y, y, out=product).chunk(2, 1), out=gate)
            ctx.layer.slopes_(gate, p, by_square, by_parameter)
            torch.add(*torch.mul(g, y, out=product).chunk(2, 1), out=pull)
            of_parameter += by_parameter.mul_(pull).sum((0, *range(2, x.ndim)))
            _both(gate, own).mul_(g).addcmul_(y, _both(pull.mul_(by_square).mul_(2), product))
            if factor is not None:
                dot += torch.mul(own, x[rows], out=product).sum((0, 2, 3)).view(2, -1).sum(0)
            if own.dtype != of_y.dtype:
                of_y[rows].copy_(own)
        if factor is None:
            return of_y, None, None, of_parameter, None, None
        of_x = of_y if skip is None else torch.empty_like(x)
        of_norm = of_both_parts(-scale * inverse**3 * dot / (x.numel() // x.shape[1]), x)
        for rows in blocks(x):
            torch.mul(of_y[rows], factor, out=of_x[rows]).addcmul_(x[rows], of_norm)
        return of_x, None if skip is None else of_y, dot * inverse, of_parameter, None, None


def _forward(
    x: Tensor,
    skip: Tensor | None,
    factor: Tensor | None,
    layer: MagnitudeNonlinearity,
    parameter: Tensor,
    out: Tensor,
) -> Tensor:
    """gate(|y|²) y with y = x factor + skip, written to ``out``, which may be ``x``."""
    p, whole = _wide(parameter, x), x.shape[1]
    for rows in blocks(x):
        y, product, square = scratch(x[rows], [whole, whole, whole // 2])
        y = _normed(x[rows], None if skip is None else skip[rows], factor, y)
        torch.add(*torch.mul(y, y, out=product).chunk(2, 1), out=square)
        gate = _both(layer.gate(square, p), product)
        if out.dtype == gate.dtype:
            torch.mul(gate, y, out=out[rows])
        else:
            out[rows].copy_(gate.mul_(y))
    return out


def _both(of_fields: Tensor, out: Tensor) -> Tensor:
    """A number for each field and place (B, C, ...), for both parts: (B, 2 C, ...), in ``out``."""
    return torch.cat((of_fields, of_fields), 1, out=out)


def _normed(x: Tensor, skip: Tensor | None, factor: Tensor | None, out: Tensor | None = None) -> Tensor:
    """``x factor + skip``, in ``out`` if given, in float32 or wider; without a factor ``x``."""
    if factor is None:
        return x if out is None or out.dtype == x.dtype else out.copy_(x)
    return torch.mul(x, factor, out=out) if skip is None else torch.addcmul(skip, x, factor, out=out)


def _gated(y: Tensor, layer: MagnitudeNonlinearity, parameter: Tensor) -> Tensor:
    gate = layer.gate(magnitude_square(y), _wide(parameter, y)).to(y.dtype)
    return y * torch.cat((gate, gate), 1)


def _wide(parameter: Tensor, y: Tensor) -> Tensor:
    """``parameter`` (C,) as a factor of |f|² of ``y``: (C, 1, ...), or (1, C, 1, W) for maps with channels last.

    Repeated over a row, as a product with a few channels at a time is several times slower.
    """
    wide = parameter.to(torch.promote_types(y.dtype, torch.float32)).view(-1, *([1] * (y.ndim - 2)))
    if y.ndim == 4 and y.stride(1) == 1 and y.device.type == "cpu":
        return wide.expand(1, -1, 1, y.shape[3]).contiguous(memory_format=torch.channels_last)
    return wide


def magnitude_square(y: Tensor) -> Tensor:
    """|f|² of fields (B, 2 C, ...): (B, C, ...), float32 or wider."""
    # Products over the full width: with channels last, halves are short runs in memory.
    return torch.add(*y.to(torch.promote_types(y.dtype, torch.float32)).square().chunk(2, 1))
