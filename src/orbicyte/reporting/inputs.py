"""The data of the report, read from a study's folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.reporting.experiment.results import Experiment, networks_of
from orbicyte.reporting.networks import Network, ordered, shown
from orbicyte.study import Study
from orbicyte.study.counts import read_counts
from orbicyte.study.epoch_log import read_log
from orbicyte.study.failed_runs import failed_runs
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import PRETRAINED, RunFolder, RunRecord, mixed_versions
from orbicyte.study.scores import EvaluationRecord, read_evaluation, read_pictures, read_scores


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run that has scores.

    ``log``: one row per epoch, None where lost; ``evaluation``: which cells were measured, None where lost.
    """

    folder: RunFolder
    network: Network
    record: RunRecord
    log: pd.DataFrame | None
    evaluation: EvaluationRecord | None

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.folder.name

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.record.seed

    @property
    def fold(self) -> int:
        """The fold that is its test set."""
        return self.record.fold

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The evaluation's arrays: pictures (K, S, S, 3) in [0, 1], the map (M, 2), its cells and their labels (M,).

        Empty where the file is missing.
        """
        return read_pictures(self.folder.arrays)


@dataclass(frozen=True)
class ReportInputs:
    """The study's cells, runs and scores.

    ``rows``: the scores of all runs (``orbicyte.study.scores.COLUMNS``); ``predictions``: of those runs that have them
    (``orbicyte.study.predictions.COLUMNS``); ``unscored``: names of runs without scores; ``failed``: the reasons by
    name of runs that failed; ``counts``: of each slide (``orbicyte.study.counts``), None if there are none.
    """

    title: str
    store: PatchStore
    runs: list[TrainedRun]
    rows: pd.DataFrame
    predictions: pd.DataFrame
    unscored: list[str]
    failed: dict[str, str]
    counts: pd.DataFrame | None = None

    def experiment(self, nothing: Mapping[Network, str] = MappingProxyType({})) -> Experiment | None:
        """The runs that can be compared, as an experiment; None if every network was trained once.

        ``nothing``: networks that learned almost nothing, with the reason.
        """
        runs = self.compared()
        rows, predictions = (_of_runs(table, runs) for table in (self.rows, self.predictions))
        found = Experiment(rows, predictions, runs[0].record.settings.folds, nothing)
        return found if found.is_repeated else None

    def compared(self) -> list[TrainedRun]:
        """The runs with the patches, number of folds and settings of the evaluation that most runs have."""
        (common, _), *_ = Counter(map(_conditions, self.runs)).most_common(1)
        return [run for run in self.runs if _conditions(run) == common]

    def shown_runs(self) -> list[TrainedRun]:
        """One run of each network, at the weight nearest to 0.5, all of the same fold and seed if possible."""
        by_network = {n: [run for run in self.runs if run.network == n] for n in shown(self.networks)}
        common = Counter((run.fold, run.seed) for runs in by_network.values() for run in runs)
        return [
            # Results that come from elsewhere have no pictures.
            min(runs, key=lambda r: (not r.folder.arrays.exists(), -common[r.fold, r.seed], r.fold, r.seed))
            for runs in by_network.values()
        ]

    def mixed_versions(self) -> list[str]:
        """A sentence for each package that trained or evaluated the runs in different versions."""
        trained = {run.name: run.record.versions for run in self.runs if run.record.network != PRETRAINED}
        evaluated = {run.name: run.evaluation.versions for run in self.runs if run.evaluation}
        return [*mixed_versions(trained, "trained"), *mixed_versions(evaluated, "evaluated")]

    @property
    def networks(self) -> list[Network]:
        """Networks and weights that have a run, in the report's order."""
        return ordered(run.network for run in self.runs)


def _conditions(run: TrainedRun) -> tuple[str, int, str]:
    """What runs must have in common to be compared: patches, number of folds, settings of the evaluation."""
    settings = run.record.settings
    evaluation = run.evaluation.settings if run.evaluation else settings.evaluation
    return run.record.data.fingerprint, settings.folds, evaluation.model_dump_json()


def _of_runs(table: pd.DataFrame, runs: list[TrainedRun]) -> pd.DataFrame:
    """The rows of these runs."""
    names = {(run.network, run.fold, run.seed) for run in runs}
    return table[[key in names for key in zip(networks_of(table), table["fold"], table["seed"], strict=True)]]


def read(study: Study, elsewhere: Sequence[RunFolder] = ()) -> ReportInputs:
    """Everything that the report shows; runs ``elsewhere`` replace those of the study with the same names.

    Raises ``OrbicyteError`` if the study has no scores yet, or a file is damaged or of a newer format.
    """
    folders = [RunFolder(path) for path in study.runs()]
    replaced = {folder.name for folder in elsewhere}
    scored = [folder for folder in folders if folder.score_table.exists() and folder.name not in replaced]
    scored += elsewhere
    if not scored:
        raise OrbicyteError(
            f"nothing to report: no run in {study.path} has scores; train networks and run 'orbicyte evaluate' first"
        )
    return ReportInputs(
        title=study.path.resolve().name,
        store=PatchStore.open(study.patches),
        runs=[trained_run(folder) for folder in scored],
        rows=read_scores(folder.score_table for folder in scored),
        predictions=read_predictions(folder.predictions for folder in scored),
        unscored=[folder.name for folder in folders if folder.name not in {run.name for run in scored}],
        failed={name: failure.reason for name, failure in failed_runs(study).items()},
        counts=read_counts(study),
    )


def trained_run(folder: RunFolder) -> TrainedRun:
    """The run in ``folder``, as the report shows it."""
    record = folder.record()
    return TrainedRun(
        folder=folder,
        network=Network(record.network, record.rotation_weight),
        record=record,
        log=read_log(folder, record),
        evaluation=read_evaluation(folder.evaluation) if folder.evaluation.exists() else None,
    )
