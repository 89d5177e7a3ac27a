"""How far a module is from equivariant, and an assertion of it for tests, of anybody's modules.

Inputs are smooth random fields that are known at every point, so that they are *drawn* turned and nothing is
interpolated on the way in.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields

ANGLES_DEG = tuple(range(15, 360, 15))


def drawn(fields: str | Fields, size_px: int, angle_rad: float = 0.0, count: int = 4, seed: int = 0) -> Tensor:
    """``count`` random inputs of ``fields`` turned by an angle: (count, channels, size, size), 0 outside the disc.

    Each field is a sum of Gaussian blobs, their places turned counter-clockwise and their complex heights multiplied
    by e^{i m phi}. Where all orders are 0 it is a real image, (count, fields, size, size).
    """
    fields, blobs = Fields(fields), 12
    random = torch.Generator().manual_seed(seed)
    radius = 0.3 * size_px * torch.rand(count, fields.count, blobs, generator=random).sqrt()
    theta = 2 * math.pi * torch.rand(count, fields.count, blobs, generator=random) + angle_rad
    width = size_px * (0.05 + 0.05 * torch.rand(count, fields.count, blobs, generator=random))
    height = torch.randn(count, 2, fields.count, blobs, generator=random)
    axis = torch.arange(size_px) - (size_px - 1) / 2
    x, y = radius * torch.cos(theta), -radius * torch.sin(theta)
    along_x = torch.exp(-0.5 * ((axis - x[..., None]) / width[..., None]) ** 2)
    along_y = torch.exp(-0.5 * ((axis - y[..., None]) / width[..., None]) ** 2)
    maps = torch.einsum("bpfn,bfny,bfnx->bpfyx", height, along_y, along_x).flatten(1, 2)
    disc = torch.hypot(axis[None, :], axis[:, None]) <= size_px / 2 - 1
    return fields.phased(maps * disc, angle_rad) if any(fields.orders) else maps[:, : fields.count] * disc


def turned(features: Tensor, fields: str | Fields, angle_rad: float) -> Tensor:
    """What features (B, channels) or maps (B, channels, S, S) become when the input turns.

    Vectors are multiplied by e^{i m phi}; maps are turned as well, exactly at multiples of 90°, bicubically otherwise.
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

    Not the movement over the length of the features: one that says nothing scores well on that.
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
    """||f(Rx) - e^{i m phi} R f(x)|| over the spread of f between drawn inputs x, at one angle.

    ``module``: (B, in.channels, size, size), or real images (B, in.count, size, size) where all orders are 0 -> vectors
    (B, out.channels) or maps (B, out.channels, S, S); where all its orders are 0, out.count channels are taken as real
    ones. A ``torch.nn.Module`` is measured in evaluation mode, where its parameters are, and put back as it was. Maps
    are compared within the disc. Raises ``ValueError`` for a module that gives every input the same.
    """
    angle = math.radians(angle_deg)
    with torch.no_grad(), _at_rest(module) as device:
        upright, got = (
            Fields(fields_out).lifted(module(drawn(fields_in, size_px, by, seed=seed).to(device))).float().cpu()
            for by in (0.0, angle)
        )
        expected = turned(upright, fields_out, angle)
    if got.ndim == 4:
        axis = torch.arange(got.shape[-1]) - (got.shape[-1] - 1) / 2
        disc = torch.hypot(axis[None, :], axis[:, None]) <= got.shape[-1] / 2
        upright, expected, got = upright * disc, expected * disc, got * disc
    if torch.allclose(upright, upright[:1].expand_as(upright)):
        raise ValueError("the module gives every input the same: that it does not turn says nothing")
    return movement_over_spread(got - expected, upright)


@contextmanager
def _at_rest(module: Callable[[Tensor], Tensor]) -> Iterator[torch.device]:
    """The module in evaluation mode; gives its device."""
    if not isinstance(module, nn.Module):
        yield torch.device("cpu")
        return
    was_training = [part for part in module.modules() if part.training]
    try:
        yield next((parameter.device for parameter in module.eval().parameters()), torch.device("cpu"))
    finally:
        for part in was_training:
            part.training = True


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
) -> dict[float, float]:
    """Assert that ``module`` turns with its input: to ``exact`` at multiples of 90°, within ``bound`` at other angles.

    Errors are those of ``equivariance_error``; they are printed and returned by angle. Keep a multiple of 90° among the
    angles: there a stride or a maximum shows, which smooth inputs hide elsewhere. ``fields_out`` of order 0 asks
    for invariance. Raises ``AssertionError`` that names the worst angle.
    """
    errors = {a: equivariance_error(module, fields_in, fields_out, a, size_px, seed) for a in angles_deg}
    for part, limit in ((True, exact), (False, bound)):
        chosen = {angle: error for angle, error in errors.items() if (angle % 90 == 0) is part}
        if not chosen:
            continue
        worst = max(chosen, key=chosen.__getitem__)
        where = "multiples of 90°" if part else "other angles"
        told = f"{fields_in} -> {fields_out}, {where}: at most {chosen[worst]:.2g} (bound {limit:g})"
        print(told)  # noqa: T201 - a test's reader wants the figure
        if not chosen[worst] <= limit:
            raise AssertionError(f"not equivariant: {told}, at {worst:g}°")
    return errors
