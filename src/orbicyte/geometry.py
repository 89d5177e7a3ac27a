"""Rotation of square patches, and the radius, angle, disc and weight of every pixel.

Conventions: a batch is ``(B, C, H, W)`` with ``H == W``; angles are in radians, and positive angles rotate the
content counter-clockwise as displayed (row 0 on top), like ``torch.rot90``; the centre is the middle of the
square, ``(size - 1) / 2`` pixels from the first pixel's centre.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

RIM_PX = 1.0
"""Rim of the inscribed disc that networks do not see: after rotation, its pixels are mixed with those outside."""

WeightForm = Literal["gaussian", "linear", "flat"]


def rotate(patches: Tensor, angle_rad: Tensor, fill: Tensor | float = 0.0) -> Tensor:
    """Rotate each patch about its centre by its own angle, with bilinear interpolation.

    ``patches``: (B, C, S, S), floating point; ``angle_rad``: (B,); ``fill``: the value outside the square, a
    number or (C,). Multiples of 90 degrees map pixels onto pixels (to the rounding of float32). Differentiable with
    respect to patches and angles. Raises ``ValueError`` for patches that are not square.
    """
    matrix = rotation_matrix(angle_rad)
    if isinstance(fill, float) and fill == 0:
        return transform(patches, matrix)
    offset = torch.as_tensor(fill, dtype=patches.dtype, device=patches.device).reshape(1, -1, 1, 1)
    return transform(patches - offset, matrix) + offset


def rotate_all(patches: Tensor, angle_rad: float) -> Tensor:
    """As ``rotate`` for patches that are all rotated by one angle, with 0 outside the square, in less time."""
    matrix = rotation_matrix(torch.tensor([angle_rad], device=patches.device))
    grid = _grid(patches[:1], matrix, torch.zeros_like(matrix[..., 0]))
    return _sampled(patches, grid.expand(len(patches), -1, -1, -1))


def rotation_matrix(angle_rad: Tensor) -> Tensor:
    """The matrices (B, 2, 2) with which ``transform`` rotates counter-clockwise by the angles (B,)."""
    cos, sin = torch.cos(angle_rad), torch.sin(angle_rad)
    return torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)


def transform(patches: Tensor, matrix: Tensor, shift: Tensor | None = None) -> Tensor:
    """Map each patch by its own affine transformation, with bilinear interpolation, and 0 outside the square.

    ``patches``: (B, C, S, S), floating point. ``matrix`` (B, 2, 2), ``shift`` (B, 2): the output's pixel at p has the
    value of the input at matrix p + shift, with p = (x, y), x to the right and y down, from -1 to 1 across the patch.
    Differentiable with respect to all three. Raises ``ValueError`` for patches that are not square.
    """
    if patches.ndim != 4 or patches.shape[-1] != patches.shape[-2]:
        raise ValueError(f"expected square patches (B, C, S, S), got {tuple(patches.shape)}")
    shift = torch.zeros_like(matrix[..., 0]) if shift is None else shift
    return _sampled(patches, _grid(patches, matrix, shift))


def _grid(patches: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    affine = torch.cat((matrix, shift[..., None]), -1).to(patches.dtype)
    return F.affine_grid(affine, list(patches.shape), align_corners=False)


def _sampled(patches: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(patches, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def resize(patches: Tensor, size_px: int) -> Tensor:
    """Scale square patches (B, C, S, S) to (B, C, size, size): means of pixels if the size divides S, else bilinear.

    Downscaling is low-pass filtered. ``patches`` are floating point.
    """
    factor, rest = divmod(patches.shape[-1], size_px)
    if rest == 0 and factor % 2 == 0:
        # Bilinear at half the size is the mean of 2 x 2 pixels, and several times faster than pooling.
        return resize(F.interpolate(patches, scale_factor=0.5, mode="bilinear", align_corners=False), size_px)
    if rest == 0:
        return patches if factor == 1 else F.avg_pool2d(patches, factor)
    return F.interpolate(patches, size=(size_px, size_px), mode="bilinear", antialias=True, align_corners=False)


def crop(patches: Tensor, size_px: int) -> Tensor:
    """The central ``size_px`` square of patches (B, C, S, S). Raises ``ValueError`` if there is none."""
    margin = patches.shape[-1] - size_px
    if margin < 0 or margin % 2:
        raise ValueError(f"a {patches.shape[-1]} px patch has no central square of {size_px} px")
    start = margin // 2
    return patches[..., start : start + size_px, start : start + size_px]


def polar(size_px: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Radius in pixels and angle in radians (counter-clockwise from the right) of every pixel, each (S, S) float32."""
    x, y = _offsets(size_px, device)
    return torch.hypot(x, y), torch.atan2(-y, x)


