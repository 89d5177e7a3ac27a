"""A Lightning callback that writes a run's log and best weights."""

import time
from typing import Any

import lightning as L
import pandas as pd
from torch import nn

from orbicyte.study.files import replacing
from orbicyte.study.runs import RunFolder
from orbicyte.training.networks import save_weights


class EpochLog(L.Callback):
    """After every epoch: a row in ``log.csv``, and the weights if the monitored value is the lowest so far.

    The rows are saved in the checkpoint, so an interrupted run writes the same log as an uninterrupted one; so are the
    ``seconds`` of all finished epochs, and their ``cpu_seconds``, which other work on the machine hardly changes.
    """

    def __init__(self, folder: RunFolder, network: nn.Module, monitor: str) -> None:
        self.folder, self.network, self.monitor = folder, network, monitor
        self.rows: list[dict[str, float]] = []
        self.seconds = self.cpu_seconds = 0.0
        self._start()

    @property
    def state_key(self) -> str:
        """Under which checkpoints keep the rows: the class's former name, so that those of older releases continue."""
        return "RunRecord"

    def best(self) -> dict[str, float]:
        """The row with the lowest monitored value; the first one of equal rows."""
        return min(self.rows, key=lambda row: row[self.monitor])

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called before the first epoch, also of a training that continues."""
        self._start()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after the epoch's validation and before its checkpoint is written."""
        self.seconds += time.monotonic() - self._since
        self.cpu_seconds += time.process_time() - self._cpu_since
        self._start()
        metrics = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        self.rows.append({"epoch": trainer.current_epoch + 1, **metrics})
        if not trainer.is_global_zero:
            return
        if self.best() is self.rows[-1]:
            save_weights(self.folder, self.network)
        with replacing(self.folder.log) as temporary:
            pd.DataFrame(self.rows).to_csv(temporary, index=False)

    def state_dict(self) -> dict[str, Any]:
        """The state saved in the checkpoint."""
        return {"rows": self.rows, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.rows = list(state_dict["rows"])
        self.seconds = state_dict.get("seconds", 0.0)  # checkpoints of older releases lack both
        self.cpu_seconds = state_dict.get("cpu_seconds", 0.0)

    def _start(self) -> None:
        self._since, self._cpu_since = time.monotonic(), time.process_time()
