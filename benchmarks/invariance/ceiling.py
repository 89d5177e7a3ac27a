"""The ceiling: encoder and read-out of framed_hnet, trained with the labels.

A linear layer on the posterior mean, both parts of it, gives the type; the loss is the cross-entropy. In each of the
folds in which the probes are fitted and tested, the network is trained on the fold's training cells without a sixth,
on which the best epoch is selected; the fold's test cells are read once, after training. Views are rotated and
augmented as those of the contrastive loss; cells of validation and test are not changed.

A fold that is done is a file FOLDER/BUDGET/ceiling/SEED-FOLD.json. A training that was interrupted continues after its
last epoch.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from benchmarks.invariance.budgets import Workplace
from benchmarks.invariance.result import Cells, Result, Training, described
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from orbicyte.arrays import Pixels, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import measured_cells
from orbicyte.classification.splits import Split, select, splits
from orbicyte.data.augmentation import Augmentation
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.metrics.f1 import f1_table, macro_f1
from orbicyte.models.vae import build
from orbicyte.settings import Settings
from orbicyte.study.files import discard, read_json, write_json
from orbicyte.study.runs import RunFolder
from orbicyte.training.batches import EpochOrder
from orbicyte.training.epoch_log import EpochLog
from orbicyte.training.fit import fit
from orbicyte.training.module import optimisation
from orbicyte.training.networks import load_variant
from orbicyte.training.randomness import generator

NETWORK = "framed_hnet"
PATIENCE = 10
VALIDATION = 1 / 6
"""Share of a fold's training cells on which the best epoch is selected."""

Batch = tuple[Tensor, Tensor]
"""Stored patches (B, S, S, 3) uint8, and the numbers of their types (B,)."""


def ceiling(place: Workplace, seed: int) -> Result:
    """Train the folds that are missing, and measure F1 as of a probe."""
    epochs = place.budget.ceiling_epochs
    changes = (f"training.max_epochs={epochs}", f"training.patience={PATIENCE}")
    store, settings = place.store(), place.settings(seed, changes)
    labelled = measured_cells(store, settings.evaluation, seed)
    cells = labelled[labelled.test]
    parts = splits(cells, settings.evaluation.folds, seed)
    folder, done = place.folder / "ceiling", []
    for number, part in enumerate(parts, 1):
        path = folder / f"{seed}-{number}.json"
        if not path.exists():
            write_json(path, trained(store, cells, part, settings, folder / f"{seed}-{number}"))
        done.append(read_json(path))
    predictions = [np.array(fold["predicted"]) for fold in done]
    table = f1_table([cells.types[test] for _, test in parts], predictions)
    return Result(
        measures={"f1/linear": macro_f1(table)},
        cells=Cells(len(labelled), len(cells), 0),
        parameters=done[0]["parameters"],
        training=Training(
            cells=done[0]["cells"],
            epochs=float(np.mean([fold["epochs"] for fold in done])),
            minutes=sum(fold["minutes"] for fold in done),
            device=done[0]["device"],
        ),
        settings=list(changes),
    )


def trained(store: PatchStore, cells: LabelledCells, part: Split, settings: Settings, folder: Path) -> dict[str, Any]:
    """Train in ``folder`` on the training cells of one fold, and predict the types of its test cells."""
    train, test = cells[part[0]], cells[part[1]]
    held_out = select(train.types, train.groups, train.grouped_by, VALIDATION, settings.seed)
    names = np.unique(train.types)
    network = Supervised(settings, store.fill_rgb, len(names))
    view = View(store.side_px, store.view_px, settings.network.size_px, store.fill_rgb)
    module = SupervisedTraining(network, view, settings)
    numbers = np.searchsorted(names, train.types)
    learned, validation = (
        LabelledPatches(store.images, train.rows[some], numbers[some]) for some in (~held_out, held_out)
    )
    run = RunFolder(folder)
    log = EpochLog(run, network, "validation_loss")
    trainer = fit(module, LabelledBatches(learned, validation, settings), log, settings.training)
    device = str(trainer.strategy.root_device)
    network.load_state_dict(load_file(run.weights))
    discard(run.resume)
    return {
        "cells": len(learned),
        "epochs": len(log.rows),
        "best_epoch": int(log.best()["epoch"]),
        "minutes": log.cpu_seconds / 60,
        "device": described(device, None),
        "parameters": sum(p.numel() for p in network.parameters()),
        "predicted": names[predicted(network.cpu().eval(), view, store.images[test.rows])].tolist(),
    }