def _offsets(size_px: int, device: torch.device | None) -> tuple[Tensor, Tensor]:
    """Pixels to the right of the centre (1, S), and below it (S, 1)."""
    axis = torch.arange(size_px, dtype=torch.float32, device=device) - (size_px - 1) / 2
    return axis[None, :], axis[:, None]


def disc(size_px: int, inset_px: float = 0.0, device: torch.device | None = None) -> Tensor:
    """True on the inscribed disc, without ``inset_px`` at its rim: (S, S) boolean."""
    return torch.hypot(*_offsets(size_px, device)) <= size_px / 2 - inset_px


def keep_disc(patches: Tensor, fill: Tensor | float, inset_px: float = 0.0) -> Tensor:
    """``patches`` (B, C, S, S) with everything outside the inscribed disc set to ``fill``, a number or (C,).

    The disc is what rotation maps onto itself. ``inset_px``: as for ``disc``.
    """
    constant = torch.as_tensor(fill, dtype=patches.dtype, device=patches.device).reshape(1, -1, 1, 1)
    return torch.where(disc(patches.shape[-1], inset_px, patches.device), patches, constant)


def fade(size_px: int, share: float, device: torch.device | None = None) -> Tensor:
    """1 inside the inscribed disc, decreasing to 0 as a cosine over the last ``share`` of its radius: (S, S) float32.

    0 outside, and for a ``share`` of 0 a sharp rim. Pixels within ``RIM_PX`` of the rim are 0.
    """
    radius, _ = polar(size_px, device)
    end = size_px / 2 - RIM_PX
    done = ((radius - (1 - share) * end) / max(share * end, 1e-6)).clamp(0, 1)
    return (0.5 + 0.5 * torch.cos(math.pi * done)) * disc(size_px, RIM_PX, device)


def faded(images: Tensor, share: float) -> Tensor:
    """Images (B, C, S, S) multiplied by ``fade``: 0 outside the disc, also where there was no number."""
    # A patch with a margin has real pixels in its corners, and rotation does not map a square onto itself.
    inside = keep_disc(images, 0.0, inset_px=RIM_PX)
    return inside * fade(images.shape[-1], share, images.device).to(images.dtype)


def centre_weight(size_px: int, form: WeightForm, width: float, device: torch.device | None = None) -> Tensor:
    """Weight of each pixel in the reconstruction loss: (S, S), 1 in the centre, 0 outside the disc (paper 2.1).

    ``width`` is in disc radii: the standard deviation of ``gaussian``, or the radius at which ``linear`` reaches 0;
    ``flat`` ignores it.
    """
    radius, _ = polar(size_px, device)
    r = radius / (size_px / 2)
    if form == "gaussian":
        weight = torch.exp(-0.5 * (r / width) ** 2)
    elif form == "linear":
        weight = (1 - r / width).clamp(min=0)
    else:
        weight = torch.ones_like(r)
    return weight * disc(size_px, device=device)


def angles_deg(step_deg: float) -> list[float]:
    """0, step, 2 step, ... below 360, in degrees. Raises ``ValueError`` unless the step divides 360."""
    count = 360 / step_deg
    if not math.isclose(count, round(count)):
        raise ValueError(f"an angle step must divide 360 degrees, got {step_deg}")
    return [i * step_deg for i in range(round(count))]
