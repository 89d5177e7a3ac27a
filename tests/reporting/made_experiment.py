"""Rows of scores and predicted types of a made experiment, with effects that are known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import cache
from zlib import crc32

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from orbicyte.reporting.experiment.results import Experiment
from orbicyte.study.runs import RunKey
from orbicyte.study.scores import COLUMNS

CELLS, FOLDS = 400, 6
TYPES = ("band", "blast", "lymphocyte")
WEIGHTS = (0.2, 0.5, 0.9)


def ten_networks(folds: Iterable[int] = range(1, FOLDS + 1)) -> list[RunKey]:
    """The paper's ten networks, each trained on ``folds``."""
    names = [("baseline", None), *((name, w) for name in ("only_stn", "inv_hnet", "equ_hnet") for w in WEIGHTS)]
    return [RunKey(name, weight, 0, fold) for name, weight in names for fold in folds]


def predicted_cells(key: RunKey, types: Sequence[str] = TYPES) -> pd.DataFrame:
    """Predictions of cells of different difficulty; only_stn is like the baseline, the others worse with larger w."""
    return _predicted(key, tuple(types))


@cache
def _predicted(key: RunKey, types: tuple[str, ...]) -> pd.DataFrame:
    cells = np.random.default_rng(0)
    true, difficulty = cells.integers(0, len(types), CELLS), cells.normal(0, 1, CELLS)
    random = np.random.default_rng([crc32(key.folder_name.encode())])
    worse = {"inv_hnet": 0.8, "equ_hnet": 0.3}.get(key.network, 0) * (key.rotation_weight or 0)
    quality = 0.8 - worse + random.normal(0, 0.02)
    table = pd.DataFrame({"cell": np.arange(CELLS), "type": np.array(types)[true]})
    table = table.assign(group=table["cell"].astype(str), probe_fold=np.arange(CELLS) % 5)
    for probe, less in (("linear", 0.1), ("mlp", 0.0)):
        right = quality - less + random.normal(0, 0.3, CELLS) > difficulty
        other = (true + random.integers(1, max(len(types), 2), CELLS)) % len(types)
        table[probe] = np.array(types)[np.where(right, true, other)]
    return table


def f1_of(cells: pd.DataFrame, probe: str) -> float:
    """The measure ``f1/PROBE``."""
    folds = [f1_score(part["type"], part[probe], average="macro") for _, part in cells.groupby("probe_fold")]
    return float(np.mean(folds))


def experiment_of(keys: Sequence[RunKey], **measures: Callable[[RunKey], float]) -> Experiment:
    """An experiment with F1 and predictions, and other ``measures`` of each run."""
    rows = []
    for key in keys:
        values = {name: measure(key) for name, measure in measures.items()}
        values |= {f"f1/{probe}": f1_of(predicted_cells(key), probe) for probe in ("linear", "mlp")}
        rows += [
            asdict(key) | {"measure": name, "value": v, "type": "", "angle_deg": None} for name, v in values.items()
        ]
    table = pd.DataFrame(rows)[COLUMNS].astype({"rotation_weight": float, "angle_deg": float})
    cells = [predicted_cells(key).assign(**asdict(key)).astype({"rotation_weight": float}) for key in keys]
    return Experiment(table, pd.concat(cells, ignore_index=True), FOLDS)
