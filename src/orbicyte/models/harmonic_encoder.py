"""The encoder of harmonic layers (paper 2.3), for any set of rotation orders."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    GaussianBlur2d,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicResidualBlock,
    HarmonicSequential,
    MagnitudeGate,
    MagnitudeReLU,
    Rings,
)
from orbicyte.settings import NetworkSettings

SEVERAL_ORDERS = MappingProxyType({0: 4, 1: 2, 2: 1})
"""Shares of the channels by rotation order. Order 0 has most: the higher an order, the finer the patterns that it
responds to, and the sooner the pixels are too coarse for them."""

GATES = MappingProxyType({"smooth": MagnitudeGate, "relu": MagnitudeReLU})


class HarmonicEncoder(nn.Module):
    """(B, 3, size, size) float, 0 outside the disc -> (B, out_features).

    A first convolution, stages of residual blocks, and a last convolution; averaging halves the map before every
    stage, without stride or maximum. One rotation order, as in the paper's networks, or several.

    ``shares``: the rotation orders of the fields, and the share of the channels of each; ``branch_order``: the order of
    a block's first convolution, and minus that of its second; ``rings``: the filters, by default of the size
    ``harmonic_kernel_px``; ``widths``: channels of the stages, by default ``harmonic_widths``; others are settings.
    Every path from the image to a field of order m has rotation orders that sum to m. Raises ``ValueError`` for widths
    that leave an order without a field.
    """

    def __init__(
        self,
        network: NetworkSettings,
        shares: Mapping[int, int] = SEVERAL_ORDERS,
        branch_order: int = 0,
        rings: Rings | None = None,
        widths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        rings, gate = rings or Rings(network.harmonic_kernel_px), GATES[network.harmonic_gate]
        stages = [shared(width // 2, shares) for width in widths or network.harmonic_widths]
        first = rings if 0 in shares else replace(rings, kernel_size=max(rings.kernel_size, network.harmonic_first_px))
        blurred = network.harmonic_blur_px > 0 and 0 not in shares
        self.blur = GaussianBlur2d(network.harmonic_blur_px) if blurred else nn.Identity()
        self.fade = network.harmonic_fade
        layers: list[nn.Module] = [HarmonicConv2d("3x0", stages[0], first), HarmonicBatchNorm2d(stages[0])]
        layers.append(gate(stages[0]))
        for before, after in pairwise(stages):
            layers.append(AveragePool2d())
            for block in range(network.blocks):
                inner = before if block == 0 else after
                layers.append(HarmonicResidualBlock(inner, after, rings, branch_order, gate))
        layers += [HarmonicConv2d(stages[-1], stages[-1], rings), HarmonicBatchNorm2d(stages[-1])]
        self.layers = HarmonicSequential(*layers)
        self.fields = stages[-1]
        self.map_px = network.size_px // 2 ** (len(stages) - 1)
        self.read_out = network.harmonic_read_out
        self.out_features = self.fields.count

    def maps(self, x: Tensor) -> Tensor:
        """The last layer's fields: (B, fields.channels, s, s)."""
        maps: Tensor = self.layers(self.blur(geometry.faded(x, self.fade)))
        return maps

    def representation(self, x: Tensor) -> Tensor:
        """Means of the fields over the map, (B, fields.channels); rotation by phi multiplies them by e^{i m phi}."""
        return self.maps(x).float().mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """One real number per field, (B, fields.count), by the setting ``harmonic_read_out``."""
        if self.read_out == "real":
            return self.representation(x)[:, : self.fields.count]
        # Magnitudes before the mean: in a mean, fields cancel, and the rest has a large equivariance error.
        return self.fields.magnitude(self.maps(x).float(), eps=1e-6).mean((2, 3))


class HarmonicMaps(HarmonicEncoder):
    """The encoder of framed_hnet: (B, 3, size, size) -> fields (B, fields.channels, map_px, map_px)."""

    def __init__(self, network: NetworkSettings, shares: Mapping[int, int] = SEVERAL_ORDERS) -> None:
        super().__init__(network, shares, widths=network.framed_widths)

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's fields."""
        return self.maps(x)


def shared(count: int, shares: Mapping[int, int]) -> Fields:
    """``count`` fields shared among the orders; the remainder goes to the first order.

    Raises ``ValueError`` if an order would have no field.
    """
    numbers = {order: count * share // sum(shares.values()) for order, share in shares.items()}
    if not all(numbers.values()):
        raise ValueError(f"{2 * count} channels are too few for the rotation orders {', '.join(map(str, shares))}")
    first = next(iter(shares))
    numbers[first] += count - sum(numbers.values())
    return Fields.of(numbers)
