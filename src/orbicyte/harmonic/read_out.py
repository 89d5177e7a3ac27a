"""The read-out: a vector that does not change when the input is rotated."""

from torch import Tensor, nn

from orbicyte.harmonic.fields import Fields


class InvariantMean(nn.Module):
    """(B, channels, S, S) float -> (B, features): ``fields.invariants`` at each place, then their mean over the map.

    Both parts of fields of order 0 and the magnitudes of the others; ``features`` is their number. Magnitudes are taken
    before the mean: in a mean of a field, directions cancel.
    """

    def __init__(self, fields: str | Fields, eps: float = 1e-6) -> None:
        super().__init__()
        self.fields, self.eps = Fields(fields), eps
        self.features = self.fields.count + self.fields.orders.count(0)

    def extra_repr(self) -> str:
        """The fields."""
        return str(self.fields)

    def forward(self, x: Tensor) -> Tensor:
        """Invariant features (B, features). Raises ``ValueError`` unless ``x`` has the channels of the fields."""
        return self.fields.invariants(x.float(), self.eps).mean((2, 3))
