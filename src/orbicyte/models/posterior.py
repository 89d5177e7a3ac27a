"""The diagonal Gaussian posterior of a variational auto-encoder (Kingma & Welling 2013; paper 2.2)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """q(z|x) = N(mean, exp(log_variance)), both (B, D) float."""

    mean: Tensor
    log_variance: Tensor

    def __getitem__(self, cells: slice) -> "Posterior":
        """The posteriors of some cells of the batch."""
        return Posterior(self.mean[cells], self.log_variance[cells])

    def sample(self, noise: Tensor) -> Tensor:
        """mean + standard deviation x ``noise``: (B, D); the reparameterisation of Kingma & Welling.

        ``noise``: standard normal (B, D).
        """
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def kl_to_prior(self) -> Tensor:
        """KL(q || N(0, 1)) of each dimension in nats: (B, D)."""
        return 0.5 * (self.mean**2 + self.log_variance.exp() - 1 - self.log_variance)

    def symmetric_kl(self, other: "Posterior") -> Tensor:
        """KL(q || p) + KL(p || q) of each dimension in nats: (B, D) (Kullback & Leibler 1951; paper 2.2)."""
        difference = (self.mean - other.mean) ** 2
        gap = self.log_variance - other.log_variance
        forward = torch.exp(gap) + difference * torch.exp(-other.log_variance)
        backward = torch.exp(-gap) + difference * torch.exp(-self.log_variance)
        return 0.5 * (forward + backward) - 1
