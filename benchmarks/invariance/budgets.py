"""Budgets: how many cells are imported, and for how long networks are trained; and the folder of one budget."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pbc import import_pbc

from orbicyte.data.patches import PatchStore
from orbicyte.presets import quick
from orbicyte.settings import Settings
from orbicyte.study.files import replacing

TRAINING = ("training.batch_size=64", "training.schedule=cosine", "training.learning_rate=0.002")
SETTINGS = (*TRAINING, "network.latent_size=256")


@dataclass(frozen=True)
class Budget:
    """How many cells are imported, and how long is trained.

    ``unlabelled``: number of unlabelled cells, None for all; ``max_cells``: number of all cells, sampled with the share
    of each type kept, None for all; ``epochs``: of every row but the ceiling; ``ceiling_epochs``: the most epochs of
    one fold of the ceiling; ``rotated``: number of cells that are rotated; ``rows``: the default ones, empty for all.
    """

    unlabelled: int | None
    epochs: int
    ceiling_epochs: int
    rotated: int
    max_cells: int | None = None
    rows: tuple[str, ...] = ()


BUDGETS = {
    "small": Budget(unlabelled=4500, epochs=6, ceiling_epochs=40, rotated=300),
    "all": Budget(
        unlabelled=None, epochs=6, ceiling_epochs=40, rotated=300, rows=("baseline", "framed_hnet", "pooled_cnn")
    ),
    "try": Budget(unlabelled=None, epochs=1, ceiling_epochs=2, rotated=20, max_cells=600),
}


@dataclass(frozen=True)
class Workplace:
    """The data, and the ``folder`` of one budget: the studies and the results of its rows."""

    data: Path
    folder: Path
    budget: Budget

    def settings(self, seed: int, changes: tuple[str, ...] = ()) -> Settings:
        """The settings of a row with its ``changes``; no row stops early, as ``patience`` is the number of epochs."""
        epochs = self.budget.epochs
        own = (f"seed={seed}", f"training.max_epochs={epochs}", f"training.patience={epochs}")
        evaluation = (f"evaluation.cells={self.budget.rotated}", "evaluation.angle_step_deg=30")
        return quick().changed([*own, *SETTINGS, *evaluation, *changes])

    def store(self) -> PatchStore:
        """The patches of all rows."""
        return PatchStore.open(self._imported() / "patches")

    def study(self, name: str) -> Path:
        """The study of row ``name``, with the patches of all rows."""
        study = self.folder / "studies" / name
        if not study.exists():
            with replacing(study) as temporary:
                shutil.copytree(self._imported(), temporary)
        return study

    def _imported(self) -> Path:
        """The study of which the rows' studies are copies."""
        study = self.folder / "imported"
        import_pbc(self.data, study, self.budget.unlabelled, self.budget.max_cells)
        return study
