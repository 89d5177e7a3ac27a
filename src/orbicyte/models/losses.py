"""The loss: reconstruction + beta KL to the prior + w rotation loss (2.1, 2.2, 2.4) + contrastive loss.

A network has the rotation loss of the paper, or the contrastive loss, or neither.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from orbicyte import geometry
from orbicyte.models.posterior import Posterior
from orbicyte.models.vae import VAE
from orbicyte.settings import LossSettings

COVARIANCE_WEIGHT = 1 / 25
VARIANCE_FLOOR = 1e-4
"""Added to variances, for a finite gradient at 0."""


@dataclass(frozen=True)
class Terms:
    """The weighted terms of the loss, scalars, each a mean over the batch in nats; ``total`` is minimised."""

    reconstruction: Tensor
    prior: Tensor
    rotation: Tensor
    contrast: Tensor

    @property
    def total(self) -> Tensor:
        """Sum of the terms, a scalar in nats."""
        return self.reconstruction + self.prior + self.rotation + self.contrast


def reconstruction(target: Tensor, picture: Tensor, loss: LossSettings) -> Tensor:
    """Negative log-likelihood up to a constant, weighted by distance from the centre: (B,) in nats.

    ``target``, ``picture``: (B, C, S, S) in [0, 1].
    """
    if loss.likelihood == "gaussian":
        error = (target - picture) ** 2 / (2 * loss.sigma**2)
    else:
        error = F.binary_cross_entropy(picture.clamp(1e-4, 1 - 1e-4), target.clamp(0, 1), reduction="none")
    weight = geometry.centre_weight(target.shape[-1], loss.centre_form, loss.centre_width, target.device)
    summed = (error * weight).sum(dim=(1, 2, 3))
    return summed if loss.pixels == "sum" else summed / (weight.sum() * target.shape[1])


def over_latents(kl: Tensor, loss: LossSettings) -> Tensor:
    """KL terms (B, D) in nats, summed or averaged over dimensions: (B,)."""
    return kl.sum(dim=1) if loss.latents == "sum" else kl.mean(dim=1)


def rotation(first: Posterior, second: Posterior, loss: LossSettings) -> Tensor:
    """L_rot: symmetric KL between the posteriors of two rotated views of each cell, (B,) in nats (paper 2.2)."""
    symmetric = over_latents(first.symmetric_kl(second), loss)
    return symmetric if loss.rotation_kl == "sum" else symmetric / 2


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """NT-Xent: the cross-entropy of finding a cell's other view among all views of the batch (Chen et al. 2020, eq. 1).

    ``first``, ``second``: projections (B, P) of two views of the same B cells. (2 B,) in nats: ln(2 B - 1) if
    all views are the same.
    """
    views = F.normalize(torch.cat((first, second)), dim=1)
    similarity = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    count = len(first)
    other = torch.arange(2 * count, device=views.device).roll(count)
    return F.cross_entropy(similarity, other, reduction="none")


def variance_covariance(first: Tensor, second: Tensor) -> Tensor:
    """VICReg: distance of the views, dimensions with a standard deviation below 1, and their covariance, a scalar.

    ``first``, ``second``: projections (B, P) of two views of the same B cells. Bardes et al. 2022, eq. 1 to 6, divided
    by 25, so that its weights of 25, 25 and 1 are 1, 1 and ``COVARIANCE_WEIGHT``.
    """
    spread, covariance = first.new_zeros(()), first.new_zeros(())
    for views in (first, second):
        centred = views - views.mean(dim=0)
        product = centred.T @ centred / max(1, len(views) - 1)
        spread = spread + F.relu(1 - (product.diagonal() + VARIANCE_FLOOR).sqrt()).mean()
        covariance = covariance + (product - product.diagonal().diag()).square().sum() / views.shape[1]
    return F.mse_loss(first, second) + spread + COVARIANCE_WEIGHT * covariance


def terms(vae: VAE, views: list[Tensor], noise: Tensor, loss: LossSettings, rotation_weight: float | None) -> Terms:
    """The loss of a batch in one view, or in two for networks with a rotation loss or a contrastive loss.

    ``views``: patches (B, 3, input_px, input_px) in [0, 1] each; ``noise``: standard normal (views x B, latent_size).
    """
    patches = torch.cat(views)
    code = vae.encode(patches)
    count = len(views[0])
    decoded = len(patches) if loss.second_view == "all" else count
    first = code[:decoded]
    picture = vae.decode(first.posterior.sample(noise[:decoded]), first.angle_rad)
    is_compared_aligned = code.angle_rad is not None and not vae.rotate_back
    target = first.aligned if is_compared_aligned else vae.view(patches[:decoded])
    prior = loss.beta * over_latents(first.posterior.kl_to_prior(), loss).mean()
    rotation_term = prior.new_zeros(())
    if rotation_weight is not None:
        rotation_term = rotation_weight * rotation(code.posterior[:count], code.posterior[count:], loss).mean()
    contrast_term = prior.new_zeros(())
    if vae.projection is not None:
        projected = vae.projection(code.posterior.mean)
        pair = projected[:count], projected[count:]
        if loss.contrast_kind == "variance":
            value = variance_covariance(*pair)
        else:
            value = contrast(*pair, loss.contrast_temperature).mean()
        contrast_term = loss.contrast_weight * value
    return Terms(reconstruction(target, picture, loss).mean(), prior, rotation_term, contrast_term)
