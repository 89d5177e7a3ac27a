"""Fits any Lightning module, and continues exactly where training was interrupted."""

import logging
import os
import pickle
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO

from orbicyte.devices import device_of, exact_float32
from orbicyte.errors import OrbicyteError
from orbicyte.progress import is_terminal
from orbicyte.settings import TrainingSettings
from orbicyte.study.files import describe_error, replacing
from orbicyte.study.processes import is_first_on_node
from orbicyte.training.epoch_bar import EpochBar, EpochLines
from orbicyte.training.epoch_log import EpochLog


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints to a temporary name and renames them; reads them without unpickling objects."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write ``checkpoint`` completely or not at all."""
        content = BytesIO()  # torch does not distinguish a full disk from other faults
        torch.save(checkpoint, content)
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())


class Stopping(EarlyStopping):
    """Early stopping that also stops a run that was interrupted after its last epoch."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after the checkpoint is loaded."""
        trainer.should_stop = self.wait_count >= self.patience


def fit(
    module: L.LightningModule,
    data: L.LightningDataModule,
    log: EpochLog,
    training: TrainingSettings,
    device: str | None = None,
) -> L.Trainer:
    """Train until the monitored value has not improved for ``patience`` epochs, or for ``max_epochs`` epochs.

    Continues from the newest readable checkpoint in the run folder; checkpoints of the last two epochs are kept.
    ``device``: instead of those of ``training``, which the record of a run keeps: where it is trained may change.
    Raises ``KeyboardInterrupt`` when interrupted, with all checkpoints kept, and ``OrbicyteError`` for devices that
    are not available or files that cannot be written.
    """
    folder = log.folder
    with quiet_lightning():
        try:
            trainer = _trainer(log, training, device)
        except (MisconfigurationException, ValueError) as error:
            raise OrbicyteError(f"cannot train on the devices of --set training.accelerator etc.: {error}") from error
        try:
            with exact_float32() if training.precision == "32-true" else nullcontext():
                trainer.fit(module, data, ckpt_path=newest_checkpoint(folder.resume), weights_only=True)
        except SystemExit:
            raise KeyboardInterrupt from None  # Lightning converts Ctrl-C to SystemExit
        except OSError as error:
            raise OrbicyteError(f"cannot write {folder.path}: {describe_error(error)}") from error
    return trainer


def _trainer(log: EpochLog, training: TrainingSettings, device: str | None) -> L.Trainer:
    folder = log.folder
    devices = training.model_dump(include={"accelerator", "devices", "num_nodes", "strategy", "precision"})
    if device is not None:
        devices |= _only(device_of(device), training.devices)
    # Lightning's way to keep the last k checkpoints: the monitored step only increases.
    keep_two = ModelCheckpoint(
        folder.resume, "{epoch:05d}", monitor="step", mode="max", save_top_k=2, save_on_train_epoch_end=True
    )
    stopping = Stopping(log.monitor, patience=training.patience, check_finite=False)
    return L.Trainer(
        **devices,
        max_epochs=training.max_epochs,
        gradient_clip_val=training.gradient_clip or None,
        callbacks=[log, stopping, keep_two, EpochBar() if is_terminal() and is_first_on_node() else EpochLines()],
        logger=TensorBoardLogger(folder.path, name="", version="tensorboard"),
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        use_distributed_sampler=False,
    )


def _only(device: torch.device, count: int) -> dict[str, Any]:
    """Lightning's options for one device; for a kind of device without a number, ``count`` of them."""
    if device.index is not None:
        return {"accelerator": device.type, "devices": [device.index]}
    return {"accelerator": device.type, "devices": 1 if device.type == "cpu" else count}


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in ``folder`` that can be read completely; None to start from the beginning."""
    for path in sorted((path for path in folder.glob("*.ckpt") if path.is_file()), reverse=True):
        try:
            torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError):
            continue
        return path
    return None


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advice for people who write training loops; progress and errors are still printed."""
    loggers = {name: logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")}
    levels = {name: logger.level for name, logger in loggers.items()}
    for logger in loggers.values():
        logger.setLevel(logging.ERROR)
    hook = threading.excepthook
    threading.excepthook = _print_if_unreported
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning|torch")
        warnings.filterwarnings("ignore", message=r".*(num_workers|LeafSpec|Checkpoint directory).*")
        try:
            yield
        finally:
            for name, logger in loggers.items():
                logger.setLevel(levels[name])
            threading.excepthook = hook


def _print_if_unreported(fault: threading.ExceptHookArgs) -> None:
    """TensorBoard's thread passes a full disk to the main thread, which reports it."""
    if not isinstance(fault.exc_value, OSError):
        threading.__excepthook__(fault)
