"""The equivariance error of any module, and an assertion for tests: of equivariance and, if asked for, of
normalisation and compilation.

Inputs are smooth random fields given by a formula, so they are evaluated in rotated position without interpolation.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields

ANGLES_DEG = tuple(range(15, 360, 15))
COMPILED = 1e-4
"""Largest difference of a compiled module: float32 sums in another order."""


def synthetic_inputs(
    fields: str | Fields, size_px: int, angle_rad: float = 0.0, count: int = 4, seed: int = 0
) -> Tensor:
    """``count`` random inputs of ``fields``, rotated: (count, channels, size, size) float32, 0 outside the disc.

    Each field is a sum of Gaussian blobs, with positions rotated counter-clockwise by phi and complex amplitudes
    multiplied by e^{i m phi}. If all orders are 0 it is a real image, (count, fields, size, size).
    """
    fields, blobs = Fields(fields), 12
    random = torch.Generator().manual_seed(seed)
    radius = 0.3 * size_px * torch.rand(count, fields.count, blobs, generator=random).sqrt()
    theta = 2 * math.pi * torch.rand(count, fields.count, blobs, generator=random) + angle_rad
    width = size_px * (0.05 + 0.05 * torch.rand(count, fields.count, blobs, generator=random))
    amplitude = torch.randn(count, 2, fields.count, blobs, generator=random)
    axis = torch.arange(size_px) - (size_px - 1) / 2
    x, y = radius * torch.cos(theta), -radius * torch.sin(theta)
    along_x = torch.exp(-0.5 * ((axis - x[..., None]) / width[..., None]) ** 2)
    along_y = torch.exp(-0.5 * ((axis - y[..., None]) / width[..., None]) ** 2)
    maps = torch.einsum("bpfn,bfny,bfnx->bpfyx", amplitude, along_y, along_x).flatten(1, 2)
    disc = torch.hypot(axis[None, :], axis[:, None]) <= size_px / 2 - 1
    return fields.phased(maps * disc, angle_rad) if any(fields.orders) else maps[:, : fields.count] * disc


def rotated(features: Tensor, fields: str | Fields, angle_rad: float) -> Tensor:
    """Features (B, channels) or maps (B, channels, S, S), float32 on the CPU, as expected for the rotated input.

    Vectors are multiplied by e^{i m phi}; maps are rotated as well, exactly at multiples of 90°, else bicubically.
    Raises ``ValueError`` unless they have the channels of ``fields``.
    """
    if features.ndim == 4:
        quarters = angle_rad / (math.pi / 2)
        if math.isclose(quarters, round(quarters), abs_tol=1e-9):
            features = torch.rot90(features, round(quarters) % 4, (2, 3))
        else:
            cos, sin = math.cos(angle_rad), math.sin(angle_rad)
            matrix = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(features), 2, 3)
            grid = F.affine_grid(matrix, list(features.shape), align_corners=False)
            features = F.grid_sample(features, grid, mode="bicubic", align_corners=False)
    return Fields(fields).phased(features, angle_rad)


def movement_over_spread(moved: Tensor, features: Tensor) -> float:
    """sqrt(mean ||moved||² / mean ||features - their mean||²) over inputs (B, ...): 0 is perfect.

    ``moved``: change of the features. It is not divided by the norm of the features, because features with a large
    constant part, which carry no information, would have a low error.
    """
    spread = (features - features.mean(0)).square().sum() / len(features)
    return float((moved.square().sum() / len(moved) / spread).sqrt())


def equivariance_error(
    module: Callable[[Tensor], Tensor],
    fields_in: str | Fields,
    fields_out: str | Fields,
    angle_deg: float,
    size_px: int = 32,
    seed: int = 0,
) -> float:
    """||f(Rx) - e^{i m phi} R f(x)|| divided by the spread of f between synthetic inputs x, at one angle.

    ``module``: (B, in.channels, size, size), or real images (B, in.count, size, size) if all orders are 0 -> vectors
    (B, out.channels) or maps (B, out.channels, S, S); if all output orders are 0, real ones with out.count channels are
    accepted. A ``torch.nn.Module`` is measured in evaluation mode on the device of its parameters, and its mode is
    restored. Maps are compared within the disc. Raises ``ValueError`` for a module whose output is the same for all
    inputs, or has other channels.
    """
    angle = math.radians(angle_deg)
    with torch.no_grad(), _in_evaluation_mode(module) as device:
        at_zero, got = (
            Fields(fields_out)
            .lifted(module(synthetic_inputs(fields_in, size_px, by, seed=seed).to(device)))
            .float()
            .cpu()
            for by in (0.0, angle)
        )
        expected = rotated(at_zero, fields_out, angle)
    if got.ndim == 4:
        axis = torch.arange(got.shape[-1]) - (got.shape[-1] - 1) / 2
        disc = torch.hypot(axis[None, :], axis[:, None]) <= got.shape[-1] / 2
        at_zero, expected, got = at_zero * disc, expected * disc, got * disc
    if torch.allclose(at_zero, at_zero[:1].expand_as(at_zero)):
        raise ValueError("the module has the same output for every input: its equivariance cannot be measured")
    return movement_over_spread(got - expected, at_zero)


@contextmanager
def _in_evaluation_mode(module: Callable[[Tensor], Tensor]) -> Iterator[torch.device]:
    """The module in evaluation mode; yields its device."""
    if not isinstance(module, nn.Module):
        yield torch.device("cpu")
        return
    was_training = [part for part in module.modules() if part.training]
    try:
        yield _device_of(module.eval())
    finally:
        for part in was_training:
            part.training = True


def _device_of(module: nn.Module) -> torch.device:
    return next((tensor.device for tensor in (*module.parameters(), *module.buffers())), torch.device("cpu"))


@contextmanager
def _buffers_restored(module: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """The module's buffers, such as running statistics, have their values again at the end."""
    before = [(buffer, buffer.clone()) for buffer in module.buffers()] if isinstance(module, nn.Module) else []
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def mean_square_gain(
    module: Callable[[Tensor], Tensor],
    fields_in: str | Fields,
    fields_out: str | Fields,
    size_px: int = 32,
    seed: int = 0,
) -> float:
    """Mean |f|² of the outputs for white normal inputs of mean square 1, in the middle half of a map.

    ``module``: as for ``equivariance_error``, but in its present mode: in training mode batch norms use the statistics
    of these inputs. Its buffers are restored. A layer is normalised if the value is about 1 at initialisation: then
    values neither grow nor vanish with the depth of a network.
    """
    fields = Fields(fields_in)
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(8, fields.channels, size_px, size_px, generator=random) / math.sqrt(2)
    x = x if any(fields.orders) else x[:, : fields.count] * math.sqrt(2)
    with torch.no_grad(), _buffers_restored(module):
        out = module(x.to(_device_of(module)) if isinstance(module, nn.Module) else x).float()
    is_complex = out.shape[1] == Fields(fields_out).channels
    if out.ndim == 4:
        quarter = out.shape[-1] // 4
        out = out[..., quarter : out.shape[-1] - quarter, quarter : out.shape[-1] - quarter]
    return float(out.square().mean()) * (2 if is_complex else 1)


