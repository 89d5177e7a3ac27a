"""classify STUDY: predict the types of all cells of a study, with its own classifier or the shipped one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Rows
from orbicyte.cell_types import NAMES_ELSEWHERE
from orbicyte.classification.choice import choose
from orbicyte.classification.classifier import Classifier, load_classifier, stain_copies_of
from orbicyte.classification.labelled import LabelledCells, counted, labelled_cells
from orbicyte.classification.prediction import CHUNK, fit_and_save, predict, represented, summary, warn_if_unlike
from orbicyte.classification.splits import check_splittable
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.embedding.observations import observations, replace_observations
from orbicyte.errors import OrbicyteError
from orbicyte.prefetch import in_one_thread
from orbicyte.presets import RECOMMENDED
from orbicyte.progress import print_line, track, warn
from orbicyte.settings import EvaluationSettings, Settings
from orbicyte.stages.cut import cut
from orbicyte.study import Study
from orbicyte.study.classes import chosen_classes
from orbicyte.study.runs import PRETRAINED, RunFolder, RunRecord
from orbicyte.study.scores import read_scores
from orbicyte.study.slides import has_slides
from orbicyte.study.types import read_types, types_path, write_types
from orbicyte.text import number_of
from orbicyte.training.runs import finished_runs
from orbicyte.training.shipped import adopt, is_copy

SELECTED_BY = "f1/mlp"
_Learned = tuple[LabelledCells, EvaluationSettings]
"""Cells that a classifier is fitted on, and how."""


def classify_study(
    study: Study | Path | str,
    run: Path | str | None = None,
    *,
    restandardise: bool = False,
    stain_copies: int | None = None,
    device: str | None = None,
) -> Path:
    """Predict the type of every cell of ``study`` with the run folder ``run``; return the table's path.

    Patches are cut first where cells changed; the types are also written into the embeddings of the study.
    ``run``: by default the one with the highest F1, or ``pretrained``, the shipped network, if none is trained or the
    labels are not enough. The network is not trained again, even if cells were labelled after its training. A
    classifier of a run of the study is fitted on the current labels; so is one for the shipped network, if these are
    enough (``classification.choice``), else its shipped classifier is used. ``restandardise``: for the shipped
    classifier, first shift and scale the representations to those of the cells that it was fitted on.
    ``stain_copies``: as of ``classify_fit``; by default as many as the run's classifier was last fitted on;
    ``device``: see ``Embedder``.
    Raises ``OrbicyteError`` for too few labelled cells and patches of another size, if the run is the study's, for
    ``restandardise`` with too few cells or a classifier fitted on the study's labels, and for ``stain_copies`` with the
    shipped classifier.
    """
    study = Study.of(study)
    with study.lock():
        store = cut(study) if has_slides(study) else PatchStore.open(study.patches)
        embedder = Embedder(_network(study, store, run), device)
        classifier, learned = _classifier(study, store, embedder, restandardise, stain_copies)
        size = embedder.chunk(CHUNK)
        starts = range(0, len(store), size)
        chunks = in_one_thread(lambda at: store.images.read(at, at + size), starts)
        found = represented(track(chunks, f"classifying {number_of(len(store), 'cell')}, parts", len(starts)), embedder)
        table = _table(store, predict(found, classifier, restandardise), classifier, learned)
        write_types(study, table, embedder.folder.name, None if len(learned) else _confusion(classifier))
        _add_to_embeddings(study, store)
    print_line(summary(table))
    if not len(learned):
        how = f" ('orbicyte review {study.path}')" if has_slides(study) else ""
        warn_if_unlike(table, f"label some of them{how}", restandardise)
    return types_path(study)


def _add_to_embeddings(study: Study, store: PatchStore) -> None:
    """Write the predicted types into the embeddings of these patches."""
    types = read_types(study)
    for run in finished_runs(study):
        record = run.record()
        if run.embeddings.exists() and record.data.fingerprint == store.fingerprint:
            replace_observations(run.embeddings, observations(store, record, types))


def best_run(study: Study, cells: LabelledCells) -> RunFolder:
    """The trained run with the highest F1 of the perceptron on the test part.

    Where none was evaluated, the first of the recommended network, else the first. The shipped network if no training
    has ended in ``study``, or its labelled ``cells`` are not enough for a classifier (``classification.choice``).
    """
    runs, pretrained = finished_runs(study), RunFolder(study.run(PRETRAINED))
    if not runs or not choose(cells, _shipped(study, cells).classes).is_own:
        return pretrained
    found = {}
    for run in (run for run in runs if run.score_table.exists()):
        rows = read_scores([run.score_table])
        values = rows.loc[(rows["measure"] == SELECTED_BY) & (rows["type"] == "") & rows["angle_deg"].isna(), "value"]
        found[run] = float(values.max()) if len(values) else -1.0
    recommended = [run for run in runs if run.record().network == RECOMMENDED[-1]]
    best = max(found, key=lambda run: found[run]) if found else [*recommended, *runs][0]
    if len(runs) > 1:
        why = f"highest F1 of {len(runs)} runs, {found[best]:.3f}" if found else "no run is evaluated"
        print_line(f"classifying with {best.name}: {why} (choose another with --run)")
    return best


def _network(study: Study, store: PatchStore, run: Path | str | None) -> RunFolder:
    """The run folder ``run``, by default the best one; the shipped network is copied into the study if needed."""
    folder = best_run(study, labelled_cells(store)) if run is None else RunFolder(study.run(run))
    if folder.name == PRETRAINED and not (is_copy(folder) and _sizes(folder.record()) == _sizes_of(store)):
        return adopt(study, Settings())
    return folder


def _classifier(
    study: Study, store: PatchStore, embedder: Embedder, restandardise: bool, stain_copies: int | None
) -> tuple[Classifier, Rows]:
    """The classifier for the network of ``embedder``, and the rows of the cells of ``store`` it was fitted on.

    These are none for the shipped classifier.
    """
    cells, settings = labelled_cells(store), embedder.record.settings
    if embedder.record.network == PRETRAINED:
        shipped = _shipped(study, cells)
        enough = _if_enough(cells, shipped, settings)
        if enough is None:
            if stain_copies is not None:
                raise OrbicyteError(
                    "--stain-copies is for a classifier fitted on the study's own labels, but the shipped one is used, "
                    "which was fitted on copies already: leave it out"
                )
            return shipped, cells.rows[:0]
        learned = enough
    else:
        _check_patches(store, embedder)
        learned = _splittable(cells, settings.evaluation)
    if restandardise:
        raise OrbicyteError(
            "--restandardise is for the shipped classifier, but here one is fitted on the study's own labels and needs "
            "none: leave it out"
        )
    copies = stain_copies_of(embedder.folder.classifier) if stain_copies is None else stain_copies
    return fit_and_save(store, learned[0], embedder, learned[1], copies), learned[0].rows


def _shipped(study: Study, cells: LabelledCells) -> Classifier:
    """The shipped classifier, with the study's names of the types: of its labelled ``cells``, and of its readers."""
    shipped = load_classifier(RunFolder.of(PRETRAINED).classifier)
    own = {*cells.types.tolist(), *(chosen_classes(study) if has_slides(study) else [])}
    names = [NAMES_ELSEWHERE.get(name, name) for name in shipped.classes]
    return replace(
        shipped, classes=[b if b in own and a not in own else a for a, b in zip(shipped.classes, names, strict=True)]
    )


