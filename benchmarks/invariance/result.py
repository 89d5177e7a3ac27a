"""The result of one row with one seed."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import pandas as pd
import torch

from orbicyte.study.runs import RunRecord
from orbicyte.study.scores import EvaluationRecord, Score


@dataclass(frozen=True)
class Training:
    """How a row was trained.

    ``cells``: number of training cells, in each fold of the ceiling; ``epochs``: mean over the folds; ``minutes``: of
    the processor, of all folds together, None where not recorded; ``device``: and the number of threads.
    """

    cells: int
    epochs: float
    minutes: float | None
    device: str

    @classmethod
    def of(cls, record: RunRecord) -> "Training":
        """The training of a run."""
        end = record.training
        assert end is not None
        minutes = None if end.cpu_seconds is None else end.cpu_seconds / 60
        return cls(record.data.train, end.epochs, minutes, described(end.device, record.threads))


@dataclass(frozen=True)
class Cells:
    """Numbers of cells that were measured: labelled ones, their test part, and those that were rotated."""

    labelled: int
    test_part: int
    rotated: int

    @classmethod
    def of(cls, record: EvaluationRecord) -> "Cells":
        """The cells of an evaluation."""
        return cls(record.labelled, record.labelled_test, record.test_cells)


@dataclass(frozen=True)
class Result:
    """The content of ROW-SEED.json, with the row's name and the seed.

    ``measures``: their names and values; ``parameters``: of the trained network, or of the part that gives features;
    None for rows without a network. ``training``: None for rows that train nothing of their own. ``settings``: those
    that differ from the preset ``quick``.
    """

    measures: dict[str, float]
    cells: Cells
    parameters: int | None = None
    training: Training | None = None
    settings: list[str] = field(default_factory=list)


def described(device: str, threads: int | None) -> str:
    """A device and its number of threads, by default those of this process."""
    return f"{device}, {threads or torch.get_num_threads()} threads"


def overall(table: pd.DataFrame) -> dict[str, float]:
    """The values over all types and angles of scores with the columns of ``Score``, without NaN."""
    rows = table[(table["type"] == "") & table["angle_deg"].isna() & table["value"].notna()]
    return {str(name): float(value) for name, value in zip(rows["measure"], rows["value"], strict=True)}


def table_of(scores: Iterable[Score]) -> pd.DataFrame:
    """Scores as a table with one row each."""
    return pd.DataFrame([asdict(score) for score in scores])