class Supervised(nn.Module):
    """Encoder, read-out and a linear layer: inputs (B, 3, S, S) in [0, 1] -> logits of the types (B, types)."""

    def __init__(self, settings: Settings, fill_rgb: tuple[float, ...], types: int) -> None:
        super().__init__()
        variant = load_variant(NETWORK, settings, None)
        only_encoder = replace(variant, decoder=lambda network: nn.Identity(), projection=None)
        self.vae = build(only_encoder, settings.network, fill_rgb, settings.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.types = nn.Linear(settings.network.latent_size, types)

    def forward(self, patches: Tensor) -> Tensor:
        """Logits (B, types)."""
        logits: Tensor = self.types(self.vae.encode(patches).posterior.mean)
        return logits


class SupervisedTraining(L.LightningModule):
    """Batches of patches and types -> cross-entropy in nats."""

    def __init__(self, network: Supervised, view: View, settings: Settings) -> None:
        super().__init__()
        self.network, self.view, self.settings = network, view, settings

    def training_step(self, batch: Batch, step: int) -> Tensor:
        """The loss of a batch in random views that depend on (seed, epoch, step)."""
        images, types = batch
        random = generator(self.settings.seed, "train", self.current_epoch, step)
        augmentation = Augmentation.random(len(images), self.settings.augmentation, random).to(self.device)
        views = self.view.augmented(self.view.discs(images), augmentation)
        loss = F.cross_entropy(self.network(views), types)
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(images))
        return loss

    def validation_step(self, batch: Batch, step: int) -> None:
        """Log the loss of a batch of unchanged cells."""
        images, types = batch
        loss = F.cross_entropy(self.network(self.view(images)), types)
        self.log("validation_loss", loss, on_step=False, on_epoch=True, batch_size=len(images))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """As of the networks without labels."""
        return optimisation(self, self.settings.training)


class LabelledPatches(Dataset[Batch]):
    """Cells with numbered types: a list of B indices -> a batch.

    ``images``: (N, S, S, 3), usually a memory map; ``rows``, ``types``: (M,).
    """

    def __init__(self, images: Pixels, rows: Rows, types: Rows) -> None:
        self.images, self.rows, self.types = images, rows, types

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, batch: list[int]) -> Batch:
        """One batch."""
        return torch.from_numpy(self.images[self.rows[batch]]), torch.from_numpy(self.types[batch])


class LabelledBatches(L.LightningDataModule):
    """The training and validation cells of one fold."""

    def __init__(self, train: LabelledPatches, validation: LabelledPatches, settings: Settings) -> None:
        super().__init__()
        self.train, self.validation, self.settings = train, validation, settings

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of training cells, shuffled."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of validation cells, in order."""
        return self._loader(self.validation, shuffle=False)

    def _loader(self, cells: LabelledPatches, shuffle: bool) -> DataLoader[Batch]:
        size, seed = self.settings.training.batch_size, self.settings.seed
        return DataLoader(cells, batch_size=None, sampler=EpochOrder(len(cells), size, seed, 0, 1, shuffle))


@torch.inference_mode()
def predicted(network: Supervised, view: View, images: Pixels) -> Rows:
    """Numbers of the predicted types (M,) of stored patches (M, S, S, 3)."""
    parts = [network(view(patches)).argmax(1) for patches in torch.split(torch.from_numpy(images), 128)]
    return np.asarray(torch.cat(parts).numpy())
