"""Training of the U-Net on microscope fields of all kinds together; the loss of a map uses its valid pixels only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from orbicyte.detection.augment import SCALE, geometric, photometric
from orbicyte.detection.microscope_fields import MicroscopeField
from orbicyte.detection.unet import UNet

SIDE_PX = 96
NUCLEUS_WEIGHT = 0.5
DISTANCE_WEIGHT = 4.0
AVERAGE = 0.995
"""Decay of the running average of the weights, which is the result of the training."""


@dataclass(frozen=True)
class Schedule:
    """``steps`` of ``batch`` views each; one cycle of the learning rate up to ``rate``; views resized by ``scale``."""

    steps: int
    batch: int = 32
    rate: float = 3e-3
    weight_decay: float = 1e-4
    scale: tuple[float, float] = SCALE


@dataclass(frozen=True)
class Source:
    """Microscope fields of one kind: ``stack`` (N, 8, 2 SIDE_PX, 2 SIDE_PX) uint8, and their ``share`` of a batch.

    The channels are the image (3), the maps (3) and their valid masks (2).
    """

    stack: Tensor
    share: float

    @classmethod
    def of(cls, fields: Iterable[MicroscopeField], share: float) -> "Source":
        """The source of ``fields``, which must have half the working µm per pixel and be no larger than the stack."""
        return cls(torch.stack([_stacked(field) for field in fields]), share)


def _stacked(field: MicroscopeField) -> Tensor:
    """Image, maps and valid masks in one uint8 array, padded to its full size by reflection; padding is not valid."""
    height, width = field.image.shape[:2]
    around = [((2 * SIDE_PX - side) // 2, 2 * SIDE_PX - side - (2 * SIDE_PX - side) // 2) for side in (height, width)]
    shown = np.concatenate([field.image.transpose(2, 0, 1), np.round(255 * field.targets.maps)]).astype(np.uint8)
    shown = np.pad(shown, ((0, 0), *around), mode="reflect")
    valid = np.pad(field.targets.valid.astype(np.uint8) * 255, ((0, 0), *around))
    return torch.from_numpy(np.concatenate([shown, valid]))


def loss(logits: Tensor, maps: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of nucleus and cell, squared error of distance, each averaged over its valid pixels: a scalar.

    ``logits`` and ``maps`` (B, 3, H, W), ``valid`` (B, 2, H, W) as weights from 0 to 1.
    """
    entropy = F.binary_cross_entropy_with_logits(logits[:, :2], maps[:, :2], reduction="none")
    of_nucleus, of_cell = (valid * entropy).sum((0, 2, 3)) / valid.sum((0, 2, 3)).clamp_min(1)
    error = (torch.sigmoid(logits[:, 2]) - maps[:, 2]) ** 2
    of_distance = (valid[:, 1] * error).sum() / valid[:, 1].sum().clamp_min(1)
    return torch.as_tensor(NUCLEUS_WEIGHT * of_nucleus + of_cell + DISTANCE_WEIGHT * of_distance)


def train(
    network: UNet,
    sources: Sequence[Source],
    schedule: Schedule,
    seed: int,
    after: Callable[[int, UNet, float], None] | None = None,
) -> UNet:
    """Train ``network`` in place; return a network with the running average of its weights.

    ``after(step, mean, loss)`` is called every 100 steps. The same seed on the same machine, with the same number of
    threads, gives the same weights.
    """
    generator = Generator().manual_seed(seed)
    network.train()
    device = next(network.parameters()).device
    running = AveragedModel(network, avg_fn=_average, use_buffers=True)
    running.n_averaged.fill_(1)  # the weights at the start count as the first update
    mean = cast(UNet, running.module)
    optimiser = torch.optim.AdamW(network.parameters(), schedule.rate, weight_decay=schedule.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, total_steps=schedule.steps, pct_start=0.1)
    lost = []
    for step in range(1, schedule.steps + 1):
        images, maps, valid = _views(sources, schedule, generator)
        value = loss(network(images.to(device)), maps.to(device), valid.to(device))
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
        running.update_parameters(network)
        lost.append(float(value.detach()))
        if after is not None and (step % 100 == 0 or step == schedule.steps):
            after(step, mean, float(np.mean(lost[-100:])))
    return mean


def _views(sources: Sequence[Source], schedule: Schedule, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    shares = torch.tensor([source.share for source in sources])
    counts = torch.bincount(torch.multinomial(shares, schedule.batch, True, generator=generator), minlength=len(shares))
    picked = [
        source.stack[torch.randint(len(source.stack), (int(count),), generator=generator)]
        for source, count in zip(sources, counts, strict=True)
    ]
    views = geometric(torch.cat(picked).float() / 255, SIDE_PX, schedule.scale, generator)
    return photometric(views[:, :3], generator), views[:, 3:6], views[:, 6:]


def _average(mean: Tensor, new: Tensor, updates: Tensor | int) -> Tensor:
    """The running mean of one parameter or buffer after ``updates`` updates; the number of batches is copied."""
    step = int(updates)
    return mean.lerp(new, 1 - min(AVERAGE, step / (step + 10))) if mean.is_floating_point() else new
