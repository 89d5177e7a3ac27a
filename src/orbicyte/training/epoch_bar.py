"""Lightning callbacks that print the progress of a training: a bar on a terminal, else a line per epoch."""

import time
from typing import Any

import lightning as L
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from orbicyte.progress import console, networks_after, position, print_line, time_left

LOSS_EVERY = 10
"""Batches after which the loss is shown."""


class EpochLines(L.Callback):
    """One plain line per epoch: its number from 1, the losses, and how long all networks take at most."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called before the first epoch, also of a training that continues."""
        self.began, self.first = time.monotonic(), trainer.current_epoch

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after the epoch's validation."""
        if trainer.is_global_zero:
            self.show(f"epoch {trainer.current_epoch + 1} of at most {trainer.max_epochs}: {self.losses(trainer)}")

    def show(self, text: str) -> None:
        """Print what is known after an epoch."""
        print_line(f"  {text}")

    def losses(self, trainer: L.Trainer) -> str:
        """The losses of the epoch, and the time left if it is not short."""
        metrics = trainer.callback_metrics
        train, validation = float(metrics["train_loss"]), float(metrics["validation_loss"])
        return f"loss {train:.5g}, validation {validation:.5g}{self._left(trainer)}"

    def _left(self, trainer: L.Trainer) -> str:
        """Early stopping ends most trainings sooner."""
        done = trainer.current_epoch + 1
        most = trainer.max_epochs or done
        seconds = (time.monotonic() - self.began) / (done - self.first)
        left = time_left(seconds * (most - done + networks_after() * most))
        return f", at most {left} in all" if left else ""


class EpochBar(EpochLines):
    """A bar per epoch, with the network's number and the loss of the last batch; below it the last epoch, in words."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the bar."""
        super().on_train_start(trainer, pl_module)
        columns = (TextColumn("{task.description}"), BarColumn(10), MofNCompleteColumn())
        self.bar = Progress(*columns, TextColumn("{task.fields[loss]}"), console=console())
        self.task: TaskID = self.bar.add_task("", total=None, loss="")
        self.last = Text()
        self.live = Live(Group(self.bar, self.last), console=console(), refresh_per_second=4)
        self.live.start()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin an epoch."""
        words = f"{position()}epoch {trainer.current_epoch + 1} of at most {trainer.max_epochs}"
        self.bar.reset(self.task, total=trainer.num_training_batches, description=words)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the loss of one batch of several: reading it makes a GPU wait."""
        if batch_idx % LOSS_EVERY == 0:
            self.bar.update(self.task, loss=f"loss {float(outputs['loss']):.4g}")
        self.bar.update(self.task, completed=batch_idx + 1)

    def show(self, text: str) -> None:
        """Keep the losses of the epoch below the bar of the next one."""
        self.last.plain = f"last epoch: {text.partition(': ')[2]}"

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """End the bar of a training that was interrupted."""
        self.on_train_end(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the bar."""
        if hasattr(self, "live"):
            self.live.stop()
