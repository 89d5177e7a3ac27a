"""The harmonic residual block: the skipped branch has net rotation order 0 (paper 2.3)."""

from collections.abc import Callable

from torch import Tensor, nn

from orbicyte.harmonic.conv import HarmonicConv2d
from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.filters import Rings
from orbicyte.harmonic.gate import MagnitudeGate
from orbicyte.harmonic.magnitude import has_hooks, norm_and_gate
from orbicyte.harmonic.norm import HarmonicBatchNorm2d


class HarmonicResidualBlock(nn.Module):
    """(B, in.channels, S, S) float -> (B, out.channels, S, S): two harmonic convolutions and a skip connection.

    The paper: "the rotation order of sub-networks skipped by a residual connection is zero". The first
    convolution increases every order by ``branch_order`` m and the second decreases it again, so a path through the
    branch has the orders (+m, -m), or (0, 0). With (0, 0) and fields of one order every filter is isotropic: plain
    rings. If the numbers of fields change, the skip is a 1 x 1 convolution, which cannot change an order: raises
    ``ValueError`` if an order of the output is not among the input's. ``activation`` makes the non-linearity of fields;
    with the default and white inputs of mean square 1, the mean square of the output is about 1 at initialisation in
    training mode.
    """

    def __init__(
        self,
        fields_in: str | Fields,
        fields_out: str | Fields,
        rings: int | Rings = 5,
        branch_order: int = 0,
        activation: Callable[[Fields], nn.Module] = MagnitudeGate,
    ) -> None:
        super().__init__()
        before, after = Fields(fields_in), Fields(fields_out)
        if not set(after.orders) <= set(before.orders):
            raise ValueError(f"a residual block keeps rotation orders: {after} has an order that {before} lacks")
        inner = after.shifted(branch_order)
        self.conv1 = HarmonicConv2d(before, inner, rings)
        self.norm1 = HarmonicBatchNorm2d(inner)
        self.activation1 = activation(inner)
        self.conv2 = HarmonicConv2d(inner, after, rings)
        self.norm2 = HarmonicBatchNorm2d(after)
        self.activation2 = MagnitudeGate(after, 2.0) if activation is MagnitudeGate else activation(after)
        self.skip = nn.Identity() if before == after else HarmonicConv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in.channels, S, S) -> (B, out.channels, S, S), after the last non-linearity.

        Raises ``ValueError`` unless ``x`` has the channels of the input fields.
        """
        first, second = not has_hooks(self.conv1), not has_hooks(self.conv2)
        inner = norm_and_gate(self.conv1(x), self.norm1, self.activation1, overwrite=first)
        return norm_and_gate(self.conv2(inner), self.norm2, self.activation2, self.skip(x), overwrite=second)