def compilation_error(
    module: nn.Module, fields_in: str | Fields, size_px: int = 32, backend: str = "inductor", seed: int = 0
) -> float:
    """Largest difference of the compiled module from the eager one, over the largest value: of outputs and gradients.

    ``module``: as for ``equivariance_error``, in its present mode; buffers are restored. ``backend`` of
    ``torch.compile``: "inductor" generates code, and needs a C++ compiler on a CPU; "aot_eager" does not. Raises an
    exception of torch for a module that cannot be compiled as a whole.
    """
    device = _device_of(module)
    inputs = synthetic_inputs(fields_in, size_px, seed=seed).to(device)
    wanted = [parameter for parameter in module.parameters() if parameter.requires_grad]
    found = []
    torch.compiler.reset()  # the number of compilations of one class is limited
    for form in (module, torch.compile(module, backend=backend, fullgraph=True)):
        x = inputs.clone().requires_grad_()
        with _buffers_restored(module):
            out = form(x)
            weights = torch.arange(out[0].numel(), device=device).view_as(out[0]).cos()  # so that nothing cancels
            gradients = torch.autograd.grad((out * weights).sum(), [x, *wanted], allow_unused=True)
        found.append([out.detach(), *(gradient for gradient in gradients if gradient is not None)])
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-12)) for a, b in zip(*found, strict=True))


def assert_equivariant(
    module: Callable[[Tensor], Tensor],
    fields_in: str | Fields,
    fields_out: str | Fields,
    *,
    size_px: int = 32,
    bound: float = 0.1,
    exact: float = 1e-5,
    angles_deg: Sequence[float] = ANGLES_DEG,
    seed: int = 0,
    normalised: float | None = None,
    compiled: str | None = None,
) -> dict[float, float]:
    """Assert that ``module`` is equivariant: to ``exact`` at multiples of 90°, within ``bound`` at other angles.

    ``module`` has the shapes of ``equivariance_error``, and errors are those that it returns; the worst are printed,
    all are returned by angle in degrees. Keep a multiple of 90° among the angles: it reveals a stride or a maximum,
    which smooth inputs hide at other angles. ``fields_out`` of order 0 means invariance.

    ``normalised``: assert also that ``mean_square_gain`` differs from 1 by at most this factor, above 1; for a layer at
    initialisation. ``compiled``: assert also that ``compilation_error`` with this backend is at most 1e-4; ``module``
    must be a ``torch.nn.Module``. Raises ``AssertionError`` with the worst angle or the value found, and ``ValueError``
    as ``equivariance_error``.
    """
    errors = {a: equivariance_error(module, fields_in, fields_out, a, size_px, seed) for a in angles_deg}
    for part, limit in ((True, exact), (False, bound)):
        chosen = {angle: error for angle, error in errors.items() if (angle % 90 == 0) is part}
        if not chosen:
            continue
        worst = max(chosen, key=chosen.__getitem__)
        where = "multiples of 90°" if part else "other angles"
        line = f"{fields_in} -> {fields_out}, {where}: at most {chosen[worst]:.2g} (bound {limit:g})"
        print(line)  # noqa: T201 - the figure is for the reader of the test
        if not chosen[worst] <= limit:
            raise AssertionError(f"not equivariant: {line}, at {worst:g}°")
    if normalised is not None:
        gain = mean_square_gain(module, fields_in, fields_out, size_px, seed)
        if not 1 / normalised <= gain <= normalised:
            raise AssertionError(
                f"not normalised: outputs have a mean square of {gain:.3g} for inputs of mean square 1"
            )
    if compiled is not None:
        if not isinstance(module, nn.Module):
            raise ValueError("only a torch.nn.Module can be compiled here, not a function")
        difference = compilation_error(module, fields_in, size_px, compiled, seed)
        if not difference <= COMPILED:
            raise AssertionError(
                f"compiled with {compiled}, the module differs by {difference:.2g} of its largest value"
            )
    return errors
