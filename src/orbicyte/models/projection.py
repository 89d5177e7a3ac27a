"""The head of the contrastive loss (Chen et al. 2020): used in training only."""

from torch import Tensor, nn

from orbicyte.settings import NetworkSettings

PROJECTED = 64


class InvariantProjection(nn.Module):
    """Posterior mean (B, latent_size) float -> (B, 64), from its invariant part by a perceptron of one hidden layer.

    The head absorbs what the loss discards, so that the representation before it keeps more (Chen et al. 2020, 4.2).
    """

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        self.invariant_size = network.invariant_size
        hidden = network.projection_hidden
        self.layers = nn.Sequential(nn.Linear(self.invariant_size, hidden), nn.ReLU(), nn.Linear(hidden, PROJECTED))

    def forward(self, mean: Tensor) -> Tensor:
        """(B, latent_size) -> (B, 64), not normalised."""
        projected: Tensor = self.layers(mean[:, : self.invariant_size])
        return projected
