"""Read-outs: the encoder's output -> the posterior and, for networks that find it there, the angle of the cell."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.harmonic import Fields
from orbicyte.models.posterior import Posterior
from orbicyte.models.size import averaged_px, detail_places
from orbicyte.settings import NetworkSettings

LOG_VARIANCE_RANGE = (-12, 6)
"""Beyond these bounds exp() could overflow before the loss corrects the value."""


@dataclass(frozen=True)
class Reading:
    """What a read-out gives for B patches.

    ``angle_rad`` (B,), float32 in (-pi, pi]: the angle by which the cell is rotated, None if the read-out finds none;
    ``confidence`` (B,): how clear that angle is, from 0 (a cell that looks the same at several angles) to 1.
    """

    posterior: Posterior
    angle_rad: Tensor | None = None
    confidence: Tensor | None = None


class LinearReadOut(nn.Linear):
    """(B, features) -> the posterior, by one linear layer: the read-out of the paper's networks."""

    def __init__(self, network: NetworkSettings, encoder: nn.Module) -> None:
        features = encoder.out_features
        assert isinstance(features, int)
        super().__init__(features, 2 * network.latent_size)

    def forward(self, features: Tensor) -> Reading:  # type: ignore[override]
        """(B, features) -> a ``Reading`` without an angle; mean and log variance are (B, latent_size) float32."""
        return Reading(posterior_of(super().forward(features)))


class FramedReadOut(nn.Module):
    """(B, channels, s, s), fields of the orders 0, 1 and others -> posterior, angle and confidence.

    The posterior has two parts. The *invariant part*, its first ``invariant_size`` dimensions, is a linear function (a
    perceptron with ``read_out_hidden``) of means of ``fields.invariants`` on rings around the centre: how much of each
    pattern there is at each distance. The *detail part* is a linear function of the fields when the cell is rotated to
    angle 0, its *frame*: of the map, rotated by -angle, multiplied by e^{-i m angle} and averaged to
    ``detail_map_px``; or, with ``detail_map_px`` 0, of the means of the fields on the rings, multiplied in the same
    way. Without it a decoder could only draw rotation-symmetric pictures.

    The angle is the phase of a learned combination c of the central means of the order-1 fields f_k, which rotates
    with the cell: c = sum w_k mean(f_k). Its confidence is |c| / sum |w_k| mean(|f_k|). Raises ``ValueError``
    for an encoder without fields of order 1.
    """

    weight: Tensor

    def __init__(self, network: NetworkSettings, encoder: nn.Module) -> None:
        super().__init__()
        fields, side_px = encoder.fields, encoder.map_px
        assert isinstance(fields, Fields)
        assert isinstance(side_px, int)
        if 1 not in fields.orders:
            raise ValueError(f"the angle is read from fields of order 1, which {fields} lacks")
        self.fields = fields
        first, count = fields.orders.index(1), fields.orders.count(1)
        self.vector = slice(first, first + count)
        before = 2 * fields.orders.count(0) + sum(order != 0 for order in fields.orders[:first])
        self.lengths = slice(before, before + count)  # their magnitudes among the invariants
        detail_size = network.latent_size - network.invariant_size
        numbers = (fields.count + fields.orders.count(0)) * network.read_out_rings
        layers: list[nn.Module] = [nn.BatchNorm1d(numbers)]
        if hidden := network.read_out_hidden:
            layers += [nn.Linear(numbers, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
        layers.append(nn.Linear(hidden or numbers, 2 * network.invariant_size))
        self.invariant = nn.Sequential(*layers)
        self.averaged_px = averaged_px(side_px, network.detail_map_px)
        self.detail = nn.Linear(fields.channels * detail_places(side_px, network), 2 * detail_size)
        self.direction = nn.Parameter(torch.randn(2, count) / count**0.5)
        self.register_buffer("weight", rings(side_px, network.read_out_rings), persistent=False)

    def forward(self, maps: Tensor) -> Reading:
        """(B, channels, s, s) -> a ``Reading`` with an angle; mean and log variance are (B, latent_size) float32."""
        with torch.autocast(maps.device.type, enabled=False):  # angles in half precision have errors of degrees
            maps = maps.float()
            means = self._means(maps)
            invariants = self._means(self.fields.invariants(maps, eps=1e-6))
            angle, confidence = self._angle(means[:, 0], invariants[:, 0, self.lengths])
            invariant = self.invariant(invariants.flatten(1))
            detail = self.detail(self._framed(maps, means, angle))
            parts = (invariant.chunk(2, 1), detail.chunk(2, 1))
            both = torch.cat([torch.cat(pair, 1) for pair in zip(*parts, strict=True)], 1)
            return Reading(posterior_of(both), angle, confidence)

    def _means(self, maps: Tensor) -> Tensor:
        """Weighted means of maps (B, C, s, s) on each ring: (B, rings, C)."""
        return torch.einsum("bchw,rhw->brc", maps, self.weight)

    def _framed(self, maps: Tensor, means: Tensor, angle: Tensor) -> Tensor:
        """The fields of the cell rotated to angle 0, as one vector: the map, or its ``means`` on the rings."""
        if self.averaged_px:
            upright = geometry.rotate(self.fields.phased(maps, -angle), -angle)
            return F.avg_pool2d(upright, self.averaged_px).flatten(1)
        return torch.cat([self.fields.phased(mean, -angle) for mean in means.unbind(1)], 1)

    def _angle(self, central: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Angle and confidence, (B,) each, from means on the innermost ring.

        ``central``: of all fields, (B, channels); ``lengths``: of the magnitudes of those of order 1, (B, count).
        """
        real, imaginary = (part[:, self.vector] for part in central.chunk(2, 1))
        w_real, w_imaginary = self.direction
        c_real = real @ w_real - imaginary @ w_imaginary
        c_imaginary = real @ w_imaginary + imaginary @ w_real
        largest = lengths @ torch.hypot(w_real, w_imaginary)
        length = (c_real**2 + c_imaginary**2 + 1e-16).sqrt()
        # atan2 has no gradient at 0; a cell without a direction there has the angle 0.
        angle = torch.atan2(c_imaginary, torch.where(length > 1e-5, c_real, c_real.detach() + 1e-5))
        return angle, length / largest


def posterior_of(parameters: Tensor) -> Posterior:
    """The posterior with the means and log variances (B, 2 x latent_size) that a read-out calculates."""
    mean, log_variance = parameters.float().chunk(2, dim=1)
    return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))


def rings(side_px: int, count: int) -> Tensor:
    """Weights of ``count`` soft rings from the centre to the rim of a map: (count, side, side), each of sum 1.

    Gaussian functions of the radius; one ring is the whole disc.
    """
    radius = geometry.polar(side_px)[0] / (side_px / 2)
    if count == 1:
        weight = (radius <= 1).float()[None]
    else:
        centres = torch.linspace(0, OUTERMOST, count)[:, None, None]
        width = RING_WIDTH * OUTERMOST / (count - 1)
        weight = torch.exp(-0.5 * ((radius - centres) / width) ** 2) * (radius <= 1)
    return weight / weight.sum((1, 2), keepdim=True)


OUTERMOST = 0.8
"""Radius of the outermost ring's centre, in radii of the disc."""
RING_WIDTH = 0.6
"""Standard deviation of a ring, in distances between rings."""
