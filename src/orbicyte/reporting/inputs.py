"""What the report is made from, read from a study's folder."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.reporting.networks import Network, ordered, shown
from orbicyte.scores import read_scores
from orbicyte.study import Study, read_json


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run that has scores.

    ``record``: its ``run.json``; ``log``: one row an epoch, None where lost; ``evaluation``: which cells were measured,
    empty where lost; ``scores``: the folder of its scores and arrays.
    """

    name: str
    network: Network
    seed: int
    fold: int
    record: dict[str, Any]
    log: pd.DataFrame | None
    evaluation: dict[str, Any]
    scores: Path

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that the evaluation left: pictures (K, S, S, 3) in [0, 1], the map (M, 2) and what it is of."""
        path = self.scores / "arrays.npz"
        if not path.exists():
            return {}
        with np.load(path) as arrays:
            return dict(arrays)


@dataclass(frozen=True)
class ReportInputs:
    """The study's cells, runs and scores.

    ``rows``: the scores of all runs (``orbicyte.scores.COLUMNS``); ``unscored``: names of runs without scores.
    """

    title: str
    store: PatchStore
    runs: list[TrainedRun]
    rows: pd.DataFrame
    unscored: list[str]

    def shown_runs(self) -> list[TrainedRun]:
        """One run of each network, at the weight nearest to 0.5, all of the same fold and seed where there is one."""
        by_network = {n: [run for run in self.runs if run.network == n] for n in shown(self.networks)}
        common = Counter((run.fold, run.seed) for runs in by_network.values() for run in runs)
        return [
            min(runs, key=lambda run: (-common[run.fold, run.seed], run.fold, run.seed)) for runs in by_network.values()
        ]

    @property
    def networks(self) -> list[Network]:
        """Networks and weights that have a run, in the report's order."""
        return ordered(run.network for run in self.runs)


def read(study: Study) -> ReportInputs:
    """Everything the report shows. Raises ``OrbicyteError`` if the study has no scores yet or a file is damaged."""
    folders = study.runs()
    scored = [folder for folder in folders if (study.scores(folder.name) / "scores.parquet").exists()]
    if not scored:
        raise OrbicyteError(
            f"nothing to report: no run in {study.path} has scores; train networks and run 'orbicyte evaluate' first"
        )
    return ReportInputs(
        title=study.path.resolve().name,
        store=PatchStore.open(study.patches),
        runs=[_run(folder, study.scores(folder.name)) for folder in scored],
        rows=read_scores(study.scores(folder.name) / "scores.parquet" for folder in scored),
        unscored=[folder.name for folder in folders if folder not in scored],
    )


def _run(folder: Path, scores: Path) -> TrainedRun:
    record = read_json(folder / "run.json")
    network = Network(record["network"], record["rotation_weight"])
    log, evaluation = folder / "log.csv", scores / "evaluation.json"
    return TrainedRun(
        name=folder.name,
        network=network,
        seed=record["seed"],
        fold=record["fold"],
        record=record,
        log=pd.read_csv(log) if log.exists() else None,
        evaluation=read_json(evaluation) if evaluation.exists() else {},
        scores=scores,
    )
