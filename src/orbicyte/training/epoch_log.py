"""Lightning callbacks that keep a run's log and best weights, and print its progress."""

from typing import Any

import lightning as L
import pandas as pd

from orbicyte.models.vae import VAE
from orbicyte.progress import print_line
from orbicyte.study.files import replacing
from orbicyte.study.runs import RunFolder
from orbicyte.training.networks import save_weights


class EpochLog(L.Callback):
    """After every epoch: a row in ``log.csv``, and the weights where the watched value is the lowest so far.

    The rows travel in the checkpoint, so a run that was cut off writes the log it would have written uncut.
    """

    def __init__(self, folder: RunFolder, network: VAE, monitor: str) -> None:
        self.folder, self.network, self.monitor = folder, network, monitor
        self.rows: list[dict[str, float]] = []

    def best(self) -> dict[str, float]:
        """The row with the lowest watched value, the first of equals."""
        return min(self.rows, key=lambda row: row[self.monitor])

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after the epoch's validation and before its checkpoint is written."""
        metrics = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        self.rows.append({"epoch": trainer.current_epoch + 1, **metrics})
        if not trainer.is_global_zero:
            return
        if self.best() is self.rows[-1]:
            save_weights(self.folder, self.network)
        with replacing(self.folder.log) as temporary:
            pd.DataFrame(self.rows).to_csv(temporary, index=False)

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.rows = list(state_dict["rows"])


class EpochLines(L.Callback):
    """One plain line an epoch, where there is no terminal for a bar."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after the epoch's validation."""
        if trainer.is_global_zero:
            metrics = trainer.callback_metrics
            train, validation = float(metrics["train_loss"]), float(metrics["validation_loss"])
            print_line(
                f"  epoch {trainer.current_epoch + 1} of at most {trainer.max_epochs}: "
                f"loss {train:.5g}, validation {validation:.5g}"
            )
