"""classify STUDY: predict the types of all cells of a study, with a classifier fitted on its labelled cells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Rows
from orbicyte.classification.classifier import Classifier
from orbicyte.classification.labelled import LabelledCells, counted, labelled_cells
from orbicyte.classification.prediction import CHUNK, fit_and_save, predict, summary
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.settings import EvaluationSettings
from orbicyte.stages.cut import cut
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores
from orbicyte.study.slides import has_slides
from orbicyte.study.types import types_path, write_types
from orbicyte.training.runs import trained_runs

SELECTED_BY = "f1/mlp"


def classify_study(study: Study | Path | str, run: Path | str | None = None) -> Path:
    """Predict the type of every cell of ``study`` with the run folder ``run``; return the table's path.

    Patches are cut first where cells changed, and the classifier is fitted on the current labels. By default the run
    is the one with the highest F1. The network is not trained again, even if cells were labelled after its training.
    Raises ``OrbicyteError`` without a trained run, for too few labelled cells, and for patches of another size.
    """
    study = Study.of(study)
    with study.lock():
        folder = RunFolder(study.run(run)) if run else best_run(study)
        store = cut(study) if has_slides(study) else PatchStore.open(study.patches)
        embedder = Embedder(folder)
        _check_sizes(store, embedder)
        cells, evaluation = _splittable(labelled_cells(store), embedder.record.settings.evaluation)
        classifier = fit_and_save(store, cells, embedder, evaluation)
        chunks = track(range(0, len(store), CHUNK), "classifying cells")
        parts = [predict(store.images[at : at + CHUNK], classifier, embedder) for at in chunks]
        table = _table(store, pd.concat(parts, ignore_index=True), classifier, cells.rows)
        write_types(study, table, folder.name)
    print_line(summary(table))
    return types_path(study)


def best_run(study: Study) -> RunFolder:
    """The trained run with the highest F1 of the perceptron on the test part; the first where none was evaluated."""
    runs = trained_runs(study)
    found = {}
    for run in (run for run in runs if run.score_table.exists()):
        rows = read_scores([run.score_table])
        values = rows.loc[(rows["measure"] == SELECTED_BY) & (rows["type"] == "") & rows["angle_deg"].isna(), "value"]
        found[run] = float(values.max()) if len(values) else -1.0
    best = max(found, key=lambda run: found[run]) if found else runs[0]
    if len(runs) > 1:
        why = f"highest F1 of {len(runs)} runs, {found[best]:.3f}" if found else "the first run, as none is evaluated"
        print_line(f"classifying with {best.name}: {why} (choose another with --run)")
    return best


def _check_sizes(store: PatchStore, embedder: Embedder) -> None:
    view = embedder.view
    of_run = f"{view.side_px} px, view {view.view_px} px, {embedder.record.mpp} µm per pixel"
    of_store = f"{store.side_px} px, view {store.view_px} px, {store.mpp} µm per pixel"
    if of_run != of_store:
        raise OrbicyteError(
            f"{embedder.folder.path} was trained on patches of {of_run}, but the patches are now of {of_store}: cut "
            "them as before, or train again"
        )
    if store.fingerprint != embedder.record.data.fingerprint:
        warn(f"cells were labelled, moved or added since {embedder.folder.name} was trained; it is not trained again")


def _splittable(cells: LabelledCells, evaluation: EvaluationSettings) -> tuple[LabelledCells, EvaluationSettings]:
    """The cells that a classifier can learn from, and the number of folds that their types and slides allow.

    Types with fewer cells than folds are left out; where fewer than two types would remain, there are fewer folds.
    Folds are by cell if all labelled cells are of one slide.
    """
    names, counts = np.unique(cells.types, return_counts=True)
    folds = max(2, min([_most_folds(cells, evaluation.folds), *sorted(counts)[-2:-1]]))
    rare = counts < folds
    if rare.any() and (~rare).sum() > 1:
        left_out = counted(dict(zip(names[rare], counts[rare], strict=True)))
        warn(
            f"types with fewer than {folds} labelled cells are not learned: {left_out}; they are not predicted for "
            "unlabelled cells, and only their labelled cells are counted"
        )
        cells = cells[np.flatnonzero(~np.isin(cells.types, names[rare]))]
    if cells.grouped_by != "cell" and len(np.unique(cells.groups)) == 1:
        warn(
            f"all labelled cells are of one {cells.grouped_by}: folds are by cell, and the true error rate may be "
            f"higher than estimated; label cells of a second {cells.grouped_by}"
        )
        cells = replace(cells, grouped_by="cell")
    return cells, evaluation.model_copy(update={"folds": max(2, min(folds, _most_folds(cells, folds)))})


def _most_folds(cells: LabelledCells, folds: int) -> int:
    """At most one fold per slide; if all cells are of one slide, folds are by cell."""
    groups = len(np.unique(cells.groups))
    return folds if cells.grouped_by == "cell" or groups == 1 else min(folds, groups)


def _table(store: PatchStore, table: pd.DataFrame, classifier: Classifier, learned: Rows) -> pd.DataFrame:
    """The predictions as stored: those of the ``learned`` cells are from probes not fitted on them."""
    assert classifier.held_out is not None
    columns = [f"p_{name}" for name in classifier.classes]
    table.loc[learned, columns] = classifier.held_out
    best = table[columns].to_numpy().argmax(1)
    cells = store.cells
    return pd.DataFrame(
        {
            "id": cells["id"].where(cells["id"].notna(), cells["file"]),
            "slide": cells["slide"],
            "type": [classifier.classes[at] for at in best],
            "probability": table[columns].max(axis=1),
            **{name: table[name] for name in (*columns, "out_of_distribution")},
            "label": cells["label"],
            "held_out": cells["label"].notna(),
        }
    )