def _if_enough(cells: LabelledCells, shipped: Classifier, settings: Settings) -> _Learned | None:
    """The cells to fit a classifier on, if they are enough to replace the ``shipped`` one; prints which is used."""
    choice = choose(cells, shipped.classes)
    if not choice.is_own:
        print_line(choice.reason)
        return None
    learned = _splittable(cells, settings.evaluation)
    try:
        check_splittable(learned[0], learned[1].folds, settings.seed)
    except OrbicyteError as error:
        print_line(f"the shipped classifier is used, as none can be fitted on the labelled cells: {error}")
        return None
    print_line(choice.reason)
    return learned


def _confusion(classifier: Classifier) -> pd.DataFrame:
    return pd.DataFrame(classifier.confusion, index=classifier.classes, columns=classifier.classes)


def _check_patches(store: PatchStore, embedder: Embedder) -> None:
    record = embedder.record
    if _sizes(record) != _sizes_of(store):
        raise OrbicyteError(
            f"{embedder.folder.path} was trained on patches of {_sizes(record)}, but the patches are now of "
            f"{_sizes_of(store)}: cut them as before, or train again"
        )
    if store.fingerprint != record.data.fingerprint:
        warn(f"cells were labelled, moved or added since {embedder.folder.name} was trained; it is not trained again")


def _sizes(record: RunRecord) -> str:
    return f"{record.view.side_px} px, view {record.view.view_px} px, {record.mpp} µm per pixel"


def _sizes_of(store: PatchStore) -> str:
    return f"{store.side_px} px, view {store.view_px} px, {store.mpp} µm per pixel"


def _splittable(cells: LabelledCells, evaluation: EvaluationSettings) -> _Learned:
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
    columns = [f"p_{name}" for name in classifier.classes]
    if classifier.held_out is not None:
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
