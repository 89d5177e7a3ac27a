"""The Lightning module that trains a VAE on rotated views."""

import math

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from orbicyte.data.augmentation import Augmentation
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.losses import Terms, terms
from orbicyte.models.vae import VAE
from orbicyte.models.variant import Variant
from orbicyte.settings import Settings, TrainingSettings
from orbicyte.training.randomness import generator

WARM_UP = 0.05
"""Share of the steps in which the learning rate of the cosine schedule increases."""


def cosine(done: float) -> float:
    """The learning rate after the share ``done`` of all steps, relative to the highest one."""
    after = (done - WARM_UP) / (1 - WARM_UP)
    return max(done, 1e-3) / WARM_UP if done < WARM_UP else 0.5 + 0.5 * math.cos(math.pi * min(1.0, after))


def optimisation(module: L.LightningModule, training: TrainingSettings) -> OptimizerLRSchedulerConfig:
    """Adam (paper 2.4) for a module that is being trained, with the learning rate of the setting ``schedule``."""
    optimizer = torch.optim.Adam(module.parameters(), lr=training.learning_rate)
    steps = module.trainer.estimated_stepping_batches if training.schedule == "cosine" else None
    schedule = LambdaLR(optimizer, lambda step: 1.0 if steps is None else cosine(step / steps))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class VAETraining(L.LightningModule):
    """Batches of stored patches (B, S, S, 3) uint8 -> loss, a scalar in nats (paper 2.2, 2.4)."""

    def __init__(self, network: VAE, variant: Variant, view: View, settings: Settings) -> None:
        super().__init__()
        self.network, self.variant, self.view, self.settings = network, variant, view, settings

    def training_step(self, images: Tensor, step: int) -> Tensor:
        """The loss, a scalar in nats, of a batch (B, S, S, 3) uint8 in random views that depend on (seed, epoch, step).

        Raises ``OrbicyteError`` for a loss that is not finite.
        """
        loss = self._terms(images, "train", self.current_epoch, step)
        self._check(loss.total, "train", step)
        self._log("train", loss, len(images))
        return loss.total

    def validation_step(self, images: Tensor, step: int) -> None:
        """Log the loss of a batch (B, S, S, 3) uint8 in the same views every epoch, so that epochs can be compared.

        Raises ``OrbicyteError`` for a loss that is not finite.
        """
        loss = self._terms(images, "validation", 0, step)
        self._check(loss.total, "validation", step)
        self._log("validation", loss, len(images))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam (paper 2.4), with the learning rate of the setting ``schedule``."""
        return optimisation(self, self.settings.training)

    def _terms(self, images: Tensor, part: str, epoch: int, step: int) -> Terms:
        random = generator(self.settings.seed, part, epoch, step, self.global_rank)
        is_contrasted = self.variant.projection is not None
        count = 2 if self.variant.rotation_weight is not None or is_contrasted else 1
        angles = torch.rand(count, len(images), generator=random) * 2 * math.pi
        noise = torch.randn(count * len(images), self.network.latent_size, generator=random)
        discs = self.view.discs(images)
        applied = angles.to(self.device) if self.variant.rotated_views else [None] * count
        views = [self.view.rotated(discs, angle) for angle in (applied[:1] if is_contrasted else applied)]
        if is_contrasted:
            augmentation = Augmentation.random(len(images), self.settings.augmentation, random)
            views.append(self.view.augmented(discs, augmentation.to(self.device)))
        return terms(self.network, views, noise.to(self.device), self.settings.loss, self.variant.rotation_weight)

    def _check(self, loss: Tensor, part: str, step: int) -> None:
        # Over all processes, so that they stop together.
        value = float(self.trainer.strategy.reduce(loss.detach(), reduce_op="mean"))
        if not math.isfinite(value):
            raise OrbicyteError(
                f"the {part} loss became {value} in epoch {self.current_epoch + 1}, step {step + 1}; the weights "
                f"of the best epoch before it are kept: try a smaller --set training.learning_rate, or "
                f"--set training.gradient_clip=1, with another --out"
            )

    def _log(self, part: str, loss: Terms, cells: int) -> None:
        values = {
            f"{part}_loss": loss.total.detach(),
            f"{part}_reconstruction": loss.reconstruction.detach(),
            f"{part}_prior": loss.prior.detach(),
            f"{part}_rotation": loss.rotation.detach(),
            f"{part}_contrast": loss.contrast.detach(),
        }
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=cells, sync_dist=True)
